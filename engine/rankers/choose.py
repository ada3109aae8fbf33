"""Which ranking a prompt gets.

    one candidate                   -> none, and nothing is opened
    a video, and `visual_ranker`    -> that one; if it cannot be used, the next
    `text_ranker`                   -> that one; if it cannot be used, the next
    `+` spans                       -> sound activity, which needs no weights
    otherwise                       -> the candidates stay as they came, unranked

The first three are the original's rule; it has no way out when weights are missing.
"""

from collections.abc import Iterator

from engine.data import Monitor
from engine.model.config import RankerConfig, SoundActivityRankerConfig

from .base import SILENT, RankingRequest
from .create import RankerSource, create_ensemble
from .ensemble import Ensemble, MissingRanker, Ranking, RankingReport


class RankerChoice:
    """The configured rankers of a model, each opened at its first use and kept from then on."""

    def __init__(
        self, visual: RankerConfig | None, text: RankerConfig | None, source: RankerSource
    ) -> None:
        self.visual = visual
        self.text = text
        self.source = source
        self._opened: dict[str, Ensemble] = {}

    def rank(self, request: RankingRequest, monitor: Monitor = SILENT) -> Ranking:
        """The ranking of the request by the first rankers that can be used.

        Its report names every ranker that was passed over, and why.
        Raises Cancelled, CheckpointCorrupt or CheckpointMismatch.
        """
        if request.n_candidates == 1:
            return Ranking(None, RankingReport(), {})
        missing: list[MissingRanker] = []
        for role, config in self._order(request):
            ranking = self._ensemble(role, config).rank(request, monitor)
            missing += ranking.report.missing
            if ranking.scores is not None:
                report = RankingReport(ranking.report.used, tuple(missing))
                return Ranking(ranking.scores, report, ranking.parts)
        return Ranking(None, RankingReport((), tuple(missing)), {})

    def release(self) -> None:
        """Let go of all opened rankers and their memory."""
        self._opened.clear()

    def _order(self, request: RankingRequest) -> Iterator[tuple[str, RankerConfig]]:
        if self.visual is not None and any(video is not None for video in request.masked_videos):
            yield "visual", self.visual
        if self.text is not None:
            yield "text", self.text
        if any(span.sign == "+" for spans in request.spans for span in spans):
            yield "spans", SoundActivityRankerConfig()

    def _ensemble(self, role: str, config: RankerConfig) -> Ensemble:
        if role not in self._opened:
            self._opened[role] = create_ensemble(config, self.source)
        return self._opened[role]
