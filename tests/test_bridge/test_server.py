"""The I/O process with real peers: one reply to each request, limits, events, start and end."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import psutil
import pytest
import zmq

from bridge.client import Client, connect
from bridge.connection import Connection, is_alive, read_connection
from bridge.errors import LimitReached, ServerUnavailable
from bridge.folders import Folders
from bridge.protocol.codec import PROLOGUE
from bridge.protocol.limits import FRAME_BYTES
from bridge.protocol.messages import (
    OPERATIONS,
    ClipReply,
)
from bridge.protocol.transfers import (
    ClipPut,
    Upload,
)
from bridge.protocol.version import PROTOCOL_VERSION

from .conftest import StartServer, end, eventually, make_samples
from .raw_peer import RawPeer

Process = subprocess.Popen[bytes]


@pytest.fixture
def connection(server: Process, folders: Folders) -> Connection:
    return read_connection(folders.connection)


@pytest.fixture
def peer(connection: Connection) -> Iterator[RawPeer]:
    with RawPeer(connection) as made:
        yield made


def test_it_says_who_it_is_and_answers_pings(client: Client, server: Process) -> None:
    assert client.welcome.pid == server.pid
    assert client.welcome.protocol == PROTOCOL_VERSION
    assert client.welcome.paths
    assert client.ping() > 0


def test_every_kind_of_broken_request_gets_one_reply(peer: RawPeer) -> None:
    header = msgpack.packb({"id": 1, "op": "ping"})
    broken = {
        "bad_frames": [b"only one frame"],
        "bad_header": [PROLOGUE, b"\xc1", b"\x80"],
        "bad_body": [PROLOGUE, header, b"\x93"],
        "bad_data": [PROLOGUE, header, b"\x80", b"data"],
        "unknown_operation": [PROLOGUE, msgpack.packb({"id": 1, "op": "sing"}), b"\x80"],
        "version_mismatch": [b"SLWP\x09\x00", header, b"\x80"],
        "message_too_large": [PROLOGUE, header, b"\x80" * 300_000],
    }
    for code, frames in broken.items():
        peer.send(frames)
        reply, body, _ = peer.reply()
        assert (reply["status"], body["code"]) == ("error", code)
    assert not peer.socket.poll(100)


def test_every_operation_answers_an_empty_body(peer: RawPeer) -> None:
    """With a result or an error, but always with exactly one reply that carries the id."""
    asked = {peer.request(op): op for op in OPERATIONS if op != "server.stop"}
    replies = peer.replies(len(asked))
    assert {header["id"]: header["op"] for header, _ in replies} == asked


def test_one_who_reads_late_loses_no_reply(peer: RawPeer) -> None:
    """More replies than the transport queues for one client."""
    peer.socket.setsockopt(zmq.RCVHWM, 1)
    asked = [peer.request("ping", {"echo": "x" * 200}) for _ in range(3000)]
    time.sleep(0.5)
    assert sorted(header["id"] for header, _ in peer.replies(len(asked))) == asked


def test_too_many_requests_at_once_are_refused_one_by_one(peer: RawPeer) -> None:
    asked = [peer.request("models.list") for _ in range(200)]
    replies = peer.replies(len(asked), timeout_s=100)
    codes = [body.get("code", "ok") for _, body in replies]
    assert set(codes) == {"ok", "too_many_requests"}
    assert codes.count("ok") >= 64


def test_a_frame_beyond_the_transports_limit_ends_that_connection_only(
    peer: RawPeer, client: Client
) -> None:
    peer.send([PROLOGUE, b"x" * (FRAME_BYTES + 1), b""])
    peer.request("ping")
    assert client.ping() > 0
    peer.request("ping")
    assert peer.reply()[0]["op"] == "ping"  # the transport connects again by itself


def test_an_event_reaches_every_subscriber_once_and_in_order(client: Client, home: Path) -> None:
    with connect(home, start=False) as other:
        subscribers = [client.subscribe(("clip",)), other.subscribe()]
        made = [client.put_samples(make_samples(0.1), 48_000, f"take {n}") for n in range(5)]
        for subscriber in subscribers:
            events = [subscriber.next(60) for _ in made]
            names = [
                event.body.clip.name
                for event in events
                if event is not None and isinstance(event.body, ClipReply)
            ]
            assert names == [clip.name for clip in made]
            assert subscriber.n_missed == 0
            subscriber.close()


def test_no_more_clients_than_allowed(connection: Connection) -> None:
    """The 129th is told so; when one leaves, it may come in."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(RawPeer(connection)) for _ in range(128)]
        for each in peers:
            each.request("ping")
        for each in peers:
            assert each.reply()[0]["status"] == "ok"
        late = stack.enter_context(RawPeer(connection))
        late.request("ping")
        assert late.reply()[1].get("code") == "too_many_clients"
        peers[0].request("ping")
        assert peers[0].reply()[0]["status"] == "ok"
        peers[-1].close()

        def is_let_in() -> bool:
            late.request("ping")
            return bool(late.reply()[0]["status"] == "ok")

        eventually(is_let_in, "a place became free")


