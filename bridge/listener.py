"""One address that a server listens at: a socket for requests and one for events, both CURVE.

A slow or deaf subscriber costs at most `EVENTS_KEPT` events of memory: the transport keeps a queue
for each and leaves out what does not fit; the others notice nothing.
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import zmq

from .errors import ServerUnavailable
from .monitor import read_event
from .protocol.codec import WELCOME
from .protocol.limits import FRAME_BYTES
from .security import KeyPair

log = logging.getLogger(__name__)

ZmqContext = zmq.Context[zmq.Socket[bytes]]

REQUESTS_KEPT = 16
"""Requests and replies that the transport queues for one client."""

REPLIES_KEPT = 4096
REPLY_BYTES_KEPT = 16 * 1024 * 1024
"""What is kept here for one client that reads slowly; one that reads nothing loses the rest."""

EVENTS_KEPT = 500
HEARTBEAT_MS = 5_000
SILENCE_MS = 20_000
HANDSHAKE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Address:
    """host: an IP address or name; port: of requests, events are on the next; 0 means any two.

    domain: which keys may enter. paths: whether clients here may name files and see where they lie.
    """

    host: str
    port: int
    domain: str
    paths: bool


class Listener:
    """Both sockets of one address. One owner thread."""

    def __init__(self, context: ZmqContext, address: Address, keys: KeyPair) -> None:
        self.paths = address.paths
        self.host = address.host
        self._admitted: dict[bytes, None] = {}
        self._connected: set[int] = set()
        self._unsent: dict[bytes, deque[list[bytes]]] = {}
        self.requests = _socket(context, zmq.ROUTER, address.domain, keys)
        self.events = _socket(context, zmq.XPUB, address.domain, keys)
        try:
            self.port = _bind(self.requests, address.host, address.port)
            self.events_port = _bind(self.events, address.host, address.port and address.port + 1)
        except zmq.ZMQError as error:
            self.close()
            raise ServerUnavailable(
                f"{address.host}:{address.port}: cannot listen there ({error}); "
                "give another address"
            ) from error
        self.monitor = self.requests.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)

    @property
    def n_clients(self) -> int:
        """Connected clients. One that is not let in counts until its handshake has failed."""
        return len(self._connected)

    def watch_connections(self) -> None:
        """Take note of who came and went."""
        while self.monitor.poll(0):
            event, descriptor = read_event(self.monitor)
            if event == zmq.EVENT_ACCEPTED:
                self._connected.add(descriptor)
            else:
                self._connected.discard(descriptor)

    def greet_subscribers(self) -> None:
        """Send `WELCOME` for each subscription to it: what was subscribed before is in force."""
        while self.events.poll(0):
            if self.events.recv_multipart() == [b"\x01" + WELCOME]:
                self.events.send(WELCOME, zmq.NOBLOCK)

    def admit(self, client: bytes, n_allowed: int) -> bool:
        """Whether `client` may speak: it did before, or not more than allowed are connected."""
        if client in self._admitted:
            return True
        self.watch_connections()
        if len(self._connected) > n_allowed:
            return False
        if len(self._admitted) >= n_allowed:
            # Somebody admitted has left without a word; the transport does not say who. One who
            # is turned out though still there comes in again with the next request.
            self._admitted.pop(next(iter(self._admitted)))
        self._admitted[client] = None
        return True

    def reply(self, client: bytes, frames: Sequence[bytes]) -> None:
        """Send a reply, now or when the client reads again; it is dropped when the client left."""
        waiting = self._unsent.get(client)
        if waiting is None and self._send(client, frames):
            return
        waiting = self._unsent.setdefault(client, deque())
        n_bytes = sum(len(frame) for reply in waiting for frame in reply[3:])
        if len(waiting) < REPLIES_KEPT and n_bytes < REPLY_BYTES_KEPT:
            waiting.append(list(frames))
        else:
            log.warning("a client reads none of its replies: one more was dropped")

    def send_waiting(self) -> bool:
        """Send replies that had to wait. Returns whether some still do."""
        for client, waiting in list(self._unsent.items()):
            while waiting and self._send(client, waiting[0]):
                waiting.popleft()
            if not waiting:
                del self._unsent[client]
        return bool(self._unsent)

    def _send(self, client: bytes, frames: Sequence[bytes]) -> bool:
        """Whether the reply needs no further care: it is on its way, or nobody is there."""
        try:
            self.requests.send_multipart([client, *frames], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
        return True

    def close(self) -> None:
        """Close the sockets; replies under way have a second to leave."""
        if hasattr(self, "monitor"):
            self.requests.disable_monitor()
            self.monitor.close(linger=0)
        self.requests.close(linger=1000)
        self.events.close(linger=1000)


def _socket(context: ZmqContext, kind: int, domain: str, keys: KeyPair) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.linger = 0
    socket.curve_server = True
    socket.curve_secretkey = keys.secret.encode("ascii")
    socket.curve_publickey = keys.public.encode("ascii")
    socket.zap_domain = domain.encode("ascii")
    socket.setsockopt(zmq.MAXMSGSIZE, FRAME_BYTES)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MS)
    socket.setsockopt(zmq.BACKLOG, 512)
    if kind == zmq.XPUB:
        socket.setsockopt(zmq.SNDHWM, EVENTS_KEPT)
        socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # tell of every subscription, known or not
    else:
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.SNDHWM, REQUESTS_KEPT)
        socket.setsockopt(zmq.RCVHWM, REQUESTS_KEPT)
    return socket


def _bind(socket: zmq.Socket[bytes], host: str, port: int) -> int:
    if ":" in host:
        socket.setsockopt(zmq.IPV6, 1)
        host = f"[{host}]"
    socket.bind(f"tcp://{host}:{port or '*'}")
    bound = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(bound, bytes)
    return int(bound.rstrip(b"\0").rpartition(b":")[2])
