"""A client's sockets: requests and their replies, and events. No policy, only time-outs."""

import itertools
import time
from collections.abc import Sequence

import zmq

from .connection import Connection
from .errors import AuthenticationError, ProtocolError, ServerUnavailable
from .monitor import read_event
from .protocol.codec import (
    WELCOME,
    Event,
    Reply,
    decode_event,
    decode_reply,
    encode_request,
)
from .protocol.limits import FRAME_BYTES

ZmqContext = zmq.Context[zmq.Socket[bytes]]

_HEARTBEAT_MS = 5_000
_SILENCE_MS = 20_000
_IDS = itertools.count(1)

_AUTH_EVENTS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_CONNECT_EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | _AUTH_EVENTS


class Link:
    """The request socket of one connection. One thread at a time."""

    def __init__(self, context: ZmqContext, connection: Connection) -> None:
        self.connection = connection
        self._socket = _socket(context, zmq.DEALER, connection)
        self._socket.setsockopt(zmq.SNDHWM, 64)
        self._monitor = self._socket.get_monitor_socket(_CONNECT_EVENTS)
        self._socket.connect(connection.endpoint)

    def wait_until_open(self, timeout_s: float) -> None:
        """Wait for the handshake. Raises ServerUnavailable or AuthenticationError."""
        if not self._monitor.poll(round(timeout_s * 1000)):
            raise ServerUnavailable(
                f"{self.connection.endpoint}: no server answered within {timeout_s:g} s, or its "
                "key is not the one expected"
            )
        event, _ = read_event(self._monitor)
        if event != zmq.EVENT_HANDSHAKE_SUCCEEDED:
            raise AuthenticationError(
                f"{self.connection.endpoint}: the server does not let this key in; "
                "`stemlasso keys` shows it, and `stemlasso keys allow` on the server lets it in"
            )

    def send(self, op: str, body: object, data: bytes = b"") -> int:
        """Send a request; returns its id. Raises ProtocolError or ServerUnavailable."""
        request_id = next(_IDS)
        frames = encode_request(request_id, op, body, data)
        self.send_frames(frames)
        return request_id

    def send_frames(self, frames: Sequence[bytes]) -> None:
        """Send frames as they are. Raises ServerUnavailable when nothing takes them."""
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again as error:
            raise ServerUnavailable(
                f"{self.connection.endpoint}: the server takes no more requests"
            ) from error

    def receive(self, timeout_s: float) -> Reply | None:
        """The next reply, `None` when there is none in time. Raises ProtocolError."""
        if not self._socket.poll(max(round(timeout_s * 1000), 0)):
            return None
        return decode_reply(self._socket.recv_multipart())

    def close(self) -> None:
        """Close the socket; what was not sent yet has a moment to leave."""
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=200)


class Subscriber:
    """Events of a server as they come, in order. One thread at a time."""

    def __init__(self, context: ZmqContext, connection: Connection, port: int) -> None:
        host = connection.endpoint.rpartition(":")[0]
        self._socket = _socket(context, zmq.SUB, connection)
        self._socket.setsockopt(zmq.RCVHWM, 500)
        self._endpoint = f"{host}:{port}"
        self._sequences: dict[str, int] = {}
        self.n_missed = 0

    def open(self, families: Sequence[str], timeout_s: float) -> None:
        """Subscribe and wait until it is in force. Raises ServerUnavailable."""
        for family in families:
            self._socket.setsockopt(zmq.SUBSCRIBE, family.encode("ascii") + b".")
        self._socket.setsockopt(zmq.SUBSCRIBE, WELCOME)
        self._socket.connect(self._endpoint)
        deadline_s = time.monotonic() + timeout_s
        while self._socket.poll(max(round(1000 * (deadline_s - time.monotonic())), 0)):
            if self._socket.recv_multipart() == [WELCOME]:
                self._socket.setsockopt(zmq.UNSUBSCRIBE, WELCOME)
                return
        raise ServerUnavailable(f"{self._endpoint}: no events within {timeout_s:g} s")

    def next(self, timeout_s: float) -> Event | None:
        """The next event, `None` when there is none in time.

        `n_missed` counts events that were left out because they were not read fast enough.
        """
        deadline_s = time.monotonic() + timeout_s
        while self._socket.poll(max(round(1000 * (deadline_s - time.monotonic())), 0)):
            frames = self._socket.recv_multipart()
            if frames == [WELCOME]:
                continue
            try:
                event = decode_event(frames)
            except ProtocolError:
                continue  # of a newer version: what is not understood is ignored
            if event is not None:
                self._count(event)
                return event
        return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close(linger=0)

    def _count(self, event: Event) -> None:
        family = event.header.event.partition(".")[0]
        expected = self._sequences.get(family, event.header.sequence - 1) + 1
        self.n_missed += max(event.header.sequence - expected, 0)
        self._sequences[family] = event.header.sequence


def _socket(context: ZmqContext, kind: int, connection: Connection) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.linger = 0
    socket.curve_serverkey = connection.server_public_key.encode("ascii")
    socket.curve_publickey = connection.client_public_key.encode("ascii")
    socket.curve_secretkey = connection.client_secret_key.encode("ascii")
    socket.setsockopt(zmq.MAXMSGSIZE, FRAME_BYTES)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _SILENCE_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    socket.setsockopt(zmq.IPV6, int("[" in connection.endpoint))
    return socket
