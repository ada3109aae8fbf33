"""How a client asks: one request after the other, over a connection that is kept up.

ask --> send --> reply | error of the server
          '--> silence: sent again where that does no harm; the server is gone: connect anew
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Self

import zmq

from .connection import Connection
from .errors import BridgeError, RequestTimeout, ServerUnavailable
from .link import Link
from .protocol.messages import OPERATIONS, Hello, Ping, Welcome

TIMEOUT_S = 10.0
SLOW_TIMEOUT_S = 120.0
"""For requests that open files or start a process."""

_SLOW = frozenset({"clip.put", "clip.commit", *(op for op in OPERATIONS if op[:7] == "models.")})
_LOOK_S = 0.25
"""How often a waiting request looks whether its server is still there."""

_SEND_AGAIN_S = 3.0


class Asker:
    """A connection to a server, kept up when the server is restarted.

    find: gives the connection, anew each time it has to be made again.
    """

    def __init__(self, find: Callable[[], Connection], name: str = "python") -> None:
        self._find = find
        self._name = name
        self._lock = threading.RLock()
        self._is_given_up = threading.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._link: Link | None = None
        self._welcome: Welcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, timeout_s: float = TIMEOUT_S) -> Welcome:
        """Connect and say hello. Raises ServerUnavailable, AuthenticationError, VersionMismatch."""
        with self._lock:
            self._drop_link()
            link = Link(self._context, self._find())
            self._link = link
            try:
                link.wait_until_open(timeout_s)
                self._welcome = self._ask("hello", Hello(self._name), timeout_s=timeout_s)
            except BaseException:
                self._drop_link()
                raise
            assert self._welcome is not None
            return self._welcome

    def close(self) -> None:
        """Close the connection and its subscribers; the server and its jobs go on."""
        with self._lock:
            self._drop_link()
            # Not `term`, which would wait for ever for a subscriber that was left open.
            self._context.destroy(linger=200)

    def give_up(self) -> None:
        """End the request that waits in another thread, and every later one: ServerUnavailable.

        For a program that ends, and would otherwise wait for a server that does not answer.
        """
        self._is_given_up.set()

    @property
    def welcome(self) -> Welcome:
        """What the server said of itself when the connection was made."""
        if self._welcome is None:
            return self.open()
        return self._welcome

    def ping(self, timeout_s: float = TIMEOUT_S) -> float:
        """Seconds that a round trip takes."""
        start_s = time.perf_counter()
        self._ask("ping", Ping(), timeout_s=timeout_s)
        return time.perf_counter() - start_s

    @property
    def is_server_gone(self) -> bool:
        """Whether the server of this connection has ended on this computer; asks nobody.

        Of one elsewhere nothing is known without asking it: `ping`.
        """
        with self._lock:
            return self._link is not None and self._is_gone(self._link.connection)

    def _ask(self, op: str, body: object, *, timeout_s: float | None = None) -> Any:
        return self._ask_whole(op, body, timeout_s)[0]

    def _ask_whole(
        self, op: str, body: object, timeout_s: float | None = None
    ) -> tuple[Any, bytes]:
        """Body and data of the reply to one request."""
        with self._lock:
            wait_s = timeout_s or (SLOW_TIMEOUT_S if op in _SLOW else TIMEOUT_S)
            deadline_s = time.monotonic() + wait_s
            if self._link is None:
                self.open(wait_s)
            while True:
                try:
                    return self._once(op, body, deadline_s, wait_s)
                except _ServerGone as gone:
                    self._drop_link()
                    if not OPERATIONS[op].repeatable:
                        raise ServerUnavailable(
                            f"{op}: the server went away before it answered; "
                            "whether it was done is not known"
                        ) from gone
                self._open_again(deadline_s)

    def _open_again(self, deadline_s: float) -> None:
        """Connect to the server that took the lost one's place, as soon as there is one."""
        while True:
            try:
                self.open(max(deadline_s - time.monotonic(), 0.1))
            except ServerUnavailable:
                if time.monotonic() >= deadline_s or self._is_given_up.wait(_LOOK_S):
                    raise
            else:
                return

    def _once(self, op: str, body: object, deadline_s: float, wait_s: float) -> tuple[Any, bytes]:
        assert self._link is not None
        request_ids = {self._link.send(op, body)}
        sent_s = time.monotonic()
        while (now_s := time.monotonic()) < deadline_s:
            if self._is_given_up.is_set():
                raise ServerUnavailable(f"{op}: given up; whether it was done is not known")
            reply = self._link.receive(min(_LOOK_S, deadline_s - now_s))
            if reply is not None and reply.header.id in request_ids:
                if isinstance(reply.body, BridgeError):
                    raise reply.body
                return reply.body, reply.data
            if reply is None and self._is_gone(self._link.connection):
                raise _ServerGone
            if OPERATIONS[op].repeatable and now_s - sent_s > _SEND_AGAIN_S:
                request_ids.add(self._link.send(op, body))
                sent_s = now_s
        raise RequestTimeout(
            f"{op}: no reply within {wait_s:g} s; whether it was done is not known"
        )

    def _is_gone(self, connection: Connection) -> bool:
        try:
            return self._find() != connection
        except BridgeError:
            return True

    def _drop_link(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._welcome = None


class _ServerGone(Exception):
    """The server that was asked is no more."""
