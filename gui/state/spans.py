"""Spans as the user draws them: pure functions over frozen values, in seconds."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.protocol.values import MAX_SPANS, WireSpan

SHORTEST_S = 0.01
"""A span is never drawn shorter than this: a quarter of the model's frame."""


@dataclass(frozen=True, slots=True)
class SpanMark:
    """A stretch of time with a sign. origin: `drawn` by the user or `predicted` by a separator.

    score: how sure it is of a predicted one, 0 to 1; 0 where that was not said, or is the user's.
    """

    start_s: float
    end_s: float
    sign: str = "+"
    origin: str = "drawn"
    score: float = 0.0

    @property
    def is_predicted(self) -> bool:
        """Whether it waits to be accepted; as long as it does, it is not sent."""
        return self.origin == "predicted"


Marks = tuple[SpanMark, ...]


def drawn(anchor_s: float, now_s: float, sign: str, duration_s: float) -> SpanMark | None:
    """The span of a drag from one time to another, cut to the clip; `None` when nothing is left."""
    start_s, end_s = sorted((anchor_s, now_s))
    return cut(SpanMark(start_s, end_s, sign), duration_s)


def cut(mark: SpanMark, duration_s: float) -> SpanMark | None:
    """The part of a span inside the clip: what starts outside is refused by the engine."""
    start_s, end_s = max(mark.start_s, 0.0), min(mark.end_s, duration_s)
    if start_s >= duration_s or end_s - start_s < min(SHORTEST_S, duration_s):
        return None
    return replace(mark, start_s=start_s, end_s=end_s)


def moved(mark: SpanMark, by_s: float, duration_s: float) -> SpanMark:
    """The span shifted, its length kept, never beyond the clip."""
    by_s = min(max(by_s, -mark.start_s), max(duration_s - mark.end_s, -mark.start_s))
    return taken_over(mark, replace(mark, start_s=mark.start_s + by_s, end_s=mark.end_s + by_s))


def resized(mark: SpanMark, edge: str, time_s: float, duration_s: float) -> SpanMark:
    """The span with its `start` or `end` at a time; the other edge stays."""
    time_s = min(max(time_s, 0.0), duration_s)
    if edge == "start":
        after = replace(mark, start_s=max(min(time_s, mark.end_s - SHORTEST_S), 0.0))
    else:
        after = replace(mark, end_s=min(max(time_s, mark.start_s + SHORTEST_S), duration_s))
    return taken_over(mark, after)


def accepted(mark: SpanMark) -> SpanMark:
    """The span as the user's own."""
    return replace(mark, origin="drawn", score=0.0)


def taken_over(before: SpanMark, after: SpanMark) -> SpanMark:
    """A span after an edit: one that the user moved or typed is the user's own."""
    return before if after == before else accepted(after)


def flipped(mark: SpanMark) -> SpanMark:
    """The span with the other sign, the user's own from now on."""
    return accepted(replace(mark, sign="-" if mark.sign == "+" else "+"))


def all_accepted(marks: Marks) -> Marks:
    """With every predicted span the user's own."""
    return tuple(accepted(mark) if mark.is_predicted else mark for mark in marks)


def all_refused(marks: Marks) -> Marks:
    """Without the predicted spans."""
    return tuple(mark for mark in marks if not mark.is_predicted)


def with_predicted(marks: Marks, found: Sequence[SpanMark]) -> Marks:
    """With these predicted spans in the place of earlier ones, as many as there is room for."""
    own = all_refused(marks)
    return (*own, *found[: MAX_SPANS - len(own)])


def added(marks: Marks, mark: SpanMark) -> Marks:
    """With one more, on top of the others. Unchanged when there are as many as the wire takes."""
    return (*marks, mark) if len(marks) < MAX_SPANS else marks


def changed(marks: Marks, index: int, mark: SpanMark) -> Marks:
    """With another span at `index`."""
    return (*marks[:index], mark, *marks[index + 1 :])


def removed(marks: Marks, index: int) -> Marks:
    """Without the span at `index`."""
    return (*marks[:index], *marks[index + 1 :])


def effective(marks: Sequence[SpanMark]) -> list[tuple[float, float, str]]:
    """What the engine will hear: stretches in order of time without overlap; later spans win."""
    edges = sorted({time for mark in marks for time in (mark.start_s, mark.end_s)})
    stretches: list[tuple[float, float, str]] = []
    for start_s, end_s in itertools.pairwise(edges):
        middle_s = (start_s + end_s) / 2
        signs = [mark.sign for mark in marks if mark.start_s <= middle_s < mark.end_s]
        if not signs:
            continue
        if stretches and stretches[-1][1] == start_s and stretches[-1][2] == signs[-1]:
            stretches[-1] = (stretches[-1][0], end_s, signs[-1])
        else:
            stretches.append((start_s, end_s, signs[-1]))
    return stretches


def hidden(marks: Sequence[SpanMark]) -> list[int]:
    """Indices of spans that later ones cover altogether, so that they say nothing.

    Predicted ones say nothing yet, and cover nothing.
    """
    found = []
    for index, mark in enumerate(marks):
        if mark.is_predicted:
            continue
        covered_s = mark.start_s
        later = [each for each in marks[index + 1 :] if not each.is_predicted]
        for start_s, end_s, _ in effective(later):
            if start_s <= covered_s:
                covered_s = max(covered_s, end_s)
        if covered_s >= mark.end_s:
            found.append(index)
    return found


def snapped(time_s: float, targets: Sequence[float], reach_s: float) -> float:
    """The nearest of `targets` within reach, otherwise the time itself."""
    near = min(targets, key=lambda target: abs(target - time_s), default=None)
    return near if near is not None and abs(near - time_s) <= reach_s else time_s


def to_wire(marks: Sequence[SpanMark]) -> tuple[WireSpan, ...]:
    """The user's own spans as the bridge takes them; predicted ones that were not accepted stay."""
    return tuple(
        WireSpan(mark.start_s, mark.end_s, mark.sign) for mark in marks if not mark.is_predicted
    )
