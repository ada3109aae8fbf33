"""Copies of finished stems in a folder that a client named: all of them or none.

A file that is there is never touched unless the client said that it may be.

A copy grows under a temporary name that holds the job's id, so that one left by a process that was
killed is known for what it is and swept away.
"""

import errno
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from .atomic import sync_folder
from .errors import BridgeError

_COPY_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes where. job_id: in the temporary names. overwrite: files there may be replaced."""

    files: tuple[Path, ...]
    folder: Path
    job_id: str
    overwrite: bool = False
    is_cancelled: Callable[[], bool] | None = None


class DeliveryFailed(BridgeError):
    """A stem cannot be placed in the folder that was named; the codes are the engine's own."""

    codes = ("output_not_writable", "output_exists", "disk_full", "cancelled")


def deliver(delivery: Delivery) -> tuple[Path, ...]:
    """Copy the files into the folder, which is made when it is missing; gives the copies.

    A file that is there already with the same content counts as delivered: the work may be done
    again after a crash. Raises DeliveryFailed; then nothing new is left.
    """
    folder = delivery.folder
    try:
        with ExitStack() as undo:
            _make(folder, undo)
            placed = tuple(_place(file, delivery, undo) for file in delivery.files)
            sync_folder(folder)
            undo.pop_all()
    except OSError as error:
        code = "disk_full" if error.errno in _FULL else "output_not_writable"
        raise DeliveryFailed(
            f"{folder}: the stems cannot be placed there ({error.strerror}): free some space or "
            "choose another folder",
            code,
        ) from error
    return placed


def check_folder(folder: Path) -> None:
    """Raises DeliveryFailed when nothing can be written into `folder`, before work is spent."""
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    try:
        # Permissions, read-only disks and quotas say what they think only when asked to write.
        with tempfile.TemporaryFile(dir=nearest):
            return
    except OSError as error:
        raise DeliveryFailed(
            f"{folder}: nothing can be written there ({error.strerror}); choose another folder",
            "output_not_writable",
        ) from error


def sweep(folder: Path, job_id: str) -> None:
    """Remove what an interrupted delivery of this job left under temporary names."""
    with suppress(OSError):
        for part in folder.glob(f".stemlasso-{job_id}-*.part"):
            part.unlink(missing_ok=True)


def _make(folder: Path, undo: ExitStack) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        undo.callback(_remove_if_empty, path)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _place(file: Path, delivery: Delivery, undo: ExitStack) -> Path:
    final = delivery.folder / file.name
    if final.exists():
        if _is_same(final, file):
            return final
        if final.is_dir() or not delivery.overwrite:
            raise _exists(final)
    part = delivery.folder / f".stemlasso-{delivery.job_id}-{secrets.token_hex(4)}.part"
    undo.callback(part.unlink, missing_ok=True)
    _copy(file, part, delivery.is_cancelled)
    if delivery.overwrite:
        part.replace(final)
    else:
        _rename(part, final)
        undo.callback(final.unlink, missing_ok=True)
    return final


def _copy(file: Path, part: Path, is_cancelled: Callable[[], bool] | None) -> None:
    with file.open("rb") as reader, part.open("xb") as writer:
        while piece := reader.read(_COPY_BYTES):
            if is_cancelled is not None and is_cancelled():
                raise DeliveryFailed("cancelled by the caller; nothing was placed", "cancelled")
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())


def _rename(part: Path, final: Path) -> None:
    """Rename without taking the place of another file."""
    try:
        os.link(part, final)
    except FileExistsError as error:
        raise _exists(final) from error
    except OSError:
        # No hard links here (FAT, some network drives): take the name, then replace our own file.
        final.open("xb").close()
        part.replace(final)
    else:
        part.unlink()


def _exists(final: Path) -> DeliveryFailed:
    return DeliveryFailed(
        f"{final}: it exists already; allow overwriting, move it away or choose another folder",
        "output_exists",
    )


def _is_same(one: Path, other: Path) -> bool:
    if not one.is_file() or one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        digests = [hashlib.file_digest(stream, "sha256").digest() for stream in (first, second)]
    return digests[0] == digests[1]
