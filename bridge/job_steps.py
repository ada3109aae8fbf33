"""The steps of a job, each asked of a worker process; what comes back decides on the next one."""

import heapq
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .atomic import DISK_FULL
from .delivery import sweep
from .errors import BridgeError, StoreFailed
from .estimates import forecast, seconds_left
from .job_checks import job_key
from .job_files import JobFiles
from .lane import Call, Lane, Lost
from .live_jobs import Ledger, LiveJob, Phase
from .protocol.fields import to_wire
from .protocol.messages import JobProgressed, JobReply
from .protocol.values import (
    CANCELLED,
    DONE,
    QUEUED,
    RUNNING,
    JobProgress,
    JobResult,
    Problem,
)
from .reruns import base_target
from .store import Measure, StoredClip
from .timeline import time_reference, timeline_manifest, write_manifest

log = logging.getLogger(__name__)

_SMALLER = Problem(
    "retried_smaller",
    "memory ran out in the first attempt; this one used smaller windows and fewer threads",
)
_LOST_CODES = ("worker_died", "worker_hung")


class JobSteps:
    """Drives live jobs: identify, wait, run, deliver, complete."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._desk, self._store = ledger, ledger.desk, ledger.desk.store
        self._ready: list[tuple[tuple[bool, int], str]] = []
        self._running: LiveJob | None = None
        self._is_closed = False

    def close(self) -> None:
        """Take no more steps."""
        self._is_closed = True

    def identify(self, live: LiveJob) -> None:
        """Ask a worker which weights this job would use, and for the digest of its clip."""
        stored = self._ledger.clip_of(live)
        if stored is None:
            return
        prompt = live.job.prompt
        arguments = {
            "path": stored.clip.path,
            "stamp": stored.stamp,
            "sha256": stored.sha256,
            "separator": live.job.options.separator,
            "loaded": self._desk.separate.loaded,
            "videos": [prompt.video_path, prompt.mask_path],
            "output_folder": live.job.options.output_folder,
        }
        self._call(live, "identify", "identify", arguments, self._on_identified)

    def _on_identified(self, live: LiveJob, identity: dict[str, Any]) -> None:
        if not (stored := self._ledger.clip_of(live)):
            return
        if not stored.sha256:
            self._store.note_sha256(stored.clip.clip_id, identity["sha256"])
        live.key = job_key(live.job, identity, identity["sha256"])
        live.separator = identity["separator"]
        live.phase = "ready"
        if not self._answer_from_store(live):
            heapq.heappush(self._ready, (live.order, live.job.job_id))
            self.start_next()

    def _answer_from_store(self, live: LiveJob) -> bool:
        """Whether the same work had been done; then its stems become this job's, too."""
        other = self._store.done_with_key(live.key)
        if other is None or other.result is None:
            return False
        stored = self._ledger.clip_of(live)
        if stored is None:
            return True
        files = JobFiles(self._store.layout, live.job)
        try:
            stems = files.take_from(other, _time_reference(stored))
        except OSError as error:
            log.warning("job %s: not taken from job %s: %s", live.job.job_id, other.job_id, error)
            files.remove()
            return False
        layout, job_id = self._store.layout, live.job.job_id
        live.details = JobFiles(layout, other).details()
        live.started_s = time.monotonic()
        result = replace(
            other.result,
            stems=stems,
            manifest_path=str(layout.manifest(job_id)),
            receipt_path=str(layout.receipt(job_id)),
            folder=str(layout.job(job_id)),
            from_store=True,
        )
        self._deliver(live, result)
        return True

    @property
    def wants_to_run(self) -> bool:
        """Whether a job runs, or an interactive one only waits for the worker."""
        return self._is_busy or (bool(self._ready) and not self._ready[0][0][0])

    def start_next(self) -> None:
        """Run the next job that is ready, where the worker is free and nobody looks for spans."""
        while not self._is_busy and self._ready and not self._is_closed:
            is_batch = self._ready[0][0][0]
            if not self._desk.separate.is_free or (is_batch and self._desk.is_searching()):
                return  # somebody looks for spans; called again when that is over
            _, job_id = heapq.heappop(self._ready)
            live = self._ledger.live.get(job_id)
            if live is None or live.phase != "ready":
                continue
            if live.is_smaller or not self._answer_from_store(live):
                self._run(live)

    @property
    def _is_busy(self) -> bool:
        live = self._running
        return live is not None and live.phase == "run" and live.job.job_id in self._ledger.live

    def _run(self, live: LiveJob) -> None:
        stored = self._ledger.clip_of(live)
        if stored is None:
            return
        files = JobFiles(self._store.layout, live.job)
        rerun = live.job.options.rerun
        try:
            base = "" if rerun is None else str(base_target(self._store, rerun, stored.clip))
            live.work = files.new_work_folder()
        except OSError as error:
            self._ledger.fail(live, _disk_problem(error, self._store.layout.jobs))
            return
        except BridgeError as error:  # the earlier job went while this one waited
            self._ledger.fail(live, Problem(error.code, str(error)))
            return
        self._running = live
        live.started_s = time.monotonic()
        options = live.job.options
        measures = self._store.measures(live.separator)
        found = forecast(live.separator, options, live.channel_s, measures, self._desk.costs())
        live.forecast_s = found.seconds
        live.job = replace(
            live.job, state=RUNNING, attempt=live.job.attempt + 1, started_s=time.time()
        )
        self._ledger.save(live.job)
        self._desk.publish("job.started", JobReply(live.job))
        arguments = {
            "path": stored.clip.path,
            "stamp": stored.stamp,
            "prompt": to_wire(live.job.prompt),
            # what `auto` stood for when the job was identified; meanwhile memory is taken by it
            "options": {**to_wire(options), "separator": live.separator},
            "folder": str(live.work),
            "base": files.base,
            "base_target": base,
            "smaller": live.is_smaller,
            "time_reference_samples": _time_reference(stored),
        }
        self._call(live, "run", "separate", arguments, self._on_separated)

    def _on_separated(self, live: LiveJob, summary: dict[str, Any]) -> None:
        self._running = None
        if live.is_cancelled:
            self._ledger.finish(live, replace(live.job, state=CANCELLED))
            return
        files = JobFiles(self._store.layout, live.job)
        assert live.work is not None
        try:
            files.publish(live.work)
            result = files.result(summary)
        except OSError as error:
            self._ledger.fail(live, _disk_problem(error, self._store.layout.jobs))
            return
        live.work = None
        live.details = {
            "engine": summary["receipt"],
            "presence": summary["presence"],
            "smaller": live.is_smaller,
            "timings": {"separate_s": summary["took_s"]},
        }
        if live.job.options.rerun is None:  # a part says nothing of how long a whole clip takes
            self._measure(live, result)
        if live.is_smaller:
            result = replace(result, notices=(*result.notices, _SMALLER))
        self._deliver(live, result)
        self.start_next()

    def _deliver(self, live: LiveJob, result: JobResult) -> None:
        """Copy the stems into the folder that the client named; without one the job is done."""
        options, live.result = live.job.options, result
        if not options.output_folder:
            self._complete(live, result)
            return
        arguments = {
            "files": [stem.path for stem in result.stems],
            "folder": options.output_folder,
            "job_id": live.job.job_id,
            "overwrite": options.allow_overwrite,
        }

        def on_delivered(live: LiveJob, paths: list[str]) -> None:
            placed = zip(result.stems, paths, strict=True)
            stems = tuple(replace(stem, path=path) for stem, path in placed)
            self._complete(live, replace(result, stems=stems))

        self._call(live, "deliver", "deliver", arguments, on_delivered)

    def _complete(self, live: LiveJob, result: JobResult) -> None:
        """Write receipt and manifest; only then the job is done."""
        done = replace(
            live.job,
            state=DONE,
            result=result,
            finished_s=time.time(),
            progress=JobProgress("done", 1.0, 0.0),
        )
        files = JobFiles(self._store.layout, done)
        stored = self._ledger.clip_of(live)
        if stored is None:
            return
        try:
            files.write_receipt(done, stored.clip, live.key, live.details)
            manifest = timeline_manifest(done, stored.clip, stored.time_reference_samples)
            write_manifest(Path(result.manifest_path), manifest)
            if not live.is_smaller:
                self._store.note_key(done.job_id, live.key)
        except OSError as error:
            self._ledger.fail(live, _disk_problem(error, self._store.layout.jobs))
        except StoreFailed as error:
            self._ledger.fail(live, Problem(error.code, str(error)))
        else:
            self._ledger.finish(live, done)

    def _call(
        self,
        live: LiveJob,
        phase: Phase,
        operation: str,
        arguments: Mapping[str, Any],
        on_answer: Callable[[LiveJob, Any], None],
    ) -> None:
        """Have a worker do the next step; what comes back after the job's end is dropped."""

        def answered(value: Any) -> None:
            if self._is_under_way(live, call):
                live.call = None
                on_answer(live, value)

        def lost(lost: Lost) -> None:
            if self._is_under_way(live, call):
                live.call = None
                self._on_lost(live, lost)

        def progressed(stage: str, fraction: float) -> None:
            if self._is_under_way(live, call):
                self._on_progress(live, stage, fraction)

        on_progress = progressed if phase == "run" else None
        call = Call(operation, arguments, answered, lost, on_progress, live.job.job_id)
        live.phase, live.call = phase, call
        self.lane_of(live).call(call)

    def _is_under_way(self, live: LiveJob, call: Call) -> bool:
        return live.call is call and live.job.job_id in self._ledger.live and not self._is_closed

    def _on_progress(self, live: LiveJob, stage: str, fraction: float) -> None:
        elapsed_s = time.monotonic() - live.started_s
        left_s = seconds_left(elapsed_s, fraction, live.forecast_s)
        progress = JobProgress(stage[:1000], min(max(fraction, 0.0), 1.0), left_s)
        live.job = replace(live.job, progress=progress)
        self._desk.publish("job.progress", JobProgressed(live.job.job_id, progress))

    def _on_lost(self, live: LiveJob, lost: Lost) -> None:
        """A step has no answer: cancelled, once more, or failed."""
        if self._running is live:
            self._running = None
        if live.is_cancelled:
            self._ledger.finish(live, replace(live.job, state=CANCELLED))
        elif live.phase == "run" and lost.memory and not live.is_smaller:
            self._run_smaller(live, lost)
        elif (
            live.phase != "run" and lost.code in ("worker_died", "worker_hung") and not live.n_lost
        ):
            live.n_lost += 1
            self._repeat(live)
        else:
            if live.phase == "deliver":
                self._keep_work(live)
            self._ledger.fail(live, Problem(lost.code[:64], lost.message[:4000]))
        self.start_next()

    def _keep_work(self, live: LiveJob) -> None:
        """Stems that cannot be copied to where they were wanted stay: a retry takes them."""
        live.job = replace(live.job, result=live.result)
        try:
            self._store.note_key(live.job.job_id, live.key)
        except StoreFailed as error:
            log.warning("job %s: a retry will compute again: %s", live.job.job_id, error)

    def _run_smaller(self, live: LiveJob, lost: Lost) -> None:
        log.warning("job %s: %s; once more with smaller settings", live.job.job_id, lost.code)
        JobFiles(self._store.layout, live.job).remove()
        live.is_smaller, live.phase, live.work = True, "ready", None
        live.job = replace(live.job, state=QUEUED, started_s=None, progress=JobProgress())
        self._ledger.save(live.job)
        self._desk.publish("job.queued", JobReply(live.job))
        heapq.heappush(self._ready, (live.order, live.job.job_id))

    def _repeat(self, live: LiveJob) -> None:
        """Identify or deliver once more: the process was lost, perhaps over another's file."""
        if live.job.options.output_folder:
            sweep(Path(live.job.options.output_folder), live.job.job_id)
        if live.result is None:
            self.identify(live)
        else:
            self._deliver(live, live.result)

    def _measure(self, live: LiveJob, result: JobResult) -> None:
        options = live.job.options
        measure = Measure(
            separator=result.separator,
            quality=options.quality,
            n_candidates=options.n_candidates,
            channel_s=live.channel_s,
            took_s=result.took_s,
            memory_bytes=self._desk.separate.memory_bytes,
        )
        try:
            self._store.add_measure(measure)
        except StoreFailed as error:
            log.warning("job %s: how long it took is not kept: %s", live.job.job_id, error)

    def lane_of(self, live: LiveJob) -> Lane:
        """The lane that works on a job in its present phase."""
        return self._desk.separate if live.phase == "run" else self._desk.probe


def _time_reference(stored: StoredClip) -> int:
    return time_reference(stored.clip, stored.time_reference_samples)


def _disk_problem(error: OSError, folder: Path) -> Problem:
    failure = StoreFailed(f"{folder}: it cannot be written ({error.strerror}); free some space")
    return Problem("disk_full" if error.errno in DISK_FULL else failure.code, str(failure))
