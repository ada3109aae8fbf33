"""The weighted sum of rankers, and what it reports."""

import math

import pytest
import torch
from torch import Tensor

from engine.data import Monitor
from engine.errors import Cancelled
from engine.rankers.base import SILENT, RankingRequest
from engine.rankers.ensemble import Ensemble, Part, Ranking, RankingReport
from engine.rankers.sound_activity import SoundActivityRanker

from .tiny_rankers import noise, request_of


class Opinion:
    """A ranker that always thinks the same of its candidates."""

    def __init__(self, *scores: float) -> None:
        self.name = "opinion"
        self.scores = scores

    def unusable_because(self, request: RankingRequest) -> str | None:
        return None if request.n_candidates == len(self.scores) else "other candidates"

    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        monitor.check()
        return torch.tensor([self.scores] * request.n_prompts)


THREE = request_of(noise(3, 1_000))


def test_scores_are_weighted_and_added() -> None:
    ensemble = Ensemble((Part("a", Opinion(0, 1, 0.5), 5.0), Part("b", Opinion(4, 1, 2), 1.0)))

    ranking = ensemble.rank(THREE)

    assert ranking.scores is not None
    assert ranking.scores.tolist() == [[4.0, 6.0, 4.5]]
    assert torch.equal(ensemble.score(THREE), ranking.scores)
    assert ranking.best_first(0) == (1, 2, 0)
    assert {name: scores.tolist() for name, scores in ranking.parts.items()} == {
        "a": [[0.0, 1.0, 0.5]],
        "b": [[4.0, 1.0, 2.0]],
    }
    assert ranking.report == RankingReport((("a", 5.0), ("b", 1.0)))
    assert ranking.report.notices() == ()


def test_equal_candidates_keep_their_order() -> None:
    assert Ensemble((Part("a", Opinion(1, 2, 2)),)).rank(THREE).best_first(0) == (1, 2, 0)


def test_a_part_that_cannot_be_used_is_named() -> None:
    ensemble = Ensemble(
        (
            Part("judge", Opinion(1, 2), 3.0),
            Part("a", Opinion(3, 2, 1)),
            Part("activity", SoundActivityRanker(), 2.0),
        )
    )

    ranking = ensemble.rank(THREE)
    report = ranking.report

    assert ensemble.unusable_because(THREE) is None
    assert ranking.best_first(0) == (0, 1, 2)
    assert report.used == (("a", 1.0),)
    assert [each.name for each in report.missing] == ["judge", "activity"]
    assert str(report) == (
        "ranked by 1 x a; without judge: other candidates; "
        "without activity: the prompt has no '+' span to compare the sound with"
    )
    (notice,) = report.notices()
    assert str(report) in notice.message
    assert report.as_json() == {
        "used": {"a": 1.0},
        "missing": {
            "judge": "other candidates",
            "activity": "the prompt has no '+' span to compare the sound with",
        },
    }


def test_without_a_usable_part_nothing_is_ranked() -> None:
    ensemble = Ensemble((Part("clap", Opinion(1, 2)),))

    ranking = ensemble.rank(THREE)

    assert isinstance(ranking, Ranking)
    assert ranking.scores is None
    assert str(ranking.report) == "not ranked; without clap: other candidates"
    assert ensemble.unusable_because(THREE) == "clap: other candidates"
    assert Ensemble(()).unusable_because(THREE) == "it has no parts"


def test_a_broken_candidate_comes_last() -> None:
    ranking = Ensemble((Part("a", Opinion(math.nan, -5, -7)),)).rank(THREE)

    assert ranking.best_first(0) == (1, 2, 0)


def test_it_stops_when_asked() -> None:
    with pytest.raises(Cancelled):
        Ensemble((Part("a", Opinion(1, 2, 3)),)).rank(THREE, Monitor(is_cancelled=lambda: True))
