"""A progress bar for a job that a server does."""

import sys

from tqdm import tqdm

from bridge.client import Client
from bridge.protocol.values import QUEUED, Job


def follow(client: Client, job_id: str, *, show: bool, label: str = "") -> Job:
    """Wait for a job's final state, with a bar on the error stream. Returns the job as it ended."""
    with tqdm(
        total=100,
        desc=label or job_id,
        unit="%",
        leave=False,
        file=sys.stderr,
        disable=not (show and sys.stderr.isatty()),
        bar_format="{l_bar}{bar}| {postfix}",
    ) as bar:
        for event in client.watch(job_id):
            job = event.job
            bar.set_postfix_str(_stage(job), refresh=False)
            bar.update(round(100 * job.progress.fraction) - bar.n)
            bar.refresh()
    return job


def _stage(job: Job) -> str:
    if job.state == QUEUED:
        return "waiting for its turn"
    left_s = job.progress.seconds_left
    return job.progress.stage + ("" if left_s is None else f", {left_s:.0f} s left")
