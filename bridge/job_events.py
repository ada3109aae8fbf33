"""What happens to one job, as `Client.watch` tells it."""

from dataclasses import dataclass, replace

from .protocol.codec import Event
from .protocol.messages import JobProgressed, JobReply
from .protocol.values import RUNNING, Job


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something happened to a job. name: such as `job.progress`; job: as it is now."""

    name: str
    job: Job


def state_of(job: Job) -> JobEvent:
    """What happened last to a job, as far as its state tells."""
    return JobEvent("job.progress" if job.state == RUNNING else f"job.{job.state}", job)


def news_of(event: Event, job: Job) -> JobEvent | None:
    """What an event says about `job`, `None` when it is about another one."""
    body = event.body
    if isinstance(body, JobProgressed):
        if body.job_id != job.job_id:
            return None
        return JobEvent(event.header.event, replace(job, progress=body.progress))
    if isinstance(body, JobReply) and body.job.job_id == job.job_id:
        return JobEvent(event.header.event, body.job)
    return None
