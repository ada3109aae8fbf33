"""A worker's end of the pipe: calls come in, one at a time is done, what became of it goes out.

    stdin  --calls, cancels-->  reader thread  -->  main thread: one call at a time
    stdout <--beats, progress, answers--  (the pipe; what anybody prints goes to stderr)

What a call does is not known here, so nothing of the engine is either.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from .errors import BridgeError
from .machine import own_memory_bytes
from .worker_pipe import FrameReader, FrameWriter, Message, PipeBroken

_BEAT_S = 1.0
_PROGRESS_S = 0.1
_MESSAGE_CHARACTERS = 4000

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who waits for a call. report: takes a stage and how far it is, from 0 to 1."""

    report: Callable[[str, float], None]
    is_cancelled: Callable[[], bool]


class Work(Protocol):
    """What calls are answered with."""

    @property
    def loaded(self) -> str:
        """What is held in memory for the next call, empty when nothing is. Asked by any thread."""

    def do(self, operation: str, arguments: Arguments, caller: Caller) -> Any:
        """The answer to a call. Raises BridgeError, with the code that the server passes on."""


class CallServer:
    """Serves calls until the pipe ends."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, work: Work) -> None:
        self._reader, self._writer = FrameReader(reader), FrameWriter(writer)
        self._work = work
        self._calls: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Serve until told to stop."""
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self._writer.write("ready", pid=os.getpid())
        while (call := self._calls.get()) is not None:
            self._serve(call)

    def _listen(self) -> None:
        while True:
            try:
                message = self._reader.read()
            except PipeBroken:
                message = None
            if message is None:
                # The server is gone. Whatever is under way has no reader; its files are swept.
                os._exit(1)
            if message["kind"] == "cancel":
                self._cancelled.add(message["call"])
            else:
                self._calls.put(message if message["kind"] == "call" else None)

    def _beat(self) -> None:
        while True:
            try:
                self._writer.write(
                    "beat", loaded=self._work.loaded, memory_bytes=own_memory_bytes()
                )
            except PipeBroken:
                os._exit(1)
            time.sleep(_BEAT_S)

    def _serve(self, call: Message) -> None:
        number = call["call"]
        caller = Caller(self._reporter(number), lambda: number in self._cancelled)
        self._writer.write("taken", call=number)
        try:
            value = self._work.do(call["operation"], call["arguments"], caller)
        except BridgeError as error:
            self._refuse(number, error.code, str(error))
        except OSError as error:
            self._refuse(number, "system_error", f"{error.filename or 'a file'}: {error.strerror}")
        else:
            self._writer.write("answer", call=number, value=value)
        self._cancelled.discard(number)

    def _refuse(self, number: int, code: str, message: str) -> None:
        short = message[:_MESSAGE_CHARACTERS]
        self._writer.write("error", call=number, code=code, message=short)

    def _reporter(self, number: int) -> Callable[[str, float], None]:
        last_s, last_stage = -1.0, ""

        def report(stage: str, fraction: float) -> None:
            nonlocal last_s, last_stage
            now_s = time.monotonic()
            if stage != last_stage or now_s - last_s >= _PROGRESS_S:
                last_s, last_stage = now_s, stage
                self._writer.write("progress", call=number, stage=stage, fraction=fraction)

        return report


def private_pipe() -> tuple[BinaryIO, BinaryIO]:
    """The pipe to the server, on descriptors that nobody else knows.

    Libraries print where they please: from here on their standard output is the error stream.
    """
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reader, writer
