"""Where samples come from: an array, a PCM file, or a temporary file of decoded samples."""

import weakref
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from .data import AudioFormat
from .errors import AudioError, AudioUnreadable
from .stem_format import full_scale, left_shift, native_dtype


class Storage(Protocol):
    """Where the samples of a source lie."""

    def fetch(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C] in the source's native type; fewer where the file ends."""

    def close(self) -> None:
        """Release what is held."""


class StoredSource:
    """An `AudioSource` over any storage: bounds, scaling and the refusal of NaN and infinity.

    Samples are checked whenever they are read, so a bad one is found without a pass of its own.
    Reading raises AudioUnreadable at NaN, infinity and numbers beyond float32, and where the file
    has become shorter or cannot be read any more; AudioError once closed.
    """

    def __init__(
        self, storage: Storage, form: AudioFormat, sample_rate: int, shape: tuple[int, int]
    ) -> None:
        self.sample_rate = sample_rate
        self.n_samples, self.n_channels = shape
        self.native_dtype = native_dtype(form.subtype)
        self._full_scale = full_scale(form.subtype)
        self._storage: Storage | None = storage

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples [stop - start, C] as float32, full scale 1.0; never clamped."""
        native = self.read_native(start, stop)
        if self.native_dtype.kind == "f":
            return native.astype(np.float32, copy=False)
        # float64 in between, so that 32-bit numbers are rounded once and not twice.
        return (native * (1.0 / self._full_scale)).astype(np.float32)

    def read_native(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C] exactly as stored, in `native_dtype`."""
        assert 0 <= start <= stop <= self.n_samples, f"{start}:{stop} of {self.n_samples} samples"
        if self._storage is None:
            raise AudioError("these samples were closed; open the file again")
        samples = self._storage.fetch(start, stop)
        if len(samples) != stop - start:
            raise AudioUnreadable(
                f"the audio ends after {start + len(samples)} of {self.n_samples} samples: "
                "the file is truncated, damaged, or changed while it was read"
            )
        if self.native_dtype.kind == "f":
            check_finite(samples, start, self.sample_rate)
        return samples

    def close(self) -> None:
        """Release the file, if there is one. A closed source is not read again."""
        if self._storage is not None:
            self._storage.close()
            self._storage = None


def check_finite(samples: NDArray[Any], start: int, sample_rate: int) -> None:
    """Raise AudioUnreadable, naming the time, if a sample is NaN, infinite or beyond float32.

    samples: [n, C], the first of them at `start`.
    """
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(samples.astype(np.float32, copy=False))
    if not bad.any():
        return
    row, channel = np.argwhere(bad)[0]
    raise AudioUnreadable(
        f"sample {start + row} of channel {channel + 1}, at {(start + row) / sample_rate:.6f} s, "
        f"is {samples[row, channel]}; every sample must be a finite number: "
        "repair or render the mixture again"
    )


class ArrayStorage:
    """Samples [N, C] in memory, not copied."""

    def __init__(self, samples: NDArray[Any]) -> None:
        self._samples = samples

    def fetch(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C] as they are, not to be written to."""
        view = self._samples[start:stop]
        view.flags.writeable = False
        return view

    def close(self) -> None:
        """Let go of the array."""
        self._samples = self._samples[:0]


class SoundFileStorage:
    """Samples of a PCM, float or FLAC file through libsndfile.

    The file is opened at the first read; `release` gives the handle back until the next one.
    """

    def __init__(self, path: Path, subtype: str, opened: soundfile.SoundFile | None = None) -> None:
        self._path = path
        self._dtype = native_dtype(subtype)
        self._shift = left_shift(subtype)
        self._sound = opened

    def fetch(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C], fewer where the file ends. Raises AudioUnreadable."""
        try:
            if self._sound is None:
                self._sound = soundfile.SoundFile(str(self._path))
            if self._sound.tell() != start:
                self._sound.seek(start)
            samples = self._sound.read(stop - start, dtype=self._dtype.name, always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise AudioUnreadable(f"{self._path}: it cannot be read any more: {error}") from error
        if self._shift:
            samples >>= self._shift
        return np.asarray(samples)

    def release(self) -> None:
        """Give the handle back; the next read opens the file again."""
        if self._sound is not None:
            self._sound.close()
            self._sound = None

    def close(self) -> None:
        """Give the handle back for good."""
        self.release()


class DecodedStorage:
    """Samples in a nameless temporary file, which vanishes with its handle.

    shift: bits to shift right, for integers that the decoder left-aligned.
    """

    def __init__(self, file: IO[bytes], dtype: np.dtype[Any], n_channels: int, shift: int) -> None:
        self._file = file
        self._dtype = dtype
        self._n_channels = n_channels
        self._shift = shift
        self._finalizer = weakref.finalize(self, file.close)

    def fetch(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C], fewer where the file ends."""
        row_bytes = self._dtype.itemsize * self._n_channels
        self._file.seek(start * row_bytes)
        data = self._file.read((stop - start) * row_bytes)
        n_rows = len(data) // row_bytes
        samples = np.frombuffer(data[: n_rows * row_bytes], dtype=self._dtype)
        samples = samples.reshape(n_rows, self._n_channels)
        return samples >> self._shift if self._shift else samples

    def close(self) -> None:
        """Close the file, which is gone with it."""
        self._finalizer()
