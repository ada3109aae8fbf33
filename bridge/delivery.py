"""Copies of finished stems in a folder that a client named: all of them or none.

A file that is there is never touched unless the client said that it may be.

A copy grows under a temporary name that holds the job's id, so that one left by a process that was
killed is known for what it is and swept away.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from .atomic import DISK_FULL, sync_folder
from .errors import BridgeError

_COPY_BYTES = 1 << 20


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
            copies = [_copied(file, delivery, undo) for file in delivery.files]
            replaced = [_place(copy, delivery.overwrite, undo) for copy in copies]
            sync_folder(folder)
            undo.pop_all()
    except OSError as error:
        code = "disk_full" if error.errno in DISK_FULL else "output_not_writable"
        raise DeliveryFailed(
            f"{folder}: the stems cannot be placed there ({error.strerror}): free some space or "
            "choose another folder",
            code,
        ) from error
    for aside in filter(None, replaced):
        aside.unlink(missing_ok=True)
    return tuple(copy.final for copy in copies)


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
        for aside in folder.glob(f".stemlasso-{job_id}-*.old"):
            # Without another name it is all that is left of the user's file.
            if aside.stat().st_nlink > 1:
                aside.unlink()


def _make(folder: Path, undo: ExitStack) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        undo.callback(_remove_if_empty, path)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


@dataclass(frozen=True, slots=True)
class _Copy:
    """part: `None` where the file is there already."""

    part: Path | None
    final: Path


def _copied(file: Path, delivery: Delivery, undo: ExitStack) -> _Copy:
    final = delivery.folder / file.name
    if final.exists():
        if _is_same(final, file):
            return _Copy(None, final)
        if final.is_dir() or not delivery.overwrite:
            raise _exists(final)
    part = delivery.folder / f".stemlasso-{delivery.job_id}-{secrets.token_hex(4)}.part"
    undo.callback(part.unlink, missing_ok=True)
    _copy(file, part, delivery.is_cancelled)
    return _Copy(part, final)


def _place(copy: _Copy, overwrite: bool, undo: ExitStack) -> Path | None:
    """Give the copy its name; where the file is that had it and has to come back on failure."""
    if copy.part is None:
        return None
    if not overwrite:
        _rename(copy.part, copy.final)
        undo.callback(copy.final.unlink, missing_ok=True)
        return None
    aside = _set_aside(copy.part, copy.final)
    if aside is None:
        undo.callback(copy.final.unlink, missing_ok=True)
    else:
        undo.callback(_bring_back, aside, copy.final)
    copy.part.replace(copy.final)
    return aside


def _set_aside(part: Path, final: Path) -> Path | None:
    """A second name for the file at `final`, which stays there where the file system allows it."""
    aside = part.with_suffix(".old")
    try:
        os.link(final, aside)
    except FileNotFoundError:
        return None
    except OSError:
        if final.is_dir():
            raise
        # No hard links here (FAT, some network drives).
        final.replace(aside)
    return aside


def _bring_back(aside: Path, final: Path) -> None:
    # A rename does nothing where both names mean the same file.
    if final.exists() and final.samefile(aside):
        aside.unlink()
    else:
        aside.replace(final)


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
