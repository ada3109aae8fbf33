"""The plug-in's window, used with mouse and keys.

Where things are is told by the editor itself (STEMLASSO_EDITOR_LAYOUT), never guessed.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.test_daw.x_screen import process, wait_for

from .conftest import host_environment
from .editor_screen import screen

PATIENCE_S = 120.0
_STEPS = 6
Part = dict[str, Any]


class EditorWindow:
    """An editor's window: where its parts are, and mouse and keys for it."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._layout = folder / "layout.json"
        self.environ = environ | {"STEMLASSO_EDITOR_LAYOUT": str(self._layout)}

    def forget_layout(self) -> None:
        """Before the editor is opened again."""
        self._layout.unlink(missing_ok=True)

    def layout(self) -> dict[str, Any]:
        """Where everything is; empty while the editor is not there."""
        try:
            found: dict[str, Any] = json.loads(self._layout.read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found

    def part(self, name: str) -> Part:
        """A part of the window, empty where it is not on it."""
        part: Part = self.layout().get("parts", {}).get(name, {})
        return part

    def wait(self, name: str, is_so: Callable[[Part], object], what: str = "") -> Part:
        """The part, once `is_so`."""

        def look() -> Part | None:
            part = self.part(name)
            return part if part and is_so(part) else None

        try:
            found = wait_for(look, f"{name} {what}", PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {self.layout()}") from None
        assert found is not None
        return found

    def point(self, name: str, x: float = 0.5, y: float = 0.5) -> tuple[str, ...]:
        """For xdotool: a place within a part, as shares of its size."""
        part = self.wait(name, lambda each: each["width"] > 0)
        layout = self.layout()
        left = layout["left"] + part["x"] + x * part["width"]
        top = layout["top"] + part["y"] + y * part["height"]
        place = (round(each * layout["scale"]) for each in (left, top))
        return ("--window", str(layout["window"]), *map(str, place))

    def act(self, *arguments: str) -> str:
        """Run xdotool on this screen."""
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        return done.stdout

    def click(self, name: str, x: float = 0.5, y: float = 0.5, button: int = 1) -> None:
        """Press and release on a part."""
        self.act("mousemove", *self.point(name, x, y), "click", str(button))

    def press(self, name: str, is_so: Callable[[], object], what: str) -> None:
        """Click on a part until `is_so`, which it is not before.

        On a busy computer one click in some hundred is of no use. The time between two is so long
        that none comes late, on what has taken the part's place.
        """
        for patience_s in (20, 40, 60):
            wait_for(lambda: self.part(name).get("enabled") or is_so(), name, PATIENCE_S)
            if not is_so():
                self.click(name)
            with suppress(AssertionError):
                wait_for(is_so, what, patience_s)
                return
        raise AssertionError(f"never came, however {name} was clicked: {what}")

    def drag(self, name: str, start: float, end: float, button: int = 1, y: float = 0.6) -> None:
        """Draw with the mouse over a part, from one share of its width to another."""
        self.act("mousemove", *self.point(name, start, y), "mousedown", str(button))
        for step in range(1, _STEPS + 1):
            x = start + (end - start) * step / _STEPS
            self.act("mousemove", *self.point(name, x, y), "sleep", "0.02")
        self.act("mouseup", str(button))

    def write(self, name: str, text: str) -> None:
        """Type into a field. Who gets the keys is settled between window manager, host and plug-in,
        which takes its time: it is done again until the field has the text."""
        for patience_s in (2, 4, 8, 16, 32):
            self.click(name)
            self.act("windowfocus", str(self.layout()["window"]))
            self.act("key", "ctrl+a")
            self.act("type", "--delay", "20", text)
            with suppress(AssertionError):
                wait_for(lambda: self.part(name)["text"] == text, name, patience_s)
                return
        raise AssertionError(f"{text!r} cannot be typed into {name}")


@contextmanager
def standalone(
    plugin: Path, home: Path, folder: Path, **environ_more: str
) -> Iterator[EditorWindow]:
    """The standalone version, whose window takes dropped files itself: one that is inside a host's
    gets them only from hosts that pass them on."""
    program = plugin.parents[1] / "Standalone" / "StemLasso"
    environ = host_environment(home) | {"HOME": str(folder)} | environ_more
    folder.mkdir(parents=True, exist_ok=True)
    with screen(environ, folder):
        window = EditorWindow(folder, environ)
        with process([str(program)], window.environ):
            yield window
