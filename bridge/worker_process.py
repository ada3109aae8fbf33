"""The server's hold on one worker process: start it, talk to it, end it.

desk thread --> call, cancel, stop, kill       (never block: a writer thread feeds the pipe)
reader thread --> deliver(worker, message)     every message, and one `gone` at the end
"""

import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .worker_pipe import FrameReader, FrameWriter, Message, PipeBroken

log = logging.getLogger(__name__)

_LAST_LINES = 40
_LINE_BYTES = 4096
_LAST_WORDS_S = 5.0
"""Its error stream ends with the process, unless a child of it still holds that."""

Deliver = Callable[["WorkerProcess", Message], None]


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """How to start a worker. name: of the lane. scratch: its folder for temporary files.

    environment: variables on top of the server's own.
    """

    name: str
    scratch: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    module: str = "bridge.engine_host"


class WorkerProcess:
    """One process from start to end. `deliver` is called on the reader thread."""

    def __init__(self, spec: WorkerSpec, deliver: Deliver) -> None:
        self._spec, self._deliver = spec, deliver
        self._outgoing: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []

    @property
    def pid(self) -> int:
        """Of the process, 0 before it is started."""
        return self._process.pid if self._process is not None else 0

    @property
    def last_words(self) -> str:
        """The last line that it wrote on its error stream, for a message; empty when none."""
        return self._last_lines[-1] if self._last_lines else ""

    def start(self) -> None:
        """Start the process and its threads. Raises OSError when it cannot be started."""
        self._spec.scratch.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._spec.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
            **_quietly_apart(),
        )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._run(self._feed, FrameWriter(process.stdin))
        lines = self._run(self._keep_lines, process.stderr)
        self._run(self._read, process, lines)

    def send(self, kind: str, **fields: Any) -> None:
        """Queue a message; one to a dead process is dropped, `gone` tells."""
        self._outgoing.put({"kind": kind, **fields})

    def stop(self) -> None:
        """Let it finish what it does and end."""
        self.send("stop")
        self._outgoing.put(None)

    def kill(self) -> None:
        """End it now."""
        if self._process is not None:
            with suppress(OSError):
                self._process.kill()
        self._outgoing.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait until the process and its threads have ended; kills it after `timeout_s`."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        for thread in self._threads:
            thread.join(timeout_s)

    def _environment(self) -> dict[str, str]:
        scratch = str(self._spec.scratch)
        return {
            **os.environ,
            "TMPDIR": scratch,
            "TEMP": scratch,
            "TMP": scratch,
            "PYTHONIOENCODING": "utf-8:backslashreplace",
            **self._spec.environment,
        }

    def _run(self, target: Callable[..., None], *arguments: Any) -> threading.Thread:
        name = f"{self._spec.name}-{target.__name__.strip('_')}"
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _feed(self, writer: FrameWriter) -> None:
        while (message := self._outgoing.get()) is not None:
            fields = dict(message)
            try:
                writer.write(fields.pop("kind"), **fields)
            except PipeBroken:
                return

    def _keep_lines(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(_LINE_BYTES):
                text = line.decode("utf-8", "replace").rstrip()
                if text:
                    self._last_lines.append(text)
                    log.debug("worker %s: %s", self._spec.name, text)

    def _read(self, process: "subprocess.Popen[bytes]", lines: threading.Thread) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        reader = FrameReader(process.stdout)
        try:
            while (message := reader.read()) is not None:
                self._deliver(self, message)
        except PipeBroken as error:
            self._last_lines.append(f"the pipe broke: {error}")
            process.kill()
        status = process.wait()
        lines.join(_LAST_WORDS_S)  # or what it died of may be read after its death was told
        self._outgoing.put(None)
        process.stdout.close()
        with suppress(OSError):
            process.stdin.close()
        self._deliver(self, {"kind": "gone", "status": status})


def _quietly_apart() -> dict[str, Any]:
    """Below the priority of a DAW, without a window, and out of reach of Ctrl-C."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        return {"creationflags": flags | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
