"""Blocks of samples from sound files: the one place of the panel that opens them.

Files are read as they are needed and never whole: an hour of stereo would not fit.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class SoundUnreadable(Exception):
    """A file that cannot be shown or played; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What a file holds. subtype: how samples are stored, in libsndfile's words."""

    path: Path
    sample_rate: int
    n_channels: int
    n_samples: int
    format: str = "WAV"
    subtype: str = "PCM_16"

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def key(self) -> str:
        """A name for what is computed from the file as it is now."""
        state = self.path.stat()
        text = f"{self.path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class SoundReader:
    """An open file. One thread at a time; every thread opens its own."""

    def __init__(self, path: Path) -> None:
        try:
            self._sound = soundfile.SoundFile(path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise SoundUnreadable(f"{path.name}: it cannot be read as sound ({error})") from error
        self.info = SoundInfo(
            path,
            self._sound.samplerate,
            self._sound.channels,
            self._sound.frames,
            self._sound.format,
            self._sound.subtype,
        )
        if self.info.n_samples < 1 or self.info.sample_rate < 1:
            self._sound.close()
            raise SoundUnreadable(f"{path.name}: there is no sound in it")

    def __enter__(self) -> "SoundReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, start: int, n_samples: int, dtype: str = "float32") -> NDArray[Any]:
        """Samples [n, C] from `start`; fewer at the end of the file, none beyond it."""
        start = max(start, 0)
        n_samples = min(n_samples, self.info.n_samples - start)
        if n_samples <= 0:
            return np.zeros((0, self.info.n_channels), dtype)
        if self._sound.tell() != start:
            self._sound.seek(start)
        block: NDArray[Any] = self._sound.read(n_samples, dtype, always_2d=True)
        return block

    def close(self) -> None:
        """Close the file."""
        self._sound.close()


def sound_info(path: Path) -> SoundInfo:
    """What a file holds. Raises SoundUnreadable."""
    with SoundReader(path) as reader:
        return reader.info
