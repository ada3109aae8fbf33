"""Samples of a clip exactly as stored: as numbers to compute with, and as a digest."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data import AudioClip, AudioFormat, Monitor
from .stem_format import full_scale

_BLOCK_SAMPLES = 1 << 18


def exact_samples(clip: AudioClip, start: int, stop: int) -> NDArray[np.float64]:
    """Samples [n, C], full scale 1.0; float64 holds every stored number exactly."""
    return exact_values(clip.source.read_native(start, stop), clip.format)


def exact_values(native: NDArray[Any], form: AudioFormat) -> NDArray[np.float64]:
    """Samples as `form` stores them, with full scale 1.0."""
    scale = 1.0 if native.dtype.kind == "f" else full_scale(form.subtype)
    return np.asarray(native / scale, dtype=np.float64)


class SampleDigest:
    """A digest of samples that come in blocks of any size; tells a mixture that was changed."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, native: NDArray[Any]) -> None:
        """Count the next samples, as stored."""
        self._hash.update(np.ascontiguousarray(native).view(np.uint8).data)

    @property
    def text(self) -> str:
        """32 hexadecimal digits."""
        return self._hash.hexdigest()


def digest_of(clip: AudioClip, monitor: Monitor) -> str:
    """The digest of all samples of a clip. Raises Cancelled."""
    digest = SampleDigest()
    for start in range(0, clip.n_samples, _BLOCK_SAMPLES):
        monitor.check()
        digest.add(clip.source.read_native(start, min(start + _BLOCK_SAMPLES, clip.n_samples)))
    return digest.text
