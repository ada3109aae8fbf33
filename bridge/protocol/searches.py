"""Where a described sound is, asked before a run: a search and the spans that it finds."""

from dataclasses import dataclass

from .fields import choice, count, identifier, number, part, parts, text
from .values import (
    FINAL_STATES,
    JOB_STATES,
    MAX_SPANS,
    QUEUED,
    SEPARATORS,
    JobProgress,
    Problem,
    WireSpan,
)


@dataclass(frozen=True, slots=True)
class SpanAsk:
    """Where a sound is in a clip, besides the spans that are given.

    submission_id: made by the client; sent again, it gives the same search and not a second one.
    """

    clip_id: str = identifier()
    description: str = text(max_bytes=2000)
    spans: tuple[WireSpan, ...] = parts(WireSpan, at_most=MAX_SPANS)
    separator: str = choice(*SEPARATORS, default="auto")
    n_threads: int = count(at_most=1024, default=0)
    submission_id: str = identifier(default="")


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """A stretch of time where the sound is taken to be. score: 0 to 1, within one search."""

    start_s: float = number(at_least=0)
    end_s: float = number(at_least=0)
    sign: str = choice("+", "-", default="+")
    score: float = number(at_least=0, at_most=1, default=0.0)


@dataclass(frozen=True, slots=True)
class SpanSearch:
    """A search in exactly one of the states of jobs. Nothing of it outlives the server.

    spans, notices: in state `done`; error: in state `failed`.
    separator: that looks, empty as long as that is not known.
    """

    search_id: str = identifier()
    clip_id: str = identifier()
    description: str = text(max_bytes=2000)
    state: str = choice(*JOB_STATES, default=QUEUED)
    separator: str = text(max_bytes=64, default="")
    progress: JobProgress = part(JobProgress, default=JobProgress())
    spans: tuple[FoundSpan, ...] = parts(FoundSpan, at_most=MAX_SPANS)
    notices: tuple[Problem, ...] = parts(Problem, at_most=16)
    error: Problem | None = part(Problem, or_none=True, default=None)

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class SpanSearchReference:
    """One search."""

    search_id: str = identifier()


@dataclass(frozen=True, slots=True)
class SpanSearchReply:
    """A search, as it is now."""

    search: SpanSearch = part(SpanSearch)
