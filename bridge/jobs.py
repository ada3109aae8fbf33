"""Jobs from submission to their one final state.

    submit --> identify --> ready --> run --> deliver --> done
       |    (probe lane)      |   (separate)  (probe lane, only into a folder that was named)
       |                      |       |
       |                      |       +--> failed | cancelled | once more, smaller (memory)
       |                      +--> done at once: the same work is in the store
       +--> cancelled

The database says which jobs there are and what became of them; here is only what is under way.
"""

import logging
import secrets
import time
from dataclasses import replace
from pathlib import Path

from .delivery import sweep
from .errors import BridgeError, LimitReached, RequestRefused
from .estimates import forecast
from .job_checks import check_submission
from .job_files import JobFiles
from .job_steps import JobSteps
from .live_jobs import JobDesk, Ledger, LiveJob
from .protocol.messages import EstimateAsk, EstimateReply, JobPage, JobQuery, JobReply, JobSubmit
from .protocol.values import CANCELLED, DONE, QUEUED, RUNNING, Job, JobProgress, Problem
from .reruns import base_target
from .store import StoredClip

log = logging.getLogger(__name__)

_MOST_ATTEMPTS = 4
"""Runs of one job, restarts of the server included: a job that kills what runs it has to end."""


class Jobs:
    """Takes jobs, has them run in order, and answers what becomes of them."""

    def __init__(self, desk: JobDesk) -> None:
        self._desk, self._store = desk, desk.store
        self._ledger = Ledger(desk)
        self._steps = JobSteps(self._ledger)
        self._n_taken = 0

    def resume(self) -> None:
        """Take up what the store holds: after a crash the job that was running runs again."""
        interrupted = {job.job_id for job in self._store.recover()}
        for job in self._store.queued():
            if job.options.output_folder:
                sweep(Path(job.options.output_folder), job.job_id)
            live = self._taken(job)
            if job.job_id in interrupted and job.attempt >= _MOST_ATTEMPTS:
                self._ledger.fail(live, Problem("worker_died", _interrupted(job.attempt)))
            else:
                self._steps.identify(live)

    def submit(self, request: JobSubmit, allow_paths: bool, retry_of: str = "") -> Job:
        """Take a job; the same submission gives the same job.

        Raises NotFound (clip), RequestRefused, PathRefused, LimitReached, StoreFailed.
        """
        before = self._store.submitted(request.submission_id)
        if before is not None:
            return self._ledger.now(before)
        stored = self._store.clip(request.clip_id)
        check_submission(request, stored.clip, self._store.layout.root, allow_paths)
        if request.options.rerun is not None:
            base_target(self._store, request.options.rerun, stored.clip)
        n_live, most = len(self._ledger.live), self._desk.limits.queued_jobs
        if n_live >= most:
            raise LimitReached(
                f"{n_live} jobs are waiting, as many as are allowed; wait for some of them or "
                "cancel them",
                "too_many_jobs",
            )
        job = _new_job(request, stored, retry_of)
        self._store.add_job(job, request.submission_id)
        log.info("job %s: queued", job.job_id)
        self._desk.publish("job.queued", JobReply(job))
        self._steps.identify(self._taken(job))
        return self.get(job.job_id)

    def get(self, job_id: str) -> Job:
        """A job as it is now. Raises NotFound."""
        live = self._ledger.live.get(job_id)
        return live.job if live is not None else self._ledger.now(self._store.job(job_id))

    def page(self, query: JobQuery) -> JobPage:
        """Some of the jobs, newest first."""
        found, total = self._store.jobs(query.states, query.clip_id, query.offset, query.limit)
        return JobPage(jobs=tuple(self._ledger.now(job) for job in found), total=total)

    def cancel(self, job_id: str) -> Job:
        """Stop a job soon: at once when it waits, within about a second when it runs.

        A job in a final state stays as it is. Raises NotFound.
        """
        live = self._ledger.live.get(job_id)
        if live is not None:
            live.is_cancelled = True
            if live.phase not in ("run", "deliver"):
                self._ledger.finish(live, replace(live.job, state=CANCELLED))
            if live.call is not None:
                self._steps.lane_of(live).cancel(live.call)
        return self.get(job_id)

    def retry(self, job_id: str, allow_paths: bool = True) -> Job:
        """A new job with the clip, prompt and options of one that failed or was cancelled.

        Raises NotFound (job, clip), RequestRefused, LimitReached, StoreFailed.
        """
        job = self.get(job_id)
        if not job.is_final:
            raise RequestRefused(
                f"job {job_id!r} is {job.state}: wait for its end or cancel it", "job_not_finished"
            )
        if job.state == DONE:
            raise RequestRefused(
                f"job {job_id!r} is done: submit it with another seed or prompt instead",
                "job_not_retryable",
            )
        again = JobSubmit(clip_id=job.clip_id, prompt=job.prompt, options=job.options)
        return self.submit(again, allow_paths, retry_of=job_id)

    def estimate(self, ask: EstimateAsk) -> EstimateReply:
        """What a job would take, and how long until it would start. Raises NotFound (clip)."""
        duration_s, n_channels, rate = ask.duration_s, ask.n_channels, ask.sample_rate
        if ask.clip_id:
            clip = self._store.clip(ask.clip_id).clip
            duration_s, n_channels, rate = clip.duration_s, clip.n_channels, clip.sample_rate
        known = self._known_separator(ask.options.separator)
        separator = known or "builtin"
        channel_s = duration_s * n_channels
        measures, lines = self._store.measures(separator), self._desk.costs()
        found = forecast(separator, ask.options, channel_s, measures, lines)
        n_stems = 1 + ask.options.n_candidates
        return EstimateReply(
            seconds=found.seconds,
            disk_bytes=round(channel_s * rate * 4 * n_stems),
            memory_bytes=found.memory_bytes,
            n_measured=found.n_measured,
            wait_s=self._wait_s(is_batch=ask.options.priority == "batch"),
            separator=known,
            memory_free_bytes=self._desk.free_bytes(separator),
        )

    def count(self, state: str) -> int:
        """How many jobs that are not final are in this state."""
        return sum(live.job.state == state for live in self._ledger.live.values())

    @property
    def n_live(self) -> int:
        """How many jobs are not final."""
        return len(self._ledger.live)

    @property
    def wants_to_run(self) -> bool:
        """Whether a job needs the worker that separates before anybody else."""
        return self._steps.wants_to_run

    def start_next(self) -> None:
        """Begin with the next job, if the worker is free."""
        self._steps.start_next()

    def tick(self) -> None:
        """Save what could not be saved before, and go on with what waits."""
        self._ledger.save_again()
        self._steps.start_next()

    def after_crash(self, why: str) -> None:
        """An error in our own code ended a step half-way: fail the jobs that nothing drives."""
        for live in tuple(self._ledger.live.values()):
            if live.phase != "ready" and live.call is None:
                self._ledger.fail(live, Problem("internal_error", why))

    def close(self) -> None:
        """Take no more steps; what is under way is queued again in the store."""
        self._steps.close()
        for live in self._ledger.live.values():
            if live.job.state == RUNNING:
                again = replace(live.job, state=QUEUED, started_s=None, progress=JobProgress())
                self._ledger.save(again)
            if live.work is not None:
                JobFiles(self._store.layout, live.job).remove()

    def _taken(self, job: Job) -> LiveJob:
        self._n_taken += 1
        channel_s = 0.0
        try:
            clip = self._store.clip(job.clip_id).clip
            channel_s = clip.duration_s * clip.n_channels
        except BridgeError:
            log.warning("job %s: its clip is gone", job.job_id)
        live = LiveJob(
            job,
            order=(job.options.priority == "batch", self._n_taken),
            channel_s=channel_s,
            separator=self._known_separator(job.options.separator) or "builtin",
        )
        self._ledger.live[job.job_id] = live
        return live

    def _wait_s(self, is_batch: bool) -> float:
        """How long until a new job would start."""
        total_s = 0.0
        per_separator = {
            name: self._store.measures(name, 20)
            for name in {live.separator for live in self._ledger.live.values()}
        }
        for live in self._ledger.live.values():
            if live.order[0] and not is_batch and live.phase != "run":
                continue
            measures, options = per_separator[live.separator], live.job.options
            lines = self._desk.costs()
            seconds = forecast(live.separator, options, live.channel_s, measures, lines).seconds
            if live.phase == "run":
                seconds = max(seconds - (time.monotonic() - live.started_s), 0.0)
            total_s += seconds
        return total_s

    def _known_separator(self, name: str) -> str:
        """`auto` as what it stands for; empty until that was found out."""
        return self._desk.auto() if name == "auto" else name


def _new_job(request: JobSubmit, stored: StoredClip, retry_of: str) -> Job:
    return Job(
        job_id=f"j{secrets.token_hex(8)}",
        clip_id=request.clip_id,
        prompt=request.prompt,
        options=request.options,
        clip_name=stored.clip.name,
        origin=stored.clip.origin,
        created_s=time.time(),
        retry_of=retry_of,
    )


def _interrupted(n_attempts: int) -> str:
    return (
        f"it was interrupted {n_attempts} times while it ran, most likely because the whole "
        "computer or server went down; retry it with a smaller model or a shorter clip"
    )
