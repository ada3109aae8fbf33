"""What the presence gate keeps and what it silences, as a Markdown table. Run by hand:

    python tests/benchmarks/bench_presence.py [--items p00,p52] [--gate 0.5]

Present: the take is the ideal ratio mask's target of the mixture, alone and with a leak of the rest
at a stated level; or the target with a fault that models have: too soft, too loud, late, or its
phases lost, where the loss is that of the take's energy, in dB. Absent: the mixture is the rest
alone, and the take what a model may give then: a leak of the mixture, or a sound that is not in the
mixture at all (another item's target), at a stated level below it. `wrong sound` is a sound of the
mixture that was not asked for, at its own level: without a span predictor nothing tells. Mixtures
are read from STEMLASSO_BENCH or ../shared/bench/public.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import istft, stft

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.data import Monitor  # noqa: E402
from engine.eval.baselines import ideal_ratio_mask  # noqa: E402
from engine.eval.dataset import Stems, load_manifest, read_stems, select  # noqa: E402
from engine.eval.machine import hardware  # noqa: E402
from engine.eval.metrics import si_sdr  # noqa: E402
from engine.gate import gate_for, gated  # noqa: E402
from engine.sam_audio.evidence import gathered  # noqa: E402
from engine.sam_audio.frames import Frames  # noqa: E402
from engine.sam_audio.presence import confidence_of, log_odds  # noqa: E402

FULL_SCALE = 32768.0
FRAME_S = 0.04
LATE_SAMPLES = 48
Samples = NDArray[np.float64]


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", default="")
    parser.add_argument("--gate", type=float, default=0.5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    bench = Path(os.environ.get("STEMLASSO_BENCH", ROOT / "../shared/bench/public"))
    items = select(
        load_manifest(bench / "manifest.json"), list(filter(None, given.items.split(","))), None
    )
    rows: dict[str, list[tuple[float, ...]]] = {}
    audio_s = cpu_s = 0.0
    stranger = read_stems(items[-1]).target / FULL_SCALE
    for item in items:
        stems = read_stems(item)
        for name, mixture, take, truth in cases(stems, stranger):
            start = time.process_time()
            confidence, left = through_gate(mixture, take, stems.sample_rate, given.gate)
            cpu_s += time.process_time() - start
            audio_s += stems.duration_s
            loss = np.nan if truth is None else lost_db(take, left, truth)
            rows.setdefault(name, []).append((confidence, loss, peak_db(take), peak_db(left)))
        stranger = stems.target / FULL_SCALE
    machine = ", ".join(f"{name} {value}" for name, value in hardware().items())
    print(f"{machine}, 1 thread; {len(items)} mixtures, presence gate {given.gate:g}\n")
    print("| case | confidence min / median / max | SI-SDR loss mean / worst, dB ", end="")
    print("| peak before, max | peak after: median / max, dBFS | all silent |")
    print("|---|---|---|---|---|---|")
    for name, values in rows.items():
        print(line(name, np.array(values)))
    print(f"\n{cpu_s / audio_s:.4f} CPU s per second of audio and take")
    return 0


def cases(
    stems: Stems, stranger: Samples
) -> Iterator[tuple[str, Samples, Samples, Samples | None]]:
    """(name, mixture, take, truth or `None` where the sound is absent), all [N, C]."""
    truth, rest = stems.target / FULL_SCALE, stems.rest / FULL_SCALE
    mixture = truth + rest
    masked = np.asarray(ideal_ratio_mask(stems, ""), np.float64)
    yield "present", mixture, masked, truth
    for leak_db in (-30, -20, -12):
        yield f"present, leak {leak_db} dB", mixture, masked + gain(leak_db) * rest, truth
    for level_db in (-6, 3):
        levelled = gain(level_db) * truth
        yield f"present, {level_db:+} dB", mixture, levelled, levelled
    late = np.pad(truth, ((LATE_SAMPLES, 0), (0, 0)))[: len(truth)]
    yield "present, 1 ms late", mixture, late, late
    for n_fft in (2048, 512):
        lost = phaseless(truth, n_fft)
        yield f"present, phases lost ({n_fft})", mixture, lost, lost
    for leak_db in (-30, -20, -12, -6):
        yield f"absent, leak {leak_db} dB", rest, gain(leak_db) * rest, None
    other = np.resize(stranger, rest.shape)
    other *= np.sqrt(np.square(rest).mean() / np.square(other).mean())
    for level_db in (-40, -30, -20, -10):
        yield f"absent, stranger {level_db} dB", rest, gain(level_db) * other, None
    yield "wrong sound", mixture, rest, None


def through_gate(
    mixture: Samples, take: Samples, sample_rate: int, strictness: float
) -> tuple[float, Samples]:
    """(confidence, the take after the gate)."""
    mono = iter([mixture.mean(axis=1, keepdims=True).astype(np.float32)])
    waves = Frames.of(torch.from_numpy(take.mean(axis=1).astype(np.float32))[None, :, None])
    hop_length = round(FRAME_S * sample_rate)
    nats = log_odds(gathered(mono, waves, sample_rate, hop_length, Monitor()), None, None)[0]
    frame_s = hop_length / sample_rate
    confidence = confidence_of(nats, frame_s)
    if strictness == 0:
        return confidence, take
    gate = gate_for(nats, frame_s, strictness)
    return confidence, next(gated(iter([take[None]]), (gate,), sample_rate))[0]


def phaseless(samples: Samples, n_fft: int) -> Samples:
    """The sound with a random phase in every bin of its spectra."""
    _, _, spectra = stft(samples.T, nperseg=n_fft)
    turns = np.random.default_rng(0).random(spectra.shape)
    _, made = istft(spectra * np.exp(2j * np.pi * turns), nperseg=n_fft)
    return np.asarray(made.T[: len(samples)], np.float64)


def gain(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def peak_db(samples: Samples) -> float:
    return float(20 * np.log10(max(np.abs(samples).max(), 1e-15)))


def lost_db(take: Samples, left: Samples, truth: Samples) -> float:
    """Of the SI-SDR; where the take is the truth, the share of its energy that is missing."""
    if take is not truth:
        return si_sdr(take, truth) - si_sdr(left, truth)
    kept = np.square(left).sum() / np.square(take).sum()
    return float(-10 * np.log10(max(kept, 1e-9)))


def line(name: str, values: NDArray[np.float64]) -> str:
    confidence, loss, before, after = values.T
    low, middle, high = np.percentile(confidence, [0, 50, 100])
    lost = "-" if np.isnan(loss).all() else f"{loss.mean():.3f} / {loss.max():.3f}"
    silent = f"{(after < -200).sum()} of {len(after)}"

    def level(value: float) -> str:
        return "-inf" if value < -200 else f"{value:.1f}"

    peaks = f"{level(before.max())} | {level(float(np.median(after)))} / {level(after.max())}"
    return f"| {name} | {low:.2f} / {middle:.2f} / {high:.2f} | {lost} | {peaks} | {silent} |"


if __name__ == "__main__":
    sys.exit(main())
