"""The real plug-in's window in pedalboard, used with mouse and keys on an X server of its own.

Where things are is told by the editor itself (STEMLASSO_EDITOR_LAYOUT), never guessed.
"""

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.test_daw.x_screen import process, wait_for, x_server

from .conftest import HOSTS, host_environment

NEEDED = ("Xvfb", "openbox", "xsettingsd", "xdotool")
PATIENCE_S = 120.0
_STEPS = 6

Part = dict[str, Any]


def missing() -> list[str]:
    """Programs that are needed and not installed."""
    return [name for name in NEEDED if shutil.which(name) is None]


@contextmanager
def screen(environ: dict[str, str], folder: Path) -> Iterator[None]:
    """A screen with a window manager and, without which JUCE's hosts crash, a settings manager."""
    with ExitStack() as undo:
        environ["DISPLAY"] = undo.enter_context(x_server(1600, 1000))
        settings = folder / "xsettings"
        settings.touch()
        undo.enter_context(process(["openbox"], environ))
        undo.enter_context(process(["xsettingsd", "-c", str(settings)], environ))
        yield


class EditorHost:
    """One plug-in with its window."""

    def __init__(self, plugin: Path, home: Path, folder: Path, environ: dict[str, str]) -> None:
        self._layout = folder / "layout.json"
        self._errors = (folder / "editor.err").open("ab")
        self._environ = environ
        self._process = subprocess.Popen(
            [sys.executable, str(HOSTS / "pedalboard_editor.py"), str(plugin)],
            cwd=folder,
            env=environ | {"STEMLASSO_EDITOR_LAYOUT": str(self._layout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.answer()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(json.loads(line))

    def answer(self) -> dict[str, Any]:
        """What the host says next."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._answers.get(timeout=0.2)
            except queue.Empty:
                assert self._process.poll() is None, f"the host ended: {self._process.returncode}"
                assert time.monotonic() < deadline_s, "the host does not answer"

    def send(self, *words: object) -> None:
        """Have the host do something, without waiting for it."""
        assert self._process.stdin is not None
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def ask(self, *words: object) -> dict[str, Any]:
        """Have the host do something."""
        self.send(*words)
        return self.answer()

    def end(self) -> int:
        """Quit; gives the exit status of the host."""
        if self._process.poll() is None:
            self.send("quit")
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            for pipe in (self._process.stdin, self._process.stdout, self._errors):
                assert pipe is not None
                pipe.close()
        return self._process.returncode

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

    def point(self, name: str, x: float = 0.5, y: float = 0.5) -> tuple[str, str, str, str]:
        """For xdotool: a place within a part, as shares of its size."""
        part = self.wait(name, lambda each: each["width"] > 0)
        layout = self.layout()
        return (
            "--window",
            str(layout["window"]),
            str(round(layout["left"] + part["x"] + x * part["width"])),
            str(round(layout["top"] + part["y"] + y * part["height"])),
        )

    def act(self, *arguments: str) -> str:
        """Run xdotool on this screen."""
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        return done.stdout

    def click(self, name: str, x: float = 0.5, y: float = 0.5, button: int = 1) -> None:
        """Press and release on a part."""
        self.act("mousemove", *self.point(name, x, y), "click", str(button))

    def drag(self, name: str, start: float, end: float, button: int = 1, y: float = 0.6) -> None:
        """Draw with the mouse over a part, from one share of its width to another."""
        self.act("mousemove", *self.point(name, start, y), "mousedown", str(button))
        for step in range(1, _STEPS + 1):
            x = start + (end - start) * step / _STEPS
            self.act("mousemove", *self.point(name, x, y), "sleep", "0.02")
        self.act("mouseup", str(button))

    def type(self, text: str) -> None:
        """Type where the focus is."""
        self.act("type", "--delay", "20", text)


@contextmanager
def editor_host(plugin: Path, home: Path, folder: Path) -> Iterator[EditorHost]:
    """A plug-in with its window on a screen of its own, and neither of them afterwards."""
    environ = host_environment(home)
    folder.mkdir(parents=True, exist_ok=True)
    with screen(environ, folder):
        host = EditorHost(plugin, home, folder, environ)
        try:
            yield host
        finally:
            host.end()
