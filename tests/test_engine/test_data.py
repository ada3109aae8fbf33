"""Spans and prompts: what is accepted, what is refused, and how it is said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import Monitor, Progress, Prompt, SeparationOptions, Span, clip_spans
from engine.errors import Cancelled, PromptError

times = st.floats(min_value=0, max_value=1e5, allow_nan=False)


@given(times, st.floats(min_value=1e-3, max_value=1e4), st.sampled_from("+-"))
def test_a_span_survives_its_text(start_s: float, length_s: float, sign: str) -> None:
    span = Span(start_s, start_s + length_s, sign)  # type: ignore[arg-type]
    again = Span.parse(f"{sign}{span.start_s!r}:{span.end_s!r}")
    assert again == span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1.2:2.5", Span.present(1.2, 2.5)),
        ("1.2:2.5", Span.present(1.2, 2.5)),
        (" -4 : 6 ", Span.absent(4, 6)),
        ("−4:6", Span.absent(4, 6)),
        ("+1e1:2e1", Span.present(10, 20)),
    ],
)
def test_spans_are_read_as_people_write_them(text: str, expected: Span) -> None:
    assert Span.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("+2.5:1.2", "write +1.2:2.5"),
        ("+1:1", "empty"),
        ("abc", "+1.2:2.5"),
        ("+1", "START:END"),
        ("+1.2.3:4", "not a number"),
        ("+1:1e999", "finite"),
    ],
)
def test_bad_spans_say_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(PromptError) as caught:
        Span.parse(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("start_s", [-0.1, math.nan, math.inf, -math.inf])
def test_a_span_has_a_finite_start_at_or_after_zero(start_s: float) -> None:
    with pytest.raises(PromptError):
        Span(start_s, 2.0)


def test_an_unknown_sign_is_named() -> None:
    with pytest.raises(PromptError, match="'x'"):
        Span(0, 1, "x")  # type: ignore[arg-type]


def test_an_empty_prompt_is_refused_and_white_space_is_no_description() -> None:
    with pytest.raises(PromptError, match="empty"):
        Prompt("  \t ")
    assert Prompt("  dog \n barking ").description == "dog barking"


def test_a_prompt_is_frozen_whatever_iterable_it_was_given() -> None:
    spans = [Span.present(0, 1)]
    prompt = Prompt("dog", spans=spans)
    spans.append(Span.absent(2, 3))
    assert prompt.spans == (Span.present(0, 1),)
    with pytest.raises(PromptError, match="Span"):
        Prompt("dog", spans=[(0, 1)])  # type: ignore[list-item]


def test_spans_are_cut_at_the_end_and_refused_beyond_it() -> None:
    assert clip_spans((Span.present(1, 9),), 4.0) == (Span.present(1, 4.0),)
    with pytest.raises(PromptError, match="outside"):
        clip_spans((Span.present(4.0, 5),), 4.0)


def test_parts_of_the_work_report_as_shares_of_the_whole() -> None:
    seen: list[Progress] = []
    monitor = Monitor(seen.append)
    monitor.part(0, 0.5).report("learn", 0.5)
    monitor.part(0.5, 1).report("separate", 1.0)
    assert [progress.fraction for progress in seen] == [0.25, 1.0]


def test_a_cancelled_monitor_raises_at_the_next_check() -> None:
    monitor = Monitor(is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        monitor.part(0, 0.5).report("learn", 0.1)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"quality": "ultra"}, "quality 'ultra': allowed are draft, standard, best"),
        ({"stereo": "wide"}, "stereo 'wide': allowed are project, generated, mono"),
        ({"residual": "none"}, "residual 'none': allowed are exact, generated"),
        ({"presence_gate": 1.5}, "presence_gate 1.5: allowed is 0"),
        ({"presence_gate": math.nan}, "presence_gate nan"),
    ],
)
def test_options_that_are_none_are_refused_by_name(
    given: dict[str, object], complaint: str
) -> None:
    with pytest.raises(PromptError) as caught:
        SeparationOptions(**given)  # type: ignore[arg-type]
    assert complaint in str(caught.value)
