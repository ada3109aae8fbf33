"""Where a described sound is, without taking it out: spans to look at before a run.

    mixture, prompt --finder--> spans with scores --> what nothing was said about yet --> best ones

A separator that can say so is a `Finder`. The spans are a guess like any other: they are to be
shown, edited, and given back in a prompt or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from .data import (
    AudioClip,
    Monitor,
    Notice,
    Progress,
    Prompt,
    SeparationOptions,
    Separator,
    Span,
    clip_spans,
)
from .errors import PromptError

SHORTEST_S = 0.05
"""What is left of a span beside those of the prompt has to be this long to be told."""


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """score: 0 to 1, how sure the finder is; comparable within one finding only."""

    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """spans: in order of time, none of them over a span of the prompt."""

    spans: tuple[FoundSpan, ...]
    notices: tuple[Notice, ...] = ()


@runtime_checkable
class Finder(Protocol):
    """A separator that can say where a sound is without separating it."""

    def find_spans(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Finding:
        """Where the sound is, by the whole mixture. Raises what `Separator.estimate` raises."""


def find_spans(
    mixture: AudioClip,
    prompt: Prompt,
    separator: Separator,
    options: SeparationOptions | None = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Finding:
    """Where `separator` takes the sound to be, besides the spans that the prompt has.

    Raises PromptError for a separator that cannot say, PromptNeedsSpans for a sound that it does
    not know by words, CheckpointNotFound for a model without its span predictor, or Cancelled.
    """
    if not isinstance(separator, Finder):
        raise PromptError(
            f"separator {separator.name!r} cannot say where a sound is; draw spans yourself"
        )
    prompt = replace(prompt, spans=clip_spans(prompt.spans, mixture.duration_s))
    monitor = Monitor(on_progress, is_cancelled)
    found = separator.find_spans(mixture, prompt, options or SeparationOptions(), monitor)
    return replace(found, spans=without(found.spans, prompt.spans))


def without(found: Sequence[FoundSpan], given: Sequence[Span]) -> tuple[FoundSpan, ...]:
    """What of `found` lies outside the spans that are `given`, whatever their sign."""
    left = list(found)
    for span in given:
        left = [part for each in left for part in _outside(each, span)]
    return tuple(left)


def best(found: Sequence[FoundSpan], most: int) -> tuple[FoundSpan, ...]:
    """At most so many, those of the best score, in order of time."""
    ranked = sorted(found, key=lambda each: each.score, reverse=True)[:most]
    return tuple(sorted(ranked, key=lambda each: each.span.start_s))


def _outside(found: FoundSpan, span: Span) -> list[FoundSpan]:
    ours = found.span
    if span.end_s <= ours.start_s or span.start_s >= ours.end_s:
        return [found]
    parts = ((ours.start_s, span.start_s), (span.end_s, ours.end_s))
    return [
        replace(found, span=Span(start_s, end_s, ours.sign))
        for start_s, end_s in parts
        if end_s - start_s >= SHORTEST_S
    ]
