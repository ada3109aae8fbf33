"""Room for what grows with the length of the file: temporary files that no crash leaves behind.

    append [R, n, C], piece after piece  -->  one file, frame after frame  -->  read any [R, n, C]

Plain reads and writes, not a memory map: mapped pages count as this process's memory, and a disk
that fills up under a map kills the process, where a write is an error that can be told.
"""

import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.errors import DiskFull
from engine.stem_writer import output_failure

_IN_MEMORY_BYTES = 1 << 22
"""What is smaller never touches the disk: the state of 160 s of sound, for instance."""

_FLOAT_BYTES = 4


class Scratch:
    """Makes frame files in one folder and counts their bytes.

    folder: `None` is the system's folder for temporary files. The files have no name where the
    system can do that, and are gone with this process in any case.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = Path(folder or tempfile.gettempdir())
        self._files: weakref.WeakSet[FrameFile] = weakref.WeakSet()
        self.peak_bytes = 0

    def require(self, n_bytes: int) -> None:
        """Raises DiskFull when `n_bytes` are more than there is room for."""
        try:
            free_bytes = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise output_failure(error, self._folder) from error
        if n_bytes > max(free_bytes, _IN_MEMORY_BYTES):
            raise DiskFull(
                f"{self._folder}: this length needs {n_bytes / 1e6:.0f} MB there for a while and "
                f"{free_bytes / 1e6:.0f} MB are free: free some space, choose another folder with "
                "TMPDIR, or make fewer candidates"
            )

    def file(self, n_rows: int, n_channels: int) -> "FrameFile":
        """A new, empty one."""
        made = FrameFile(self, self._folder, n_rows, n_channels)
        self._files.add(made)
        return made

    def close(self) -> None:
        """Let go of every file that was made here."""
        for file in list(self._files):
            file.close()

    def count(self) -> None:
        """Keep the record of the most bytes that there were at once."""
        self.peak_bytes = max(self.peak_bytes, sum(file.n_bytes for file in self._files))


class FrameFile:
    """float32 values [R, T, C] in a file, one frame of all rows after the other.

    It is closed, and its room given back, when nobody refers to it any more.
    """

    def __init__(self, scratch: Scratch, folder: Path, n_rows: int, n_channels: int) -> None:
        self.n_rows, self.n_channels = n_rows, n_channels
        self.n_frames = 0
        self._scratch = scratch
        self._folder = folder
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115, closed by `finalize`
        self._closed = weakref.finalize(self, _close, self._file)

    @property
    def n_bytes(self) -> int:
        """Bytes that it takes."""
        return self.n_frames * self._frame_bytes if self._closed.alive else 0

    def append(self, values: Tensor) -> None:
        """Put frames [R, n, C] at the end. Raises DiskFull or OutputError."""
        assert values.shape[::2] == (self.n_rows, self.n_channels), f"{tuple(values.shape)}"
        packed = np.ascontiguousarray(values.detach().float().cpu().transpose(0, 1).numpy())
        try:
            self._file.seek(self.n_frames * self._frame_bytes)
            self._file.write(packed.data)
            self._file.flush()
        except OSError as error:
            raise output_failure(error, self._folder) from error
        self.n_frames += values.shape[1]
        self._scratch.count()

    def read(self, start: int, stop: int) -> Tensor:
        """Frames [R, stop - start, C], a copy."""
        assert 0 <= start <= stop <= self.n_frames, f"{start}:{stop} of {self.n_frames} frames"
        packed = np.empty((stop - start, self.n_rows, self.n_channels), np.float32)
        self._file.seek(start * self._frame_bytes)
        n_read = self._file.readinto(packed.reshape(-1).view(np.uint8).data)
        assert n_read == packed.nbytes, f"{n_read} of {packed.nbytes} bytes"
        return torch.from_numpy(packed).transpose(0, 1)

    def close(self) -> None:
        """Give its room back now; it is not read again."""
        self._closed()

    @property
    def _frame_bytes(self) -> int:
        return self.n_rows * self.n_channels * _FLOAT_BYTES


def _close(file: tempfile.SpooledTemporaryFile[bytes]) -> None:
    # What a full disk refused is tried once more on closing, and refused again.
    with suppress(OSError):
        file.close()
