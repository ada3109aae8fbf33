"""The real plug-in's window in pedalboard, on an X server of its own."""

import functools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from .answers import Answers
from .conftest import HOSTS, host_environment
from .editor_screen import screen
from .editor_window import PATIENCE_S, EditorWindow

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
        self._answers = Answers(self._process)
        self.answer()

    def answer(self) -> dict[str, Any]:
        """What the host says next."""
        deadline_s = time.monotonic() + PATIENCE_S
        while (said := self._answers.next(0.2)) is None:
            self._look_after()
            assert self._process.poll() is None, f"the host ended: {self._process.returncode}"
            assert time.monotonic() < deadline_s, "the host does not answer"
        return said

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
            self._answers.close()
            for pipe in (self._process.stdin, self._errors):
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
