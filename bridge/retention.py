"""How much the store holds, and which of it may go: by age, then the oldest until it fits.

Only finished jobs go, with their folders in the store; copies in a client's folder, clips that a
job or a client may still want, and anything unfinished stay. Nothing goes unless somebody said so:
a session that plays these stems must not lose them behind its back.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .protocol.messages import StoreClean, StoreCleaned
from .protocol.values import Job, StoreUsage
from .store import Store


@dataclass(frozen=True, slots=True)
class Retention:
    """What to keep. older_than_s: jobs finished longer ago go. keep_bytes: the store fits this.

    `None` leaves that rule out.
    """

    older_than_s: float | None = None
    keep_bytes: int | None = None


def usage(store: Store) -> StoreUsage:
    """What the store holds now."""
    return StoreUsage(
        n_clips=store.n_clips(),
        n_jobs=store.n_jobs(),
        n_bytes=_size(store.layout.root, set()),
        folder=str(store.layout.root),
    )


def clean(store: Store, request: StoreClean) -> StoreCleaned:
    """Remove what the request says, oldest first; with `dry_run` only say what would go."""
    going = tuple(_going(store, Retention(request.older_than_s, request.keep_bytes)))
    seen: set[tuple[int, int]] = set()
    n_bytes = sum(_size(store.layout.job(job.job_id), seen) for job in going)
    if not request.dry_run:
        for job in going:
            store.remove_job(job.job_id)
    return StoreCleaned(n_jobs=len(going), n_bytes=n_bytes, usage=usage(store))


def _going(store: Store, rules: Retention) -> Iterator[Job]:
    """Jobs that the rules do not keep. A clock that was set back makes jobs younger, not older."""
    now_s = time.time()
    excess = 0
    if rules.keep_bytes is not None:
        excess = usage(store).n_bytes - rules.keep_bytes
    for job in store.finished_oldest_first():
        age_s = now_s - (job.finished_s or now_s)
        is_old = rules.older_than_s is not None and age_s > rules.older_than_s
        if not is_old and excess <= 0:
            continue
        excess -= _size(store.layout.job(job.job_id), set())
        yield job


def _size(folder: Path, seen: set[tuple[int, int]]) -> int:
    """Bytes of the files below a folder; a file with several names counts once."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(Path(root, name))
            except OSError:
                continue  # it went meanwhile
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total
