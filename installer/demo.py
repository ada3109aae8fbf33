"""Separate the bundled example and say what came of it."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environment import Environment, prepare
from failure import SetupFailed


def run(environment: Environment) -> int:
    """Install what is missing, separate the example, print the report. Raises SetupFailed."""
    start_s = time.monotonic()
    installed = prepare(environment)
    ready_s = time.monotonic()
    if installed:
        print(f"installed in {ready_s - start_s:.0f} s")
    result = separate(environment)
    took_s = time.monotonic() - ready_s
    print(report(result, took_s, measure(environment, Path(result["target"]["path"]))))
    return 0


def separate_command(environment: Environment) -> list[str]:
    """The command that a user would type, with the prompt of `example/prompt.json`."""
    example = environment.checkout / "installer" / "example"
    prompt = json.loads((example / "prompt.json").read_text(encoding="utf-8"))
    return [
        str(environment.program("stemlasso")),
        "separate",
        str(example / prompt["mixture"]),
        "--describe",
        prompt["description"],
        *(f"--span={span}" for span in prompt["spans"]),
        "--out",
        str(environment.checkout / "demo-stems"),
        "--overwrite",
        "--json",
    ]


def separate(environment: Environment) -> Mapping[str, Any]:
    """What `stemlasso separate --json` says about the example. Raises SetupFailed."""
    done = subprocess.run(
        separate_command(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise SetupFailed(f"the separation failed with exit status {done.returncode}: {last}")
    try:
        found = json.loads(done.stdout)
    except ValueError as error:
        raise SetupFailed(f"the separation did not answer in JSON: {done.stdout!r}") from error
    result: Mapping[str, Any] = found[0] if isinstance(found, list) else found
    return result


def measure(environment: Environment, stem: Path) -> tuple[float, float]:
    """How clear the sound is in the mixture and in the stem, against the true sound, in dB."""
    script = environment.checkout / "installer" / "example" / "measure.py"
    command = [str(environment.program("python")), str(script), str(stem)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupFailed(f"{stem} cannot be measured: {done.stderr.strip().splitlines()[-1]}")
    before_db, after_db = map(float, done.stdout.split())
    return before_db, after_db


def report(result: Mapping[str, Any], took_s: float, clear_db: tuple[float, float]) -> str:
    """The small report, one fact a line. clear_db: SI-SDR before and after."""
    null_db = result["null_db"]
    null = "exactly zero" if null_db is None else f"{null_db:.1f} dBFS"
    facts = {
        "target": Path(result["target"]["path"]),
        "residual": Path(result["residual"]["path"]),
        "duration": f"{result['duration_s']:.2f} s",
        "rate": f"{result['sample_rate']} Hz",
        "channels": result["n_channels"],
        "null error": f"{null} (mixture - target - residual, read back from the files)",
        "clearer by": f"{clear_db[1] - clear_db[0]:.1f} dB (SI-SDR against the true sound)",
        "time taken": f"{took_s:.1f} s",
    }
    return "\n".join(f"{name:<12}{fact}" for name, fact in facts.items())
