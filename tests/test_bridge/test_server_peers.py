"""Peers that mean harm, or are many, or deaf: what they get, see and cost."""

import contextlib
import secrets
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import zmq

from bridge.client import Client, connect
from bridge.connection import Connection, read_connection
from bridge.errors import BridgeError
from bridge.folders import Folders
from bridge.link import Subscriber
from bridge.listener import EVENTS_KEPT, Address, Listener
from bridge.protocol.codec import PROLOGUE
from bridge.protocol.messages import Subscribe
from bridge.protocol.values import ClipOrigin
from bridge.security import Doorkeeper, KeyPair

from .conftest import eventually, make_samples
from .raw_peer import RawPeer

Process = subprocess.Popen[bytes]


@pytest.fixture
def connection(server: Process, folders: Folders) -> Connection:
    return read_connection(folders.connection)


def with_new_keys(connection: Connection) -> Connection:
    public, secret = (key.decode() for key in zmq.curve_keypair())
    return replace(connection, client_public_key=public, client_secret_key=secret)


def test_a_peer_with_another_key_gets_nothing(connection: Connection, client: Client) -> None:
    stranger = with_new_keys(connection)
    with RawPeer(stranger) as peer:
        for _ in range(20):
            peer.request("hello")
        assert not peer.socket.poll(1000)
    port = client.subscribe()
    with RawPeer(replace(stranger, endpoint=port._endpoint), zmq.SUB) as listener:
        listener.socket.setsockopt(zmq.SUBSCRIBE, b"")
        client.put_samples(make_samples(0.05), 48_000, "secret take")
        assert port.next(60) is not None
        assert not listener.socket.poll(500)
    port.close()
    assert client.ping() > 0


def test_a_client_with_another_key_is_told_quickly(connection: Connection) -> None:
    stranger = with_new_keys(connection)
    with Client(lambda: stranger) as client, pytest.raises(BridgeError) as caught:
        client.open(60)
    assert caught.value.code == "authentication_failed"
    assert "stemlasso keys" in str(caught.value)


def test_a_client_refuses_a_server_with_another_key(connection: Connection) -> None:
    impostor = replace(connection, server_public_key=zmq.curve_keypair()[0].decode())
    with Client(lambda: impostor) as client, pytest.raises(BridgeError) as caught:
        client.open(1)
    assert caught.value.code in ("server_unavailable", "authentication_failed")


