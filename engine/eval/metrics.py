"""How good an estimate is, from the true stems: definitions and nothing else.

All arrays are samples [N, C] at full scale 1.0. Stereo counts as one long vector: the channels are
laid end to end, so one scale factor serves both and a wrong panorama costs.

si_sdr        scale-invariant signal-to-distortion ratio, dB, means removed
si_sdri       its improvement: SI-SDR of the estimate minus SI-SDR of the mixture
active_si_sdri  the same, counted only where the target truly sounds: separation, not muting
residual_si_sdri  the same for residual and true rest
sdr, sdri     plain signal-to-distortion ratio, dB: a wrong level costs; and its improvement
leakage_db    level of the estimate where the target is silent, against the mixture there
null_db       peak of mixture - target - residual as written, dBFS
rtf, rtf_cpu  seconds of clock and of processor time per second of audio; less is faster
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.units import samples_from_seconds

Samples = NDArray[np.float64]

SHORTEST_ACTIVE_S = 0.05
"""Below this much active time `active_si_sdri` says nothing."""

SHORTEST_SILENCE_S = 0.2
"""Below this much silence `leakage_db` says nothing."""

# Keep ratios finite for silent stems, 100 dB under a full-scale sample.
_ENERGY_FLOOR = 1e-10
_PROJECTION_FLOOR = 1e-12
_LEAKAGE_FLOOR = 1e-9


def si_sdr(estimate: Samples, reference: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB.

    With means removed, alpha = <e, s> / <s, s> and p = alpha s, it is
    10 log10(|p|^2 / |e - p|^2). A silent estimate gives 0 dB by the floor under both energies:
    neither praise nor blame, which is why a silent estimate is also flagged in reports.
    """
    e = estimate.ravel().astype(np.float64)
    s = reference.ravel().astype(np.float64)
    e = e - e.mean()
    s = s - s.mean()
    projection = (e @ s) / (s @ s + _PROJECTION_FLOOR) * s
    return _ratio_db(projection, e - projection)


def sdr(estimate: Samples, reference: Samples) -> float:
    """Signal-to-distortion ratio 10 log10(|s|^2 / |s - e|^2) in dB; level errors count."""
    s = reference.ravel().astype(np.float64)
    return _ratio_db(s, s - estimate.ravel())


def active_mask(
    active_spans_s: Sequence[tuple[float, float]], n_samples: int, sample_rate: int
) -> NDArray[np.bool_]:
    """[N], True where the target truly sounds. active_spans_s: (start, end) in seconds."""
    active = np.zeros(n_samples, dtype=np.bool_)
    for start_s, end_s in active_spans_s:
        start = samples_from_seconds(start_s, sample_rate)
        active[start : samples_from_seconds(end_s, sample_rate)] = True
    return active


def leakage_db(
    estimate: Samples, mixture: Samples, active: NDArray[np.bool_], sample_rate: int
) -> float | None:
    """Energy of the estimate outside the active time over that of the mixture there, in dB.

    0 is a mixture let through, lower is better; `None` when under 0.2 s are silent.
    """
    silent = ~active
    if silent.sum() <= SHORTEST_SILENCE_S * sample_rate:
        return None
    leaked = float((estimate[silent] ** 2).sum())
    there = float((mixture[silent] ** 2).sum())
    return 10 * math.log10((leaked + _LEAKAGE_FLOOR) / (there + _LEAKAGE_FLOOR))


def null_db(mixture: Samples, target: Samples, residual: Samples) -> float:
    """Peak of mixture - target - residual in dBFS; `-inf` when it is exactly zero."""
    peak = float(np.abs(mixture - target - residual).max(initial=0.0))
    return 20 * math.log10(peak) if peak > 0 else -math.inf


@dataclass(frozen=True, slots=True)
class Scores:
    """One estimate, measured; the module says what each number is.

    null_db is `None` with `null_exact` True when the null is exactly zero (minus infinity dBFS,
    which JSON cannot say). silent: the estimate is digital silence.
    """

    si_sdr: float
    si_sdri: float
    active_si_sdri: float | None
    residual_si_sdri: float
    sdr: float
    sdri: float
    leakage_db: float | None
    null_db: float | None
    null_exact: bool
    rtf: float
    rtf_cpu: float
    silent: bool


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What an estimate is measured against: target + rest = mixture, [N, C] at full scale 1.0."""

    mixture: Samples
    target: Samples
    rest: Samples
    active: NDArray[np.bool_]
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Seconds:
    """Time that making an estimate took: by the clock, and of all processors together."""

    wall_s: float
    cpu_s: float


def score(truth: Truth, target: Samples, residual: Samples, took: Seconds) -> Scores:
    """The scores of an estimated target and residual, both [N, C] as written."""
    si_sdr_db, sdr_db = si_sdr(target, truth.target), sdr(target, truth.target)
    null = null_db(truth.mixture, target, residual)
    duration_s = len(truth.mixture) / truth.sample_rate
    return Scores(
        si_sdr=si_sdr_db,
        si_sdri=si_sdr_db - si_sdr(truth.mixture, truth.target),
        active_si_sdri=_active_si_sdri(truth, target),
        residual_si_sdri=si_sdr(residual, truth.rest) - si_sdr(truth.mixture, truth.rest),
        sdr=sdr_db,
        sdri=sdr_db - sdr(truth.mixture, truth.target),
        leakage_db=leakage_db(target, truth.mixture, truth.active, truth.sample_rate),
        null_db=null if math.isfinite(null) else None,
        null_exact=null == -math.inf,
        rtf=took.wall_s / duration_s,
        rtf_cpu=took.cpu_s / duration_s,
        silent=not target.any(),
    )


def _active_si_sdri(truth: Truth, target: Samples) -> float | None:
    active = truth.active
    if active.sum() <= SHORTEST_ACTIVE_S * truth.sample_rate:
        return None
    reference = truth.target[active]
    return si_sdr(target[active], reference) - si_sdr(truth.mixture[active], reference)


def _ratio_db(signal: Samples, distortion: Samples) -> float:
    signal_energy, distortion_energy = float((signal**2).sum()), float((distortion**2).sum())
    return 10 * math.log10((signal_energy + _ENERGY_FLOOR) / (distortion_energy + _ENERGY_FLOOR))
