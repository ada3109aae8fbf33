"""Has a user's file changed since it was put on the desk? Told by its size and time of change."""

from collections.abc import Mapping
from pathlib import Path

from .errors import RequestRefused


def stamp_of(path: Path) -> dict[str, int]:
    """What changes when a file is written to. Raises RequestRefused when it is not there."""
    try:
        status = path.stat()
    except OSError as error:
        raise changed(path, f" ({error.strerror})") from error
    return {"n_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def require_same(path: Path, stamp: Mapping[str, int]) -> None:
    """Raises RequestRefused when the file at `path` is not what it was when stamped."""
    if stamp_of(path) != stamp:
        raise changed(path)


def changed(path: Path, why: str = "") -> RequestRefused:
    """The refusal of a file that is not what it was."""
    return RequestRefused(
        f"{path}: the file was changed, moved or deleted since it was put here{why}; "
        "put the clip again",
        "clip_changed",
    )
