"""What the panel measures itself: whether the stems add up, and how loud each lane is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import SoundReader

BLOCK = 1 << 16
_INTEGERS = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32")


@dataclass(frozen=True, slots=True)
class Levels:
    """null_db: peak of mixture − target − residual against full scale, `None` when all are zero.

    rms, peak: of each lane, as factors of full scale.
    """

    null_db: float | None
    rms: tuple[float, ...]
    peak: tuple[float, ...]
    has_null: bool = True


def measure(paths: Sequence[Path], is_stopped: Callable[[], bool] = lambda: False) -> Levels:
    """Levels of lanes; the first three are mixture, target and residual.

    Integer files are compared as integers, to the last bit. Raises SoundUnreadable.
    """
    readers = [SoundReader(path) for path in paths]
    try:
        return _measure(readers, is_stopped)
    finally:
        for reader in readers:
            reader.close()


def decibels(factor: float) -> float:
    """A factor of full scale in dB."""
    return float(20 * np.log10(max(factor, 1e-12)))


def _measure(readers: list[SoundReader], is_stopped: Callable[[], bool]) -> Levels:
    has_null = len(readers) >= 3
    exact = all(reader.info.subtype in _INTEGERS for reader in readers[:3])
    squares = np.zeros(len(readers))
    peaks = np.zeros(len(readers))
    worst = 0.0
    n_samples = max(reader.info.n_samples for reader in readers)
    for start in range(0, n_samples, BLOCK):
        if is_stopped():
            break
        kind = "int32" if exact else "float64"
        blocks = [reader.read(start, BLOCK, kind) for reader in readers[:3]]
        blocks += [reader.read(start, BLOCK, "float64") for reader in readers[3:]]
        if has_null:
            worst = max(worst, _null(blocks[:3], exact))
        for lane, block in enumerate(blocks):
            scaled = block / 2.0**31 if block.dtype == np.int32 else block
            squares[lane] += float((scaled**2).mean(axis=1).sum()) if len(block) else 0.0
            peaks[lane] = max(peaks[lane], float(np.abs(scaled).max(initial=0.0)))
    rms = np.sqrt(squares / max(n_samples, 1))
    null_db = decibels(worst) if worst > 0 else None
    return Levels(null_db, tuple(rms.tolist()), tuple(peaks.tolist()), has_null)


def _null(blocks: list[NDArray[Any]], exact: bool) -> float:
    mixture, target, residual = blocks
    if not mixture.shape == target.shape == residual.shape:
        return 1.0
    if exact:
        rest = mixture.astype(np.int64) - target - residual
        return float(np.abs(rest).max(initial=0)) / 2.0**31
    # Each stem was rounded to single precision; what is below half a step of that is no error.
    rest_f = mixture - target - residual
    worst = float(np.abs(rest_f).max(initial=0.0))
    return worst if np.any(np.float32(target + residual) != np.float32(mixture)) else 0.0
