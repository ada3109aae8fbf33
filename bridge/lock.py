"""A lock file that one process at a time holds; the system frees the lock of a dead one."""

import sys
from pathlib import Path
from typing import BinaryIO


class FileLock:
    """The lock of one file, held from `acquire` to `release`. The file itself stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: BinaryIO | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._stream is not None

    def acquire(self) -> bool:
        """Take the lock; False when another process has it. Raises OSError (folder, permission)."""
        assert self._stream is None, f"{self._path}: the lock is held already"
        stream = self._path.open("ab")
        if not _take(stream):
            stream.close()
            return False
        self._stream = stream
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with stream:
                _free(stream)


if sys.platform == "win32":
    import msvcrt

    def _take(stream: BinaryIO) -> bool:
        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _free(stream: BinaryIO) -> None:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(stream: BinaryIO) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _free(stream: BinaryIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
