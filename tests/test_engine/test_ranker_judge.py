"""The judge as a ranker."""

from pathlib import Path

import pytest
import torch

from engine.data import Monitor
from engine.errors import Cancelled
from engine.model.judge import Judge
from engine.rankers.base import RankingRequest
from engine.rankers.judge import JudgeRanker

from .tiny_rankers import noise, request_of, write_judge


@pytest.fixture
def ranker(tmp_path: Path) -> JudgeRanker:
    return JudgeRanker(Judge.from_folder(write_judge(tmp_path)))


def test_every_candidate_has_its_own_score(ranker: JudgeRanker) -> None:
    made = request_of(noise(3, 9_000))

    first, second = ranker.score(made), ranker.score(made)

    assert first.shape == (1, 3)
    assert first.unique().numel() == 3
    assert torch.equal(first, second)


def test_candidates_may_be_longer_than_the_mixture(ranker: JudgeRanker) -> None:
    candidates = noise(2, 9_600)
    made = RankingRequest((noise(9_000),), (candidates,), ("rain",), ((),), (None,), 48_000)

    assert ranker.score(made).shape == (1, 2)


def test_prompts_do_not_depend_on_their_neighbours(ranker: JudgeRanker) -> None:
    short, long = noise(2, 5_000, seed=4), noise(2, 20_000, seed=5)
    together = RankingRequest(
        (short[0], long[0]), (short, long), ("rain", "dog"), ((), ()), (None, None), 48_000
    )
    alone = RankingRequest((short[0],), (short,), ("rain",), ((),), (None,), 48_000)

    assert torch.equal(ranker.score(together)[:1], ranker.score(alone))


def test_another_rate_is_brought_to_the_judges_own(ranker: JudgeRanker) -> None:
    wav = noise(2, 8_000)
    made = RankingRequest((wav[0],), (wav,), ("rain",), ((),), (None,), 24_000)

    assert ranker.score(made).shape == (1, 2)


def test_scores_are_float32_whatever_comes_in(ranker: JudgeRanker) -> None:
    wav = noise(1, 9_000).half()
    made = RankingRequest((wav[0],), (wav,), ("rain",), ((),), (None,), 48_000)
    full = RankingRequest((wav[0].float(),), (wav.float(),), ("rain",), ((),), (None,), 48_000)

    assert ranker.score(made).dtype == torch.float32
    assert torch.equal(ranker.score(made), ranker.score(full))


def test_what_it_cannot_hear_is_said(ranker: JudgeRanker) -> None:
    n_most = (ranker.judge.config.transformer.max_position_embeddings - 1) * 1920

    assert ranker.unusable_because(request_of(noise(1, 100), "")) == "the prompt has no description"
    assert ranker.unusable_because(request_of(noise(1, n_most))) is None
    assert "at most" in (ranker.unusable_because(request_of(noise(1, n_most + 1))) or "")


def test_it_stops_when_asked(ranker: JudgeRanker) -> None:
    with pytest.raises(Cancelled):
        ranker.score(request_of(noise(1, 9_000)), Monitor(is_cancelled=lambda: True))
