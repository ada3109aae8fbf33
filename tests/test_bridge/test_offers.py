"""Finished stems offered to the DAW that their clip came from."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.offers import LIVE_COMMAND
from bridge.protocol.offers import TimelineOffer
from bridge.protocol.values import ClipOrigin, Job

from .clips import write_clip
from .desk_driver import Driver, driving


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk") / "store"


@pytest.fixture(scope="module")
def desk(root: Path) -> Iterator[Driver]:
    with driving(root, exchange_s=0.05, live_patience_s=600.0) as driver:
        yield driver


def done_job(desk: Driver, path: Path, origin: ClipOrigin | None = None) -> Job:
    done = desk.result(desk.submit(desk.put(write_clip(path, 0.5), origin)))
    assert done.state == "done", done.error
    return done


def offer(desk: Driver, job: Job) -> TimelineOffer:
    told = desk.later(lambda each, answer: each.offer(job.job_id, answer))
    assert isinstance(told, TimelineOffer)
    return told


def test_the_manifest_lies_in_the_outbox_again(desk: Driver, root: Path, tmp_path: Path) -> None:
    """A script takes away what it has placed; offered anew, it may be placed anew."""
    origin = ClipOrigin("REAPER", "song.rpp", "Drums", 12.5, 600_000)
    job = done_job(desk, tmp_path / "a.wav", origin)
    manifest = root / "outbox" / f"{job.job_id}.timeline.json"
    manifest.unlink()
    told = offer(desk, job)
    assert told == TimelineOffer("REAPER", False, "host", 12.5, str(manifest))
    assert json.loads(manifest.read_text("utf-8"))["job_id"] == job.job_id
    assert not (root / "outbox" / LIVE_COMMAND).exists()
    assert offer(desk, job) == told


def test_a_clip_of_no_host_is_placed_by_nobody(desk: Driver, tmp_path: Path) -> None:
    told = offer(desk, done_job(desk, tmp_path / "b.wav"))
    assert (told.host, told.placed_by, told.is_taken) == ("", "nobody", False)


def test_live_is_asked_and_takes_it(desk: Driver, root: Path, tmp_path: Path) -> None:
    job = done_job(desk, tmp_path / "c.wav", ClipOrigin("Live", "Set", "Drums", 2.0))
    command = root / "outbox" / LIVE_COMMAND
    answers: list[object] = []
    desk.ask(lambda each: each.offer(job.job_id, answers.append))
    assert json.loads(command.read_text("utf-8")) == {"command": 1, "do": "insert"}
    other = done_job(desk, tmp_path / "g.wav", ClipOrigin("Live", "Set", "Drums", 3.0))
    with pytest.raises(BridgeError) as busy:
        offer(desk, other)
    assert busy.value.code == "server_busy"
    # a client that hears nothing for some seconds asks again
    desk.ask(lambda each: each.offer(job.job_id, answers.append))
    command.unlink()  # as Live's script does
    desk.wait_for(lambda: len(answers) == 2)
    for told in answers:
        assert isinstance(told, TimelineOffer)
        assert (told.host, told.is_taken, told.start_s) == ("Live", True, 2.0)


def test_what_live_does_not_take_is_taken_back(tmp_path: Path) -> None:
    outbox = tmp_path / "store" / "outbox"
    with driving(tmp_path / "store", exchange_s=0.05, live_patience_s=0.2) as desk:
        job = done_job(desk, tmp_path / "d.wav", ClipOrigin("Live", "Set", "Drums", 2.0))
        start_s = time.monotonic()
        assert not offer(desk, job).is_taken
        assert time.monotonic() - start_s >= 0.2
    assert not (outbox / LIVE_COMMAND).exists()
    assert (outbox / f"{job.job_id}.timeline.json").exists()


def test_a_server_that_ends_leaves_no_command(tmp_path: Path) -> None:
    with driving(tmp_path / "store", live_patience_s=600.0) as desk:
        job = done_job(desk, tmp_path / "e.wav", ClipOrigin("Live"))
        desk.ask(lambda each: each.offer(job.job_id, lambda _: None))
        assert (tmp_path / "store" / "outbox" / LIVE_COMMAND).exists()
    assert not (tmp_path / "store" / "outbox" / LIVE_COMMAND).exists()


def test_only_finished_jobs_are_offered(desk: Driver, root: Path, tmp_path: Path) -> None:
    with pytest.raises(BridgeError) as unknown:
        desk.later(lambda each, answer: each.offer("j0", answer))
    assert unknown.value.code == "job_not_found"
    job = done_job(desk, tmp_path / "f.wav")
    (root / "jobs" / job.job_id / "timeline.json").unlink()
    with pytest.raises(BridgeError) as gone:
        offer(desk, job)
    assert gone.value.code == "file_not_found"
