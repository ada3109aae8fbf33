"""The jobs that this panel knows: kept up with the server's events, and what to say of them."""

from dataclasses import replace

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.protocol.messages import EngineRestarted, JobProgressed, JobReply
from bridge.protocol.values import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job
from gui.views.clock import clock, short_duration

STAGES = {
    "": "starting",
    "load": "loading the model",
    "encode": "listening",
    "spot": "finding the places",
    "learn": "learning the sound",
    "sample": "separating",
    "separate": "separating",
    "decode": "decoding",
    "rank": "choosing the best take",
    "check": "checking that it adds up",
    "write": "writing the stems",
}
ADVICE = {
    "worker_died": "Close other programs or choose a smaller model or a lower quality, then retry.",
    "worker_hung": "Retry; if it happens again, choose a lower quality.",
    "out_of_memory": "Choose a smaller model, a lower quality or fewer takes, then retry.",
    "clip_changed": "The file was changed since it was opened. Open it again.",
    "file_not_found": "The file was moved or deleted. Open it where it is now.",
    "disk_full": "Free some disk space, or remove old jobs in Settings, then retry.",
    "store_full": "Free some disk space, or remove old jobs in Settings, then retry.",
    "prompt_invalid": "Describe the sound, or drag over a place where it is.",
    "server_unavailable": "The panel keeps trying. Nothing that you drew is lost.",
    "too_many_jobs": "Wait for a job to end, or cancel one.",
}


class JobBook(QObject):
    """Jobs by id, newest first."""

    changed = pyqtSignal()
    ended = pyqtSignal(object)
    """A job that reached its final state while the panel watched."""

    engine_restarted = pyqtSignal(str, str)
    """Reason and the id of the job it worked on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[str, Job] = {}

    def of_clip(self, clip_id: str) -> list[Job]:
        """Every job of a clip, newest first."""
        found = [job for job in self._jobs.values() if job.clip_id == clip_id]
        return sorted(found, key=lambda job: job.created_s, reverse=True)

    def job(self, job_id: str) -> Job | None:
        """A job by id."""
        return self._jobs.get(job_id)

    def waiting(self) -> list[Job]:
        """Jobs of any clip that are not over, in the order in which they were asked for."""
        found = [job for job in self._jobs.values() if not job.is_final]
        return sorted(found, key=lambda job: job.created_s)

    def take_in(self, jobs: list[Job]) -> None:
        """Note what the server said when it was asked."""
        for job in jobs:
            self._put(job, is_news=job.job_id in self._jobs)
        self.changed.emit()

    def on_event(self, _: str, body: object) -> None:
        """Note what the server told."""
        if isinstance(body, JobReply):
            self._put(body.job, is_news=True)
        elif isinstance(body, JobProgressed):
            job = self._jobs.get(body.job_id)
            if job is None or job.is_final:
                return
            self._put(replace(job, state=RUNNING, progress=body.progress), is_news=True)
        elif isinstance(body, EngineRestarted):
            self.engine_restarted.emit(body.reason, body.job_id)
            return
        else:
            return
        self.changed.emit()

    def _put(self, job: Job, *, is_news: bool) -> None:
        before = self._jobs.get(job.job_id)
        # Replies and events come on two ways: one that was sent earlier may come later.
        if before is not None and (before.is_final or job.attempt < before.attempt):
            return
        self._jobs[job.job_id] = job
        if job.is_final and is_news:
            self.ended.emit(job)


def summary(job: Job) -> str:
    """The state of a job in words."""
    if job.state == QUEUED:
        return "waiting"
    if job.state == RUNNING:
        stage = STAGES.get(job.progress.stage, job.progress.stage)
        left = job.progress.seconds_left
        return f"{stage} · {short_duration(left)} left" if left is not None else stage
    if job.state == CANCELLED:
        return "cancelled"
    if job.state == FAILED:
        return job.error.message if job.error else "failed"
    if job.state == DONE and job.result is not None:
        took = "from the store" if job.result.from_store else short_duration(job.result.took_s)
        sure = f" · {job.result.confidence:.0%} sure" if job.result.confidence < 1 else ""
        return f"{job.result.separator or job.options.separator} · {took}{sure}"
    return job.state


def advice(code: str) -> str:
    """What the user can do about an error, empty when its message says it all."""
    return ADVICE.get(code, "")


def title(job: Job) -> str:
    """What a job was asked for, in a few words."""
    if job.options.rerun is not None:
        part = job.options.rerun
        return f"{_asked(job)}, {clock(part.start_s, 1)} to {clock(part.end_s, 1)}"
    return _asked(job)


def _asked(job: Job) -> str:
    if job.prompt.description:
        return job.prompt.description
    if job.prompt.spans:
        n_spans = len(job.prompt.spans)
        return f"{n_spans} span{'s' if n_spans > 1 else ''}"
    return "masked video" if job.prompt.video_path else "–"
