"""Samples as the bytes of chunks and back: float32, little-endian, channels interleaved."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .limits import CHUNK_BYTES

SAMPLE_BYTES = 4


def chunks_of(samples: NDArray[np.float32], chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The bytes of `samples` [N, C], at most `chunk_bytes` at a time, in order."""
    if samples.ndim != 2 or samples.dtype != np.float32:
        raise ValueError(f"samples {samples.dtype} {samples.shape}: float32 [N, C] was expected")
    step = max(chunk_bytes // (SAMPLE_BYTES * samples.shape[1]), 1)
    for start in range(0, len(samples), step):
        yield np.ascontiguousarray(samples[start : start + step], dtype="<f4").tobytes()


def samples_of(content: bytes, n_channels: int) -> NDArray[np.float32]:
    """Samples [N, C] from the bytes of whole chunks. Raises ValueError for half a sample."""
    return np.frombuffer(content, dtype="<f4").reshape(-1, n_channels).astype(np.float32)
