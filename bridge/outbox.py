"""From other threads to the I/O loop: a queue with a file descriptor that a poller can watch."""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

Delivery = Callable[[], None]
"""Something for the I/O loop to do on its own thread."""


class Outbox:
    """Deliveries in order; `fileno()` is readable while there are any."""

    def __init__(self) -> None:
        self._waiting: deque[Delivery] = deque()
        self._lock = threading.Lock()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._is_open = True

    def fileno(self) -> int:
        """For `Poller.register`."""
        return self._reader.fileno()

    def put(self, delivery: Delivery) -> None:
        """Hand `delivery` over, from any thread; after `close` it is dropped."""
        with self._lock:
            if not self._is_open:
                return
            self._waiting.append(delivery)
            first = len(self._waiting) == 1
            if first:
                self._wake()

    def interrupt(self) -> None:
        """Wake the loop without a delivery. Safe in a signal handler: it takes no lock."""
        self._wake()

    def take_all(self) -> Iterator[Delivery]:
        """What waits, in order; the loop's thread only."""
        with self._lock:
            self._drain()
            waiting, self._waiting = self._waiting, deque()
        yield from waiting

    def close(self) -> None:
        """Close the descriptors and drop what waits."""
        with self._lock:
            self._is_open = False
            self._waiting.clear()
            self._reader.close()
            self._writer.close()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # as many wake-ups as fit are under way already
            self._writer.send(b"!")

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
