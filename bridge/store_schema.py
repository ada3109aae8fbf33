"""The tables of the store, and how an older or damaged database is met."""

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path

from .errors import StoreFailed

log = logging.getLogger(__name__)

SCHEMA = 1

_TABLES = """
CREATE TABLE clips (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    clip_id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,             -- Clip as JSON
    n_bytes INTEGER NOT NULL,       -- of the file when it was put here, ...
    mtime_ns INTEGER NOT NULL,      -- ... and when it had been written to last
    sha256 TEXT NOT NULL,           -- of the file, empty until it is known
    time_reference_samples INTEGER  -- of a Broadcast Wave file
);
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    submission_id TEXT NOT NULL,
    state TEXT NOT NULL,
    is_batch INTEGER NOT NULL,
    clip_id TEXT NOT NULL,
    key TEXT NOT NULL,              -- of the work, empty until it is known
    finished_s REAL,
    body TEXT NOT NULL              -- Job as JSON
);
CREATE UNIQUE INDEX jobs_submission ON jobs (submission_id) WHERE submission_id <> '';
CREATE INDEX jobs_state ON jobs (state, is_batch, seq);
CREATE INDEX jobs_clip ON jobs (clip_id);
CREATE INDEX jobs_key ON jobs (key) WHERE key <> '';
CREATE TABLE measures (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    separator TEXT NOT NULL,
    quality TEXT NOT NULL,
    n_candidates INTEGER NOT NULL,
    channel_s REAL NOT NULL,        -- length in seconds times channels
    took_s REAL NOT NULL,
    memory_bytes INTEGER NOT NULL
);
"""


def open_database(path: Path) -> tuple[sqlite3.Connection, bool]:
    """The database at `path`, made when it is missing; True when it is new.

    A damaged one is set aside.

    Raises StoreFailed when it is of a later version, or cannot be opened or written.
    """
    is_new = not path.exists()
    try:
        return _opened(path), is_new
    except sqlite3.OperationalError as error:
        raise StoreFailed(f"{path}: the store cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        aside = _set_aside(path)
        log.error("%s is damaged (%s): set aside as %s", path, error, aside.name)
        return _opened(path), True


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=10.0)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # Every commit is on the disk when it returns: an accepted job survives a power cut.
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA journal_size_limit = 16777216")
        database.execute("PRAGMA cache_size = -512")
        _prepare(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    (found,) = database.execute("PRAGMA user_version").fetchone()
    if found > SCHEMA:
        raise StoreFailed(
            f"{path}: it was written by a later version of StemLasso (schema {found}, this one "
            f"knows {SCHEMA}); update StemLasso or choose another folder",
            "store_too_new",
        )
    if found == 0:
        with suppress(sqlite3.OperationalError):
            database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
    # A look at every page's structure: a damaged file must not be found out in the middle of work.
    (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise sqlite3.DatabaseError(state)


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside
