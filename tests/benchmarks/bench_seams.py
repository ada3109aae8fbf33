"""What windows leave in stems, with an oracle in the network's place, as Markdown tables. By hand:

    python tests/benchmarks/bench_seams.py [--items p00,p52 | --every 4] [--leak 0.2]

The whole separator runs, with a codec that loses nothing: windows of 3 s that share at least 0.75 s
against one window, for each stereo mode. The oracle gives the downmix of the true stems.

true    its target is exact: dB of the windowed stem minus the unwindowed one, where windows overlap
        and elsewhere, against the target's level; SI-SDR; the highest level of mixture - target -
        residual
leaky   in every window another share of the rest, 0 to --leak, gets into the target: p of spectral
        flux where windows overlap against elsewhere (`seams.shift_test`), flux relative to that of
        the true target. Where there is no seam, p is below 0.05 for one item in 20

Mixtures are read from STEMLASSO_BENCH or ../shared/bench/public.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine import Prompt, Separation, SeparationOptions, separate  # noqa: E402
from engine.eval.dataset import Item, Stems, load_manifest, read_stems, select  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402
from engine.eval.metrics import si_sdr  # noqa: E402
from engine.model.separation import SAMAudio  # noqa: E402
from engine.resample import resample_blocks  # noqa: E402
from engine.sam_audio.config import SamAudioConfig  # noqa: E402
from engine.sam_audio.guidance import Guidance, Network  # noqa: E402
from engine.sam_audio.windows import Window, WindowVelocity, plan_windows  # noqa: E402
from engine.samplers import Sampling  # noqa: E402
from engine.stereo import MODES, downmix, downmix_weights  # noqa: E402
from engine.stereo_frames import analyse  # noqa: E402
from tests.test_engine.seams import in_seams, shift_test  # noqa: E402
from tests.test_engine.stand_in_model import stand_in_separator  # noqa: E402

RATE, HOP_LENGTH = 48_000, 1920
WINDOW_S, OVERLAP_S = 3.0, 0.75
FULL_SCALE = 32768.0
N_FFT = 2048

Samples = NDArray[np.float64]


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", default="")
    parser.add_argument("--every", type=int, default=4, help="of the items, when none are named")
    parser.add_argument("--leak", type=float, default=0.2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    bench = Path(os.environ.get("STEMLASSO_BENCH", ROOT / "../shared/bench/public"))
    names = list(filter(None, given.items.split(",")))
    items = select(load_manifest(bench / "manifest.json"), names, None)
    items = items if names else items[:: given.every]
    print(json.dumps({**hardware(), **versions()}))
    print(f"\n### true\n\n{true(items)}\n\n### leaky\n\n{leaky(items, given.leak)}")
    return 0


def true(items: Sequence[Item]) -> str:
    """The exact oracle: windows against none."""
    lines = [
        "| mode | SI-SDR, one window | SI-SDR, windows | at seams dB | elsewhere dB | null dB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for mode in MODES:
        one_window, windowed, inside, outside, nulls = [], [], [], [], []
        for item in items:
            stems = read_stems(item)
            truth = stems.target / FULL_SCALE
            whole = separated(stems, mode, oracle(stems, 0.0), 1000.0)
            parts = separated(stems, mode, oracle(stems, 0.0), WINDOW_S)
            one_window.append(si_sdr(target_of(whole), truth))
            windowed.append(si_sdr(target_of(parts), truth))
            marks = np.repeat(seams_of(stems), HOP_LENGTH * stems.sample_rate // RATE)[: len(truth)]
            error = np.square(target_of(parts) - target_of(whole)).mean(axis=1)
            level = np.square(target_of(whole)).mean()
            marks = np.pad(marks, (0, len(error) - len(marks)))
            inside.append(decibels(error[marks].mean() / level))
            outside.append(decibels(error[~marks].mean() / level))
            nulls.append(parts.null_db)
        lines.append(
            f"| {mode} | {np.mean(one_window):.2f} | {np.mean(windowed):.2f} | "
            f"{max(inside):.0f} | {max(outside):.0f} | {max(nulls):.0f} |"
        )
    return "\n".join([*lines, f"\n{len(items)} items; SI-SDR is their mean, the rest their worst"])


def leaky(items: Sequence[Item], leak: float) -> str:
    """The oracle whose windows differ."""
    lines = ["| mode | p median | p below 0.05 | flux ratio |", "|---|---:|---:|---:|"]
    for mode in MODES:
        p, ratio = np.array([flux_test(read_stems(item), mode, leak) for item in items]).T
        n_below = f"{(p < 0.05).sum()} of {len(p)}"
        lines.append(f"| {mode} | {np.median(p):.2f} | {n_below} | {ratio.mean():.3f} |")
    return "\n".join(lines)


def flux_test(stems: Stems, mode: str, leak: float) -> tuple[float, float]:
    """p, and the ratio of flux at seams and elsewhere, each relative to the true target's."""
    found = separated(stems, mode, oracle(stems, leak), WINDOW_S)
    flux, true_flux = spectral_flux(target_of(found)), spectral_flux(stems.target / FULL_SCALE)
    relative = np.log((flux + 1e-3) / (true_flux + 1e-3))
    place = np.arange(len(relative)) * (N_FFT // 4) * RATE // stems.sample_rate // HOP_LENGTH
    marks = seams_of(stems)[np.minimum(place, len(seams_of(stems)) - 1)]
    ratio = float(np.exp(relative[marks].mean() - relative[~marks].mean()))
    return shift_test(relative, marks), ratio


def separated(stems: Stems, mode: str, network: Network, window_s: float) -> Separation:
    """The target that the separator makes of the mixture, and what is left."""
    config = SamAudioConfig(
        device="cpu",
        sampling=Sampling("midpoint", 4),
        window_s=window_s,
        overlap_s=OVERLAP_S,
        predict_spans="off",
    )
    options = SeparationOptions(stereo=mode, presence_gate=0.0, n_threads=1)  # type: ignore[arg-type]
    separator = stand_in_separator(config, network, RATE)
    mixture = (stems.mixture / FULL_SCALE).astype(np.float32)
    return separate(
        mixture, Prompt("it"), sample_rate=stems.sample_rate, separator=separator, options=options
    )


def oracle(stems: Stems, leak: float) -> Network:
    """Gives the true target's frames and the rest's; a share of the rest leaks by the window."""
    mixture = stems.mixture / FULL_SCALE
    weights = downmix_weights([mixture])
    target = frames(downmix(stems.target / FULL_SCALE, weights), stems.sample_rate)
    rest = frames(downmix(stems.rest / FULL_SCALE, weights), stems.sample_rate)

    def network(_model: SAMAudio, _guidance: Guidance, _times: Sequence[float]) -> WindowVelocity:
        def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
            goals = []
            for window in windows:
                share = leak * float(np.random.default_rng(window.start).uniform())
                cut = slice(window.start, window.stop)
                leaked = share * rest[cut]
                goals.append(torch.cat([target[cut] + leaked, rest[cut] - leaked], dim=-1)[None])
            return (torch.stack(goals) - x) / (1 - t)

        return velocity

    return network


def frames(mono: Samples, sample_rate: int) -> Tensor:
    """[T, 1920] at the model's rate; the last one filled with zeros."""
    blocks = iter([mono.astype(np.float32)[:, None]])
    heard = np.concatenate(list(resample_blocks(blocks, sample_rate, RATE)))[:, 0]
    filled = np.pad(heard, (0, -len(heard) % HOP_LENGTH))
    return torch.from_numpy(filled.astype(np.float32)).view(-1, HOP_LENGTH)


def seams_of(stems: Stems) -> NDArray[np.bool_]:
    """[T], where windows overlap."""
    n_frames = -(-len(stems.mixture) * RATE // stems.sample_rate // HOP_LENGTH)
    frame_s = HOP_LENGTH / RATE
    return in_seams(plan_windows(n_frames, round(WINDOW_S / frame_s), round(OVERLAP_S / frame_s)))


def spectral_flux(samples: Samples) -> Samples:
    """How much the magnitudes of all bins and channels change from the frame before, [F]."""
    sizes = np.abs(analyse(samples.astype(np.float32), N_FFT)).astype(np.float64)
    change = np.abs(np.diff(sizes, axis=1, prepend=sizes[:, :1]))
    return np.asarray(change.sum(axis=(0, 2)))


def target_of(result: Separation) -> Samples:
    return np.asarray(result.target.samples, np.float64)


def decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-30)))


if __name__ == "__main__":
    sys.exit(main())
