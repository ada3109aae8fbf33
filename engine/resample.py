"""Changing the rate of samples, whole or block by block, to an exact length."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

_QUALITY = "VHQ"


def resampled_length(n_samples: int, from_hz: int, to_hz: int) -> int:
    """Samples that `n_samples` become: the nearest whole number, halves upwards, at least one.

    There and back need not give the original length; pass it as `n_samples` on the way back.
    """
    if n_samples == 0:
        return 0
    return max(1, (2 * n_samples * to_hz + from_hz) // (2 * from_hz))


def resample(
    samples: NDArray[Any], from_hz: int, to_hz: int, n_samples: int | None = None
) -> NDArray[Any]:
    """Samples [N] or [N, C], float32 or float64, at another rate; same type, no delay.

    n_samples: wanted length, `None` for `resampled_length`; the end is cut or filled with silence.
    """
    assert samples.dtype.kind == "f", f"{samples.dtype}: scale integers to float first"
    wanted = resampled_length(len(samples), from_hz, to_hz) if n_samples is None else n_samples
    if from_hz == to_hz or not len(samples):
        return _with_length(samples, wanted)
    made = soxr.resample(np.ascontiguousarray(samples), from_hz, to_hz, quality=_QUALITY)
    return _with_length(np.asarray(made), wanted)


def resample_blocks(
    blocks: Iterable[NDArray[Any]], from_hz: int, to_hz: int, n_samples: int | None = None
) -> Iterator[NDArray[Any]]:
    """The same for consecutive blocks [n, C]: their sum of lengths is exact, memory is not.

    Gives blocks [m, C] of other lengths than those that go in, the same numbers as `resample` gives
    for the whole to float rounding. Nothing for no blocks at all.
    """
    stream: Any = None
    n_in = n_out = 0
    like: NDArray[Any] | None = None
    for block in blocks:
        assert block.ndim == 2, f"{block.shape}: give [samples, channels]"
        if stream is None:
            like = np.zeros((0, block.shape[1]), dtype=block.dtype)
            stream = _stream(like, from_hz, to_hz)
        n_in += len(block)
        made = stream(np.ascontiguousarray(block), False)
        made = made if n_samples is None else made[: n_samples - n_out]
        n_out += len(made)
        if len(made):
            yield made
    if stream is None or like is None:
        return
    wanted = resampled_length(n_in, from_hz, to_hz) if n_samples is None else n_samples
    made = _with_length(stream(like, True), max(wanted - n_out, 0))
    if len(made):
        yield made


def _stream(like: NDArray[Any], from_hz: int, to_hz: int) -> Any:
    if from_hz == to_hz:
        return lambda block, _last: block
    stream = soxr.ResampleStream(
        from_hz, to_hz, like.shape[1], dtype=like.dtype.name, quality=_QUALITY
    )
    return stream.resample_chunk


def _with_length(samples: NDArray[Any], n_samples: int) -> NDArray[Any]:
    missing = n_samples - len(samples)
    if missing <= 0:
        return samples[:n_samples]
    tail = np.zeros((missing, *samples.shape[1:]), dtype=samples.dtype)
    return np.concatenate([samples, tail])
