"""What `estimate_cost` says against what runs take, as a Markdown table. Run by hand:

    python tests/benchmarks/bench_estimates.py [--only "base;int8"] [--bytes] [--device cpu]

Every case is a fresh process with a model of random weights. It measures the machine (`calibrated`,
the quick measurement of `stemlasso bench --calibrate`), does a second of sound so that the model is
loaded and warm, asks what the case will cost, does it, and compares. Peak memory is the process's
own, counted anew from the start of the case (Linux); on CUDA the device's as well. Loading and
the text encoder are not part of it: random weights do not come from a disk, and read no text.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine import Prompt, SeparationOptions, Span, separate  # noqa: E402
from engine.builtin import BuiltinSeparator  # noqa: E402
from engine.cost.calibrate import Bench, calibrated  # noqa: E402
from engine.cost.footprint import WeightFormat  # noqa: E402
from engine.cost.ledger import Ledger  # noqa: E402
from engine.cost.shape import ModelShape  # noqa: E402
from engine.cost.stages import STAGES  # noqa: E402
from engine.cost.stand_in import RandomModel  # noqa: E402
from engine.cost.task import Sound  # noqa: E402
from engine.data import Quality  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402
from engine.sam_audio.config import SamAudioConfig  # noqa: E402
from engine.sam_audio.costing import Costing  # noqa: E402
from engine.sam_audio.place import place_of  # noqa: E402
from engine.sam_audio.separator import SamAudioSeparator  # noqa: E402
from engine.samplers import Sampling  # noqa: E402
from tests.benchmarks.with_peak import peak_bytes  # noqa: E402

RATE = 48_000


@dataclass(frozen=True)
class Case:
    """A run. size: `builtin` or that of a model."""

    size: str
    duration_s: float
    precision: str = "float32"
    int8: bool = False
    quality: Quality = "draft"
    n_takes: int = 1
    window_s: float = 30.0

    def __str__(self) -> str:
        kind = f"{self.precision}{' int8' if self.int8 else ''}"
        takes = f", {self.n_takes} takes" if self.n_takes > 1 else ""
        return f"{self.size} {kind}, {self.duration_s:g} s, {self.quality}{takes}"


CASES = (
    Case("builtin", 120),
    Case("small", 10),
    Case("small", 45),
    Case("small", 10, "bfloat16", quality="standard"),
    Case("small", 10, int8=True),
    Case("small", 10, "bfloat16", n_takes=3),
    Case("base", 20, "bfloat16"),
    Case("large", 10, "bfloat16"),
)


def main() -> int:
    """Measure every case and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose line has one of these, apart by ;")
    parser.add_argument("--threads", type=int, default=0, help="cores to use (default: all)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bytes", action="store_true", help="one evaluation, no rates: bytes only")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(Case(**json.loads(given.child)), given)))
        return 0
    print(json.dumps({**hardware(), **versions(), "device": given.device}), flush=True)
    print(
        "\n| case | foreseen s | took s | ratio | foreseen MB | peak MB | ratio | "
        "device MB foreseen | peak | ratio |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    wanted = [word for word in given.only.split(";") if word]
    for case in CASES:
        if not wanted or any(word in str(case) for word in wanted):
            print(row(case, run_child(case, given)), flush=True)
    return 0


def row(case: Case, told: dict[str, float]) -> str:
    """A line of the table; ratios are took over foreseen."""
    cells = [
        f"{told['foreseen_s']:.1f} | {told['took_s']:.1f} | "
        f"{told['took_s'] / told['foreseen_s']:.2f}"
    ]
    for name in ("host", "device"):
        foreseen, peak = told[f"{name}_foreseen"], told[f"{name}_peak"]
        if foreseen and peak:
            cells.append(f"{foreseen / 1e6:.0f} | {peak / 1e6:.0f} | {peak / foreseen:.2f}")
        else:
            cells.append("- | - | -")
    stages = ", ".join(f"{name} {told[name]:.2f}" for name in STAGES if name in told)
    return f"| {case} ({stages}) | {' | '.join(cells)} |"


def run_child(case: Case, given: argparse.Namespace) -> dict[str, float]:
    """What a fresh process tells."""
    command = [sys.executable, __file__, "--child", json.dumps(asdict(case))]
    command += ["--bytes"] if given.bytes else []
    command += ["--threads", str(given.threads), "--device", given.device]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def child(case: Case, given: argparse.Namespace) -> dict[str, float]:
    """Estimate, run, compare."""
    if given.threads:
        torch.set_num_threads(given.threads)
    separator, prompt = ready(case, given)
    options = SeparationOptions(
        n_candidates=case.n_takes,
        n_threads=given.threads or None,
        quality="standard" if given.bytes else case.quality,
        presence_gate=0.0,
    )
    sound = noise(case.duration_s)
    with tempfile.TemporaryDirectory() as folder:
        separate(noise(1.5), prompt, sample_rate=RATE, separator=separator, options=options)
        cost = separator.estimate_cost(sound_of(sound), prompt, options)
        reset_peaks(given.device)
        start = time.perf_counter()
        separate(
            sound,
            prompt,
            sample_rate=RATE,
            separator=separator,
            options=options,
            output=folder,
        )
        took_s = time.perf_counter() - start
    ledger = separator.ledger
    assert ledger is not None
    ratios = {stage: ledger.ratio(cost.key, stage).value for stage in cost.foreseen}
    on_cuda = given.device.startswith("cuda") and case.size != "builtin"
    return {
        "foreseen_s": sum(cost.foreseen.values()),
        "took_s": took_s,
        "host_foreseen": cost.host_bytes,
        "host_peak": 0 if case.size == "builtin" else peak_bytes(),  # torch is here, not there
        "device_foreseen": cost.device_bytes,
        "device_peak": torch.cuda.max_memory_allocated() if on_cuda else 0,
        **{stage: ratio for stage, ratio in ratios.items() if cost.foreseen[stage] >= 0.5},
    }


def ready(
    case: Case, given: argparse.Namespace
) -> tuple[BuiltinSeparator | SamAudioSeparator, Prompt]:
    """The separator, with this machine measured, and a prompt for it."""
    if case.size == "builtin":
        return BuiltinSeparator(), Prompt(spans=[Span.present(0.2, 0.6), Span.absent(0.8, 1.2)])
    weights = WeightFormat(case.precision, case.int8)
    sampling = Sampling("euler", 1) if given.bytes else Sampling()
    config = SamAudioConfig(
        device=given.device,
        precision=case.precision,  # type: ignore[arg-type]
        int8=case.int8,
        window_s=case.window_s,
        predict_spans="off",
        sampling=sampling,
    )
    spec = RandomModel(case.size, weights)
    # random weights come with a stand-in for the text encoder
    shape = replace(ModelShape.published(case.size), text_parameters=0)
    device = torch.device(given.device)
    ledger = Ledger()
    costing = Costing(case.size, shape, config, ledger)
    key = place_of(given.device).key(weights, costing.size, given.threads or None)
    if not given.bytes:
        ledger.measured(key, calibrated(Bench(spec.config(), device, weights)))
    model = spec.make(device)
    return SamAudioSeparator(case.size, lambda: model, config, costing=costing), Prompt("dog")


def noise(duration_s: float) -> np.ndarray:
    """A stereo mixture."""
    random = np.random.default_rng(round(duration_s))
    return 0.1 * random.standard_normal((round(duration_s * RATE), 2)).astype(np.float32)


def sound_of(samples: np.ndarray) -> Sound:
    """Its sizes."""
    return Sound(len(samples), RATE, samples.shape[1])


def reset_peaks(device: str) -> None:
    """Count peaks from here on."""
    clear_refs = Path("/proc/self/clear_refs")
    if clear_refs.exists():
        clear_refs.write_text("5")
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    sys.exit(main())
