"""Where a recording is not silent, as pydub measures it on 16-bit samples.

    pcm at any rate -> converted_rate -> nonsilent_ms -> [start_ms, end_ms) stretches

The published scores are defined through pydub 0.25 and the standard library's `audioop`, whose
integer arithmetic is repeated here: rates are converted by plain linear interpolation without a
low-pass, and levels are RMS values cut down to whole numbers.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32_768
MIN_SILENCE_MS = 250
SCAN_STEP_MS = 10
PEAK_WINDOW_MS = 250
PEAK_STEP_MS = 100


def converted_rate(pcm: NDArray[np.int16], from_rate_hz: int, to_rate_hz: int) -> NDArray[np.int16]:
    """Samples [N] at another rate, as `audioop.ratecv` gives them: interpolated, not filtered.

    Output k lies at input position k * from / to; positions past the last sample are left out.
    """
    divisor = math.gcd(from_rate_hz, to_rate_hz)
    from_rate, to_rate = from_rate_hz // divisor, to_rate_hz // divisor
    if from_rate == to_rate or len(pcm) == 0:
        return pcm

    n_out = (len(pcm) - 1) * to_rate // from_rate + 1
    position = np.arange(n_out, dtype=np.int64) * from_rate
    following = -(-position // to_rate)
    behind = following * to_rate - position
    # audioop interpolates in 32 bits and drops the lower 16 at the end, towards minus infinity.
    wide = pcm.astype(np.int64) << 16
    blend = wide[following - (behind > 0)] * behind + wide[following] * (to_rate - behind)
    interpolated = np.trunc(blend.astype(np.float64) / to_rate).astype(np.int64)
    return (interpolated >> 16).astype(np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """RMS levels of any stretch of a recording, from one pass over it.

    energy: running sum of squares [N + 1].
    """

    energy: NDArray[np.int64]
    sample_rate: int

    @classmethod
    def of(cls, pcm: NDArray[np.int16], sample_rate: int) -> "Levels":
        """Levels of samples [N]."""
        squares = np.square(pcm.astype(np.int64))
        return cls(np.concatenate([np.zeros(1, np.int64), np.cumsum(squares)]), sample_rate)

    @property
    def duration_ms(self) -> int:
        """Length in whole milliseconds, nearest."""
        return round(1000 * ((len(self.energy) - 1) / self.sample_rate))

    def rms(self, start_ms: NDArray[np.int64], window_ms: int) -> NDArray[np.int64]:
        """Whole-number RMS of the windows that begin at `start_ms`, cut at the end."""
        end_ms = np.minimum(start_ms + window_ms, self.duration_ms)
        per_ms = self.sample_rate / 1000
        start, end = (start_ms * per_ms).astype(np.int64), (end_ms * per_ms).astype(np.int64)
        # Rounding may put the end half a millisecond past the last sample: that part is zeros.
        last = len(self.energy) - 1
        total = self.energy[np.minimum(end, last)] - self.energy[np.minimum(start, last)]
        mean: NDArray[np.float64] = total / np.maximum(end - start, 1)
        return np.sqrt(mean).astype(np.int64)

    def peak_db(self) -> float:
        """Highest level over windows of 250 ms that begin every 100 ms, in dB of full scale."""
        starts = np.arange(0, max(self.duration_ms - PEAK_WINDOW_MS, 0) + 1, PEAK_STEP_MS)
        peak = int(self.rms(starts, PEAK_WINDOW_MS).max())
        return 20 * math.log(peak / FULL_SCALE, 10) if peak else -math.inf


def nonsilent_ms(levels: Levels, threshold_db: float) -> list[tuple[int, int]]:
    """Stretches (start_ms, end_ms) that are louder than `threshold_db` of full scale.

    What is left after cutting out every stretch of at least 250 ms at or below the threshold,
    looked for every 10 ms. A recording shorter than that is one stretch.
    """
    duration_ms = levels.duration_ms
    silent = _silent_ms(levels, 10 ** (threshold_db / 20) * FULL_SCALE)

    bounds = [0, *(edge for stretch in silent for edge in stretch), duration_ms]
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return [(start, end) for start, end in pairs if end > start]


def _silent_ms(levels: Levels, threshold: float) -> list[tuple[int, int]]:
    last_start = levels.duration_ms - MIN_SILENCE_MS
    if last_start < 0:
        return []
    starts = np.arange(0, last_start + 1, SCAN_STEP_MS)
    if last_start % SCAN_STEP_MS:
        starts = np.append(starts, last_start)
    quiet = starts[levels.rms(starts, MIN_SILENCE_MS) <= threshold]
    if len(quiet) == 0:
        return []

    # Quiet windows that overlap or touch are one stretch.
    breaks = np.flatnonzero(np.diff(quiet) > MIN_SILENCE_MS)
    firsts = quiet[np.concatenate([[0], breaks + 1])]
    lasts = quiet[np.concatenate([breaks, [len(quiet) - 1]])]
    return [
        (int(first), int(last) + MIN_SILENCE_MS) for first, last in zip(firsts, lasts, strict=True)
    ]
