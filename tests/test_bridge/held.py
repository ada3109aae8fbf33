"""A job met in the middle of its work, with its worker held there while the test acts.

However fast the computer is and however late the test comes to its turn, such a job cannot end
meanwhile. One that was over before it was met is not a failure: the test asks for another.
"""

import time
from collections.abc import Callable

import psutil

from bridge.protocol.values import RUNNING, Job

from .clips import WAIT_S

N_TRIES = 8
_LOOK_S = 0.005
_RESTS_S = 0.1


class Looks:
    """How a test looks at a server. job: a job by its id. pid: of the process that computes."""

    def __init__(self, job: Callable[[str], Job], pid: Callable[[], int]) -> None:
        self.job, self.pid = job, pid

    def hold(self, job_id: str, fraction: float = 0.02, attempt: int = 1) -> psutil.Process | None:
        """The worker, stopped in the middle of a job; `None` when the job was over before."""
        deadline_s = time.monotonic() + WAIT_S
        while not self._is_met(now := self.job(job_id), fraction, attempt) and not now.is_final:
            assert time.monotonic() < deadline_s, f"it does not run: {now}"
            time.sleep(_LOOK_S)
        pid = self.pid()
        if now.is_final or not pid:
            return None
        worker = psutil.Process(pid)
        worker.suspend()
        # What it had said before it was stopped arrives first.
        for _ in range(2):
            if not self._is_met(self.job(job_id), fraction, attempt):
                worker.resume()
                return None
            time.sleep(_RESTS_S)
        return worker

    def meet(self, submit: Callable[[], Job], fraction: float = 0.02) -> tuple[Job, psutil.Process]:
        """A job in its middle, and its worker, stopped. submit: gives a job not done before."""
        for _ in range(N_TRIES):
            job = submit()
            worker = self.hold(job.job_id, fraction)
            if worker is not None:
                return job, worker
        raise AssertionError(f"{N_TRIES} jobs were over before they were met: take a longer clip")

    @staticmethod
    def _is_met(job: Job, fraction: float, attempt: int) -> bool:
        progress = job.progress
        is_far = progress.stage != "" and progress.fraction >= fraction
        return job.state == RUNNING and job.attempt >= attempt and is_far
