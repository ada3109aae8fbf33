"""Worker processes: what they print, how they end, and what is said of it."""

import io
import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge import lane
from bridge.lane import Call, Lane, LaneHooks, LaneRules, Lost
from bridge.worker_pipe import MAX_FRAME_BYTES, FrameReader, FrameWriter, PipeBroken
from bridge.worker_process import WorkerProcess, WorkerSpec

from .clips import WAIT_S, write_clip

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows cannot stop a process without ending it"
)


class Loop:
    """The desk thread's part, played by the test."""

    def __init__(self, folder: Path, rules: LaneRules) -> None:
        self.tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.restarts: list[tuple[str, str, str]] = []
        hooks = LaneHooks(self.tasks.put, lambda *said: self.restarts.append(said))
        self.lane = Lane("separate", folder, rules, hooks)

    def call(self, operation: str, **arguments: Any) -> "Outcome":
        outcome = Outcome()
        self.lane.call(
            Call(operation, arguments, outcome.answers.append, outcome.lost.append, job_id="j1")
        )
        return outcome

    def run_until(self, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < deadline_s
            try:
                self.tasks.get(timeout=0.05)()
            except queue.Empty:
                self.lane.tick()


class Outcome:
    """What came of a call."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.lost: list[Lost] = []

    def is_there(self) -> bool:
        assert len(self.answers) + len(self.lost) <= 1
        return bool(self.answers or self.lost)


@contextmanager
def looping(folder: Path, rules: LaneRules | None = None) -> Iterator[Loop]:
    before = set(psutil.Process().children(recursive=True))
    made = Loop(folder, rules or LaneRules())
    yield made
    made.lane.close(60.0)
    assert not set(psutil.Process().children(recursive=True)) - before


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with looping(tmp_path / "scratch") as made:
        yield made


def test_frames_come_through_a_pipe(tmp_path: Path) -> None:
    stream = io.BytesIO()
    writer = FrameWriter(stream)
    writer.write("call", call=1, arguments={"path": "/Zoë 🎵", "n": [1.5, None]})
    writer.write("stop")
    stream.seek(0)
    reader = FrameReader(stream)
    first = reader.read()
    assert first == {"kind": "call", "call": 1, "arguments": {"path": "/Zoë 🎵", "n": [1.5, None]}}
    assert reader.read() == {"kind": "stop"}
    assert reader.read() is None
    with pytest.raises(ValueError, match="allowed"):
        writer.write("call", data=bytes(MAX_FRAME_BYTES))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x05\xc1\xc1\xc1\xc1\xc1",
        b"\x00\x00\x00\x02\x81\xa1",
        b"\x00\x00\x00\x09abc",
        b"\x00\x00\x00\x01\x05",
        b"\x00\x00\x00\x01\x80",
    ],
)
def test_what_is_no_frame_breaks_the_pipe(data: bytes) -> None:
    with pytest.raises(PipeBroken):
        FrameReader(io.BytesIO(data)).read()


def test_what_a_library_prints_does_not_reach_the_pipe(tmp_path: Path) -> None:
    messages: queue.Queue[Any] = queue.Queue()
    here = str(Path(__file__).parent)
    environment = {"PYTHONPATH": os.pathsep.join([here, *sys.path])}
    spec = WorkerSpec("noisy", tmp_path / "scratch", environment, "noisy_worker")
    worker = WorkerProcess(spec, lambda _worker, message: messages.put(message))
    worker.start()
    clip = write_clip(tmp_path / "a.wav", 0.2)
    try:
        for number in range(20):
            worker.send("call", call=number, operation="probe", arguments={"path": str(clip)})
        answers = []
        while len(answers) < 20:
            message = messages.get(timeout=WAIT_S)
            assert message["kind"] in ("ready", "beat", "taken", "answer")
            answers += [message["call"]] if message["kind"] == "answer" else []
        assert answers == list(range(20))
    finally:
        worker.kill()
        worker.join(WAIT_S)
    assert worker.last_words


def test_a_worker_that_is_killed_is_replaced(loop: Loop, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.wav", 0.2)
    first = loop.call("probe", path=str(clip))
    loop.run_until(first.is_there)
    pid = loop.lane.pid
    psutil.Process(pid).kill()
    loop.run_until(lambda: loop.lane.state == "stopped")
    again = loop.call("probe", path=str(clip))
    loop.run_until(again.is_there)
    assert again.answers == first.answers
    assert loop.lane.pid != pid
    assert [reason for reason, _, _ in loop.restarts] == ["worker_died"]
    assert loop.lane.restarts == 1


@posix_only
def test_a_call_that_a_dead_worker_never_took_goes_to_the_next_one(
    loop: Loop, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "a.wav", 0.2)
    first = loop.call("probe", path=str(clip))
    loop.run_until(first.is_there)
    pid = loop.lane.pid
    os.kill(pid, signal.SIGSTOP)
    second = loop.call("probe", path=str(clip))
    os.kill(pid, signal.SIGKILL)
    loop.run_until(second.is_there)
    assert second.answers == first.answers
    assert [reason for reason, _, _ in loop.restarts] == ["worker_died"]


@posix_only
def test_a_call_whose_workers_die_before_they_take_it_is_lost_in_the_end(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "a.wav", 0.2)
    first = loop.call("probe", path=str(clip))
    loop.run_until(first.is_there)
    os.kill(loop.lane.pid, signal.SIGSTOP)
    second = loop.call("probe", path=str(clip))
    # However late this process comes to its turn, those that follow never take a call.
    monkeypatch.setattr(lane, "WorkerSpec", partial(WorkerSpec, module="bridge.no_such_worker"))
    os.kill(loop.lane.pid, signal.SIGKILL)
    loop.run_until(second.is_there)
    assert [lost.code for lost in second.lost] == ["worker_start_failed"]
    assert "no_such_worker" in second.lost[0].message
    assert [reason for reason, _, _ in loop.restarts] == ["worker_died", "worker_died"]


@posix_only
def test_a_worker_that_hangs_is_killed_and_its_call_lost(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.wav", 0.2)
    with looping(tmp_path / "scratch", LaneRules(hung_s=8.0)) as loop:
        first = loop.call("probe", path=str(clip))
        loop.run_until(first.is_there)
        os.kill(loop.lane.pid, signal.SIGSTOP)
        second = loop.call("probe", path=str(clip))
        loop.run_until(second.is_there)
        assert [lost.code for lost in second.lost] == ["worker_hung"]
        third = loop.call("probe", path=str(clip))
        loop.run_until(third.is_there)
        assert third.answers == first.answers


@posix_only
def test_a_cancelled_call_ends_even_when_its_worker_does_not_listen(
    loop: Loop, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "a.wav", 0.2)
    first = loop.call("probe", path=str(clip))
    loop.run_until(first.is_there)
    os.kill(loop.lane.pid, signal.SIGSTOP)
    lost: list[Lost] = []
    call = Call("probe", {"path": str(clip)}, lambda _value: None, lost.append)
    loop.lane.call(call)
    loop.lane.cancel(call)
    loop.run_until(lambda: bool(lost))
    assert [each.code for each in lost] == ["cancelled"]
    assert not loop.restarts


def test_a_worker_that_cannot_start_says_so(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "no python here"))
    outcome = loop.call("probe", path="/a.wav")
    loop.run_until(outcome.is_there)
    assert [lost.code for lost in outcome.lost] == ["worker_start_failed"]
    monkeypatch.delenv("PYTHONHOME")
    again = loop.call("probe", path=str(write_clip(tmp_path / "a.wav", 0.2)))
    loop.run_until(again.is_there)
    assert again.answers


def test_waiting_calls_are_answered_in_order_and_can_be_withdrawn(
    loop: Loop, tmp_path: Path
) -> None:
    clip = str(write_clip(tmp_path / "a.wav", 0.2))
    order: list[int] = []
    lost: list[Lost] = []
    calls = [
        Call("probe", {"path": clip}, lambda _value, n=number: order.append(n), lost.append)
        for number in range(4)
    ]
    for call in calls:
        loop.lane.call(call)
    loop.lane.cancel(calls[2])
    loop.run_until(lambda: len(order) == 3)
    assert order == [0, 1, 3]
    assert [each.code for each in lost] == ["cancelled"]


def test_an_error_that_the_worker_does_not_know_ends_it_with_its_last_words(
    loop: Loop, tmp_path: Path
) -> None:
    outcome = loop.call("no such operation")
    loop.run_until(outcome.is_there)
    (lost,) = outcome.lost
    assert lost.code == "worker_died"
    assert "KeyError" in lost.message
    assert not lost.memory
