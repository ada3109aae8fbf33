"""The server's I/O process: sockets in, desk thread behind, replies and events out.

    clients -> ROUTER -> decode -> calls -> desk thread -> outbox -> ROUTER -> clients
                           |                    '-> events -> outbox -> PUB -> subscribers
                           '-> ping, hello, events.subscribe: answered on the spot

The loop never computes, never opens a file and never waits for the desk, so that a ping is
answered within a millisecond whatever else goes on. It imports neither the engine nor torch.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import zmq

from .calls import Call, Calls
from .connection import Connection, remove_connection, write_connection
from .desk import Desk, DeskSettings
from .desk_thread import DeskThread
from .errors import BridgeError, LimitReached, RequestRefused
from .folders import Folders
from .handlers import WithData, dispatch, without_paths
from .listener import Address, Listener
from .machine import memory_bytes, own_memory_bytes
from .outbox import Outbox
from .protocol.codec import (
    Request,
    Undecodable,
    decode_request,
    encode_error,
    encode_event,
    encode_reply,
    pack,
)
from .protocol.limits import FRAME_BYTES, Limits
from .protocol.messages import (
    EVENT_FAMILIES,
    ClipPage,
    Empty,
    FamilySequence,
    JobPage,
    ModelList,
    Ping,
    Status,
    Subscription,
    Welcome,
)
from .protocol.version import PROTOCOL_VERSION
from .security import LOCAL_DOMAIN, NETWORK_DOMAIN, Doorkeeper, Keys

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
READ_AT_ONCE = 32
"""Requests taken from one socket before the others have their turn."""

TICK_MS = 500
RETRY_MS = 5
"""How often replies to a slow client are tried again."""

REPLY_ROOM_BYTES = 64 * 1024
"""What a reply's header, data and framing may take beside its body."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """listen: `(host, port)` of the network address, `None` for this computer only."""

    folders: Folders
    desk: DeskSettings
    server_version: str
    limits: Limits = field(default_factory=Limits)
    listen: tuple[str, int] | None = None


