"""Spans as values: what drags make of them, and what the engine will hear of overlaps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.builtin.labels import label_frames
from engine.builtin.stft import FrameGrid
from engine.data import Span
from gui.state.spans import (
    SpanMark,
    added,
    cut,
    drawn,
    effective,
    flipped,
    hidden,
    moved,
    resized,
    snapped,
    to_wire,
)

times = st.floats(0, 9.9, allow_nan=False)
marks = st.tuples(times, times, st.sampled_from("+-")).map(
    lambda each: SpanMark(min(each[:2]), max(each[:2]) + 0.05, each[2])
)


def test_a_drag_to_the_left_is_a_span_as_well() -> None:
    assert drawn(2.0, 1.0, "+", 10.0) == SpanMark(1.0, 2.0, "+")


def test_a_drag_beyond_the_clip_is_cut_to_it() -> None:
    assert drawn(9.0, 12.0, "-", 10.0) == SpanMark(9.0, 10.0, "-")
    assert drawn(-1.0, 0.5, "+", 10.0) == SpanMark(0.0, 0.5, "+")


def test_nothing_is_left_of_a_span_outside_or_without_length() -> None:
    assert cut(SpanMark(10.0, 12.0), 10.0) is None
    assert drawn(3.0, 3.001, "+", 10.0) is None


@given(marks, st.floats(-30, 30, allow_nan=False))
def test_moving_keeps_the_length_and_stays_inside(mark: SpanMark, by_s: float) -> None:
    after = moved(mark, by_s, 10.0)
    assert np.isclose(after.end_s - after.start_s, mark.end_s - mark.start_s)
    assert after.start_s >= -1e-9
    assert after.end_s <= 10.0 + 1e-9


@given(marks, st.sampled_from(("start", "end")), st.floats(-5, 15, allow_nan=False))
def test_resizing_never_turns_a_span_round(mark: SpanMark, edge: str, time_s: float) -> None:
    after = resized(mark, edge, time_s, 10.0)
    assert 0 <= after.start_s < after.end_s <= 10.0


@given(st.lists(marks, max_size=6))
def test_what_is_shown_as_heard_is_what_the_engine_hears(spans: list[SpanMark]) -> None:
    """Later spans win: at every frame away from an edge the label is the engine's."""
    rate = 48_000
    grid = FrameGrid.over(rate, 10 * rate)
    labels = label_frames(tuple(Span(s.start_s, s.end_s, s.sign) for s in spans), grid)
    edges = np.array([e for s in spans for e in (s.start_s, s.end_s)])
    stretches = effective(spans)
    for frame in range(0, grid.n_frames, 7):
        time_s = frame / grid.frames_per_s
        if len(edges) and np.abs(edges - time_s).min() < 2 * grid.hop_length / rate:
            continue
        heard = [sign for start_s, end_s, sign in stretches if start_s <= time_s < end_s]
        expected = {0: [], 1: ["+"], -1: ["-"]}[int(labels[frame])]
        assert heard == expected


def test_a_covered_span_is_known_to_say_nothing() -> None:
    spans = [SpanMark(1, 2), SpanMark(0, 1.5, "-"), SpanMark(1.5, 3, "-")]
    assert hidden(spans) == [0]
    assert hidden(spans[:2]) == []


def test_changing_the_sign_accepts_a_predicted_span() -> None:
    mark = flipped(SpanMark(0, 1, "+", "predicted"))
    assert (mark.sign, mark.origin) == ("-", "drawn")
    assert to_wire([SpanMark(0, 1, "+", "predicted")]) == ()


def test_the_wire_limits_how_many_there_are() -> None:
    spans = tuple(SpanMark(i, i + 0.5) for i in range(256))
    assert added(spans, SpanMark(900, 901)) == spans


def test_snapping_takes_the_nearest_within_reach() -> None:
    assert snapped(1.04, [0.0, 1.0, 1.1], 0.05) == 1.0
    assert snapped(1.04, [0.0, 2.0], 0.05) == 1.04
