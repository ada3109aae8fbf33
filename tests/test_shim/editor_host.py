"""The real plug-in's window in pedalboard, used with mouse and keys on an X server of its own.

Where things are is told by the editor itself (STEMLASSO_EDITOR_LAYOUT), never guessed.
"""

import ctypes
import functools
import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from tests.test_daw.x_screen import process, wait_for, x_server

from .conftest import HOSTS, host_environment

NEEDED = ("Xvfb", "openbox", "xsettingsd", "xdotool")
PATIENCE_S = 120.0
_STEPS = 6
# As it comes, it keeps Alt and a drag for itself.
_OPENBOX = """<openbox_config xmlns="http://openbox.org/3.4/rc"><mouse>
<context name="Client"><mousebind button="Left" action="Press">
<action name="Focus"/><action name="Raise"/>
</mousebind></context>
</mouse></openbox_config>
"""

Part = dict[str, Any]
MOST_CRASHES = 5


class HostCrashed(Exception):
    """pedalboard 0.9.26 crashes now and then, on a busy computer, when an editor was closed.

    Once in some hundred times, in its own event loop, with nothing of the plug-in on the stack.
    """


def crashes_allowed(test: Callable[..., None]) -> Callable[..., None]:
    """Does a test again, a few times, when the host crashed: the plug-in's crashes happen again."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        for _ in range(MOST_CRASHES):
            with suppress(HostCrashed):
                return test(*arguments, **named)
        raise AssertionError(f"the host crashed {MOST_CRASHES} times")

    return run


def missing() -> list[str]:
    """Programs that are needed and not installed."""
    return [name for name in NEEDED if shutil.which(name) is None]


@contextmanager
def screen(environ: dict[str, str], folder: Path) -> Iterator[None]:
    """A screen with a window manager and, without which JUCE's hosts crash, a settings manager."""
    with ExitStack() as undo:
        environ["DISPLAY"] = undo.enter_context(x_server(2000, 1100))
        settings = folder / "xsettings"
        settings.touch()
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


class EditorHost(EditorWindow):
    """The VST3 in pedalboard."""

    def __init__(
        self, plugin: Path, folder: Path, environ: dict[str, str], state: Path | None = None
    ) -> None:
        super().__init__(folder, environ)
        self.forget_layout()
        kept = [] if state is None else [str(state)]
        self._errors = (folder / "editor.err").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, str(HOSTS / "pedalboard_editor.py"), str(plugin), *kept],
            cwd=folder,
            env=self.environ,
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
                self._look_after()
                assert self._process.poll() is None, f"the host ended: {self._process.returncode}"
                assert time.monotonic() < deadline_s, "the host does not answer"

    def layout(self) -> dict[str, Any]:
        """Where everything is, as long as the host lives."""
        self._look_after()
        return super().layout()

    def _look_after(self) -> None:
        if self._process.poll() == -signal.SIGSEGV:
            raise HostCrashed

    def send(self, *words: object) -> None:
        """Have the host do something, without waiting for it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
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
                with suppress(BrokenPipeError):
                    pipe.close()
        self._look_after()
        return self._process.returncode


@contextmanager
def editor_host(
    plugin: Path, home: Path, folder: Path, state: Path | None = None, command: str = ""
) -> Iterator[EditorHost]:
    """A plug-in with its window on a screen of its own, and neither of them afterwards.

    state: a file with the plug-in's XML. command: that starts the engine, as a list in JSON.
    """
    environ = host_environment(home) | ({"STEMLASSO_COMMAND": command} if command else {})
    folder.mkdir(parents=True, exist_ok=True)
    with screen(environ, folder):
        host = EditorHost(plugin, folder, environ, state)
        try:
            yield host
        finally:
            with suppress(HostCrashed):
                host.end()


@contextmanager
def standalone(plugin: Path, home: Path, folder: Path) -> Iterator[EditorWindow]:
    """The standalone version, whose window takes dropped files itself: one that is inside a host's
    gets them only from hosts that pass them on."""
    program = plugin.parents[1] / "Standalone" / "StemLasso"
    environ = host_environment(home) | {"HOME": str(folder)}
    folder.mkdir(parents=True, exist_ok=True)
    with screen(environ, folder):
        window = EditorWindow(folder, environ)
        with process([str(program)], window.environ):
            yield window


def write_state(
    folder: Path, song: Path, description: str = "", stems: tuple[Path, ...] = ()
) -> Path:
    """A file for `EditorHost`: the plug-in with one clip."""
    kept = "".join(
        f"<Stem role='target' name={quoteattr(stem.name)} path={quoteattr(str(stem))}/>"
        for stem in stems
    )
    path = folder / "state.xml"
    path.write_text(
        '<StemLasso version="1" capture="0"><Workspace selected="a">'
        f'<Clip id="a" kind="file" path={quoteattr(str(song))} name="Nocturne">'
        f"<Prompt description={quoteattr(description)}/>{kept}</Clip></Workspace></StemLasso>",
        "utf-8",
    )
    return path


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
        assert self._process.stdout is not None
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.window = str(self.says("window"))
        if self._process.poll() is not None:
            self.close()
            pytest.skip("Qt opens no window on X11 here: it needs libxcb-cursor0 and libxcb-icccm4")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(json.loads(line))

    def says(self, word: str, patience_s: float = PATIENCE_S) -> Any:
        """The value of the next answer that has this word, or None."""
        deadline_s = time.monotonic() + patience_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            with suppress(queue.Empty):
                answer = self._answers.get(timeout=min(left_s, 0.5))
                if word in answer:
                    return answer[word]
            if self._process.poll() is not None and self._answers.empty():
                break
        return None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


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


def carry_in(editor: EditorWindow, other: DropWindow, part: str) -> None:
    """Drag the file of the other window onto a part; again when it was not taken."""
    for lingers_s in ("0.15", "0.3", "0.6", "1.2"):
        editor.act("mousemove", "--window", other.window, "100", "100", "mousedown", "1")
        for step in range(5):
            place = (str(110 + 8 * step), "110")
            editor.act("mousemove", "--window", other.window, *place, "sleep", "0.1")
        is_giving = other.says("giving", 10)
        for x in (0.9, 0.7, 0.6, 0.55, 0.5):
            editor.act("mousemove", *editor.point(part, x), "sleep", lingers_s)
        editor.act("mouseup", "1")
        if is_giving and other.says("given", 30):
            return
    raise AssertionError(f"nothing was dropped on {part}")
