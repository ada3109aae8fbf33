"""What a drag over the tracks does: one small object per gesture, from press to release."""

from collections.abc import Callable
from dataclasses import dataclass

from gui.state.document import Document
from gui.state.spans import SpanMark, added, changed, drawn, moved, resized, snapped
from gui.state.time_window import TimeWindow

from .span_layer import Hit, SpanLayer

SNAP_PX = 8


@dataclass(frozen=True)
class Stage:
    """What gestures act on. targets: times that edges snap to, without the span being dragged."""

    document: Document
    time: TimeWindow
    layer: SpanLayer
    targets: Callable[[int], list[float]]

    def snap(self, time_s: float, is_on: bool, but: int = -1) -> float:
        """A time, drawn to a target nearby when snapping is on."""
        if not is_on:
            return time_s
        reach_s = SNAP_PX * self.time.window.length_s / max(self.layer.size().width(), 1)
        return snapped(time_s, self.targets(but), reach_s)


class Gesture:
    """A drag. `move` shows it, `finish` commits it, `cancel` leaves no trace."""

    def __init__(self, stage: Stage, start_s: float) -> None:
        self.stage = stage
        self.start_s = start_s

    def move(self, time_s: float, snap: bool) -> None:
        """The pointer is at a time."""

    def finish(self) -> None:
        """The button was released."""

    def cancel(self) -> None:
        """Escape was pressed."""
        self.stage.layer.preview = None
        document = self.stage.document
        self.stage.layer.show_spans(document.draft.spans, document.selected)


class DrawSpan(Gesture):
    """Draws a new span of a sign."""

    def __init__(self, stage: Stage, start_s: float, sign: str, snap: bool) -> None:
        super().__init__(stage, stage.snap(start_s, snap))
        self.sign = sign
        self.mark: SpanMark | None = None

    def move(self, time_s: float, snap: bool) -> None:
        """Show the span so far."""
        end_s = self.stage.snap(time_s, snap)
        duration_s = self.stage.document.duration_s
        self.mark = drawn(self.start_s, end_s, self.sign, duration_s)
        self.stage.layer.preview = self.mark
        self.stage.layer.update()

    def finish(self) -> None:
        """Add it."""
        self.stage.layer.preview = None
        if self.mark is None:
            self.stage.layer.update()
            return
        document = self.stage.document
        spans = added(document.draft.spans, self.mark)
        document.edit_spans(f"Draw “{'+' if self.sign == '+' else '−'}” span", spans)
        document.select(len(spans) - 1)


class DragSpan(Gesture):
    """Moves a span, or one of its edges."""

    def __init__(self, stage: Stage, start_s: float, hit: Hit) -> None:
        super().__init__(stage, start_s)
        self.hit = hit
        self.before = stage.document.draft.spans
        self.after = self.before

    def move(self, time_s: float, snap: bool) -> None:
        """Show the span where it would be."""
        span = self.before[self.hit.index]
        duration_s = self.stage.document.duration_s
        if self.hit.part == "body":
            by_s = time_s - self.start_s
            start_s = self.stage.snap(span.start_s + by_s, snap, self.hit.index)
            if start_s == span.start_s + by_s:
                end_s = self.stage.snap(span.end_s + by_s, snap, self.hit.index)
                start_s += end_s - (span.end_s + by_s)
            span = moved(span, start_s - span.start_s, duration_s)
        else:
            time_s = self.stage.snap(time_s, snap, self.hit.index)
            span = resized(span, self.hit.part, time_s, duration_s)
        self.after = changed(self.before, self.hit.index, span)
        self.stage.layer.show_spans(self.after, self.hit.index)

    def finish(self) -> None:
        """Commit one step of the history."""
        document = self.stage.document
        if document.draft.spans == self.before:
            label = "Move span" if self.hit.part == "body" else "Resize span"
            document.edit_spans(label, self.after)
        self.cancel()


class SelectTime(Gesture):
    """Selects a stretch of time."""

    def __init__(self, stage: Stage, start_s: float, snap: bool) -> None:
        super().__init__(stage, stage.snap(start_s, snap))
        self.before = stage.time.selection

    def move(self, time_s: float, snap: bool) -> None:
        """Show the stretch so far."""
        self.stage.time.select((self.start_s, self.stage.snap(time_s, snap)))

    def cancel(self) -> None:
        """Back to what was selected."""
        self.stage.time.select(self.before)
