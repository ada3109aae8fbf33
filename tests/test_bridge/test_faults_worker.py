"""Workers that die, hang, or meet a full disk: one clear end, and nothing half-made."""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bridge.lane import LaneRules

from .clips import write_clip
from .desk_driver import BUILTIN, Driver, driving

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="limits and signals of another process are set as Linux does it"
)
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with driving(tmp_path_factory.mktemp("desk") / "store") as driver:
        yield driver


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be met in the middle of its computation."""
    return write_clip(tmp_path_factory.mktemp("clips") / "long.wav", 45.0)


def assert_still_good(desk: Driver, folder: Path) -> None:
    """The next job of another client is done."""
    clip = desk.put(write_clip(folder / "next.wav", 0.5))
    assert desk.result(desk.submit(clip, options=replace(BUILTIN, seed=99))).state == "done"


def files_of(desk: Driver, job_id: str) -> list[Path]:
    return list((Path(desk.status().store.folder) / "jobs" / job_id).rglob("*"))


def test_a_worker_killed_in_the_middle_is_tried_once_more_with_less(
    desk: Driver, long_clip: Path, tmp_path: Path
) -> None:
    restarts = desk.status().engine.restarts
    job, worker = desk.meet(desk.put(long_clip))
    worker.kill()
    done = desk.result(job)
    assert done.state == "done", done.error
    assert done.attempt == 2
    assert done.result is not None
    assert "retried_smaller" in [notice.code for notice in done.result.notices]
    assert desk.status().engine.restarts == restarts + 1
    restarted = desk.bodies("engine.restarted")[-1]
    assert (restarted.reason, restarted.job_id) == ("worker_died", job.job_id)
    assert_still_good(desk, tmp_path)


def test_a_worker_killed_twice_fails_its_job(desk: Driver, long_clip: Path, tmp_path: Path) -> None:
    clip, again = desk.put(long_clip), None
    while again is None:
        job, worker = desk.meet(clip)
        worker.kill()
        again = desk.looks.hold(job.job_id, attempt=2)
    again.kill()
    failed = desk.result(job)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.code == "worker_died"
    assert "memory" in failed.error.message
    assert not files_of(desk, job.job_id)
    assert_still_good(desk, tmp_path)


def test_a_segmentation_fault_fails_its_job_at_once(
    desk: Driver, long_clip: Path, tmp_path: Path
) -> None:
    job, worker = desk.meet(desk.put(long_clip))
    worker.send_signal(signal.SIGSEGV)
    worker.resume()
    failed = desk.result(job)
    assert failed.error is not None
    assert failed.error.code == "worker_died"
    assert failed.attempt == 1
    assert not files_of(desk, job.job_id)
    assert_still_good(desk, tmp_path)


def test_a_worker_that_hangs_fails_its_job(long_clip: Path, tmp_path: Path) -> None:
    with driving(tmp_path / "store", rules=LaneRules(hung_s=8.0)) as desk:
        job, _ = desk.meet(desk.put(long_clip))
        failed = desk.result(job)
        assert failed.error is not None
        assert failed.error.code == "worker_hung"
        desk.wait_for(lambda: desk.status().engine.state == "stopped")
        restarts = desk.status().engine.restarts
        desk.submit(desk.put(write_clip(tmp_path / "next.wav", 0.5)))
        desk.wait_for(lambda: desk.status().engine.restarts == restarts + 1)


def test_a_job_whose_worker_hangs_can_be_cancelled(
    desk: Driver, long_clip: Path, tmp_path: Path
) -> None:
    job, _ = desk.meet(desk.put(long_clip))
    desk.cancel(job)
    assert desk.result(job).state == "cancelled"
    assert not files_of(desk, job.job_id)
    assert_still_good(desk, tmp_path)


def test_a_disk_that_fills_while_a_stem_is_written(
    desk: Driver, long_clip: Path, tmp_path: Path
) -> None:
    clip = desk.put(long_clip)
    warm = desk.result(desk.submit(desk.put(write_clip(tmp_path / "a.wav", 0.5))))
    assert warm.state == "done"
    pid = desk.status().engine.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    job = desk.submit(clip, options=replace(BUILTIN, seed=6))
    failed = desk.result(job)
    assert failed.error is not None
    assert failed.error.code == "disk_full"
    assert not files_of(desk, job.job_id)
    assert desk.status().engine.pid == pid

    resource.prlimit(pid, resource.RLIMIT_FSIZE, UNLIMITED)
    again = desk.result(desk.ask(lambda each: each.retry(job.job_id)))
    assert again.state == "done", again.error


def test_memory_that_runs_out_is_tried_once_more_and_then_said(
    desk: Driver, tmp_path: Path
) -> None:
    wide = desk.put(write_clip(tmp_path / "wide.wav", 20.0, n_channels=16))
    assert_still_good(desk, tmp_path)
    pid = desk.status().engine.pid
    used = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGESIZE")
    resource.prlimit(pid, resource.RLIMIT_AS, (used + (8 << 20), resource.RLIM_INFINITY))
    failed = desk.result(desk.submit(wide))
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.code in ("out_of_memory", "worker_died")
    assert failed.attempt == 2
    if desk.status().engine.pid == pid:
        resource.prlimit(pid, resource.RLIMIT_AS, UNLIMITED)
    assert_still_good(desk, tmp_path)


def test_the_worker_that_looks_at_files_may_die_too(desk: Driver, tmp_path: Path) -> None:
    assert_still_good(desk, tmp_path)
    engine = desk.status().engine.pid
    for child in psutil.Process().children():
        if child.pid != engine:
            child.kill()
    assert_still_good(desk, tmp_path)
    assert desk.status().engine.pid == engine
