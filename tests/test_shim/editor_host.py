"""The real plug-in's window in pedalboard, on an X server of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .conftest import HOSTS, host_environment
from .editor_screen import screen
from .editor_state import SavedClip, SavedStem, state_file
from .host_process import HostProcess


class EditorHost(HostProcess):
    """The VST3 in pedalboard."""

    def __init__(
        self, plugin: Path, folder: Path, environ: dict[str, str], state: Path | None = None
    ) -> None:
        kept = [] if state is None else [str(state)]
        script = str(HOSTS / "pedalboard_editor.py")
        super().__init__([sys.executable, script, str(plugin), *kept], folder, environ)
        self.answer()


@contextmanager
def editor_host(
    plugin: Path, home: Path, folder: Path, state: Path | None = None, command: str = ""
) -> Iterator[EditorHost]:
    """A plug-in with its window on a screen of its own, and neither of them afterwards.

    The host is killed then, with its window open: once in some hundred times pedalboard 0.9.26 by
    itself crashes when it has closed one, and to forgive that would forgive ours.
    Closing is tested in `window_host`.

    state: a file with the plug-in's XML. command: that starts the engine, as a list in JSON.
    """
    environ = host_environment(home) | ({"STEMLASSO_COMMAND": command} if command else {})
    folder.mkdir(parents=True, exist_ok=True)
    with screen(environ, folder):
        host = EditorHost(plugin, folder, environ, state)
        try:
            yield host
        finally:
            host.kill()


def write_state(
    folder: Path, song: Path, description: str = "", stems: tuple[Path, ...] = ()
) -> Path:
    """A file for `EditorHost`: the plug-in with one clip."""
    clip = SavedClip(song, description=description, stems=tuple(map(SavedStem, stems)))
    return state_file(folder / "state.xml", clip)
