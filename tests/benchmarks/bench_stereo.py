"""How well a mono estimate is placed in stereo, as Markdown tables. Run by hand:

    python tests/benchmarks/bench_stereo.py [BENCH] [--items p00,p52] [--estimate true,lossy]
        [--each] [--cost]

In the model's place is an oracle that gives the mono downmix of the true stems

    true       as it is
    lossy      with noise 10 dB below its own level nearby, as a codec leaves it
    drifting   with phases that wander, by 0.15 rad per 11 ms, in bands of 16 bins
    phaseless  with a random phase in every bin
    delayed    1 ms late and at half level

`project, draft` is placed without the model's residual. Figures: SI-SDRi in dB over all channels
(mean, and the worst item's distance from the bound, which is the ideal ratio mask per channel);
errors of level difference (ILD, dB) and of coherence (ICC, 0 to 1) between the first two channels,
below 500 Hz, to 4 kHz and above, per 85 ms and sixth-octave band, weighted by the target's power;
null: level in dBFS of mixture - target - the model's own residual (with the exact residual it is
nothing); seam: level of the error within 11 ms of where chunks join over that elsewhere, in dB.

BENCH: folder with manifest.json, by default STEMLASSO_BENCH or ../shared/bench/public.
--cost prints CPU seconds per second of stereo at 48 kHz, best of 3, on one thread and several.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.eval.baselines import ideal_ratio_mask  # noqa: E402
from engine.eval.dataset import Stems, load_manifest, read_stems, select  # noqa: E402
from engine.eval.machine import hardware  # noqa: E402
from engine.eval.metrics import si_sdr  # noqa: E402
from engine.stereo import MODES, Placement, downmix, downmix_weights, place  # noqa: E402
from engine.stereo_frames import CHUNK_HOPS, Spectra, analyse, synthesise  # noqa: E402

FULL_SCALE = 32768.0
N_FFT = 2048
HOP = N_FFT // 4
DRAFT = "project, draft"
BOUND, MASK = "ideal mask", "mono mask"
ROWS = (BOUND, MASK, *MODES, DRAFT)
EDGES_HZ = (0, 500, 4000, np.inf)

Samples = NDArray[np.float64]
Figures = tuple[float, ...]


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("STEMLASSO_BENCH", ROOT / "../shared/bench/public"))
    parser.add_argument("bench", nargs="?", type=Path, default=default)
    parser.add_argument("--items", default="")
    parser.add_argument("--estimate", default="true,lossy,drifting,phaseless")
    parser.add_argument("--each", action="store_true", help="a row for every item as well")
    parser.add_argument("--cost", action="store_true", help="CPU time alone")
    given = parser.parse_args()
    machine = ", ".join(f"{name} {value}" for name, value in hardware().items())
    print(f"{machine}, numpy {np.__version__}\n")
    if given.cost:
        print_cost()
        return 0
    wanted = list(filter(None, given.items.split(",")))
    items = select(load_manifest(given.bench / "manifest.json"), wanted, None)
    for kind in given.estimate.split(","):
        print(f"Oracle: {kind}\n\n| item | row | SI-SDRi | worst | ILD | ICC | null | seam |")
        print(f"|---|---|{'---:|' * 6}")
        found = []
        for item in items:
            found.append(figures(read_stems(item), kind))
            if given.each:
                print_rows(item.item_id, np.array([found[-1]]))
        print_rows(f"mean of {len(items)}", np.array(found))
        print(flush=True)
    return 0


def print_rows(label: str, found: NDArray[np.float64]) -> None:
    """Means over items [I, rows, figures]; `worst` is against the bound."""
    worst = (found[:, :, 0] - found[:, :1, 0]).min(axis=0)
    with np.errstate(all="ignore"):
        counted = np.isfinite(found)
        means = np.where(counted, found, 0).sum(axis=0) / counted.sum(axis=0)
    for name, row, below in zip(ROWS, means, worst, strict=True):
        ild = " / ".join(f"{each:.1f}" for each in row[1:4])
        icc = " / ".join(f"{each:.2f}" for each in row[4:7])
        rest = " | ".join("-" if np.isnan(each) else f"{each:.1f}" for each in row[7:])
        print(f"| {label} | {name} | {row[0]:.2f} | {below:+.2f} | {ild} | {icc} | {rest} |")


def figures(stems: Stems, kind: str) -> list[Figures]:
    """SI-SDRi, three ILD and three ICC errors, null and seam of every row."""
    truth, rest = stems.target / FULL_SCALE, stems.rest / FULL_SCALE
    mixture = truth + rest
    weights = downmix_weights([mixture])
    mono = np.column_stack(
        [ORACLES[kind](downmix(each, weights), seed) for seed, each in ((1, truth), (2, rest))]
    )
    before, nothing = si_sdr(mixture, truth), (float("nan"), float("nan"))
    estimates = [ideal_ratio_mask(stems, ""), mono_mask(mixture, mono)]
    found = [scores(each.astype(np.float64), truth, stems, before) + nothing for each in estimates]
    for row in ROWS[2:]:
        draft = row == DRAFT
        placement = Placement(stems.sample_rate, weights, "project" if draft else row)
        voices = mono[:, :1] if draft else mono
        placement = replace(placement, with_residual=not draft)
        made = np.concatenate(list(place([mixture], [voices], placement)), axis=1)
        target = made[0].astype(np.float64)
        null = float("nan") if draft else decibel(np.abs(mixture - made.sum(axis=0)).max())
        found.append(
            (*scores(target, truth, stems, before), null, seam(target - truth, placement.mode))
        )
    return found


def scores(estimate: Samples, truth: Samples, stems: Stems, before: float) -> Figures:
    """SI-SDRi and the image errors of an estimate [N, C]."""
    return (si_sdr(estimate, truth) - before, *image_errors(estimate, truth, stems.sample_rate))


def seam(error: Samples, mode: str) -> float:
    """Level of the error where chunks join over that elsewhere, in dB; NaN without a join."""
    n_chunk, n_samples = CHUNK_HOPS * HOP, len(error)
    if mode == "mono" or n_samples < n_chunk + HOP:
        return float("nan")
    power = np.square(error).sum(axis=1)
    joins = np.arange(n_chunk, n_samples - HOP, n_chunk)
    near = np.concatenate([power[join - HOP : join + HOP] for join in joins])
    around = np.concatenate([power[join - 16 * HOP : join + 16 * HOP] for join in joins])
    return float(10 * np.log10((near.mean() + 1e-20) / (around.mean() + 1e-20)))


def image_errors(estimate: Samples, truth: Samples, sample_rate: int) -> Figures:
    """Of ILD in dB, low, middle and high band, and of ICC; NaN for mono."""
    if truth.shape[1] < 2:
        return (float("nan"),) * 6
    found, wanted = (bands(samples) for samples in (estimate, truth))
    hz = found[0] * sample_rate / N_FFT
    weight = wanted[3]
    errors = [np.abs(found[1] - wanted[1]), np.abs(found[2] - wanted[2])]
    chosen = [(hz >= low) & (hz < high) for low, high in pairwise(EDGES_HZ)]
    return tuple(
        float(np.average(error[:, band], weights=weight[:, band] + 1e-12))
        for error in errors
        for band in chosen
    )


def bands(samples: Samples) -> tuple[NDArray[np.float64], ...]:
    """Lower edges [B] in bins; ILD, ICC and power [T, B] of the first two channels."""
    left, right = analyse(np.asarray(samples[:, :2], np.float32), N_FFT)
    edges = np.unique(np.geomspace(4, left.shape[1] - 1, 50).astype(int))

    def summed(values: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
        per_band = np.add.reduceat(values.astype(np.complex128), edges, axis=1)
        return per_band[: len(per_band) // 8 * 8].reshape(-1, 8, len(edges)).sum(axis=1)

    powers = [summed(each * each.conj()).real + 1e-6 for each in (left, right)]
    ild = np.clip(10 * np.log10(powers[0] / powers[1]), -40, 40)
    icc = np.abs(summed(left * right.conj())) / np.sqrt(powers[0] * powers[1])
    return edges, ild, icc, powers[0] + powers[1]


def spectral(change: Callable[[Spectra, np.random.Generator], NDArray[np.complexfloating]]):  # type: ignore[no-untyped-def]
    """An oracle's fault as a change of spectra [T, F]."""

    def distort(samples: Samples, seed: int) -> Samples:
        silence = np.zeros(N_FFT - HOP)
        padded = np.concatenate([silence, samples, np.zeros(2 * N_FFT)]).astype(np.float32)
        spectra = change(analyse(padded[:, None], N_FFT)[0], np.random.default_rng(seed))
        made = synthesise(np.asarray(spectra[None], np.complex64), N_FFT)[:, 0]
        return made[: len(samples)].astype(np.float64)

    return distort


