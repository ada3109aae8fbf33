"""A screen for the plug-in's window: an X server, and what JUCE and its hosts need on one."""

import ctypes
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.test_daw.x_screen import process, wait_for, x_server

NEEDED = ("Xvfb", "openbox", "xsettingsd", "xdotool")
# As it comes, it keeps Alt and a drag for itself.
_OPENBOX = """<openbox_config xmlns="http://openbox.org/3.4/rc"><mouse>
<context name="Client"><mousebind button="Left" action="Press">
<action name="Focus"/><action name="Raise"/>
</mousebind></context>
</mouse></openbox_config>
"""


def missing() -> list[str]:
    """Programs that are needed and not installed."""
    return [name for name in NEEDED if shutil.which(name) is None]


needs_screen = pytest.mark.skipif(
    bool(missing()), reason=f"needs a screen of its own: no {', '.join(missing())}"
)


@contextmanager
def screen(
    environ: dict[str, str],
    folder: Path,
    size: tuple[int, int] = (2000, 1100),
    scale: int = 1,
) -> Iterator[None]:
    """A screen with a window manager and, without which JUCE's hosts crash, a settings manager.

    scale: pixels of the screen to one of a window.
    """
    with ExitStack() as undo:
        environ["DISPLAY"] = undo.enter_context(x_server(*size))
        settings = folder / "xsettings"
        settings.write_text(f"Gdk/WindowScalingFactor {scale}\n", "utf-8")
        manager = folder / "openbox.xml"
        manager.write_text(_OPENBOX, "utf-8")
        undo.enter_context(process(["openbox", "--config-file", str(manager)], environ))
        undo.enter_context(process(["xsettingsd", "-c", str(settings)], environ))
        for selection in (b"WM_S0", b"_XSETTINGS_S0"):
            wait_for(partial(has_owner, environ["DISPLAY"], selection), str(selection))
        yield


def has_owner(display: str, selection: bytes) -> bool:
    """Whether a manager has begun its work: it owns a selection of X."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    if not connection:
        return False
    atom = ctypes.c_ulong(x11.XInternAtom(connection, selection, 0))
    owner: int = x11.XGetSelectionOwner(connection, atom)
    x11.XCloseDisplay(connection)
    return owner != 0
