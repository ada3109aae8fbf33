"""A real desk with real worker processes, driven from a test as a client would."""

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from bridge.desk import Desk, DeskSettings
from bridge.desk_thread import DeskThread
from bridge.errors import BridgeError
from bridge.protocol.messages import (
    EstimateAsk,
    EstimateReply,
    JobQuery,
    JobSubmit,
    Status,
)
from bridge.protocol.transfers import (
    ClipPut,
)
from bridge.protocol.values import (
    FINAL_STATES,
    Clip,
    ClipOrigin,
    Job,
    JobOptions,
    WirePrompt,
    WireSpan,
)

from .clips import WAIT_S
from .held import Looks

SPANS = WirePrompt("clicks", (WireSpan(0.0, 0.1, "+"), WireSpan(0.1, 0.2, "-")))
BUILTIN = JobOptions(separator="builtin", n_threads=1)
_SEEDS = itertools.count(1000)
"""No two jobs alike: one that was done before is answered from the store."""

FINAL_EVENTS = tuple(f"job.{state}" for state in FINAL_STATES)


class Driver:
    """Waits for answers and keeps every event."""

    def __init__(self, settings: DeskSettings) -> None:
        self.events: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        self._thread = DeskThread(settings, self._on_event)

    def start(self) -> "Driver":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._thread.stop(30.0)

    def ask(self, work: Callable[[Desk], Any]) -> Any:
        """The value of a method that answers at once; raises what it raises."""
        return self.later(lambda desk, answer: answer(work(desk)))

    def later(self, work: Callable[[Desk, Callable[[Any], None]], None]) -> Any:
        """The value of a method that answers later."""
        answers: queue.Queue[Any] = queue.Queue()

        def call(desk: Desk) -> None:
            try:
                work(desk, answers.put)
            except BridgeError as error:
                answers.put(error)

        self._thread.ask(call)
        answer = answers.get(timeout=WAIT_S)
        if isinstance(answer, BridgeError):
            raise answer
        return answer

    def put(self, path: Path, origin: ClipOrigin | None = None, name: str = "") -> Clip:
        request = ClipPut(path=str(path), origin=origin or ClipOrigin(), name=name)
        clip = self.later(lambda desk, answer: desk.put_clip(request, True, answer)).clip
        assert isinstance(clip, Clip)
        return clip

    def submit(self, clip: Clip, prompt: WirePrompt = SPANS, options: JobOptions = BUILTIN) -> Job:
        request = JobSubmit(clip_id=clip.clip_id, prompt=prompt, options=options)
        job = self.ask(lambda desk: desk.submit(request, True))
        assert isinstance(job, Job)
        return job

    def job(self, job_id: str) -> Job:
        job = self.ask(lambda desk: desk.job(job_id))
        assert isinstance(job, Job)
        return job

    def jobs(self) -> tuple[Job, ...]:
        page = self.ask(lambda desk: desk.jobs(JobQuery(limit=200)))
        return tuple(page.jobs)

    def cancel(self, job: Job) -> Job:
        found = self.ask(lambda desk: desk.cancel(job.job_id))
        assert isinstance(found, Job)
        return found

    def status(self) -> Status:
        found = self.ask(lambda desk: desk.status(Status()))
        assert isinstance(found, Status)
        return found

    def estimate(self, ask: EstimateAsk) -> EstimateReply:
        found = self.ask(lambda desk: desk.estimate(ask))
        assert isinstance(found, EstimateReply)
        return found

    def result(self, job: Job) -> Job:
        """The job in its final state, which it reached exactly once."""
        self.wait_for(lambda: bool(self.finals(job)))
        (state,) = self.finals(job)
        found = self.job(job.job_id)
        assert found.state == state
        return found

    def finals(self, job: Job) -> list[str]:
        """Every final state that was told of a job."""
        return [
            name.removeprefix("job.")
            for name, body in tuple(self.events)
            if name in FINAL_EVENTS and body.job.job_id == job.job_id
        ]

    @property
    def looks(self) -> Looks:
        """For jobs that are to be met in the middle."""
        return Looks(self.job, lambda: self.status().engine.pid)

    def meet(
        self, clip: Clip, options: JobOptions = BUILTIN, prompt: WirePrompt = SPANS
    ) -> tuple[Job, psutil.Process]:
        """A job in the middle of its computation, and its worker, stopped: `resume` or kill it."""
        return self.looks.meet(
            lambda: self.submit(clip, prompt, replace(options, seed=next(_SEEDS)))
        )

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; a failure when it never is."""
        deadline_s = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < deadline_s, f"it never happened; events: {self.names()[-20:]}"
            with self._news:
                self._news.wait(0.05)

    def names(self) -> list[str]:
        """Names of all events so far."""
        return [name for name, _ in tuple(self.events)]

    def bodies(self, name: str) -> list[Any]:
        """Bodies of the events of one name."""
        return [body for each, body in tuple(self.events) if each == name]

    def _on_event(self, name: str, body: object) -> None:
        with self._news:
            self.events.append((name, body))
            self._news.notify_all()


@contextmanager
def driving(root: Path, **settings: Any) -> Iterator[Driver]:
    """A desk on the store at `root`; afterwards no process, thread or scratch file is left."""
    before = set(psutil.Process().children(recursive=True))
    threads = set(threading.enumerate())
    driver = Driver(DeskSettings(root, **settings)).start()
    try:
        yield driver
    finally:
        driver.stop()
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]
    assert not set(threading.enumerate()) - threads
    for folder in ("scratch", "incoming"):
        assert not list((root / folder).iterdir())
    assert not list(root.glob("jobs/*/work-*"))
