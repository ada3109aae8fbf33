"""Sound activity: pydub's silence rule on 16-bit samples, and the overlap with the spans."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.data import Span
from engine.model.config import SoundActivityRankerConfig
from engine.rankers.base import RankingRequest
from engine.rankers.silence import Levels, converted_rate, nonsilent_ms
from engine.rankers.sound_activity import (
    Overlap,
    SoundActivityRanker,
    overlap_of,
    present_stretches,
)


def tone(
    *active_s: tuple[float, float], duration_s: float = 2.0, rate: int = 48_000
) -> torch.Tensor:
    time = torch.arange(round(duration_s * rate)) / rate
    on = sum(((time >= start) & (time < end)).float() for start, end in active_s)
    return 0.3 * torch.sin(2 * math.pi * 440 * time) * on


def request(candidates: torch.Tensor, *spans: Span) -> RankingRequest:
    return RankingRequest((candidates[0],), (candidates,), ("",), (spans,), (None,), 48_000)


def pcm(n: int) -> NDArray[np.int16]:
    """A fixed full-scale integer sequence."""
    return (np.arange(n, dtype=np.int64) * 40_503 % 65_536 - 32_768).astype(np.int16)


# What audioop.ratecv of Python 3.11 gave for pcm(8) and pcm(5).
RATECV = [
    (8, 48_000, 24_000, [-32768, -17298, -1828, 13642]),
    (8, 44_100, 24_000, [-32768, -13231, 6307, -6104]),
    (5, 16_000, 24_000, [-32768, -5766, -610, -17298, 9704, 14860, -1828]),
]


@pytest.mark.parametrize(("n", "from_hz", "to_hz", "expected"), RATECV)
def test_rate_is_converted_like_audioop(
    n: int, from_hz: int, to_hz: int, expected: list[int]
) -> None:
    assert converted_rate(pcm(n), from_hz, to_hz).tolist() == expected


def test_equal_rates_leave_the_samples_alone() -> None:
    assert converted_rate(pcm(9), 24_000, 24_000).tolist() == pcm(9).tolist()


def test_levels_are_whole_numbers_cut_down() -> None:
    levels = Levels.of(np.array([3, 4] * 12_000, dtype=np.int16), 24_000)

    assert levels.duration_ms == 1000
    assert levels.rms(np.array([0, 900]), 250).tolist() == [3, 3]  # sqrt(12.5) = 3.5


def test_a_short_pause_is_no_silence() -> None:
    levels = Levels.of(np.full(24_000, 5000, np.int16), 24_000)
    pause = np.full(24_000, 5000, np.int16)
    pause[6000:11_000] = 0  # 208 ms

    assert nonsilent_ms(levels, -40) == [(0, 1000)]
    assert nonsilent_ms(Levels.of(pause, 24_000), -40) == [(0, 1000)]


def bursts() -> NDArray[np.int16]:
    """Levels that cross thresholds at odd places; 1.2537 s."""
    gains = np.repeat(
        [0.0, 0.9, 0.01, 0.2, 0.0, 0.02, 0.5], [3001, 4003, 6007, 2011, 7013, 6029, 2025]
    )
    return (gains * pcm(len(gains))).astype(np.int16)


# What pydub 0.25.1's detect_nonsilent gave for bursts(), 250 ms, every 10 ms.
PYDUB = [
    (-5.0, []),
    (-12.0, [(0, 240)]),
    (-30.0, [(0, 300), (560, 610), (1170, 1254)]),
    (-45.0, [(0, 630), (970, 1254)]),
    (-60.0, [(0, 630), (920, 1254)]),
]


@pytest.mark.parametrize(("threshold_db", "expected"), PYDUB)
def test_silence_is_found_like_pydub(threshold_db: float, expected: list[tuple[int, int]]) -> None:
    assert nonsilent_ms(Levels.of(bursts(), 24_000), threshold_db) == expected


def test_nothing_is_louder_than_its_own_silence() -> None:
    ranker = SoundActivityRanker()

    assert ranker.active_stretches(torch.zeros(48_000), 48_000) == []
    assert ranker.active_stretches(torch.zeros(0), 48_000) == []


def test_the_candidate_that_sounds_in_the_span_wins() -> None:
    candidates = torch.stack([tone((0.0, 1.8)), tone((0.5, 1.0)), tone((1.2, 1.9))])
    ranker = SoundActivityRanker()
    made = request(candidates, Span(0.5, 1.0))

    scores = ranker.score(made)

    assert ranker.unusable_because(made) is None
    assert scores.shape == (1, 3)
    assert int(scores.argmax()) == 1
    assert scores[0, 2] == 0


def test_each_candidate_has_its_own_metric() -> None:
    candidates = torch.stack([tone((0.0, 1.8)), tone((0.5, 0.75))])
    made = request(candidates, Span(0.5, 1.0))

    recall = SoundActivityRanker(SoundActivityRankerConfig(metric="recall")).score(made)
    precision = SoundActivityRanker(SoundActivityRankerConfig(metric="precision")).score(made)

    assert int(recall.argmax()) == 0
    assert int(precision.argmax()) == 1


def test_an_absolute_threshold_hears_nothing_below_it() -> None:
    quiet = 0.001 * tone((0.5, 1.0))
    absolute = SoundActivityRankerConfig(threshold_mode="abs", sil_threshold=-40)

    assert SoundActivityRanker().active_stretches(quiet, 48_000) != []
    assert SoundActivityRanker(absolute).active_stretches(quiet, 48_000) == []


def test_without_a_present_span_there_is_nothing_to_compare() -> None:
    candidates = tone((0.5, 1.0))[None]

    assert SoundActivityRanker().unusable_because(request(candidates)) is not None
    assert SoundActivityRanker().unusable_because(request(candidates, Span.absent(0, 1)))


def test_later_spans_win_where_they_overlap() -> None:
    spans = (Span(0, 2), Span(1, 3), Span.absent(0.5, 1.5), Span(0.9, 1.0))

    assert present_stretches(spans) == [(0.0, 0.5), (0.9, 1.0), (1.5, 3.0)]


stretches = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=6).map(
    lambda pairs: present_stretches([Span(start, start + n) for start, n in pairs])
)


@given(stretches, stretches)
def test_overlap_is_what_counting_seconds_gives(
    found: list[tuple[float, float]], wanted: list[tuple[float, float]]
) -> None:
    found_s = {second for start, end in found for second in range(int(start), int(end))}
    wanted_s = {second for start, end in wanted for second in range(int(start), int(end))}
    shared, either = len(found_s & wanted_s), len(found_s | wanted_s)

    expected = Overlap(
        iou=shared / either if either else 0,
        recall=shared / len(wanted_s) if wanted_s else 0,
        precision=shared / len(found_s) if found_s else 0,
    )

    assert overlap_of(found, wanted) == expected
