"""What a separator is compared with: three ways that know nothing, and one that knows the truth.

do_nothing        the mixture itself; 0 dB of improvement by definition
span_gating       the mixture where a "+" span is drawn (or no "-" span, when only those are
                  drawn), silence elsewhere
hpss              harmonic-percussive separation by median filtering (Fitzgerald 2010), the
                  percussive part for drums and the harmonic part for anything else, then gated
ideal_ratio_mask  the power-ratio mask of the true stems (an oracle): what a mask could do at best

Estimates are [N, C] at full scale 1.0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from engine.data import Span
from engine.units import samples_from_seconds

from .dataset import Stems
from .metrics import Samples

N_FFT = 2048
HOP_LENGTH = 512
MEDIAN_TAPS = 31
"""Frames and bins that each median looks at: 0.33 s and 0.7 kHz at 48 kHz."""

GATE_RAMP_S = 0.02

PERCUSSIVE_GROUPS = frozenset({"drums", "drum part"})

FULL_SCALE_16_BIT = 32768.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """A way to make an estimate from the true stems and the class group of an item.

    is_gated: the prompt's spans are laid over the estimate afterwards.
    """

    name: str
    title: str
    estimate: Callable[[Stems, str], Samples]
    is_gated: bool


def do_nothing(stems: Stems, class_group: str) -> Samples:
    """The mixture."""
    del class_group
    return stems.mixture / FULL_SCALE_16_BIT


def hpss(stems: Stems, class_group: str) -> Samples:
    """The percussive part of the mixture for drums, the harmonic part for anything else.

    Medians along time (harmonic) and along frequency (percussive) of the magnitude make soft
    masks H^2 / (H^2 + P^2).
    """
    frames = _stft(hann(N_FFT, sym=False))
    spectrum = _analyse(frames, stems.mixture / FULL_SCALE_16_BIT)
    magnitude = np.abs(spectrum)
    harmonic = median_along_last(magnitude, MEDIAN_TAPS) ** 2
    percussive = median_along_last(magnitude.swapaxes(1, 2), MEDIAN_TAPS).swapaxes(1, 2) ** 2
    wanted = percussive if class_group in PERCUSSIVE_GROUPS else harmonic
    mask = wanted / (harmonic + percussive + np.finfo(np.float64).tiny)
    return _synthesise(frames, spectrum * mask, len(stems.mixture))


def ideal_ratio_mask(stems: Stems, class_group: str) -> Samples:
    """The mixture under the mask |T|^2 / (|T|^2 + |R|^2) of its true target and rest."""
    del class_group
    frames = _stft(np.sqrt(hann(N_FFT, sym=False)))
    target = np.abs(_analyse(frames, stems.target / FULL_SCALE_16_BIT)) ** 2
    rest = np.abs(_analyse(frames, stems.rest / FULL_SCALE_16_BIT)) ** 2
    mask = target / (target + rest + np.finfo(np.float64).tiny)
    mixture = _analyse(frames, stems.mixture / FULL_SCALE_16_BIT)
    return _synthesise(frames, mixture * mask, len(stems.mixture))


BASELINES = (
    Baseline("do_nothing", "do nothing", do_nothing, is_gated=False),
    Baseline("span_gating", "span gating", do_nothing, is_gated=True),
    Baseline("hpss", "HPSS + gating", hpss, is_gated=True),
    Baseline("ideal_ratio_mask", "ideal mask", ideal_ratio_mask, is_gated=False),
)


def span_gate(spans: Sequence[Span], n_samples: int, sample_rate: int) -> Samples:
    """[N, 1] gain of 0 to 1 with 20 ms ramps: open in "+", or outside "-" when there is no "+".

    Later spans win where they overlap; without spans the gate stays open.
    """
    has_present = any(span.sign == "+" for span in spans)
    gain = np.zeros(n_samples) if has_present else np.ones(n_samples)
    for span in spans:
        start = samples_from_seconds(span.start_s, sample_rate)
        stop = samples_from_seconds(span.end_s, sample_rate)
        gain[start:stop] = 1.0 if span.sign == "+" else 0.0
    half = samples_from_seconds(GATE_RAMP_S / 2, sample_rate)
    padded = np.pad(gain, (half + 1, half), mode="edge")
    running = np.cumsum(padded)
    smooth = (running[2 * half + 1 :] - running[: -2 * half - 1]) / (2 * half + 1)
    return np.clip(smooth, 0.0, 1.0)[:, None]


def median_along_last(values: Samples, n_taps: int) -> Samples:
    """Running median over the last axis, ends mirrored, like `scipy.ndimage.median_filter`.

    All rows are laid end to end, each with its own mirrored ends: SciPy's filter for one
    dimension is ten times faster than the one for several.
    """
    half = n_taps // 2
    edges = [(0, 0)] * (values.ndim - 1) + [(half, half)]
    padded = np.pad(values, edges, mode="symmetric")
    filtered: NDArray[np.float64] = median_filter(padded.ravel(), size=n_taps)
    return filtered.reshape(padded.shape)[..., half : padded.shape[-1] - half]


def _stft(window: Samples) -> ShortTimeFFT:
    return ShortTimeFFT(window, HOP_LENGTH, fs=1.0, phase_shift=None)


def _analyse(frames: ShortTimeFFT, samples: Samples) -> NDArray[np.complex128]:
    """[C, bins, T] of [N, C], with a window of zeros before and after."""
    padded = np.pad(samples.T, ((0, 0), (N_FFT, N_FFT)))
    spectrum: NDArray[np.complex128] = frames.stft(padded)
    return spectrum


def _synthesise(frames: ShortTimeFFT, spectrum: NDArray[np.complex128], n_samples: int) -> Samples:
    padded = np.real(frames.istft(spectrum, k1=n_samples + 2 * N_FFT))
    return padded[:, N_FFT : N_FFT + n_samples].T
