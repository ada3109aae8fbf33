"""A float32 WAV file that grows while a client sends audio, without numpy or libsndfile.

    RIFF | JUNK, room for ds64 | fmt | fact | data ...

When it is complete, the sizes are filled in; beyond 4 GiB RIFF becomes RF64 and JUNK becomes ds64
(EBU Tech 3306). Samples are stored exactly as they arrive, little-endian, frame after frame.
"""

import os
import struct
from pathlib import Path

BYTES_PER_SAMPLE = 4
_IEEE_FLOAT = 3
_DS64_BYTES = 28
_HEADER = struct.Struct("<4sI4s 4sI28s 4sIHHIIHHH 4sII 4sI")
_MAX_32 = 0xFFFF_FFFF


class CapturedWav:
    """The file at `path` while it is written. Raises OSError from every method.

    `path` must not exist; `close` without `finish` leaves what arrived so far, to be deleted.
    """

    def __init__(self, path: Path, sample_rate: int, n_channels: int) -> None:
        self._sample_rate, self._n_channels = sample_rate, n_channels
        self._n_data_bytes = 0
        self._file = path.open("xb")
        try:
            self._file.write(self._header())
        except BaseException:
            self._file.close()
            raise

    @property
    def n_samples(self) -> int:
        """Samples per channel so far."""
        return self._n_data_bytes // (BYTES_PER_SAMPLE * self._n_channels)

    def append(self, frames: bytes | memoryview) -> None:
        """Add interleaved float32 samples, a whole number of frames."""
        self._file.write(frames)
        self._n_data_bytes += len(frames)

    def finish(self) -> None:
        """Fill in the sizes, see the file to the disk and close it."""
        with self._file as file:
            file.seek(0)
            file.write(self._header())
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _header(self) -> bytes:
        n_frame_bytes = BYTES_PER_SAMPLE * self._n_channels
        n_riff_bytes = _HEADER.size - 8 + self._n_data_bytes
        is_long = n_riff_bytes > _MAX_32
        ds64 = struct.pack("<QQQI", n_riff_bytes, self._n_data_bytes, self.n_samples, 0)
        return _HEADER.pack(
            b"RF64" if is_long else b"RIFF",
            _MAX_32 if is_long else n_riff_bytes,
            b"WAVE",
            b"ds64" if is_long else b"JUNK",
            _DS64_BYTES,
            ds64 if is_long else bytes(_DS64_BYTES),
            b"fmt ",
            18,
            _IEEE_FLOAT,
            self._n_channels,
            self._sample_rate,
            self._sample_rate * n_frame_bytes,
            n_frame_bytes,
            8 * BYTES_PER_SAMPLE,
            0,
            b"fact",
            4,
            min(self.n_samples, _MAX_32),
            b"data",
            _MAX_32 if is_long else self._n_data_bytes,
        )
