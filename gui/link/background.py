"""Work off the Qt thread: one thread that does calls in turn and hands results back to Qt's."""

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

log = logging.getLogger(__name__)
JOIN_S = 15.0

Work = Callable[[], Any]
OnDone = Callable[[Any], None]
OnError = Callable[[Exception], None]


class Background(QObject):
    """Does work in order. `on_done` and `on_error` are called in the Qt thread, unless stopped."""

    _delivered = pyqtSignal(object)

    def __init__(self, name: str, expected: tuple[type[Exception], ...]) -> None:
        """expected: errors that go to `on_error`; others are bugs and go to the exception hook."""
        super().__init__()
        self._expected = expected
        self._queue: queue.SimpleQueue[tuple[Work, OnDone, OnError] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._is_stopped = False
        self._delivered.connect(self._deliver)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def run(self, work: Work, on_done: OnDone, on_error: OnError) -> None:
        """Do `work` when those before it are done."""
        self._queue.put((work, on_done, on_error))

    def stop(self) -> None:
        """Do no more; what is under way is waited for and its result dropped."""
        self._is_stopped = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _loop(self) -> None:
        while (task := self._queue.get()) is not None and not self._is_stopped:
            work, on_done, on_error = task
            try:
                result = work()
            except self._expected as error:
                self._send(partial(on_error, error))
            else:
                self._send(partial(on_done, result))

    def _send(self, call: Callable[[], None]) -> None:
        if not self._is_stopped:
            self._delivered.emit(call)

    def _deliver(self, call: Callable[[], None]) -> None:
        if not self._is_stopped:
            call()
