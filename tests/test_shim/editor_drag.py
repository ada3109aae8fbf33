"""Files that are dragged between the plug-in's window and another program's."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.test_daw.x_screen import wait_for

from .answers import Answers
from .conftest import HOSTS
from .editor_window import PATIENCE_S, EditorWindow, Part

DROP_S = 20.0
"""How long what was dropped may take to be seen, before it is taken for lost."""


class DropWindow:
    """A window of another program, beside the editor's: takes files, and gives one."""

    def __init__(self, environ: dict[str, str], gives: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HOSTS / "drop_window.py"), str(gives)],
            env=environ | {"QT_QPA_PLATFORM": "xcb"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers = Answers(self._process)
        self.window = str(self.says("window"))
        if self._process.poll() is not None:
            self.close()
            pytest.skip("Qt opens no window on X11 here: it needs libxcb-cursor0 and libxcb-icccm4")

    def says(self, word: str, patience_s: float = PATIENCE_S) -> Any:
        """The value of the next answer that has this word, or None."""
        deadline_s = time.monotonic() + patience_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            answer = self._answers.next(min(left_s, 0.5))
            if answer is not None and word in answer:
                return answer[word]
            if answer is None and self._process.poll() is not None:
                break
        return None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._answers.close()


@contextmanager
def drop_window(editor: EditorWindow, gives: Path) -> Iterator[DropWindow]:
    """A window to drag to and from."""
    window = DropWindow(editor.environ, gives)
    try:
        yield window
    finally:
        window.close()


def drag_to(
    editor: EditorWindow, part: str, window: str, place: tuple[int, int], lingers_s: float
) -> None:
    """Drag a part to a place in another program's window, and a little further there."""
    editor.act("mousemove", *editor.point(part, 0.1), "mousedown", "1", "sleep", "0.2")
    for step in (0.12, 0.15, 0.2):
        editor.act("mousemove", *editor.point(part, step), "sleep", "0.1")
    for step in range(8):
        there = (str(place[0] + 3 * step), str(place[1] + 2 * step))
        editor.act("mousemove", "--window", window, *there, "sleep", str(lingers_s))
    editor.act("mouseup", "1")


def carry_out(editor: EditorWindow, part: str, other: DropWindow) -> str:
    """Drag a part to the other window; gives the file that was dropped there.

    On a loaded machine the two programs may not have agreed when the button is released, and then
    nothing is dropped: the drag is done again, as a user would.
    """
    for lingers_s in (0.1, 0.2, 0.4, 0.8, 1.6):
        drag_to(editor, part, other.window, (120, 140), lingers_s)
        files = other.says("dropped", 10)
        if files is not None:
            (path,) = files
            return str(path)
    raise AssertionError(f"{part} was never dropped")


def carry_in(
    editor: EditorWindow,
    other: DropWindow,
    shows: str = "clips",
    is_so: Callable[[Part], object] = bool,
) -> None:
    """Drag the file of the other window onto the waveform, until a part `shows` what came of it.

    Qt says that it was taken as soon as JUCE would take it. On a loaded machine its content may
    come to JUCE after the button is released, and then nothing is dropped: it is done again.
    """
    for lingers_s in ("0.15", "0.3", "0.6", "1.2"):
        editor.act("mousemove", "--window", other.window, "100", "100", "mousedown", "1")
        for step in range(5):
            place = (str(110 + 8 * step), "110")
            editor.act("mousemove", "--window", other.window, *place, "sleep", "0.1")
        is_giving = other.says("giving", 10)
        for x in (0.9, 0.7, 0.6, 0.55, 0.5):
            editor.act("mousemove", *editor.point("strip", x), "sleep", lingers_s)
        editor.act("mouseup", "1")
        if is_giving and other.says("given", 30):
            with suppress(AssertionError):
                wait_for(lambda: is_so(editor.part(shows)), shows, DROP_S)
                return
    raise AssertionError("nothing was dropped on the waveform")
