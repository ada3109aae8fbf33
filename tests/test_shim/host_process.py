"""A host of the plug-in's window, in a process that does what it is told."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .answers import Answers
from .editor_window import PATIENCE_S, EditorWindow


class HostProcess(EditorWindow):
    """It reads lines of words, parted by tabs, and answers each with one of JSON."""

    def __init__(self, command: list[str], folder: Path, environ: dict[str, str]) -> None:
        super().__init__(folder, environ)
        self.forget_layout()
        self._errors = (folder / "editor.err").open("a+", encoding="utf-8")
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._answers = Answers(self._process)

    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def layout(self) -> dict[str, Any]:
        """Where everything is; fails when the host has ended, which is no time to wait for more."""
        self._assert_alive()
        return super().layout()

    def _assert_alive(self) -> None:
        assert self.status() is None, f"the host ended: {self.status()}\n{self._complaints()}"

    def answer(self) -> dict[str, Any]:
        """What the host says next."""
        deadline_s = time.monotonic() + PATIENCE_S
        while (said := self._answers.next(0.2)) is None:
            self._assert_alive()
            assert time.monotonic() < deadline_s, "the host does not answer"
        return said

    def _complaints(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

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

    def close_input(self) -> None:
        """Have it end: there are no more lines."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def end(self) -> int:
        """Have it end, and wait for that; gives its exit status."""
        self.close_input()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """End it at once, if it did not end yet."""
        self._process.kill()
        self._process.wait()
        self.close_input()
        self._answers.close()
        self._errors.close()
