"""Requests that wait for their one reply: how many, how large, for how long."""

import itertools
from collections import Counter
from dataclasses import dataclass

from .errors import LimitReached
from .listener import Listener
from .protocol.limits import Limits

Peer = tuple[Listener, bytes]
"""Who asked: where the request came in, and the transport's name of the client."""

PENDING_BYTES = 128 * 1024 * 1024
"""Of all requests that wait; beyond it clients are told to come back later."""

LIFETIME_S = 120.0
"""A request that is not answered by then gets an error; an answer after it is dropped."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request under way. peer: who gets the reply; expires_s: on the monotonic clock."""

    call_id: int
    peer: Peer
    request_id: int
    op: str
    n_bytes: int
    expires_s: float


class Calls:
    """All requests under way. One owner thread; a call is closed exactly once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ids = itertools.count(1)
        self._open: dict[int, Call] = {}
        self._per_peer: Counter[Peer] = Counter()
        self._n_bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    def open(self, peer: Peer, request_id: int, op: str, n_bytes: int, now_s: float) -> Call:
        """Note a request. Raises LimitReached."""
        if self._per_peer[peer] >= self._limits.requests_in_flight:
            raise LimitReached(
                f"{self._per_peer[peer]} of your requests wait for a reply, allowed are "
                f"{self._limits.requests_in_flight}; wait for one of them",
                "too_many_requests",
            )
        if self._n_bytes + n_bytes > PENDING_BYTES:
            raise LimitReached(
                f"requests of {self._n_bytes} bytes wait to be done, allowed are {PENDING_BYTES}; "
                "send this one again in a moment",
                "server_busy",
            )
        call = Call(next(self._ids), peer, request_id, op, n_bytes, now_s + LIFETIME_S)
        self._open[call.call_id] = call
        self._per_peer[peer] += 1
        self._n_bytes += n_bytes
        return call

    def close(self, call_id: int) -> Call | None:
        """The call, which is no longer under way; `None` when it was closed before."""
        call = self._open.pop(call_id, None)
        if call is not None:
            self._n_bytes -= call.n_bytes
            self._per_peer[call.peer] -= 1
            if not self._per_peer[call.peer]:
                del self._per_peer[call.peer]
        return call

    def expired(self, now_s: float) -> list[Call]:
        """Calls that nobody answered in time. They are in order of age, so few are looked at."""
        found = []
        for call in self._open.values():
            if call.expires_s > now_s:
                break
            found.append(call)
        return found

    def all(self) -> list[Call]:
        """Every call under way."""
        return list(self._open.values())
