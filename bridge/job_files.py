"""The files of a job: names of its stems, publishing them by one rename, receipt and manifest."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from .atomic import sync_folder, write_json
from .protocol.fields import to_wire
from .protocol.values import (
    MAX_PRESENCE,
    Clip,
    Job,
    JobResult,
    PresenceLane,
    Problem,
    Stem,
    WireSpan,
)
from .stem_names import stem_base, stem_stem
from .store_layout import StoreLayout
from .time_reference import read_time_reference, write_time_reference

RECEIPT_VERSION = 1


class JobFiles:
    """The folder of one job below the store. Every method raises OSError."""

    def __init__(self, layout: StoreLayout, job: Job) -> None:
        self._layout, self._job = layout, job
        self._folder, self._stems = layout.job(job.job_id), layout.stems(job.job_id)

    @property
    def base(self) -> str:
        """Name of the target stem without suffix; that of a rerun says which selection it did."""
        base = stem_base(self._job.clip_name, self._job.prompt.description)
        rerun = self._job.options.rerun
        return base if rerun is None else f"{base} - rerun {rerun.start_s:g}-{rerun.end_s:g}"

    def new_work_folder(self) -> Path:
        """A folder that is not there yet, for one attempt; a reader never looks into it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder / f"work-{secrets.token_hex(4)}"

    def publish(self, work: Path) -> None:
        """Make the stems of a finished attempt appear, all at once."""
        shutil.rmtree(self._stems, ignore_errors=True)
        work.replace(self._stems)
        sync_folder(self._folder)
        sync_folder(self._layout.jobs)

    def take_from(self, other: Job, time_reference_samples: int) -> tuple[Stem, ...]:
        """The stems of a job that did the same work, under this job's names.

        time_reference_samples: where Broadcast Wave files among them have to say that they start.
        """
        assert other.result is not None
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        work, source = self.new_work_folder(), self._layout.stems(other.job_id)
        work.mkdir()
        stems = []
        for stem in other.result.stems:
            suffix = Path(stem.name).suffix
            name = stem_stem(self.base, stem.role, stem.index) + suffix
            taken = replace(stem, name=name, path=str(self._stems / name))
            if read_time_reference(source / stem.name) in (None, time_reference_samples):
                _link_or_copy(source / stem.name, work / name)
            else:
                shutil.copyfile(source / stem.name, work / name)
                write_time_reference(work / name, time_reference_samples)
                taken = replace(taken, sha256=_sealed(work / name))
            stems.append(taken)
        self.publish(work)
        return tuple(stems)

    def result(self, summary: Mapping[str, Any]) -> JobResult:
        """What the worker's summary of a separation says, with the stems where they lie now."""
        return JobResult(
            stems=self._stems_of(summary),
            manifest_path=str(self._layout.manifest(self._job.job_id)),
            receipt_path=str(self._layout.receipt(self._job.job_id)),
            folder=str(self._folder),
            separator=str(summary["receipt"]["separator"]),
            spans=tuple(WireSpan(*span) for span in summary["spans"]),
            confidence=min(max(float(summary["confidence"]), 0.0), 1.0),
            null_db=summary["null_db"],
            notices=tuple(
                Problem(notice["code"], notice["message"][:4000])
                for notice in summary["notices"][:15]
            ),
            took_s=float(summary["took_s"]),
            presence=presence_lane(summary["presence"]),
        )

    def write_receipt(self, job: Job, clip: Clip, key: str, details: Mapping[str, Any]) -> None:
        """How the stems were made. details: what the worker said: settings, versions, digests."""
        write_json(
            self._layout.receipt(job.job_id),
            {
                "receipt": RECEIPT_VERSION,
                "key": key,
                "job": to_wire(job),
                "clip": to_wire(clip),
                **details,
            },
        )

    def remove(self) -> None:
        """Delete everything of the job."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def details(self) -> dict[str, Any]:
        """What the receipt says beyond the job, to be repeated for the same work; may be empty."""
        with suppress(OSError, ValueError):
            content = json.loads(self._layout.receipt(self._job.job_id).read_text("utf-8"))
            own = ("receipt", "key", "job", "clip")
            return {name: value for name, value in content.items() if name not in own}
        return {}

    def _stems_of(self, summary: Mapping[str, Any]) -> tuple[Stem, ...]:
        takes = [
            ("candidate" if index else "target", index, each["path"], each["score"])
            for index, each in enumerate(summary["candidates"])
        ]
        if summary["residual"] is not None:
            takes.insert(1, ("residual", 0, summary["residual"]["path"], None))
        return tuple(
            Stem(
                role=role,
                name=Path(path).name,
                path=str(self._stems / Path(path).name),
                index=index,
                n_bytes=summary["files"][Path(path).name]["n_bytes"],
                sha256=summary["files"][Path(path).name]["sha256"],
                sample_rate=summary["sample_rate"],
                n_channels=summary["n_channels"],
                n_samples=summary["n_samples"],
                score=score,
            )
            for role, index, path, score in takes
        )


def presence_lane(lane: Mapping[str, Any] | None) -> PresenceLane | None:
    """The engine's lane as it goes over the wire; the receipt has it as it was.

    Where a long clip makes one value of several it is the largest: a short sound still shows.
    """
    if lane is None or not lane["values"]:
        return None
    values = lane["values"]
    n_each = -(-len(values) // MAX_PRESENCE)
    largest = [max(values[first : first + n_each]) for first in range(0, len(values), n_each)]
    percent = tuple(min(max(round(100 * value), 0), 100) for value in largest)
    return PresenceLane(lane["period_s"] * n_each, max(lane["start_s"], 0.0), percent)


def _link_or_copy(source: Path, target: Path) -> None:
    """The same file under another name; stems in the store are never written to again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        _sealed(target)


def _sealed(path: Path) -> str:
    """See a new file to the disk; gives its digest."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        return hashlib.file_digest(stream, "sha256").hexdigest()
