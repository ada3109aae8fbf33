"""Several rankers as one: a weighted sum that says who took part.

    request -> every part that can be used -> sum of weight * score -> Ranking

A part whose weights are not on this machine, or that has nothing to listen to in this prompt, is
left out and named in the report; the others decide alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data import JsonValue, Monitor, Notice

from .base import SILENT, Ranker, RankingRequest


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A ranker in a sum. name: as the configuration calls it; weight: of its score."""

    name: str
    ranker: Ranker
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class MissingRanker:
    """A ranker that was asked for and did not take part. reason: a sentence without its stop."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class RankingReport:
    """Which rankers made the scores, name and weight each, and which did not take part."""

    used: tuple[tuple[str, float], ...] = ()
    missing: tuple[MissingRanker, ...] = ()

    def __str__(self) -> str:
        """One line for a person: `ranked by 5 x clap; without judge: ...`."""
        names = " + ".join(f"{weight:g} x {name}" for name, weight in self.used)
        line = f"ranked by {names}" if names else "not ranked"
        without = "; ".join(f"without {each.name}: {each.reason}" for each in self.missing)
        return f"{line}; {without}" if without else line

    def notices(self) -> tuple[Notice, ...]:
        """What to tell the user: nothing when every ranker took part."""
        return (Notice("rankers_missing", f"Candidates: {self}."),) if self.missing else ()

    def as_json(self) -> dict[str, JsonValue]:
        """The report for a receipt."""
        return {
            "used": dict(self.used),
            "missing": {each.name: each.reason for each in self.missing},
        }


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scores of all candidates, larger is better.

    scores: [B, K] float32, the weighted sum; `None` when no ranker took part.
    parts: per ranker [B, K], before weighting.
    """

    scores: Tensor | None
    report: RankingReport
    parts: Mapping[str, Tensor]

    def best_first(self, prompt: int) -> tuple[int, ...]:
        """Candidates of a prompt in order; equal ones as they came. Only when there are scores."""
        assert self.scores is not None
        order: list[int] = self.scores[prompt].argsort(descending=True, stable=True).tolist()
        return tuple(order)


class Ensemble:
    """A weighted sum of rankers."""

    name = "ensemble"

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why no part can be used; `None` if one can."""
        usable, missing = self._usable(request)
        if usable:
            return None
        reasons = "; ".join(f"{each.name}: {each.reason}" for each in missing)
        return reasons or "it has no parts"

    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """The weighted sum [B, K] over the parts that can be used. Raises Cancelled."""
        scores = self.rank(request, monitor).scores
        assert scores is not None
        return scores

    def rank(self, request: RankingRequest, monitor: Monitor = SILENT) -> Ranking:
        """Scores with the report of who made them. Raises Cancelled.

        A score that is not a number, which only a broken candidate can get, ranks last.
        """
        usable, missing = self._usable(request)
        parts = {part.name: part.ranker.score(request, monitor) for part in usable}
        report = RankingReport(tuple((part.name, part.weight) for part in usable), missing)
        if not parts:
            return Ranking(None, report, parts)

        total = torch.stack([part.weight * parts[part.name] for part in usable]).sum(dim=0)
        lowest = torch.full_like(total, -torch.inf)
        return Ranking(torch.where(total.isnan(), lowest, total), report, parts)

    def _usable(self, request: RankingRequest) -> tuple[list[Part], tuple[MissingRanker, ...]]:
        usable, missing = [], []
        for part in self.parts:
            reason = part.ranker.unusable_because(request)
            if reason is None:
                usable.append(part)
            else:
                missing.append(MissingRanker(part.name, reason))
        return usable, tuple(missing)