class Server:
    """One server. Made, opened, run and closed by one thread; `stop` may be called from any."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._limits = config.limits
        self._server_id = secrets.token_hex(8)
        self._started_s = time.monotonic()
        self._calls = Calls(config.limits)
        self._outbox = Outbox()
        self._sequences = dict.fromkeys(EVENT_FAMILIES, 0)
        self._is_stopping = False
        self._listeners: list[Listener] = []
        self._desk = DeskThread(config.desk, self._on_event)

    def open(self) -> None:
        """Start the desk, listen, and tell clients where. Raises BridgeError."""
        keys = Keys(self._config.folders.keys)
        server, client = keys.server(), keys.client()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 1023)
        try:
            self._doorkeeper = Doorkeeper(self._context, self._entry_rule(keys, client.public))
            addresses = [Address(LOOPBACK, 0, LOCAL_DOMAIN, paths=True)]
            if self._config.listen is not None:
                addresses.append(Address(*self._config.listen, NETWORK_DOMAIN, paths=False))
            for address in addresses:
                self._listeners.append(Listener(self._context, address, server))
            self._desk.start()
        except BaseException:
            self._close_sockets()
            raise
        connection = Connection(
            endpoint=f"tcp://{LOOPBACK}:{self._listeners[0].port}",
            server_public_key=server.public,
            client_public_key=client.public,
            client_secret_key=client.secret,
            server_version=self._config.server_version,
            server_id=self._server_id,
            pid=os.getpid(),
            started_s=time.time(),
        )
        write_connection(self._config.folders.connection, connection)
        log.info("ready, process %d, %d addresses", os.getpid(), len(self._listeners))

    def run(self) -> None:
        """Serve until `stop`."""
        poller = zmq.Poller()
        poller.register(self._doorkeeper.socket, zmq.POLLIN)
        poller.register(self._outbox.fileno(), zmq.POLLIN)
        for listener in self._listeners:
            poller.register(listener.requests, zmq.POLLIN)
            poller.register(listener.monitor, zmq.POLLIN)
            poller.register(listener.events, zmq.POLLIN)
        wait_ms = TICK_MS
        next_sweep_s = 0.0
        while not self._is_stopping:
            ready: dict[Any, int] = dict(poller.poll(wait_ms))
            if self._doorkeeper.socket in ready:
                self._doorkeeper.answer_all()
            for delivery in self._outbox.take_all():
                delivery()
            for listener in self._listeners:
                if listener.monitor in ready:
                    listener.watch_connections()
                if listener.events in ready:
                    listener.greet_subscribers()
                if listener.requests in ready:
                    self._read_requests(listener)
            is_waiting = [listener.send_waiting() for listener in self._listeners]
            wait_ms = RETRY_MS if any(is_waiting) else TICK_MS
            if time.monotonic() >= next_sweep_s:
                self._give_up_old_calls()
                next_sweep_s = time.monotonic() + 1

    def stop(self) -> None:
        """Make `run` return. From any thread, or a signal handler."""
        self._is_stopping = True
        self._outbox.interrupt()

    def close(self) -> None:
        """Finish: refuse what waits, stop the desk and its processes, leave no file behind."""
        self._publish("server.stopping", pack(Empty()), None)
        for call in self._calls.all():
            self._finish(call.call_id, RequestRefused("the server is stopping", "shutting_down"))
        remove_connection(self._config.folders.connection, self._server_id)
        self._desk.stop(timeout_s=10)
        self._close_sockets()

    def _close_sockets(self) -> None:
        for listener in self._listeners:
            listener.close()
        if hasattr(self, "_doorkeeper"):
            self._doorkeeper.close()
        self._outbox.close()
        self._context.term()

    def _entry_rule(self, keys: Keys, own_public: str) -> Callable[[str, str], bool]:
        """Own clients come in at the loopback address, allowed ones at the network address."""

        def may_enter(domain: str, key: str) -> bool:
            if domain == LOCAL_DOMAIN:
                return key == own_public
            # Read anew each time: a key that was revoked opens no door from then on.
            return domain == NETWORK_DOMAIN and key in keys.allowed().values()

        return may_enter

    def _read_requests(self, listener: Listener) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                client, *frames = listener.requests.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._serve(listener, client, frames)

    def _serve(self, listener: Listener, client: bytes, frames: list[bytes]) -> None:
        """Answer one request, at once or through the desk; never both, never not at all."""
        try:
            request = decode_request(frames)
            if not listener.admit(client, self._limits.clients):
                raise Undecodable(self._too_many_clients(), request.header.id, request.header.op)
        except Undecodable as refusal:
            error = encode_error(refusal.request_id, refusal.op, refusal.error)
            listener.reply(client, error)
            return
        header = request.header
        try:
            at_once = self._at_once(listener, request)
            if at_once is not None:
                listener.reply(client, encode_reply(header.id, header.op, pack(at_once)))
            else:
                self._hand_to_desk(listener, client, request, sum(map(len, frames)))
        except BridgeError as refusal:
            listener.reply(client, encode_error(header.id, header.op, refusal))
        if header.op == "server.stop" and listener.paths:
            self.stop()

    def _too_many_clients(self) -> LimitReached:
        return LimitReached(
            f"{self._limits.clients} clients are connected already, which is the limit; "
            "close one of them",
            "too_many_clients",
        )

    def _at_once(self, listener: Listener, request: Request) -> object | None:
        """The reply of operations that need no desk; `None` for all others."""
        match request.header.op:
            case "ping":
                ping: Ping = request.body
                return ping
            case "hello":
                return Welcome(
                    protocol=PROTOCOL_VERSION,
                    server_version=self._config.server_version,
                    server_id=self._server_id,
                    pid=os.getpid(),
                    paths=listener.paths,
                    limits=self._limits,
                )
            case "events.subscribe":
                families = request.body.families or EVENT_FAMILIES
                numbers = (FamilySequence(name, self._sequences[name]) for name in families)
                return Subscription(listener.events_port, tuple(numbers))
            case "server.stop":
                if listener.paths:
                    return Empty()
                raise RequestRefused(
                    "only a client on the server's computer may stop it", "not_for_remote"
                )
        return None

    def _hand_to_desk(
        self, listener: Listener, client: bytes, request: Request, n_bytes: int
    ) -> None:
        header = request.header
        now_s = time.monotonic()
        call = self._calls.open((listener, client), header.id, header.op, n_bytes, now_s)

        def answer(result: Any) -> None:  # on the desk thread, which also packs the reply
            if isinstance(result, Status):
                result = self._with_own_state(result)
            frames = _reply_frames(call, result)
            self._outbox.put(lambda: self._finish(call.call_id, frames))

        paths = listener.paths
        self._desk.ask(lambda desk: dispatch(desk, request, paths, answer))

    def _finish(self, call_id: int, result: list[bytes] | BridgeError) -> None:
        """Send the one reply of a call; a second result for it is dropped."""
        call = self._calls.close(call_id)
        if call is None:
            log.warning("an answer came after its request had been given up")
            return
        frames = (
            encode_error(call.request_id, call.op, result)
            if isinstance(result, BridgeError)
            else result
        )
        listener, client = call.peer
        listener.reply(client, frames)

    def _give_up_old_calls(self) -> None:
        for call in self._calls.expired(time.monotonic()):
            log.error("%s: not answered in time", call.op)
            error = RequestRefused(f"{call.op}: it took too long; try again", "request_expired")
            self._finish(call.call_id, error)

    def _with_own_state(self, status: Status) -> Status:
        total, free = memory_bytes()
        return replace(
            status,
            server_version=self._config.server_version,
            uptime_s=time.monotonic() - self._started_s,
            server_memory_bytes=own_memory_bytes(),
            memory_total_bytes=total,
            memory_free_bytes=free,
            n_clients=sum(listener.n_clients for listener in self._listeners),
        )

    def _on_event(self, name: str, body: Any) -> None:
        """From the desk thread: pack there, publish on the loop's thread."""
        packed = pack(body)
        elsewhere = pack(without_paths(body)) if self._config.listen is not None else None
        self._outbox.put(lambda: self._publish(name, packed, elsewhere))

    def _publish(self, name: str, body: bytes, elsewhere: bytes | None) -> None:
        family = name.partition(".")[0]
        self._sequences[family] += 1
        for listener in self._listeners:
            shown = body if listener.paths or elsewhere is None else elsewhere
            frames = encode_event(name, self._sequences[family], time.time(), shown)
            listener.events.send_multipart(frames, zmq.NOBLOCK)


