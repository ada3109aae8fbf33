from hypothesis import given
from hypothesis import strategies as st

from engine.data import Span
from engine.model.anchors import ABSENT_ID, NULL_ID, PAD_ID, PRESENT_ID, anchors_from_spans


def test_every_frame_of_a_prompt_without_spans_points_at_null() -> None:
    anchors = anchors_from_spans([[]], [5])
    assert anchors.ids.tolist() == [[NULL_ID, PAD_ID]]
    assert anchors.alignment.tolist() == [[0, 0, 0, 0, 0]]
    assert anchors.per_frame().tolist() == [[NULL_ID] * 5]


def test_later_spans_win_and_padding_is_marked() -> None:
    spans = [[Span(0.0, 0.2), Span(0.08, 0.12, "-")], []]
    anchors = anchors_from_spans(spans, [7, 5])
    assert anchors.ids.tolist() == [
        [NULL_ID, PAD_ID, PRESENT_ID, ABSENT_ID],
        [NULL_ID, PAD_ID, PAD_ID, PAD_ID],
    ]
    assert anchors.alignment.tolist() == [[2, 2, 3, 2, 2, 0, 0], [0, 0, 0, 0, 0, 1, 1]]
    assert anchors.per_frame()[1].tolist() == [NULL_ID] * 5 + [PAD_ID] * 2


def test_borders_are_rounded_up_in_binary_as_the_original_does() -> None:
    anchors = anchors_from_spans([[Span(0.28, 0.44)]], [12])
    assert anchors.alignment[0].nonzero().flatten().tolist() == [8, 9, 10]


def test_a_span_past_the_end_of_a_short_item_reaches_into_its_padding() -> None:
    anchors = anchors_from_spans([[Span(0.04, 9.0)], []], [2, 4])
    assert anchors.alignment[0].tolist() == [0, 2, 2, 2]


@given(
    st.lists(
        st.builds(
            lambda start, length, sign: Span(start, start + length, sign),
            st.floats(0, 3),
            st.floats(0.001, 2),
            st.sampled_from("+-"),
        ),
        max_size=5,
    )
)
def test_a_frame_knows_the_last_span_that_covers_it(spans: list[Span]) -> None:
    ids = anchors_from_spans([spans], [100]).per_frame()[0].tolist()
    for frame, anchor in enumerate(ids):
        start = frame * 1920 / 48_000
        covering = [span for span in spans if span.start_s <= start < span.end_s - 1e-9]
        near_a_border = any(
            min(abs(span.start_s - start), abs(span.end_s - start)) < 1e-6 for span in spans
        )
        if not near_a_border:
            expected = {"+": PRESENT_ID, "-": ABSENT_ID}[covering[-1].sign] if covering else NULL_ID
            assert anchor == expected


def test_candidates_repeat_a_prompt_before_the_next() -> None:
    anchors = anchors_from_spans([[Span(0, 0.04)], []], [2, 2]).repeated(2)
    assert anchors.per_frame().tolist() == [[1, 0], [1, 0], [0, 0], [0, 0]]