@pytest.mark.parametrize(
    "opening",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\r\n",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL" + b"\0" * 48,
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0PLAIN" + b"\0" * 47,
        secrets.token_bytes(4096),
        b"",
    ],
)
def test_a_web_page_or_stray_process_gets_no_answer(
    connection: Connection, client: Client, opening: bytes
) -> None:
    """At most the greeting that every ZeroMQ socket sends, which holds no data of ours."""
    port = int(connection.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stray:
        stray.settimeout(1)
        stray.sendall(opening)
        received = b""
        try:
            while piece := stray.recv(4096):
                received += piece
        except (TimeoutError, ConnectionResetError):
            pass
    assert len(received) <= 200
    assert not received or received.startswith(b"\xff")
    assert b"SLWP" not in received
    assert client.ping() > 0


def test_a_peer_without_encryption_gets_nothing(connection: Connection, client: Client) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    plain = context.socket(zmq.DEALER)
    plain.linger = 0
    plain.connect(connection.endpoint)
    plain.send_multipart([PROLOGUE, b"\x82\xa2id\x01\xa2op\xa4ping", b"\x80"])
    assert not plain.poll(700)
    plain.close()
    context.term()
    assert client.ping() > 0


class Eavesdropper:
    """A relay on the line that keeps every byte of both directions."""

    def __init__(self, port: int) -> None:
        self.heard = bytearray()
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            outer = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [inner, outer]
            for source, sink in ((inner, outer), (outer, inner)):
                thread = threading.Thread(target=self._relay, args=(source, sink))
                self._threads.append(thread)
                thread.start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self.heard += data
                sink.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def eavesdropper(connection: Connection) -> Iterator[Eavesdropper]:
    made = Eavesdropper(int(connection.endpoint.rpartition(":")[2]))
    yield made
    made.close()


def test_an_eavesdropper_reads_nothing(connection: Connection, eavesdropper: Eavesdropper) -> None:
    relayed = replace(connection, endpoint=f"tcp://127.0.0.1:{eavesdropper.port}")
    samples = make_samples(0.5)
    with Client(lambda: relayed) as client:
        client.put_samples(samples, 48_000, "a secret take", ClipOrigin(project="Untitled Hit"))
        assert client.clips()[0].name == "a secret take"
    heard = bytes(eavesdropper.heard)
    assert len(heard) > samples.nbytes  # it did pass by
    for plain in (b"SLWP", b"clip.put", b"a secret take", b"Untitled", b"sample_rate"):
        assert plain not in heard
    assert samples[1000:1008].tobytes() not in heard


def test_an_eavesdropper_on_the_events_reads_nothing(
    connection: Connection, client: Client
) -> None:
    subscription = client._ask("events.subscribe", Subscribe())
    relay = Eavesdropper(subscription.port)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    subscriber = Subscriber(context, connection, relay.port)
    try:
        subscriber.open(("clip",), 60)
        client.put_samples(make_samples(0.05), 48_000, "a secret take")
        event = subscriber.next(60)
        assert event is not None
        assert event.body.clip.name == "a secret take"
    finally:
        subscriber.close()
        context.term()
        relay.close()
    heard = bytes(relay.heard)
    assert len(heard) > 300  # it did pass by
    for plain in (b"SLWP", b"clip.added", b"a secret take", b"welcome"):
        assert plain not in heard


def test_sixty_four_clients_at_once(server: Process, home: Path) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(64)

    def work(number: int) -> None:
        try:
            with connect(home, start=False, timeout_s=60) as client:
                start.wait(60)
                samples = np.full((500, 1), number / 64, np.float32)
                clip = client.put_samples(samples, 48_000, f"client {number}")
                assert client.clip(clip.clip_id).name == f"client {number}"
                for _ in range(20):
                    client.ping(60)
        except (BridgeError, AssertionError, threading.BrokenBarrierError) as error:
            failures.append(error)
            start.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert not failures
    with connect(home, start=False) as client:
        names = {clip.name for clip in client.clips()}
        assert names == {f"client {number}" for number in range(64)}
        eventually(lambda: client.status().n_clients == 1, "the others are gone")


def test_a_subscriber_that_never_reads_slows_nobody(connection: Connection, client: Client) -> None:
    reader = client.subscribe(("clip",))
    deaf_at = replace(connection, endpoint=reader._endpoint)
    with RawPeer(deaf_at, zmq.SUB) as deaf:
        deaf.socket.setsockopt(zmq.RCVHWM, 1)
        deaf.socket.setsockopt(zmq.SUBSCRIBE, b"clip.")
        for number in range(30):
            clip = client.put_samples(make_samples(0.001), 48_000, f"take {number}")
            client.remove_clip(clip.clip_id)
            names = [event.header.event for _ in range(2) if (event := reader.next(60)) is not None]
            assert names == ["clip.added", "clip.removed"]
    reader.close()
    assert reader.n_missed == 0


def test_a_subscriber_that_never_reads_costs_a_bounded_amount() -> None:
    """Of the 200 MB that it is owed, the server keeps what `EVENTS_KEPT` allows."""
    server_keys, client_keys = (
        KeyPair(*(key.decode() for key in zmq.curve_keypair())) for _ in range(2)
    )
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    doorkeeper = Doorkeeper(context, lambda _domain, _key: True)
    listener = Listener(context, Address("127.0.0.1", 0, "here", paths=True), server_keys)
    at = Connection(
        f"tcp://127.0.0.1:{listener.events_port}",
        server_keys.public,
        client_keys.public,
        client_keys.secret,
    )
    event = [b"job.progress", b"x" * 10_000]
    with RawPeer(at, zmq.SUB) as deaf, RawPeer(at, zmq.SUB) as reader:
        deaf.socket.setsockopt(zmq.RCVHWM, 1)
        for peer in (deaf, reader):
            peer.socket.setsockopt(zmq.SUBSCRIBE, b"job.")
            peer.socket.setsockopt(zmq.SUBSCRIBE, b"welcome")

        def welcomed() -> bool:
            doorkeeper.answer_all()
            listener.greet_subscribers()
            return bool(reader.socket.poll(0)) and bool(deaf.socket.poll(0))

        eventually(welcomed, "both are subscribed")
        assert reader.socket.recv() == b"welcome"
        process, growth = psutil.Process(), []
        before = process.memory_info().rss
        for _ in range(20_000):
            listener.events.send_multipart(event)
            while (frames := reader.socket.recv_multipart()) == [b"welcome"]:
                pass
            assert frames == event
            growth.append(process.memory_info().rss - before)
    listener.close()
    doorkeeper.close()
    context.term()
    assert max(growth) < EVENTS_KEPT * 10_000 + 20_000_000
    assert growth[-1] - growth[len(growth) // 2] < 3_000_000
