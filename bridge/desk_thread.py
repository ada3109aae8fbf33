"""The thread that owns the desk: requests, messages of workers and the clock, one after another."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from .desk import Desk, DeskSettings

log = logging.getLogger(__name__)

_TICK_S = 0.1

Task = Callable[[], None]


class DeskThread:
    """Runs a `Desk`. on_event: (name, body), called on the desk thread, must not block."""

    def __init__(self, settings: DeskSettings, on_event: Callable[[str, object], None]) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._desk = Desk(settings, self._tasks.put, on_event)
        self._opened = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def start(self) -> None:
        """Open the store and start to work. Raises StoreFailed."""
        self._thread.start()
        self._opened.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self, timeout_s: float) -> None:
        """Stop; jobs that are not finished go on at the next start."""
        self._tasks.put(None)
        self._thread.join(timeout_s)

    def ask(self, call: Callable[[Desk], None]) -> None:
        """Have `call` done by the desk thread, in the order of asking. Any thread; never blocks."""
        self._tasks.put(lambda: call(self._desk))

    def _run(self) -> None:
        try:
            self._desk.open()
        except BaseException as error:  # noqa: BLE001 - raised again by `start`
            self._failure = error
            return
        finally:
            self._opened.set()
        try:
            self._serve()
        finally:
            self._desk.close()

    def _serve(self) -> None:
        tick_at_s = time.monotonic()
        while True:
            try:
                task = self._tasks.get(timeout=_TICK_S)
            except queue.Empty:
                task = self._desk.tick
                tick_at_s = time.monotonic()
            if task is None:
                return
            self._guarded(task)
            if time.monotonic() - tick_at_s >= _TICK_S:
                tick_at_s = time.monotonic()
                self._guarded(self._desk.tick)

    def _guarded(self, task: Task) -> None:
        """Part of the server's dispatch: a fault of ours fails a job, not the server."""
        try:
            task()
        except Exception as error:
            log.exception("a task of the desk failed")
            self._desk.after_crash(f"an error inside the server, now in its log: {error!r:.200}")
