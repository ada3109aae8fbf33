"""A peer that speaks frames and keeps to no rule: for what no honest client would send."""

import itertools
import time
from collections.abc import Sequence

import msgpack
import zmq

from bridge.connection import Connection
from bridge.protocol.codec import PROLOGUE

IDS = itertools.count(10_000)


class RawPeer:
    """A DEALER with this user's keys, or with others."""

    def __init__(self, connection: Connection, kind: int = zmq.DEALER) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.socket.curve_serverkey = connection.server_public_key.encode()
        self.socket.curve_publickey = connection.client_public_key.encode()
        self.socket.curve_secretkey = connection.client_secret_key.encode()
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.connect(connection.endpoint)

    def __enter__(self) -> "RawPeer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; again does nothing."""
        self.context.destroy(linger=0)

    def send(self, frames: Sequence[bytes]) -> None:
        self.socket.send_multipart(frames)

    def request(self, op: str, body: object = None, data: bytes = b"") -> int:
        """Send a request whose body may be anything that msgpack can pack; returns its id."""
        number = next(IDS)
        header = msgpack.packb({"id": number, "op": op})
        packed = msgpack.packb({} if body is None else body)
        self.send([PROLOGUE, header, packed, *([data] if data else [])])
        return number

    def reply(self, timeout_s: float = 60.0) -> tuple[dict, dict, bytes]:
        """Header, body and data of the next reply; fails when there is none in time."""
        assert self.socket.poll(round(timeout_s * 1000)), f"no reply within {timeout_s:g} s"
        frames = self.socket.recv_multipart()
        assert frames[0] == PROLOGUE
        data = frames[3] if len(frames) > 3 else b""
        return msgpack.unpackb(frames[1]), msgpack.unpackb(frames[2]), data

    def replies(self, count: int, timeout_s: float = 90.0) -> list[tuple[dict, dict]]:
        """So many replies, and no more within a moment."""
        deadline_s = time.monotonic() + timeout_s
        found = [self.reply(max(deadline_s - time.monotonic(), 0))[:2] for _ in range(count)]
        assert not self.socket.poll(100), "more replies than requests"
        return found
