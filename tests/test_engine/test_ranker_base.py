"""The request that every ranker gets."""

import pytest
import torch

from engine.data import Span
from engine.rankers.base import RankingRequest


def request(n_candidates: tuple[int, ...]) -> RankingRequest:
    return RankingRequest(
        mixtures=tuple(torch.zeros(100 + i) for i, _ in enumerate(n_candidates)),
        candidates=tuple(torch.zeros(k, 120) for k in n_candidates),
        descriptions=("dog barking",) * len(n_candidates),
        spans=((Span(0.1, 0.2),),) * len(n_candidates),
        masked_videos=(None,) * len(n_candidates),
        sample_rate=48_000,
    )


def test_sizes() -> None:
    made = request((3, 3))

    assert (made.n_prompts, made.n_candidates) == (2, 3)


def test_every_prompt_has_as_many_candidates() -> None:
    with pytest.raises(AssertionError):
        request((3, 2))
