"""How well a mono estimate is placed in stereo, as a Markdown table. Run by hand:

    python tests/benchmarks/bench_stereo.py [--items p00,p52] [--estimate true|phaseless|delayed]

The model is an oracle that returns the mono downmix of the true stems, as it is (`true`), with a
random phase in every bin (`phaseless`), or 1 ms late and at half level (`delayed`). SI-SDRi in dB
over all channels; ILD: mean error of the level difference between the first two channels in dB,
per 43 ms and sixth-octave band, weighted by the target's power. The bound is the ideal ratio mask
per channel. Mixtures are read from STEMLASSO_BENCH or ../shared/bench/public.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.eval.baselines import ideal_ratio_mask  # noqa: E402
from engine.eval.dataset import Stems, load_manifest, read_stems, select  # noqa: E402
from engine.eval.metrics import si_sdr  # noqa: E402
from engine.stereo import MODES, Placement, downmix, downmix_weights, place  # noqa: E402
from engine.stereo_frames import Spectra, analyse, through_frames  # noqa: E402

FULL_SCALE = 32768.0
N_FFT = 2048
CHUNK = 128 * N_FFT // 4
COLUMNS = ("ideal mask", "mono mask", *MODES)

Samples = NDArray[np.float64]


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", default="")
    parser.add_argument("--estimate", choices=("true", "phaseless", "delayed"), default="true")
    given = parser.parse_args()
    bench = Path(os.environ.get("STEMLASSO_BENCH", ROOT / "../shared/bench/public"))
    items = select(
        load_manifest(bench / "manifest.json"), list(filter(None, given.items.split(","))), None
    )
    print(f"Estimate: {given.estimate}. SI-SDRi in dB / ILD error in dB\n")
    print(f"| item | C | {' | '.join(COLUMNS)} |\n|---{'|---:' * (len(COLUMNS) + 1)}|")
    table, audio_s, cpu_s = [], 0.0, 0.0
    for item in items:
        stems = read_stems(item)
        start = time.process_time()
        row = scores(stems, given.estimate)
        cpu_s, audio_s = cpu_s + time.process_time() - start, audio_s + stems.duration_s
        table.append(row)
        cells = " | ".join(f"{gain:.2f} / {ild:.1f}" for gain, ild in row)
        print(f"| {item.item_id} | {stems.target.shape[1]} | {cells} |", flush=True)
    gains = np.array(table)
    means = " | ".join(f"{gain:.2f} / {ild:.1f}" for gain, ild in np.nanmean(gains, axis=0))
    below = (gains[:, :, 0] - gains[:, :1, 0]).min(axis=0)
    print(f"| mean of {len(table)} | | {means} |")
    print(f"| worst against the ideal mask | | {' | '.join(f'{each:+.2f}' for each in below)} |")
    print(f"\n{cpu_s / audio_s:.2f} CPU s per second of audio, all columns together")
    return 0


def scores(stems: Stems, kind: str) -> list[tuple[float, float]]:
    """(SI-SDRi, ILD error) of each column."""
    truth, rest = stems.target / FULL_SCALE, stems.rest / FULL_SCALE
    mixture = truth + rest
    weights = downmix_weights([mixture])
    target = distorted(downmix(truth, weights), kind, 1)
    residual = distorted(downmix(rest, weights), kind, 2)
    estimates = [ideal_ratio_mask(stems, ""), mono_mask(mixture, target, residual)]
    for mode in MODES:
        placement = Placement(stems.sample_rate, weights, mode)
        voices = np.column_stack([target, residual])
        estimates.append(np.concatenate(list(place([mixture], [voices], placement)), axis=1)[0])
    before = si_sdr(mixture, truth)
    return [
        (si_sdr(each.astype(np.float64), truth) - before, ild_error(each, truth))
        for each in estimates
    ]


def distorted(samples: Samples, kind: str, seed: int) -> Samples:
    """The oracle's stem with the fault that was asked for."""
    if kind == "delayed":
        return 0.5 * np.concatenate([np.zeros(48), samples])[: len(samples)]
    if kind == "true":
        return samples
    rng = np.random.default_rng(seed)

    def scatter(spectra: Spectra) -> Spectra:
        phases = rng.uniform(0, 2 * np.pi, spectra.shape)
        return np.asarray(spectra * np.exp(1j * phases), np.complex64)

    return through(samples[:, None], scatter)[:, 0]


def mono_mask(mixture: Samples, target: Samples, residual: Samples) -> Samples:
    """The power mask of the mono estimate on every channel."""

    def mask(spectra: Spectra) -> Spectra:
        powers = np.abs(spectra[-2:]) ** 2
        return np.asarray(spectra[:-2] * powers[0] / (powers.sum(axis=0) + 1e-18), np.complex64)

    return through(np.column_stack([mixture, target, residual]), mask)


def through(rows: Samples, transform: object) -> Samples:
    """Rows [n, C'] after `transform` of their spectra."""
    assert callable(transform)
    chunks: Iterator[NDArray[np.float32]] = (
        rows[start : start + CHUNK].astype(np.float32) for start in range(0, len(rows), CHUNK)
    )
    return np.concatenate(list(through_frames(chunks, N_FFT, 0, transform))).astype(np.float64)


def ild_error(estimate: NDArray[np.floating], truth: Samples) -> float:
    """Mean error of the level difference of the first two channels in dB; NaN for mono."""
    if truth.shape[1] < 2:
        return float("nan")
    levels = []
    for samples in (estimate, truth):
        power = np.abs(analyse(np.asarray(samples[:, :2], np.float32), N_FFT)[:, ::4]) ** 2
        edges = np.unique(np.geomspace(4, power.shape[2] - 1, 50).astype(int))
        levels.append(np.add.reduceat(power, edges, axis=2).astype(np.float64) + 1e-6)
    found, wanted = (np.clip(10 * np.log10(each[0] / each[1]), -40, 40) for each in levels)
    return float(np.average(np.abs(found - wanted), weights=levels[1].sum(axis=0)))


if __name__ == "__main__":
    sys.exit(main())