def _reply_frames(call: Call, result: Any) -> list[bytes]:
    """The reply's frames; a page that does not fit is cut, which its `total` shows."""
    if isinstance(result, BridgeError):
        return encode_error(call.request_id, call.op, result)
    body, data = (result.body, result.data) if isinstance(result, WithData) else (result, b"")
    packed = pack(body)
    while len(packed) > FRAME_BYTES - REPLY_ROOM_BYTES:
        body = _halved(body)
        packed = pack(body)
    return encode_reply(call.request_id, call.op, packed, data)


def _halved(page: Any) -> Any:
    match page:
        case JobPage():
            return replace(page, jobs=page.jobs[: len(page.jobs) // 2])
        case ClipPage():
            return replace(page, clips=page.clips[: len(page.clips) // 2])
        case ModelList():
            return replace(page, models=page.models[: len(page.models) // 2])
    raise AssertionError(f"a {type(page).__name__} that is larger than a frame")


def run_server(config: ServerConfig, on_open: Callable[[Server], None]) -> None:
    """Open a server, tell `on_open`, serve until it is stopped, close it. Raises BridgeError."""
    server = Server(config)
    server.open()
    try:
        on_open(server)
        server.run()
    finally:
        server.close()


__all__ = ["Desk", "Server", "ServerConfig", "run_server"]
