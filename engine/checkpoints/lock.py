"""One process at a time may change a stored model; the system frees the lock of a dead one."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from engine.data import Monitor
from engine.errors import CheckpointError

WAIT_S = 10.0
_POLL_S = 0.1


@contextmanager
def hold(file: Path, what: str, monitor: Monitor, wait_s: float = WAIT_S) -> Iterator[None]:
    """Own the lock `file` for the length of a `with` block.

    what: named in the message when another process has it.
    Raises CheckpointError when it is not free within `wait_s` seconds, Cancelled while waiting.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as stream:
        deadline_s = time.monotonic() + wait_s
        while not _acquire(stream):
            monitor.check()
            if time.monotonic() >= deadline_s:
                raise CheckpointError(
                    f"another process is working on {what} in {file.parent}; "
                    "wait until it is done and try again"
                )
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            _release(stream)


if sys.platform == "win32":
    import msvcrt

    def _acquire(stream: BinaryIO) -> bool:
        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(stream: BinaryIO) -> None:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _acquire(stream: BinaryIO) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(stream: BinaryIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
