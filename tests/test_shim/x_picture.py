"""What is on an X screen, as a picture."""

import ctypes
from pathlib import Path

from PyQt6.QtGui import QImage

_ALL_PLANES = ctypes.c_ulong(-1)
_Z_PIXMAP = 2


class _Image(ctypes.Structure):
    """The beginning of Xlib's XImage."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("width", "height", "offset", "format")),
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int) for name in ("byte_order", "unit", "bit_order", "pad", "depth")),
        *((name, ctypes.c_int) for name in ("bytes_per_line", "bits_per_pixel")),
    )


def grab(display: str, window: int, box: tuple[int, int, int, int], path: Path) -> Path:
    """Save what a window shows as PNG. box: left, top, width and height in pixels, within it.

    Raises OSError when there is no such display or part of a window on the screen.
    """
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XGetImage.restype = ctypes.POINTER(_Image)
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    if not connection:
        raise OSError(f"{display}: there is no such display")
    try:
        found = x11.XGetImage(connection, ctypes.c_ulong(window), *box, _ALL_PLANES, _Z_PIXMAP)
        if not found:
            raise OSError(f"window {window} does not show {box}")
        about = found.contents
        content = ctypes.string_at(about.data, about.bytes_per_line * about.height)
        size = (about.width, about.height, about.bytes_per_line)
        x11.XDestroyImage(found)
    finally:
        x11.XCloseDisplay(connection)
    if not QImage(content, *size, QImage.Format.Format_RGB32).save(str(path)):
        raise OSError(f"{path}: this cannot be written")
    return path
