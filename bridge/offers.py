"""Offers finished stems to the DAW of their clip: into the outbox, and Live is told to look.

offer --> outbox/JOB.timeline.json          every host's script places it when it is asked to
     '--> outbox/Live.command.json          Live's script looks several times a second
             taken away: Live has it   |   still there after some seconds: taken back
"""

import json
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .atomic import write_json
from .errors import LimitReached, NotFound, RequestRefused, StoreFailed
from .pending import Answer
from .protocol.offers import TimelineOffer
from .protocol.values import DONE, Job

log = logging.getLogger(__name__)

LIVE = "Live"
"""As Ableton Live's script calls its host."""

LIVE_COMMAND = "Live.command.json"
_INSERT = {"command": 1, "do": "insert"}


@dataclass(frozen=True)
class _Asked:
    """Live was asked, and has until `deadline_s` to take it.

    answers: of everybody who asked for this job; a client that hears nothing asks again.
    """

    told: TimelineOffer
    answers: list[Answer[TimelineOffer]]
    deadline_s: float


class Offers:
    """At most one command waits for Live. Called on the desk thread."""

    def __init__(self, outbox: Path, patience_s: float) -> None:
        self._command, self._patience_s = outbox / LIVE_COMMAND, patience_s
        self._asked: _Asked | None = None

    def offer(self, job: Job, manifest_path: Path, answer: Answer[TimelineOffer]) -> None:
        """Answer once it is known whether the host took it; for most hosts that is at once.

        manifest_path: of the job, in the outbox.   Raises StoreFailed, LimitReached.
        """
        told = _told(job, manifest_path)
        if job.origin.host != LIVE:
            answer.give(told)
            return
        if self._asked is not None and self._asked.told == told:
            self._asked.answers.append(answer)
            return
        if self._command.exists():
            raise LimitReached(
                "Live was asked for something a moment ago and has not taken it yet; try again in "
                "a few seconds",
                "server_busy",
            )
        try:
            write_json(self._command, _INSERT)
        except OSError as error:
            raise StoreFailed(
                f"{self._command}: it cannot be written ({error.strerror})"
            ) from error
        self._asked = _Asked(told, [answer], time.monotonic() + self._patience_s)

    def tick(self) -> None:
        """Look whether Live took what it was asked for."""
        asked = self._asked
        if asked is None:
            return
        if not self._command.exists():
            self._settle(asked, is_taken=True)
        elif time.monotonic() >= asked.deadline_s:
            self._settle(asked, is_taken=False)

    def close(self) -> None:
        """Leave no command that Live would find much later."""
        if self._asked is not None:
            self._settle(self._asked, is_taken=not self._command.exists())

    def _settle(self, asked: _Asked, *, is_taken: bool) -> None:
        self._asked = None
        if not is_taken:
            self._command.unlink(missing_ok=True)
        for answer in asked.answers:
            answer.give(replace(asked.told, is_taken=is_taken))


def check_offered(job: Job) -> None:
    """Raises RequestRefused for a job without stems to place."""
    if job.state != DONE or job.result is None:
        raise RequestRefused(
            f"job {job.job_id} is {job.state}: only a finished one has stems to place",
            "job_not_finished",
        )


def _told(job: Job, manifest_path: Path) -> TimelineOffer:
    try:
        manifest = json.loads(manifest_path.read_text("utf-8"))
        start_s, placed_by = float(manifest["parent"]["start_s"]), str(manifest["placed_by"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFound(
            f"{manifest_path.name}: the manifest cannot be read; separate the clip again",
            "file_not_found",
        ) from error
    return TimelineOffer(job.origin.host, False, placed_by, start_s, str(manifest_path))