def _noisy(spectra: Spectra, rng: np.random.Generator) -> NDArray[np.complexfloating]:
    nearby = np.maximum(uniform_filter(np.abs(spectra) ** 2, (5, 9), mode="constant"), 0)
    noise = rng.standard_normal((2, *spectra.shape))
    return np.asarray(spectra + np.sqrt(nearby / 20) * (noise[0] + 1j * noise[1]))


def _wandering(spectra: Spectra, rng: np.random.Generator) -> NDArray[np.complexfloating]:
    n_frames, n_bins = spectra.shape
    walk = np.cumsum(0.15 * rng.standard_normal((n_frames, n_bins // 16 + 2)), axis=0)
    knots = 16 * np.arange(walk.shape[1])
    phase = np.stack([np.interp(np.arange(n_bins), knots, row) for row in walk])
    return np.asarray(spectra * np.exp(1j * phase))


def _scattered(spectra: Spectra, rng: np.random.Generator) -> NDArray[np.complexfloating]:
    return np.asarray(spectra * np.exp(2j * np.pi * rng.random(spectra.shape)))


ORACLES: dict[str, Callable[[Samples, int], Samples]] = {
    "true": lambda samples, _seed: samples,
    "lossy": spectral(_noisy),
    "drifting": spectral(_wandering),
    "phaseless": spectral(_scattered),
    "delayed": lambda samples, _: 0.5 * np.concatenate([np.zeros(48), samples])[: len(samples)],
}


def mono_mask(mixture: Samples, mono: Samples) -> Samples:
    """The power mask of the mono estimate on every channel."""
    silence = np.zeros((N_FFT - HOP, mixture.shape[1] + 2))
    rows = np.concatenate([silence, np.column_stack([mixture, mono]), np.zeros_like(silence)])
    spectra = analyse(np.pad(rows, ((0, HOP), (0, 0))).astype(np.float32), N_FFT)
    powers = np.abs(spectra[-2:]) ** 2
    masked = np.asarray(spectra[:-2] * powers[0] / (powers.sum(axis=0) + 1e-18), np.complex64)
    made = synthesise(masked, N_FFT)[: len(mixture)].astype(np.float64)
    return np.pad(made, ((0, len(mixture) - len(made)), (0, 0)))


def decibel(peak: np.floating) -> float:
    """Of a peak, in dBFS."""
    return float(20 * np.log10(peak + 1e-12))


def print_cost() -> None:
    """CPU and wall seconds per second of stereo at 48 kHz."""
    rng, duration_s = np.random.default_rng(0), 20
    mixture, first, second = 0.1 * rng.standard_normal((3, duration_s * 48_000, 2))
    print("| mode | takes | threads | CPU s per s | wall s per s |\n|---|---:|---:|---:|---:|")
    for mode, n_takes, n_threads in (
        ("project", 1, 1),
        ("generated", 1, 1),
        ("project", 4, 1),
        ("project", 1, 2),
    ):
        voices = np.concatenate([first, second] * n_takes, axis=1)[:, : 2 * n_takes]
        placement = Placement(48_000, (0.5, 0.5), mode, n_takes=n_takes)
        times = []
        for _ in range(3):
            start = time.process_time(), time.perf_counter()
            for _block in place([mixture], [voices], placement, n_threads):
                pass
            times.append((time.process_time() - start[0], time.perf_counter() - start[1]))
        cpu_s, wall_s = (min(each) / duration_s for each in zip(*times, strict=True))
        print(f"| {mode} | {n_takes} | {n_threads} | {cpu_s:.4f} | {wall_s:.4f} |")


if __name__ == "__main__":
    sys.exit(main())
