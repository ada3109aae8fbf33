"""Memory, seams and agreement of windows on long files, as Markdown tables. Run by hand:

    python tests/benchmarks/bench_longform.py [--only memory,seams,plans] [--minutes 2,30]
        [--model tiny|stand-in]

memory  peak resident memory of a fresh process that separates a stereo 16-bit WAV into files, and
        the peak of memory on the CUDA device when there is one, default windows. `tiny`: 48 kHz,
        two layers, random weights, real codec; half an hour takes six minutes. `stand-in`:
        8 kHz, a codec that only cuts into frames. glibc is told to give memory back
        (MALLOC_MMAP_THRESHOLD_=131072): else what it keeps varies by chance, by 30 % and more
seams   p of a permutation test (`seams.shift_test`) of spectral flux where windows overlap against
        elsewhere, its ratio and that of levels; a network whose windows disagree, 12 windows,
        8 seeds
plans   how far window plans are from one window, with tiny networks of random weights, in dB

A tiny model says nothing about how trained weights sound. Memory of the weights comes on top.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine import Prompt, SeparationOptions, separate  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402
from engine.model import SAMAudio  # noqa: E402
from engine.model.conditioning import Conditioning  # noqa: E402
from engine.sam_audio.config import SamAudioConfig  # noqa: E402
from engine.sam_audio.frames import Frames  # noqa: E402
from engine.sam_audio.guidance import window_velocity  # noqa: E402
from engine.sam_audio.sampling import Course, sampled_latents  # noqa: E402
from engine.sam_audio.scratch import Scratch  # noqa: E402
from engine.sam_audio.separator import SamAudioSeparator  # noqa: E402
from engine.sam_audio.settings import Joining  # noqa: E402
from engine.sam_audio.windows import Window, noise_field, plan_windows  # noqa: E402
from engine.samplers import Draw, Sampling  # noqa: E402
from tests.benchmarks.with_peak import peak_bytes  # noqa: E402
from tests.test_engine.seams import (  # noqa: E402
    flux,
    in_seams,
    joined_timbres,
    level,
    shift_test,
)
from tests.test_engine.stand_in_model import RATE as STAND_IN_RATE  # noqa: E402
from tests.test_engine.stand_in_model import stand_in_separator  # noqa: E402
from tests.test_engine.tiny_model import tiny_network, write_checkpoint  # noqa: E402

RATE = 48_000
JOININGS: tuple[Joining, ...] = ("diffused", "crossfade")


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--minutes", default="2,30")
    parser.add_argument("--candidates", type=int, default=1)
    parser.add_argument("--model", choices=("tiny", "stand-in"), default="tiny")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        return child(Path(given.child), given)
    print(json.dumps({**hardware(), **versions()}), flush=True)
    for part in given.only.split(","):
        print(f"\n{PARTS[part](given)}", flush=True)
    return 0


def memory(given: argparse.Namespace) -> str:
    """Peak of a fresh process for each length."""
    lines = [
        "| minutes | candidates | peak MB | device MB | s |",
        "|---:|---:|---:|---:|---:|",
    ]
    peaks = []
    for minutes in map(float, given.minutes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_noise(
                folder / "mix.wav", minutes, RATE if given.model == "tiny" else STAND_IN_RATE
            )
            write_checkpoint(folder / "model")
            start = time.perf_counter()
            told = run_child(folder, given)
            took_s = time.perf_counter() - start
        peaks.append(told["peak_bytes"])
        device = f"{told['device_bytes'] / 1e6:.0f}" if told["device_bytes"] else "no device"
        lines.append(
            f"| {minutes:g} | {given.candidates} | {told['peak_bytes'] / 1e6:.1f} | {device} | "
            f"{took_s:.0f} |"
        )
    lines.append(f"\nlongest against shortest: {100 * (peaks[-1] / peaks[0] - 1):+.1f} %")
    return "\n".join(lines)


def seams(_given: argparse.Namespace) -> str:
    """p and size of what is different where windows overlap."""
    windows = plan_windows(3000, 300, 60)
    marks = in_seams(windows)
    lines = [
        "| disagreement | joining | flux p, least and median | flux ratio | level dB |",
        "|---:|---|---:|---:|---:|",
    ]
    for disagreement in (0.1, 0.3, 0.6):
        for joining in JOININGS:
            p, ratio, dip_db = [], [], []
            for seed in range(8):
                sound = joined_timbres(windows, seed, disagreement, joining)
                change, size = flux(sound), level(sound)
                p.append(shift_test(change, marks))
                ratio.append(change[marks].mean() / change[~marks].mean())
                dip_db.append(20 * np.log10(size[marks].mean() / size[~marks].mean()))
            lines.append(
                f"| {disagreement} | {joining} | {min(p):.3f}, {np.median(p):.3f} | "
                f"{np.mean(ratio):.3f} | {np.mean(dip_db):+.2f} |"
            )
    return "\n".join(lines)


def plans(_given: argparse.Namespace) -> str:
    """Distance of plans from one window, per joining."""
    n_frames = 1000
    noise = noise_field([Draw(0)], n_frames, 256)
    whole = {seed: latents(seed, noise, n_frames, "diffused") for seed in range(4)}
    lines = ["| window / overlap frames | joining | dB from one window |", "|---|---|---:|"]
    for longest, overlap in ((750, 125), (300, 60), (100, 50)):
        for joining in JOININGS:
            errors = [
                float((latents(seed, noise, longest, joining, overlap) - one).norm() / one.norm())
                for seed, one in whole.items()
            ]
            mean_db = np.mean(20 * np.log10(errors))
            lines.append(f"| {longest} / {overlap} | {joining} | {mean_db:.1f} |")
    return "\n".join(lines)


def latents(seed: int, noise: Frames, longest: int, joining: Joining, overlap: int = 100) -> Tensor:
    """Of a tiny network with the weights of `seed`."""
    network = tiny_network(seed)
    generator = torch.Generator().manual_seed(seed)
    frames = 0.5 * torch.randn(1, noise.n_frames, 24, generator=generator)
    text = torch.randn(1, 4, 24, generator=generator)

    @torch.inference_mode()
    def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        (window,) = windows
        conditioning = Conditioning(frames[:, window.start : window.stop], text)
        return network(x[0], torch.full((1,), t), conditioning)[None]

    windows = plan_windows(noise.n_frames, longest, overlap)
    course = Course(Sampling("midpoint", 8), windows, joining=joining)
    return sampled_latents(velocity, noise, course, Scratch()).whole()


def write_noise(path: Path, minutes: float, rate: int) -> None:
    """A stereo file of noise."""
    random = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, 2, "PCM_16") as sound:
        for _ in range(round(minutes * 6)):
            sound.write(0.1 * random.standard_normal((10 * rate, 2)))


def run_child(folder: Path, given: argparse.Namespace) -> dict[str, int]:
    """What a fresh process tells of itself."""
    command = [sys.executable, __file__, "--child", str(folder), "--model", given.model]
    command += ["--candidates", str(given.candidates)]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    told: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return told


def child(folder: Path, given: argparse.Namespace) -> int:
    """Separate the mixture in `folder` and print the peaks."""
    config = SamAudioConfig(sampling=Sampling("midpoint", 2), predict_spans="off")
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def load() -> SAMAudio:
        return SAMAudio.from_pretrained(folder / "model", device=device)

    separator = SamAudioSeparator("tiny", load, config)
    if given.model == "stand-in":
        separator = stand_in_separator(config, window_velocity)
    result = separate(
        folder / "mix.wav",
        Prompt("dog"),
        separator=separator,
        options=SeparationOptions(n_candidates=given.candidates),
        output=folder / "out",
    )
    assert result.null_db == float("-inf")
    device_bytes = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    print(json.dumps({"peak_bytes": peak_bytes(), "device_bytes": device_bytes}))
    return 0


PARTS = {"memory": memory, "seams": seams, "plans": plans}


if __name__ == "__main__":
    sys.exit(main())
