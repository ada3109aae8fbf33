"""The plug-in's editor in our own host, `plugin_shim/hosts/window_host.cpp`, on its own screen:
with audio on a thread beside it, and nothing that is forgiven."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import host_environment
from .editor_screen import screen
from .host_process import HostProcess

PROGRAM = "plugin_shim/build/release/window_host"


class WindowHost(HostProcess):
    """The VST3 in it."""

    def __init__(
        self, program: Path, plugin: Path, folder: Path, environ: dict[str, str], state: Path
    ) -> None:
        super().__init__([str(program), str(plugin)], folder, environ)
        self.ask("state", state)

    def open(self) -> None:
        """Show the window, until it has drawn; where its parts were before is forgotten."""
        self.forget_layout()
        self.ask("open")

    def outcome(self) -> dict[str, Any]:
        """Close everything; what the host has to say of all its windows."""
        self.close_input()
        said = self.answer()
        assert self.end() == 0
        return said


@contextmanager
def window_host(checkout: Path, plugin: Path, home: Path, state: Path) -> Iterator[WindowHost]:
    """The host with one instance, and its windows counted from now on. state: the plug-in's XML."""
    program = checkout / PROGRAM
    if not program.exists():
        pytest.skip(f"{program} was not built: build all of plugin_shim, as its README.md says")
    environ = host_environment(home)
    folder = state.parent / "desk"
    folder.mkdir()
    with screen(environ, folder):
        host = WindowHost(program, plugin, folder, environ, state)
        try:
            host.ask("settle")
            yield host
        finally:
            host.kill()
