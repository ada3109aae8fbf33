"""Ctrl-C and a polite kill as a question that work in progress can ask."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C or a polite kill, so that nothing half-made stays behind."""
    cancelled = threading.Event()

    def cancel(_signal: int, _frame: FrameType | None) -> None:
        cancelled.set()

    before = {kind: signal.signal(kind, cancel) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancelled
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
