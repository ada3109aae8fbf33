"""Room on the disk: asked for before much is written, and explained when it runs out."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import CheckpointError, DiskFull

_SPARE_BYTES = 16 * 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def require_space(folder: Path, n_bytes: int, what: str) -> None:
    """Raises DiskFull when `folder`, which need not exist yet, has no room for `n_bytes` more."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if n_bytes > 0 and free < n_bytes + _SPARE_BYTES:
        raise DiskFull(
            f"{what} needs {gigabytes(n_bytes)} in {folder}, where {gigabytes(free)} are free; "
            f"make {gigabytes(n_bytes + _SPARE_BYTES - free)} of room or choose another folder"
        )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says while writing below `folder` into DiskFull or CheckpointError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"no room left while writing to {folder} ({error.strerror}); make room and start "
                "again: what is there already is kept and not copied or fetched twice"
            ) from error
        raise CheckpointError(
            f"{error.filename or folder}: {error.strerror or error}; nothing was put into "
            f"{folder}. Check the permissions or choose another folder"
        ) from error


def gigabytes(n_bytes: int) -> str:
    """A size as a person reads it: `5.1 GB`, `312 MB`, `4 kB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= scale:
            value = n_bytes / scale
            return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{n_bytes} B"
