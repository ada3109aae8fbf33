"""The store: what survives, what is swept, what a damaged database costs."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import NotFound, StoreFailed
from bridge.protocol.fields import to_wire
from bridge.protocol.messages import StoreClean
from bridge.protocol.values import Clip, Job, JobOptions, JobResult, Stem, WirePrompt
from bridge.retention import clean, usage
from bridge.store import Measure, Store, StoredClip
from bridge.store_layout import StoreLayout


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(StoreLayout(tmp_path / "store"))
    opened.open()
    yield opened
    opened.close()


def a_job(job_id: str, state: str = "queued", priority: str = "interactive") -> Job:
    options = JobOptions(priority=priority)
    return Job(job_id, "c1", WirePrompt("snare"), options, state, clip_name="loop")


def with_stems(store: Store, job: Job, n_bytes: int = 1000) -> Job:
    """A finished job with a stem of so many bytes, and its receipt."""
    stem = Stem("target", "loop - snare.wav", n_bytes=n_bytes)
    done = replace(job, state="done", result=JobResult((stem,)), finished_s=1000.0)
    folder = store.layout.stems(job.job_id)
    folder.mkdir(parents=True)
    (folder / stem.name).write_bytes(bytes(n_bytes))
    receipt = {"receipt": 1, "key": f"key-{job.job_id}", "job": to_wire(done)}
    store.layout.receipt(job.job_id).write_text(json.dumps(receipt), "utf-8")
    store.add_job(done)
    store.save_job(done)
    return done


def reopened(store: Store) -> Store:
    store.close()
    again = Store(store.layout)
    again.open()
    return again


def test_everything_is_there_after_a_new_start(store: Store) -> None:
    clip = Clip("c1", "loop", "/x/loop.wav", n_bytes=7)
    store.add_clip(StoredClip(clip, 123, "abc", 48))
    store.add_job(a_job("j1"), "submission")
    again = reopened(store)
    assert again.clip("c1") == StoredClip(clip, 123, "abc", 48)
    assert again.job("j1") == a_job("j1")
    assert again.submitted("submission") == a_job("j1")
    again.close()


def test_jobs_come_in_the_order_of_asking_whatever_the_clock_says(store: Store) -> None:
    for number, created_s, priority in (
        (1, 5000.0, "batch"),
        (2, 4000.0, "interactive"),
        (3, 3000.0, "interactive"),
    ):
        store.add_job(replace(a_job(f"j{number}", priority=priority), created_s=created_s))
    assert [job.job_id for job in store.queued()] == ["j2", "j3", "j1"]
    page, total = store.jobs((), "", 0, 10)
    assert [job.job_id for job in page] == ["j3", "j2", "j1"]
    assert total == 3


def test_a_running_job_is_queued_again_and_half_made_files_go(store: Store) -> None:
    store.add_job(a_job("j1"))
    store.save_job(replace(a_job("j1"), state="running", attempt=1))
    done = with_stems(store, a_job("j2"))
    for left in (
        store.layout.job("j1") / "work-abc" / "half.wav",
        store.layout.job("j2") / "work-def" / "half.wav",
        store.layout.job("j-removed") / "stems" / "old.wav",
        store.layout.incoming / "u1.part",
        store.layout.scratch / "probe-1" / "tmp",
    ):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"x")
    again = reopened(store)
    (interrupted,) = again.recover()
    assert interrupted == replace(a_job("j1"), attempt=1)
    assert again.queued() == (interrupted,)
    assert again.is_whole(done)
    files = [path.name for path in store.layout.root.rglob("*") if path.is_file()]
    assert not {"half.wav", "old.wav", "u1.part", "tmp"} & set(files)
    again.close()


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look at" * 200, b"\0" * 999]
)
def test_a_damaged_database_is_set_aside_and_finished_jobs_are_found_again(
    store: Store, content: bytes
) -> None:
    done = with_stems(store, a_job("j1"))
    store.add_job(a_job("j2"))
    store.close()
    store.layout.database.write_bytes(content)
    again = reopened(store)
    assert again.jobs((), "", 0, 10) == ((done,), 1)
    assert again.done_with_key("key-j1") == done
    assert store.layout.database.with_name("store.sqlite.damaged-1").read_bytes() == content
    again.recover()
    assert again.is_whole(done)
    again.close()


def test_a_lost_database_does_not_cost_the_stems(store: Store) -> None:
    done = with_stems(store, a_job("j1"))
    store.close()
    store.layout.database.unlink()
    again = reopened(store)
    again.recover()
    assert again.job("j1") == done
    assert again.is_whole(done)
    again.close()


def test_a_store_of_a_later_version_is_left_alone(store: Store) -> None:
    store.close()
    database = sqlite3.connect(store.layout.database)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreFailed, match="later version") as failed:
        Store(store.layout).open()
    assert failed.value.code == "store_too_new"


def test_a_store_cannot_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFailed, match="choose another folder"):
        Store(StoreLayout(tmp_path / "file" / "store")).open()


def test_the_folders_are_for_their_owner_alone(store: Store) -> None:
    for folder in (store.layout.root, store.layout.inbox, store.layout.jobs):
        assert folder.stat().st_mode & 0o077 == 0


def test_measures_are_kept_and_the_oldest_forgotten(store: Store) -> None:
    for number in range(5):
        store.add_measure(Measure("builtin", "standard", 1, 10.0, float(number)))
    assert [each.took_s for each in store.measures("builtin", 2)] == [4.0, 3.0]
    assert store.measures("sam-audio-small") == ()


def test_cleaning_by_age_and_size_takes_the_oldest_finished(store: Store) -> None:
    for number in range(1, 5):
        with_stems(store, a_job(f"j{number}"), 10_000)
    store.add_job(a_job("j5"))
    assert usage(store).n_jobs == 5
    kept = usage(store).n_bytes

    said = clean(store, StoreClean(keep_bytes=kept - 15_000, dry_run=True))
    assert said.n_jobs == 2
    assert store.n_jobs() == 5
    done = clean(store, StoreClean(keep_bytes=kept - 15_000))
    assert (done.n_jobs, done.usage.n_jobs) == (2, 3)
    assert done.n_bytes == said.n_bytes >= 20_000
    assert not store.layout.job("j1").exists()
    assert store.layout.job("j3").exists()

    done = clean(store, StoreClean(older_than_s=3600.0))
    assert done.n_jobs == 2
    assert [job.job_id for job in store.jobs((), "", 0, 10)[0]] == ["j5"]


def test_nothing_goes_when_no_rule_says_so(store: Store) -> None:
    with_stems(store, a_job("j1"))
    assert clean(store, StoreClean()).n_jobs == 0
    assert store.n_jobs() == 1


def test_a_clock_set_back_makes_no_job_old(store: Store) -> None:
    future = replace(with_stems(store, a_job("j1")), finished_s=1e11)
    store.save_job(future)
    assert clean(store, StoreClean(older_than_s=0.0)).n_jobs == 0


def test_a_job_that_is_not_finished_cannot_be_removed(store: Store) -> None:
    store.add_job(a_job("j1"))
    store.remove_job("j1")
    assert store.job("j1").state == "queued"
    with pytest.raises(NotFound):
        store.job("j2")
