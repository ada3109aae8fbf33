"""Speed, memory and start-up of the builtin separator, as Markdown tables. Run by hand:

    python tests/benchmarks/bench_builtin.py [--only speed,memory,start] [--minutes 180]

speed   CPU and clock seconds per second of audio, stereo 48 kHz float32 in memory, warm (one
        short separation before), on one core and on all
memory  peak resident memory of `stemlasso separate` on a long stereo 48 kHz 16-bit WAV, and the
        null error it reports
start   clock time of a fresh `stemlasso separate` process on a 10 s file, from start to exit

Each is measured --repeats times (memory once); minimum, median and maximum are printed. The files
are synthetic: clicks that come and go over a chord and noise. They are written to a temporary
folder; a long run needs three times the mixture's size there (about 6 GB for 180 minutes).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine import Prompt, SeparationOptions, Span, separate  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402

RATE = 48_000
BLOCK_S = 10
CYCLE_S = 4.0
"""Clicks sound in the first half of every cycle."""

MOST_CYCLES = 60
"""Spans are drawn over this many cycles, spread over the file: 2 minutes of each sign."""


PROMPTS = {
    '"+" spans': ("zorp", "+"),
    '"+" and "−" spans': ("zorp", "+-"),
    'text "drums", "+" and "−" spans': ("drums", "+-"),
    'text only, "drums"': ("drums", ""),
    'text only, "speech"': ("speech", ""),
}
"""Title of a row -> description and the signs of the spans that go with it."""


def main() -> int:
    """Measure what was asked for and print it."""
    given = parse()
    print_machine()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        for part in given.only:
            print(f"\n{PARTS[part](given, folder)}", flush=True)
    return 0


def speed(given: argparse.Namespace, folder: Path) -> str:
    """CPU and clock time of each kind of prompt."""
    del folder
    mixture = np.concatenate(list(blocks(given.seconds)))
    short_s = 2 * CYCLE_S
    spans, short_spans = spans_over(given.seconds), spans_over(short_s)
    rows = []
    for title, (description, signs) in PROMPTS.items():
        warm_up = Prompt(description, signed(short_spans, signs))
        separate(mixture[: int(short_s * RATE)], warm_up, sample_rate=RATE)
        prompt = Prompt(description, signed(spans, signs))
        for n_threads in dict.fromkeys((1, os.cpu_count() or 1)):
            wall_s, cpu_s = [], []
            for _ in range(given.repeats):
                wall, cpu = time.perf_counter(), time.process_time()
                options = SeparationOptions(n_threads=n_threads)
                separate(mixture, prompt, sample_rate=RATE, options=options)
                wall_s.append(time.perf_counter() - wall)
                cpu_s.append(time.process_time() - cpu)
            rows.append(
                (
                    title,
                    str(n_threads),
                    spread([given.seconds / value for value in cpu_s], 1),
                    spread([given.seconds / value for value in wall_s], 1),
                    f"{statistics.median(cpu_s) / given.seconds:.4f}",
                )
            )
    heading = (
        "prompt",
        "threads",
        "× real time per core (audio s / CPU s)",
        "× real time by the clock",
        "CPU s per audio s, median",
    )
    title = f"Speed: {given.seconds} s of stereo 48 kHz float32 in memory, warm, {runs(given)}"
    return f"{title}\n\n{table(heading, rows)}"


def memory(given: argparse.Namespace, folder: Path) -> str:
    """Peak resident memory and speed of one long file, in a process of its own."""
    mixture = folder / "long.wav"
    write(mixture, 60 * given.minutes)
    size_gb = mixture.stat().st_size / 1e9
    spans = [f"--span={span}" for span in spans_over(60 * given.minutes)]
    rows = []
    for title, prompt in {
        '"+" and "−" spans': ["--describe", "zorp", *spans],
        'text only, "drums"': ["--describe", "drums"],
    }.items():
        peak_bytes, cpu_s, wall_s, report = run_measured(mixture, folder, prompt)
        rows.append(
            (
                title,
                f"{given.minutes} min, {size_gb:.2f} GB",
                f"{peak_bytes / 2**20:.0f} MiB",
                f"{60 * given.minutes / cpu_s:.1f}",
                f"{60 * given.minutes / wall_s:.1f}",
                "exactly zero" if report["null_db"] is None else f"{report['null_db']} dBFS",
            )
        )
    heading = (
        "prompt",
        "file, stereo 48 kHz 16 bit",
        "peak resident memory",
        "× real time per core",
        "× real time by the clock",
        "null",
    )
    title = (
        "Memory: `stemlasso separate` with target and residual written, all cores, one run, "
        "start-up, reading, writing and the check of the null included"
    )
    return f"{title}\n\n{table(heading, rows)}"


def start(given: argparse.Namespace, folder: Path) -> str:
    """Clock time of whole processes on a 10 s file."""
    mixture = folder / "short.wav"
    write(mixture, 10)
    spans = [f"--span={span}" for span in spans_over(10)]
    commands = {
        "`stemlasso --version`": ["--version"],
        '10 s, "+" and "−" spans': separate_arguments(mixture, folder, ["-d", "zorp", *spans]),
        '10 s, text only, "drums"': separate_arguments(mixture, folder, ["-d", "drums"]),
    }
    rows = []
    for title, arguments in commands.items():
        wall_s = []
        for _ in range(given.repeats + 1):
            begun = time.perf_counter()
            run_command(arguments)
            wall_s.append(time.perf_counter() - begun)
        rows.append((title, f"{wall_s[0]:.2f}", spread(wall_s[1:], 2)))
    title = (
        "Start-up: clock seconds of a fresh process from start to exit; first: the first one of "
        f"this kind here, then {runs(given)} more with its files in the page cache"
    )
    return f"{title}\n\n{table(('command', 'first, s', 's'), rows)}"


PARTS: dict[str, Callable[[argparse.Namespace, Path], str]] = {
    "speed": speed,
    "memory": memory,
    "start": start,
}


def blocks(duration_s: int) -> Iterator[np.ndarray]:
    """Stereo float32 of `duration_s` seconds, BLOCK_S at a time, peaks under full scale."""
    rng = np.random.default_rng(0)
    for start_s in range(0, duration_s, BLOCK_S):
        n_samples = min(BLOCK_S, duration_s - start_s) * RATE
        time_s = start_s + np.arange(n_samples) / RATE
        noise = rng.standard_normal((n_samples, 2)).astype(np.float32)
        clicks = ((time_s * 6) % 1 < 0.04) & (time_s % CYCLE_S < CYCLE_S / 2)
        chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110.0, 220.5, 277.2, 329.6))
        left_right = 0.04 * np.asarray(chord)[:, None] * [1.0, 0.7] + 0.005 * noise
        yield (left_right + 0.1 * noise[:, ::-1] * clicks[:, None]).astype(np.float32)


def write(path: Path, duration_s: int) -> None:
    """A 16-bit WAV, written block by block."""
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        for block in blocks(duration_s):
            file.write(block)


def spans_over(duration_s: float) -> tuple[Span, ...]:
    """A "+" and a "−" span in each of at most MOST_CYCLES cycles, spread over the duration."""
    n_cycles = int(duration_s / CYCLE_S)
    step = max(1, n_cycles // MOST_CYCLES)
    spans = []
    for start_s in (CYCLE_S * cycle for cycle in range(0, n_cycles, step)):
        spans.append(Span.present(start_s, start_s + CYCLE_S / 2))
        spans.append(Span.absent(start_s + CYCLE_S / 2, start_s + CYCLE_S))
    return tuple(spans[: 2 * MOST_CYCLES])


def signed(spans: Sequence[Span], signs: str) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.sign in signs)


def separate_arguments(mixture: Path, folder: Path, prompt: Sequence[str]) -> list[str]:
    out = ["--out", str(folder / "stems"), "--overwrite", "--json", "--quiet"]
    return ["separate", str(mixture), "--separator", "builtin", *out, *prompt]


def run_command(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "bridge", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def run_measured(
    mixture: Path, folder: Path, prompt: Sequence[str]
) -> tuple[int, float, float, dict[str, float | None]]:
    """Peak resident bytes, CPU seconds, clock seconds and the JSON of one separation."""
    used_path = folder / "used.json"
    command = [sys.executable, str(Path(__file__).with_name("with_peak.py")), str(used_path)]
    command += separate_arguments(mixture, folder, prompt)
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    wall_s = time.perf_counter() - begun
    used = json.loads(used_path.read_text())
    return used["peak_bytes"], used["cpu_s"], wall_s, json.loads(done.stdout)


def spread(values: Sequence[float], n_digits: int) -> str:
    """Minimum / median / maximum."""
    numbers = (min(values), statistics.median(values), max(values))
    return " / ".join(f"{number:.{n_digits}f}" for number in numbers)


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def runs(given: argparse.Namespace) -> str:
    return f"{given.repeats} runs (min / median / max)"


def print_machine() -> None:
    machine, found = hardware(), versions()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(
        f"{machine['cpu']}, {machine['n_cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}; Python {found['python']}, numpy {found['numpy']}, "
        f"scipy {found['scipy']}; load before the start {load}"
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--seconds", type=int, default=120, help="length for speed")
    parser.add_argument("--minutes", type=int, default=10, help="length for memory")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    given = parser.parse_args()
    unknown = [part for part in given.only if part not in PARTS]
    if unknown:
        parser.error(f"--only {','.join(unknown)}: there are {', '.join(PARTS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
