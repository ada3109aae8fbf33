"""Clips, jobs and their results, kept so that they survive a crash or a power cut.

One thread uses a `Store`; another process may read it, and remove finished jobs, meanwhile.
"""

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from .errors import NotFound, StoreFailed
from .protocol.fields import from_wire, to_wire
from .protocol.values import DONE, FAILED, FINAL_STATES, QUEUED, RUNNING, Clip, Job
from .store_layout import StoreLayout
from .store_schema import open_database

log = logging.getLogger(__name__)

Value = TypeVar("Value", Clip, Job)

_MOST_MEASURES = 1000
_FINAL = tuple(FINAL_STATES)


@dataclass(frozen=True, slots=True)
class StoredClip:
    """A clip with what is known about its file, so that a change is noticed."""

    clip: Clip
    mtime_ns: int
    sha256: str = ""
    time_reference_samples: int | None = None

    @property
    def stamp(self) -> dict[str, int]:
        """Size and time of the last write, when the clip was put here."""
        return {"n_bytes": self.clip.n_bytes, "mtime_ns": self.mtime_ns}


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a finished job took. channel_s: its length in seconds times its channels."""

    separator: str
    quality: str
    n_candidates: int
    channel_s: float
    took_s: float
    memory_bytes: int = 0


class Store:
    """The store below one folder. Every method raises StoreFailed when the disk does not let it."""

    def __init__(self, layout: StoreLayout) -> None:
        self.layout = layout
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or make the store; jobs are as they were left. Raises StoreFailed."""
        try:
            self.layout.make()
        except OSError as error:
            raise StoreFailed(
                f"{self.layout.root}: the store cannot be made there ({error.strerror}); "
                "choose another folder"
            ) from error
        self._database, is_new = open_database(self.layout.database)
        if is_new:
            self._rebuild()

    def close(self) -> None:
        """Close the database; everything is on the disk already."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def recover(self) -> tuple[Job, ...]:
        """After a crash: what was running is queued again, half-made files are swept.

        Gives the jobs that were running.
        """
        for folder in (self.layout.incoming, self.layout.scratch):
            _empty(folder)
        self._sweep_jobs()
        again = []
        for job in self._jobs("state = ?", (RUNNING,)):
            # Stems without a final state: they are made again, so they must not stand in the way.
            shutil.rmtree(self.layout.job(job.job_id), ignore_errors=True)
            again.append(replace(job, state=QUEUED, started_s=None))
            self.save_job(again[-1])
        return tuple(again)

    def add_clip(self, stored: StoredClip) -> None:
        """Keep a new clip."""
        clip = stored.clip
        self._write(
            "INSERT INTO clips (clip_id, body, n_bytes, mtime_ns, sha256, time_reference_samples)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(clip.clip_id, _json(clip), clip.n_bytes, stored.mtime_ns),
                *(stored.sha256, stored.time_reference_samples),
            ),
        )

    def note_sha256(self, clip_id: str, sha256: str) -> None:
        """Keep the digest of a clip's file, once it is known."""
        self._write("UPDATE clips SET sha256 = ? WHERE clip_id = ?", (sha256, clip_id))

    def clip(self, clip_id: str) -> StoredClip:
        """Raises NotFound."""
        rows = self._read(
            "SELECT body, mtime_ns, sha256, time_reference_samples FROM clips WHERE clip_id = ?",
            (clip_id,),
        )
        if not rows:
            raise NotFound(
                f"clip {clip_id!r}: there is none; `stemlasso clips` lists those there are",
                "clip_not_found",
            )
        body, mtime_ns, sha256, time_reference = rows[0]
        return StoredClip(_from_json(Clip, body), mtime_ns, sha256, time_reference)

    def clips(self, offset: int, limit: int) -> tuple[Clip, ...]:
        """Newest first."""
        rows = self._read(
            "SELECT body FROM clips ORDER BY seq DESC LIMIT ? OFFSET ?", (limit, offset)
        )
        return tuple(_from_json(Clip, body) for (body,) in rows)

    def n_clips(self) -> int:
        """How many there are."""
        return int(self._read("SELECT COUNT(*) FROM clips")[0][0])

    def remove_clip(self, clip_id: str) -> None:
        """Forget a clip, and delete its file when it was uploaded."""
        self._write("DELETE FROM clips WHERE clip_id = ?", (clip_id,))
        shutil.rmtree(self.layout.clips / clip_id, ignore_errors=True)

    def add_job(self, job: Job, submission_id: str = "") -> None:
        """Keep a new job; when this returns, it survives a power cut."""
        is_batch = job.options.priority == "batch"
        self._write(
            "INSERT INTO jobs (job_id, submission_id, state, is_batch, clip_id, key, body)"
            " VALUES (?, ?, ?, ?, ?, '', ?)",
            (job.job_id, submission_id, job.state, is_batch, job.clip_id, _json(job)),
        )

    def save_job(self, job: Job) -> None:
        """Keep what a job has become."""
        self._write(
            "UPDATE jobs SET state = ?, finished_s = ?, body = ? WHERE job_id = ?",
            (job.state, job.finished_s, _json(job), job.job_id),
        )

    def note_key(self, job_id: str, key: str) -> None:
        """Keep the key of the work that a job is."""
        self._write("UPDATE jobs SET key = ? WHERE job_id = ?", (key, job_id))

    def done_with_key(self, key: str) -> Job | None:
        """The newest job that did this very work and whose stems are still whole.

        One that failed only because its stems could not be copied elsewhere counts.
        """
        if not key:
            return None
        where = "key = ? AND state IN (?, ?) ORDER BY seq DESC LIMIT 8"
        for job in self._jobs(where, (key, DONE, FAILED)):
            if self.is_whole(job):
                return job
        return None

    def is_whole(self, job: Job) -> bool:
        """Whether every stem of a finished job lies in the store with the size it had."""
        if job.result is None:
            return False
        folder = self.layout.stems(job.job_id)
        try:
            return all(
                (folder / stem.name).stat().st_size == stem.n_bytes for stem in job.result.stems
            )
        except OSError:
            return False

    def job(self, job_id: str) -> Job:
        """Raises NotFound."""
        for job in self._jobs("job_id = ?", (job_id,)):
            return job
        raise NotFound(
            f"job {job_id!r}: there is none; `stemlasso jobs` lists those there are",
            "job_not_found",
        )

    def submitted(self, submission_id: str) -> Job | None:
        """The job of a submission that came before."""
        found = self._jobs("submission_id = ?", (submission_id,)) if submission_id else ()
        return next(iter(found), None)

    def jobs(
        self, states: Sequence[str], clip_id: str, offset: int, limit: int
    ) -> tuple[tuple[Job, ...], int]:
        """Newest first, and how many there are in all. states, clip_id: empty for any."""
        where, values = _where(states, clip_id)
        found = self._jobs(f"{where} ORDER BY seq DESC LIMIT ? OFFSET ?", (*values, limit, offset))
        n_all = self._read(f"SELECT COUNT(*) FROM jobs WHERE {where}", values)[0][0]
        return found, int(n_all)

    def queued(self) -> tuple[Job, ...]:
        """What is to be done, in the order in which it will be: interactive jobs before others."""
        return self._jobs("state = ? ORDER BY is_batch, seq", (QUEUED,))

    def n_jobs(self, *states: str) -> int:
        """How many jobs are in these states; in any when none is named."""
        where, values = _where(states, "")
        return int(self._read(f"SELECT COUNT(*) FROM jobs WHERE {where}", values)[0][0])

    def n_unfinished_of(self, clip_id: str) -> int:
        """How many jobs still need a clip."""
        where, values = _where((QUEUED, RUNNING), clip_id)
        return int(self._read(f"SELECT COUNT(*) FROM jobs WHERE {where}", values)[0][0])

    def finished_oldest_first(self) -> Iterator[Job]:
        """Every job in a final state, by the order in which it came, not by any clock."""
        last = 0
        while rows := self._read(
            "SELECT seq, body FROM jobs WHERE seq > ? AND state IN (?, ?, ?)"
            " ORDER BY seq LIMIT 200",
            (last, *_FINAL),
        ):
            last = rows[-1][0]
            yield from (_from_json(Job, body) for _, body in rows)

    def remove_job(self, job_id: str) -> None:
        """Forget a finished job and delete its folder; copies that a client has are not touched."""
        self._write("DELETE FROM jobs WHERE job_id = ? AND state IN (?, ?, ?)", (job_id, *_FINAL))
        shutil.rmtree(self.layout.job(job_id), ignore_errors=True)

    def add_measure(self, measure: Measure) -> None:
        """Keep how long a job took; the oldest measures are forgotten, now and then."""
        n_rows = self._read("SELECT COUNT(*) FROM measures")[0][0]
        if n_rows >= 2 * _MOST_MEASURES:
            self._write(
                "DELETE FROM measures WHERE seq <= (SELECT MAX(seq) FROM measures) - ?",
                (_MOST_MEASURES,),
            )
        self._write(
            "INSERT INTO measures (separator, quality, n_candidates, channel_s, took_s,"
            " memory_bytes) VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(measure.separator, measure.quality, measure.n_candidates),
                *(measure.channel_s, measure.took_s, measure.memory_bytes),
            ),
        )

    def measures(self, separator: str, limit: int = 100) -> tuple[Measure, ...]:
        """The newest measures of a separator, newest first."""
        rows = self._read(
            "SELECT separator, quality, n_candidates, channel_s, took_s, memory_bytes"
            " FROM measures WHERE separator = ? ORDER BY seq DESC LIMIT ?",
            (separator, limit),
        )
        return tuple(Measure(*row) for row in rows)

    def _jobs(self, where: str, values: Sequence[object]) -> tuple[Job, ...]:
        rows = self._read(f"SELECT body FROM jobs WHERE {where}", values)
        return tuple(_from_json(Job, body) for (body,) in rows)

    def _read(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        with _typed_failures(self.layout.database):
            return self._open_database.execute(statement, values).fetchall()

    def _write(self, statement: str, values: Sequence[object]) -> None:
        with _typed_failures(self.layout.database):
            self._open_database.execute(statement, values)

    @property
    def _open_database(self) -> sqlite3.Connection:
        assert self._database is not None, "the store is not open"
        return self._database

    def _sweep_jobs(self) -> None:
        """Delete half-made stems, and folders of jobs that were removed."""
        known = {job_id for (job_id,) in self._read("SELECT job_id FROM jobs")}
        for folder in self.layout.jobs.iterdir():
            stale = folder.glob("work-*") if folder.name in known else (folder,)
            for path in stale:
                shutil.rmtree(path, ignore_errors=True)

    def _rebuild(self) -> None:
        """Finished jobs from their receipts, into a database that is new."""
        for receipt in sorted(self.layout.jobs.glob("*/receipt.json")):
            try:
                content = json.loads(receipt.read_text("utf-8"))
                job = from_wire(Job, content["job"])
                if job.job_id == receipt.parent.name and job.is_final:
                    self.add_job(job)
                    self.save_job(job)
                    self.note_key(job.job_id, str(content["key"]))
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("%s: it cannot be read (%s); its job is forgotten", receipt, error)


def _where(states: Sequence[str], clip_id: str) -> tuple[str, tuple[str, ...]]:
    parts, values = ["1"], list(states)
    if states:
        parts.append(f"state IN ({', '.join('?' * len(states))})")
    if clip_id:
        parts.append("clip_id = ?")
        values.append(clip_id)
    return " AND ".join(parts), tuple(values)


def _json(value: Clip | Job) -> str:
    return json.dumps(to_wire(value), ensure_ascii=False, separators=(",", ":"))


def _from_json(kind: type[Value], body: str) -> Value:
    return from_wire(kind, json.loads(body))


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _typed_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        is_full = error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
        raise StoreFailed(
            f"{path}: the store cannot be written or read: {error}"
            + ("; free some space" if is_full else ""),
            "store_full" if is_full else "",
        ) from error
