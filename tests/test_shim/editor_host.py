"""The real plug-in's window in pedalboard, on an X server of its own."""

import functools
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .conftest import HOSTS, host_environment
from .editor_screen import screen
from .editor_state import SavedClip, SavedStem, state_file
from .host_process import HostProcess

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


class EditorHost(HostProcess):
    """The VST3 in pedalboard."""

    def __init__(
        self, plugin: Path, folder: Path, environ: dict[str, str], state: Path | None = None
    ) -> None:
        kept = [] if state is None else [str(state)]
        script = str(HOSTS / "pedalboard_editor.py")
        super().__init__([sys.executable, script, str(plugin), *kept], folder, environ)
        self.answer()

    def layout(self) -> dict[str, Any]:
        """Where everything is, as long as the host lives."""
        self.look_after()
        return super().layout()

    def look_after(self) -> None:
        """Tell its own crashes from what fails."""
        if self.status() == -signal.SIGSEGV:
            raise HostCrashed


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


def write_state(
    folder: Path, song: Path, description: str = "", stems: tuple[Path, ...] = ()
) -> Path:
    """A file for `EditorHost`: the plug-in with one clip."""
    clip = SavedClip(song, description=description, stems=tuple(map(SavedStem, stems)))
    return state_file(folder / "state.xml", clip)