def test_signals_end_it_cleanly(start_server: StartServer, folders: Folders) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start_server()
        process.send_signal(number)
        assert process.wait(60) == 0
        assert not folders.connection.exists()


def test_stop_tells_the_others(client: Client, server: Process, folders: Folders) -> None:
    subscriber = client.subscribe(("server",))
    client.stop_server()
    event = subscriber.next(60)
    subscriber.close()
    assert event is not None
    assert event.header.event == "server.stopping"
    assert server.wait(60) == 0
    assert not folders.connection.exists()


def test_a_killed_server_leaves_a_stale_file_that_nobody_falls_for(
    start_server: StartServer, folders: Folders, home: Path
) -> None:
    first = start_server()
    first.kill()
    first.wait()
    assert folders.connection.exists()
    with pytest.raises(ServerUnavailable, match="is no more"):
        connect(home, start=False)
    second = start_server()
    with connect(home, start=False) as client:
        assert client.welcome.pid == second.pid


def test_a_client_sees_the_end_of_its_server_and_need_not_wait_for_another(
    client: Client, server: Process
) -> None:
    assert client.ping() > 0
    assert not client.is_server_gone
    server.kill()
    server.wait()
    assert client.is_server_gone
    said: list[BaseException] = []

    def ask() -> None:
        try:
            client.ping(300)
        except ServerUnavailable as error:
            said.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    client.give_up()
    waiting.join(60)
    assert not waiting.is_alive()
    assert said


def test_of_two_servers_one_gives_way(start_server: StartServer, home: Path) -> None:
    first, second = start_server(), start_server()
    assert second.wait(60) == 23
    assert "server_running" in (home / "server.out").read_text()
    with connect(home, start=False) as client:
        assert client.welcome.pid == first.pid


def test_of_eight_clients_that_start_one_all_get_the_same(home: Path) -> None:
    script = (
        "import sys; from bridge.client import connect\n"
        "with connect(sys.argv[1], timeout_s=60) as client: print(client.welcome.pid)"
    )
    command = [sys.executable, "-c", script, str(home)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(8)]
    pids = {int(process.communicate(timeout=300)[0]) for process in started}
    assert len(pids) == 1
    with connect(home, start=False) as client:
        client.stop_server()
    (pid,) = pids
    eventually(lambda: not _runs(pid), "the server ended")


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_server_that_this_process_started_is_seen_to_die(home: Path) -> None:
    with connect(home) as client:
        first = client.welcome.pid
        psutil.Process(first).kill()
        eventually(lambda: not is_alive(first), "the dead server is no more")
        with connect(home) as other:
            assert other.welcome.pid != first
        assert client.ping() > 0  # it found the new one, too
        client.stop_server()


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", "import bridge.client, bridge.launcher, bridge.transfer"),
        ("-m", "bridge", "status", "--help"),
    ],
)
def test_a_client_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    _assert_light(done.stderr)


def test_the_server_imports_nothing_heavy_even_while_it_works(home: Path, mixture: Path) -> None:
    home.mkdir()
    with (home / "imports").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "bridge", "serve", "--home", str(home)],
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with connect(home, start=False) as client:
            client.put_file(mixture)
            client.put_samples(make_samples(0.1), 48_000, "take")
            client.models()
            client.status()
    finally:
        assert end(process) == 0
    _assert_light((home / "imports").read_text())


def _assert_light(importtime: str) -> None:
    names = {line.rpartition("|")[2].strip() for line in importtime.splitlines() if "|" in line}
    assert "zmq" in names
    packages = {name.partition(".")[0] for name in names}
    assert not packages & {"torch", "PyQt6", "engine", "gui", "transformers", "av", "soundfile"}


def test_limits_are_told_to_clients(client: Client) -> None:
    limits = client.welcome.limits
    assert limits.requests_in_flight == 64
    too_long = ClipPut("", Upload("float32", 8_000, 1, 8_000 * (limits.clip_s + 1)), "long")
    with pytest.raises(LimitReached) as caught:
        client._ask("clip.put", too_long)
    assert caught.value.code == "clip_too_long"
