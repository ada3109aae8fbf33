"""Masks from files: a folder of PNGs, an array, or a video, such as SAM 3 writes them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QImage

from gui.audio.files import SoundUnreadable
from gui.state.masks import Mask

from .frames import FrameReader, video_info

HALF_BRIGHT = 127
ALLOWED = "a folder of PNGs, an .npy or .npz file, or a video"


class ImportedMask:
    """The masks of a file, one at a time: `at(share)` with 0 the first and 1 the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pictures = sorted(path.glob("*.png")) if path.is_dir() else []
        self._array: NDArray[Any] | None = None
        self._film: FrameReader | None = None
        if path.is_dir():
            if not self._pictures:
                raise SoundUnreadable(f"{path.name}: there are no PNGs in it; use {ALLOWED}")
        elif path.suffix.lower() in (".npy", ".npz"):
            self._array = _array(path)
        else:
            self._film = FrameReader(video_info(path), 640)

    def at(self, share: float) -> Mask:
        """The mask [H, W]; True is the object. Raises SoundUnreadable."""
        share = min(max(share, 0.0), 1.0)
        if self._film is not None:
            times_s = self._film.info.times_s
            bright = self._film.frame(times_s[round(share * (len(times_s) - 1))])
            return np.asarray(bright.mean(axis=2) > HALF_BRIGHT)
        if self._array is not None:
            return np.asarray(self._array[round(share * (len(self._array) - 1))] != 0)
        return _picture(self._pictures[round(share * (len(self._pictures) - 1))])

    def close(self) -> None:
        """Close its files."""
        if self._film is not None:
            self._film.close()


def stretched(mask: Mask, height: int, width: int) -> Mask:
    """The mask at another size, each pixel the nearest one's."""
    rows = np.arange(height) * mask.shape[0] // height
    columns = np.arange(width) * mask.shape[1] // width
    return np.asarray(mask[rows[:, None], columns])


def _array(path: Path) -> NDArray[Any]:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found:
                name = "video_masklet" if "video_masklet" in found else found.files[0]
                found = found[name]
    except (OSError, ValueError, EOFError, IndexError, KeyError) as error:
        raise SoundUnreadable(f"{path.name}: it cannot be read as masks ({error})") from error
    found = found[:, 0] if found.ndim == 4 else found
    if found.ndim != 3 or not len(found):
        raise SoundUnreadable(
            f"{path.name}: masks of shape {found.shape}; frames, height and width are needed"
        )
    return np.asarray(found)


def _picture(path: Path) -> Mask:
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_Grayscale8)
    if image.isNull():
        raise SoundUnreadable(f"{path.name}: it cannot be read as a picture")
    bits = image.constBits()
    assert bits is not None
    rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8)
    return np.asarray(rows.reshape(image.height(), -1)[:, : image.width()] != 0)
