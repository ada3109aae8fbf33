"""Masks of a video, read one frame at a time from whatever the user has.

    array [N, H, W], .npy, .npz, folder of PNGs, video file -> MaskSource -> masks [H, W], in order

Non-zero marks the object. In a video that was compressed with loss, brighter than half does,
because such a file has no clean zeros.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import PromptError

from .video_frames import DecodedFrame, count_frames, decode_frames

MASKLET_KEY = "video_masklet"
"""Entry of an .npz file that is taken when there are several; the published benchmark's name."""

_HALF_BRIGHT = 1 << 15

_ALLOWED = (
    "a video, a folder of PNG files, a .npy or .npz file, or an array [frames, height, width]"
)

Mask = NDArray[np.bool_]
LazyMask = Callable[[], Mask]


@dataclass(frozen=True, slots=True)
class MaskSource:
    """Masks in order of time. in_order: starts from the first one; each is made when called."""

    name: str
    n_frames: int
    in_order: Callable[[], Iterator[LazyMask]]


def open_mask(mask: Path | NDArray[Any]) -> MaskSource:
    """The masks of a visual prompt; their number and shape are checked, their pixels not yet.

    Raises PromptError, and BackendUnavailable when reading pictures needs PyAV and it is missing.
    """
    if not isinstance(mask, Path):
        return _array_source(mask, "the mask array")
    if mask.is_dir():
        return _folder_source(mask)
    if not mask.is_file():
        raise PromptError(f"mask {mask}: no such file or folder; allowed is {_ALLOWED}")
    if mask.suffix.lower() == ".npy":
        return _npy_source(mask)
    if mask.suffix.lower() == ".npz":
        return _npz_source(mask)
    return MaskSource(f"mask {mask}", count_frames(mask), partial(_masks_of_video, mask))


def _array_source(masks: NDArray[Any], name: str) -> MaskSource:
    _check_layout(masks.shape, masks.dtype, name)
    if not any(frame.any() for frame in masks):
        raise PromptError(f"{name} marks nothing: every value in it is zero")

    def in_order() -> Iterator[LazyMask]:
        return (partial(_marked, frame, name) for frame in masks)

    return MaskSource(name, len(masks), in_order)


def _npy_source(path: Path) -> MaskSource:
    try:
        masks = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PromptError(f"mask {path} cannot be read: {error}") from error
    return _array_source(masks, f"mask {path}")


def _npz_source(path: Path) -> MaskSource:
    """Masks from an archive, unpacked frame by frame: a minute of masks is gigabytes unpacked."""
    name = f"mask {path}"
    try:
        with zipfile.ZipFile(path) as archive:
            member = _npz_member(archive, name)
            with archive.open(member) as stream:
                shape, in_columns, dtype = _npy_header(stream)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise PromptError(f"{name} cannot be read: {error}") from error

    _check_layout(shape, dtype, name)
    if in_columns:
        raise PromptError(f"{name} is stored in Fortran order; save np.ascontiguousarray(mask)")
    return MaskSource(name, shape[0], partial(_masks_of_npz, path, member, name))


def _npz_member(archive: zipfile.ZipFile, name: str) -> str:
    entries = [item.removesuffix(".npy") for item in archive.namelist()]
    if MASKLET_KEY in entries:
        return f"{MASKLET_KEY}.npy"
    if len(entries) == 1:
        return f"{entries[0]}.npy"
    raise PromptError(
        f"{name} holds {', '.join(entries) or 'nothing'}; "
        f"allowed is one array, or one that is called {MASKLET_KEY}"
    )


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _masks_of_npz(path: Path, member: str, name: str) -> Iterator[LazyMask]:
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        shape, _, dtype = _npy_header(stream)
        n_bytes = int(np.prod(shape[1:])) * dtype.itemsize
        for _ in range(shape[0]):
            try:
                content = stream.read(n_bytes)
            except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise PromptError(f"{name} is damaged: {error}") from error
            if len(content) < n_bytes:
                raise PromptError(f"{name} is cut short; save it again")
            yield partial(_marked, np.frombuffer(content, dtype).reshape(shape[1:]), name)


def _folder_source(folder: Path) -> MaskSource:
    files = sorted(
        (file for file in folder.iterdir() if file.suffix.lower() == ".png"), key=_natural_order
    )
    if not files:
        raise PromptError(f"mask {folder}: the folder holds no PNG file; allowed is {_ALLOWED}")

    def in_order() -> Iterator[LazyMask]:
        return (partial(_mask_of_picture, file) for file in files)

    return MaskSource(f"mask {folder}", len(files), in_order)


def _natural_order(file: Path) -> list[tuple[bool, int, str]]:
    """9.png before 10.png."""
    parts = re.split(r"(\d+)", file.name.lower())
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _mask_of_picture(file: Path) -> Mask:
    return _mask_of_frame(next(decode_frames(file)))


def _masks_of_video(path: Path) -> Iterator[LazyMask]:
    return (partial(_mask_of_frame, frame) for frame in decode_frames(path))


def _mask_of_frame(frame: DecodedFrame) -> Mask:
    pixels = frame.rgba()
    brightest = pixels[..., :3].max(axis=-1)
    marked = brightest > 0 if frame.is_lossless else brightest >= _HALF_BRIGHT
    mask: Mask = marked & (pixels[..., 3] > 0)
    return mask


def _marked(frame: NDArray[Any], name: str) -> Mask:
    if frame.dtype.kind == "f" and not np.isfinite(frame).all():
        raise PromptError(f"{name} holds values that are not finite; allowed are zero and non-zero")
    mask: Mask = frame.reshape(frame.shape[-2:]) != 0
    return mask


def _check_layout(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if not (len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)) or 0 in shape:
        raise PromptError(
            f"{name} has the shape {tuple(shape)}; allowed is [frames, height, width], not empty"
        )
    if dtype.kind not in "biuf":
        raise PromptError(f"{name} has the type {dtype}; allowed are bool, integers and floats")
