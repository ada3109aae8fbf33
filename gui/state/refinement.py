"""Which job takes the place of another: the same in a better quality, or a selection done anew."""

from collections.abc import Iterable
from dataclasses import replace

from bridge.protocol.values import QUALITIES, Job, JobOptions

DRAFT = QUALITIES[0]
ONE_QUALITY = ("builtin",)
"""Separators to which the quality makes no difference."""


def better_qualities(job: Job) -> tuple[str, ...]:
    """What a finished job could be refined to; nothing for a part, or where it changes nothing."""
    if job.result is None or job.result.separator in ONE_QUALITY or job.options.rerun is not None:
        return ()
    return QUALITIES[QUALITIES.index(job.options.quality) + 1 :]


def is_refined(job: Job, earlier: Job | None) -> bool:
    """Whether a job is `earlier` in a better quality: the same clip, prompt, seed, everything."""
    if earlier is None or (job.clip_id, job.prompt) != (earlier.clip_id, earlier.prompt):
        return False
    better = QUALITIES.index(job.options.quality) > QUALITIES.index(earlier.options.quality)
    return better and _but_for_quality(job.options) == _but_for_quality(earlier.options)


def is_redone(job: Job, earlier: Job | None) -> bool:
    """Whether a job is `earlier` with a selection done anew."""
    rerun = job.options.rerun
    return rerun is not None and earlier is not None and rerun.base_job_id == earlier.job_id


def takes_over(job: Job, earlier: Job | None) -> bool:
    """Whether a job's stems belong into the lanes of `earlier`."""
    return is_refined(job, earlier) or is_redone(job, earlier)


def successor_of(shown: Job | None, waiting: Iterable[Job]) -> Job | None:
    """The job under way that will take the place of the one that is shown."""
    return next((job for job in waiting if takes_over(job, shown)), None)


def is_draft(job: Job) -> bool:
    """Whether a result is to be called a draft."""
    return job.options.quality == DRAFT and bool(better_qualities(job))


def _but_for_quality(options: JobOptions) -> JobOptions:
    """What decides on the stems; how fast and where to is left out."""
    return replace(options, quality=DRAFT, n_threads=0, priority="interactive", output_folder="")
