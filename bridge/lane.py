"""A lane: one kind of work, one worker process for it, one call at a time.

    call --> waiting --> current --> answered | refused | lost (the process died or hung)

The process starts with the first call and ends after idle time, which gives all its memory back.
Everything here runs on the desk thread; the worker's reader thread only posts to it.
"""

import logging
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .worker_pipe import Message
from .worker_process import WorkerProcess, WorkerSpec

log = logging.getLogger(__name__)

State = Literal["stopped", "starting", "idle", "busy"]
_SIGKILL = -9
_START_LIMIT_S = 120.0
_MOST_FAILED_STARTS = 3


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a call has no answer. code: for the client. memory: it may be for lack of memory."""

    code: str
    message: str
    memory: bool = False


@dataclass(frozen=True)
class Call:
    """Work for a worker; exactly one of `on_answer` and `on_lost` is called, once.

    job_id: for the log and for `engine.restarted`.
    """

    operation: str
    arguments: Mapping[str, Any]
    on_answer: Callable[[Any], None]
    on_lost: Callable[[Lost], None]
    on_progress: Callable[[str, float], None] | None = None
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class LaneRules:
    """idle_s: the process ends after so long without a call.

    hung_s: without a beat for so long the process is killed. stalled_s: the same without progress.
    cancel_s: a cancelled call may take so long to end before its process is killed.
    """

    idle_s: float = 300.0
    hung_s: float = 20.0
    stalled_s: float = 3600.0
    cancel_s: float = 0.8


@dataclass(frozen=True)
class LaneHooks:
    """post: runs something on the desk thread. on_restart: (reason, message, job id)."""

    post: Callable[[Callable[[], None]], None]
    on_restart: Callable[[str, str, str], None]


class Lane:
    """The calls of one kind and the process that serves them."""

    def __init__(self, name: str, scratch: Path, rules: LaneRules, hooks: LaneHooks) -> None:
        self.name = name
        self.loaded, self.memory_bytes, self.restarts = "", 0, 0
        self._scratch, self._rules, self._hooks = scratch, rules, hooks
        self._waiting: deque[Call] = deque()
        self._current: Call | None = None
        self._number = 0
        self._worker: WorkerProcess | None = None
        self._is_ready, self._is_taken, self._is_closed = False, False, False
        self._n_starts = 0
        self._failed_starts = 0
        self._cancel_at_s: float | None = None
        self._quiet = _Quiet()
        self._idle_since_s = time.monotonic()
        self._death: tuple[str, str, str] | None = None

    @property
    def state(self) -> State:
        """What the process does."""
        if self._worker is None:
            return "stopped"
        if not self._is_ready:
            return "starting"
        return "busy" if self._current is not None else "idle"

    @property
    def pid(self) -> int:
        """Of the process, 0 when there is none."""
        return self._worker.pid if self._worker is not None else 0

    @property
    def is_free(self) -> bool:
        """Whether a call would be worked on at once."""
        return self._current is None and not self._waiting

    def call(self, call: Call) -> None:
        """Take a call; its turn comes."""
        self._waiting.append(call)
        self._next()

    def cancel(self, call: Call) -> None:
        """End a call soon: it is lost with code `cancelled`, or answered if that came first."""
        if call in self._waiting:
            self._waiting.remove(call)
            call.on_lost(Lost("cancelled", "cancelled before it started"))
        elif call is self._current and self._worker is not None and self._cancel_at_s is None:
            self._worker.send("cancel", call=self._number)
            self._cancel_at_s = time.monotonic()

    def warm(self) -> None:
        """Start the process before there is work, because work will come."""
        self._idle_since_s = time.monotonic()
        if self._worker is None and not self._is_closed and self._death is None:
            self._start()

    def tick(self) -> None:
        """Look after the process; called several times a second."""
        if self._worker is None:
            self._next()
            return
        self._quiet.tick()
        rules, now_s = self._rules, time.monotonic()
        cancelled_s = now_s - self._cancel_at_s if self._cancel_at_s is not None else 0.0
        quiet_limit_s = rules.hung_s if self._is_ready else _START_LIMIT_S
        if cancelled_s > rules.cancel_s:
            self._give_up(Lost("cancelled", "cancelled by the caller; nothing was kept"))
        elif self._quiet.beat_s > quiet_limit_s:
            self._give_up(_hung(f"it gave no sign of life for {self._quiet.beat_s:.0f} s"))
        elif self._current is not None and self._quiet.progress_s > rules.stalled_s:
            self._give_up(_hung(f"it made no progress for {self._quiet.progress_s:.0f} s"))
        elif self._current is None and now_s - self._idle_since_s > rules.idle_s:
            self._retire()

    def close(self, timeout_s: float) -> None:
        """End the process; calls under way are lost."""
        self._is_closed = True
        worker = self._worker
        if worker is not None:
            worker.kill()
            worker.join(timeout_s)
            self._forget()
        lost = Lost("shutting_down", "the server is shutting down; the work is done again later")
        self._drop_current(lost)
        while self._waiting:
            self._waiting.popleft().on_lost(lost)

    def _next(self) -> None:
        if self._current is not None or not self._waiting or self._is_closed:
            return
        if self._worker is None and not self._start():
            return
        assert self._worker is not None
        self._current = call = self._waiting.popleft()
        self._number += 1
        self._cancel_at_s, self._is_taken = None, False
        self._quiet.reset()
        arguments = dict(call.arguments)
        self._worker.send("call", call=self._number, operation=call.operation, arguments=arguments)

    def _start(self) -> bool:
        self._n_starts += 1
        scratch = self._scratch / f"{self.name}-{self._n_starts}"
        worker = WorkerProcess(WorkerSpec(self.name, scratch), self._on_message)
        try:
            worker.start()
        except OSError as error:
            log.error("the %s worker cannot be started: %s", self.name, error)
            self._fail_start(f"it cannot be started: {error.strerror}")
            return False
        self._worker, self._is_ready = worker, False
        self._quiet.reset()
        if self._death is not None:
            self.restarts += 1
            self._hooks.on_restart(*self._death)
            self._death = None
        return True

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        self._hooks.post(lambda: self._handle(worker, message))

    def _handle(self, worker: WorkerProcess, message: Message) -> None:
        if worker is not self._worker:
            return  # the last words of one that was given up
        kind = message["kind"]
        self._quiet.beat()
        if kind == "gone":
            self._on_gone(worker, int(message["status"]))
        elif kind == "ready":
            self._is_ready = True
        elif kind == "beat":
            self.loaded = str(message.get("loaded", ""))
            self.memory_bytes = int(message.get("memory_bytes", 0))
        elif self._current is not None and message.get("call") == self._number:
            self._on_reply(kind, message, self._current)

    def _on_reply(self, kind: str, message: Message, call: Call) -> None:
        if kind == "taken":
            self._is_taken, self._failed_starts = True, 0
            return
        if kind == "progress":
            self._quiet.progress()
            if call.on_progress is not None and self._cancel_at_s is None:
                call.on_progress(str(message["stage"]), float(message["fraction"]))
            return
        self._current, self._idle_since_s = None, time.monotonic()
        if kind == "answer":
            call.on_answer(message["value"])
        else:
            code = str(message["code"])
            call.on_lost(Lost(code, str(message["message"]), memory=code == "out_of_memory"))
        self._next()

    def _on_gone(self, worker: WorkerProcess, status: int) -> None:
        self._forget()
        if self._cancel_at_s is not None and self._current is not None:
            self._drop_current(Lost("cancelled", "cancelled by the caller; nothing was kept"))
        elif self._current is not None:
            lost = _died(status, worker.last_words)
            job_id = self._current.job_id
            log.error("job %s: the %s worker died: %s", job_id or "-", self.name, lost.message)
            self._death = (lost.code, lost.message, job_id)
            if self._is_taken:
                self._drop_current(lost)
            else:
                # It died before it looked at the call, which another process can therefore do.
                self._fail_start(lost.message)
        elif not self._is_closed and status != 0:
            lost = _died(status, worker.last_words)
            self._death = (lost.code, lost.message, "")
        self._next()

    def _fail_start(self, why: str) -> None:
        """A process that does not come to its call is replaced a few times, then it is lost."""
        self._failed_starts += 1
        if self._failed_starts < _MOST_FAILED_STARTS:
            if self._current is not None:
                self._waiting.appendleft(self._current)
                self._current = None
            return
        self._failed_starts = 0
        lost = Lost(
            "worker_start_failed",
            f"the engine does not start: {why}; run `stemlasso doctor`",
        )
        self._drop_current(lost)
        while self._waiting:
            self._waiting.popleft().on_lost(lost)

    def _give_up(self, lost: Lost) -> None:
        """Kill the process; its current call is lost."""
        worker, job_id = self._worker, self._current.job_id if self._current else ""
        assert worker is not None
        log.warning("job %s: the %s worker is killed: %s", job_id or "-", self.name, lost.code)
        worker.kill()
        worker.join(5.0)
        self._forget()
        if lost.code != "cancelled":
            self._death = (lost.code, lost.message, job_id)
        self._drop_current(lost)
        self._next()

    def _retire(self) -> None:
        assert self._worker is not None
        self._worker.stop()
        self._worker.join(5.0)
        self._forget()

    def _forget(self) -> None:
        self._worker, self._is_ready = None, False
        self.loaded, self.memory_bytes = "", 0
        self._idle_since_s = time.monotonic()
        shutil.rmtree(self._scratch / f"{self.name}-{self._n_starts}", ignore_errors=True)

    def _drop_current(self, lost: Lost) -> None:
        call, self._current = self._current, None
        self._cancel_at_s = None
        if call is not None:
            call.on_lost(lost)


class _Quiet:
    """How long a worker has been silent, counted so that a computer's sleep does not count.

    A tick adds the time since the one before, but never more than a second: when the whole
    process stood still, so did the worker.
    """

    _TICK_LIMIT_S = 1.0

    def __init__(self) -> None:
        self.beat_s = self.progress_s = 0.0
        self._last_s = time.monotonic()

    def tick(self) -> None:
        now_s = time.monotonic()
        passed_s = min(max(now_s - self._last_s, 0.0), self._TICK_LIMIT_S)
        self._last_s = now_s
        self.beat_s += passed_s
        self.progress_s += passed_s

    def beat(self) -> None:
        self.beat_s = 0.0

    def progress(self) -> None:
        self.progress_s = 0.0

    def reset(self) -> None:
        self.beat_s = self.progress_s = 0.0
        self._last_s = time.monotonic()


def _hung(what: str) -> Lost:
    return Lost(
        "worker_hung",
        f"the engine hung: {what}, and was ended; try again, and report it when it comes back",
    )


def _died(status: int, last_words: str) -> Lost:
    said = f" ({last_words[:500]})" if last_words else ""
    if status == _SIGKILL and sys.platform != "win32":
        return Lost(
            "worker_died",
            f"the engine was killed, most likely because memory ran out{said}; close other "
            "programs or choose a smaller model",
            memory=True,
        )
    is_memory = "MemoryError" in last_words or "bad_alloc" in last_words
    return Lost(
        "worker_died",
        f"the engine stopped with status {status}{said}; it was started again: try once more",
        memory=is_memory,
    )
