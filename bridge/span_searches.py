"""Searches for spans from question to final state: a worker listens, nothing is rendered.

    predict --> waiting --> running --> done | failed | cancelled
                   |  (the lane of the separations: it has the model)
                   +--> cancelled

A search lives in memory alone. It uses the worker that separates, so that what the model hears
for it is known to the run that follows. Interactive jobs go first, batch jobs after it.
"""

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .errors import LimitReached, NotFound, RequestRefused
from .job_checks import check_prompt
from .lane import Call, Lane, Lost
from .protocol.fields import to_wire
from .protocol.searches import FoundSpan, SpanAsk, SpanSearch, SpanSearchReply
from .protocol.values import (
    CANCELLED,
    DONE,
    FAILED,
    MAX_SPANS,
    RUNNING,
    JobProgress,
    Problem,
    WirePrompt,
)
from .store import Store

log = logging.getLogger(__name__)

MOST_WAITING = 32
_MOST_KEPT = 64
"""Searches that are over and can still be asked for."""

_SURE_OF_TIME = 0.05
"""Share of the work before which nothing is said of the time that is left."""


@dataclass(frozen=True)
class SearchDesk:
    """What searches work with. publish: an event and its body.

    is_wanted: whether a job wants the lane first.   on_over: the lane is free for the next.
    """

    store: Store
    separate: Lane
    publish: Callable[[str, object], None]
    is_wanted: Callable[[], bool]
    on_over: Callable[[], None]


@dataclass
class _Live:
    """A search that is not over. call: once the lane has it."""

    search: SpanSearch
    ask: SpanAsk
    call: Call | None = None
    started_s: float = 0.0


class SpanSearches:
    """Takes searches, has them done one at a time, and answers what became of them."""

    def __init__(self, desk: SearchDesk) -> None:
        self._desk = desk
        self._waiting: deque[_Live] = deque()
        self._running: _Live | None = None
        self._over: dict[str, SpanSearch] = {}
        self._submitted: dict[str, str] = {}

    @property
    def n_live(self) -> int:
        """How many are not over."""
        return len(self._waiting) + (self._running is not None)

    def predict(self, ask: SpanAsk) -> SpanSearch:
        """Take a search; the same submission gives the same one.

        Raises NotFound (clip), RequestRefused, LimitReached.
        """
        known = self._submitted.get(ask.submission_id)
        if known is not None:
            return self.get(known)
        stored = self._desk.store.clip(ask.clip_id)
        if not ask.description.strip():
            raise RequestRefused(
                "there is nothing to find: describe the sound in a few words", "prompt_invalid"
            )
        check_prompt(WirePrompt(ask.description, ask.spans), stored.clip)
        if self.n_live >= MOST_WAITING:
            raise LimitReached(
                f"{self.n_live} searches wait, as many as are allowed; cancel some of them",
                "server_busy",
            )
        search_id = f"s{secrets.token_hex(8)}"
        named = "" if ask.separator == "auto" else ask.separator
        search = SpanSearch(search_id, ask.clip_id, ask.description, separator=named)
        self._waiting.append(_Live(search, ask))
        if ask.submission_id:
            self._submitted[ask.submission_id] = search_id
        self.start_next()
        return self.get(search_id)

    def get(self, search_id: str) -> SpanSearch:
        """A search as it is now. Raises NotFound."""
        for live in self._lives():
            if live.search.search_id == search_id:
                return live.search
        if search_id in self._over:
            return self._over[search_id]
        raise NotFound(
            f"search {search_id!r}: there is none; ask for the spans again", "search_not_found"
        )

    def cancel(self, search_id: str) -> SpanSearch:
        """Stop a search: at once when it waits, within about a second when it runs.

        One that is over stays as it is. Raises NotFound.
        """
        for live in self._lives():
            if live.search.search_id == search_id:
                self._cancel(live)
        return self.get(search_id)

    def cancel_of(self, clip_id: str) -> None:
        """Stop every search in a clip."""
        for live in self._lives():
            if live.search.clip_id == clip_id:
                self._cancel(live)

    def start_next(self) -> None:
        """Begin with the next one, if the worker is free and no job wants it first."""
        if self._running is not None or not self._waiting:
            return
        if self._desk.separate.is_free and not self._desk.is_wanted():
            self._start(self._waiting.popleft())

    def after_crash(self, why: str) -> None:
        """An error in our own code ended a step half-way: fail what nothing drives."""
        live = self._running
        if live is not None and self._desk.separate.is_free:
            self._finish(live, FAILED, error=Problem("internal_error", why))

    def _lives(self) -> list[_Live]:
        return [*([self._running] if self._running is not None else []), *self._waiting]

    def _cancel(self, live: _Live) -> None:
        if live.call is not None:
            self._desk.separate.cancel(live.call)
        else:
            self._waiting.remove(live)
            self._finish(live, CANCELLED)

    def _start(self, live: _Live) -> None:
        try:
            stored = self._desk.store.clip(live.ask.clip_id)
        except NotFound as error:
            self._finish(live, FAILED, error=Problem(error.code, str(error)))
            return
        arguments = {
            "path": stored.clip.path,
            "stamp": stored.stamp,
            "description": live.ask.description,
            "spans": to_wire(live.ask.spans),
            "separator": live.ask.separator,
            "n_threads": live.ask.n_threads,
            "most_spans": MAX_SPANS,
        }
        live.call = Call(
            "spans",
            arguments,
            lambda value: self._on_answer(live, value),
            lambda lost: self._on_lost(live, lost),
            lambda stage, fraction: self._on_progress(live, stage, fraction),
        )
        self._running, live.started_s = live, time.monotonic()
        live.search = replace(live.search, state=RUNNING)
        self._tell(live.search)
        self._desk.separate.call(live.call)

    def _on_progress(self, live: _Live, stage: str, fraction: float) -> None:
        left_s = None
        if fraction >= _SURE_OF_TIME:
            left_s = (time.monotonic() - live.started_s) * (1 - fraction) / fraction
        progress = JobProgress(stage[:1000], min(max(fraction, 0.0), 1.0), left_s)
        live.search = replace(live.search, progress=progress)
        self._tell(live.search)

    def _on_answer(self, live: _Live, value: dict[str, Any]) -> None:
        live.search = replace(
            live.search,
            separator=value["separator"],
            progress=JobProgress("done", 1.0, 0.0),
            spans=tuple(FoundSpan(*each) for each in value["spans"]),
            notices=tuple(Problem(*each) for each in value["notices"]),
        )
        self._finish(live, DONE)

    def _on_lost(self, live: _Live, lost: Lost) -> None:
        if lost.code == "cancelled":
            self._finish(live, CANCELLED)
        else:
            problem = Problem(lost.code[:64], lost.message[:4000])
            self._finish(live, FAILED, error=problem)

    def _finish(self, live: _Live, state: str, error: Problem | None = None) -> None:
        """The one place where a search becomes final."""
        if live is self._running:
            self._running = None
        search = replace(live.search, state=state, error=error)
        log.info("search %s: %s", search.search_id, state)
        self._over[search.search_id] = search
        while len(self._over) > _MOST_KEPT:
            gone = next(iter(self._over))
            del self._over[gone]
            kept = self._submitted.items()
            self._submitted = {key: each for key, each in kept if each != gone}
        self._tell(search)
        self._desk.on_over()
        self.start_next()

    def _tell(self, search: SpanSearch) -> None:
        self._desk.publish("clip.spans", SpanSearchReply(search))
