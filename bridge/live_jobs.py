"""The jobs that are under way, and the one place where a job becomes final."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .delivery import sweep
from .errors import BridgeError, StoreFailed
from .estimates import CostLines
from .job_files import JobFiles
from .lane import Call, Lane
from .protocol.limits import Limits
from .protocol.messages import JobReply
from .protocol.values import DONE, FAILED, FINAL_STATES, Job, JobResult, Problem
from .store import Store, StoredClip

log = logging.getLogger(__name__)

Phase = Literal["identify", "ready", "run", "deliver"]


@dataclass(frozen=True)
class JobDesk:
    """What jobs work with. publish: an event and its body. on_final: after a final state.

    costs: what the engine says that jobs take, as far as it was asked.
    auto: what `auto` stands for; empty until that was found out.
    is_searching: whether somebody waits for spans, which goes before batch jobs.
    free_bytes: of memory where a separator of this name computes; `None` where nobody tells.
    """

    store: Store
    probe: Lane
    separate: Lane
    limits: Limits
    publish: Callable[[str, object], None]
    on_final: Callable[[Job], None]
    costs: Callable[[], CostLines]
    auto: Callable[[], str]
    is_searching: Callable[[], bool]
    free_bytes: Callable[[str], int | None]


@dataclass
class LiveJob:
    """A job that is not final yet, and what is under way for it."""

    job: Job
    order: tuple[bool, int]
    channel_s: float
    phase: Phase = "identify"
    call: Call | None = None
    key: str = ""
    separator: str = ""
    is_smaller: bool = False
    is_cancelled: bool = False
    n_lost: int = 0
    work: Path | None = None
    started_s: float = 0.0
    forecast_s: float = 0.0
    result: JobResult | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    """Live jobs by id, and states that could not be saved yet."""

    def __init__(self, desk: JobDesk) -> None:
        self.desk = desk
        self.live: dict[str, LiveJob] = {}
        self.unsaved: dict[str, Job] = {}

    def now(self, job: Job) -> Job:
        """A stored job as it is now."""
        live = self.live.get(job.job_id)
        return live.job if live is not None else self.unsaved.get(job.job_id, job)

    def fail(self, live: LiveJob, problem: Problem) -> None:
        """End a job with the problem that kept it from its stems."""
        log.warning("job %s: failed: %s", live.job.job_id, problem.code)
        self.finish(live, replace(live.job, state=FAILED, error=problem))

    def finish(self, live: LiveJob, job: Job) -> None:
        """The one place where a job becomes final."""
        assert job.state in FINAL_STATES
        if self.live.pop(job.job_id, None) is None:
            return
        if job.result is None:
            JobFiles(self.desk.store.layout, job).remove()
        if job.state != DONE and job.options.output_folder:
            sweep(Path(job.options.output_folder), job.job_id)
        live.job = job = replace(job, finished_s=job.finished_s or time.time())
        self.save(job)
        log.info("job %s: %s", job.job_id, job.state)
        self.desk.publish(f"job.{job.state}", JobReply(job))
        self.desk.on_final(job)

    def save(self, job: Job) -> None:
        """Keep a job's state; when the disk does not let it, in memory until it does."""
        try:
            self.desk.store.save_job(job)
        except StoreFailed as error:
            log.error("job %s: its state is kept in memory: %s", job.job_id, error)
            self.unsaved[job.job_id] = job
        else:
            self.unsaved.pop(job.job_id, None)

    def clip_of(self, live: LiveJob) -> StoredClip | None:
        """The clip of a job; None, and the job has failed, when it is gone."""
        try:
            return self.desk.store.clip(live.job.clip_id)
        except BridgeError as error:
            self.fail(live, Problem(error.code, str(error)))
            return None

    def save_again(self) -> None:
        """Try once more to save what could not be saved."""
        for job_id, job in tuple(self.unsaved.items()):
            try:
                self.desk.store.save_job(job)
            except StoreFailed:
                return
            del self.unsaved[job_id]
