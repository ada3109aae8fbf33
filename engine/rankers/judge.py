"""The judge as a ranker: its overall score for mixture, candidate and description."""

import torch
from torch import Tensor

from engine.data import Monitor
from engine.model.judge import Judge
from engine.units import SAM_HOP_LENGTH, SAM_SAMPLE_RATE, frames_from_samples

from .base import SILENT, RankingRequest, no_description
from .resample import resampled


class JudgeRanker:
    """Scores candidates by what the judge thinks of them overall, about 1 to 5."""

    name = "judge"

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why the judge cannot listen to the request; `None` if it can."""
        if (reason := no_description(request)) is not None:
            return reason
        longest_s = max(len(mixture) for mixture in request.mixtures) / request.sample_rate
        n_frames = frames_from_samples(round(longest_s * SAM_SAMPLE_RATE))
        n_most = self.judge.config.transformer.max_position_embeddings - 1
        if n_frames > n_most:
            most_s = n_most * SAM_HOP_LENGTH / SAM_SAMPLE_RATE
            return f"the judge hears at most {most_s:g} s at once, not {longest_s:.1f} s"
        return None

    @torch.inference_mode()
    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """Scores [B, K]. Raises Cancelled.

        Prompts are heard one by one: together, shorter ones would be filled up with silence that
        the judge hears, and their scores would depend on their neighbours.
        """
        rows = []
        for mixture, candidates, description in zip(
            request.mixtures, request.candidates, request.descriptions, strict=True
        ):
            monitor.check()
            mixture, candidates = (
                self._at_own_rate(wav, request.sample_rate) for wav in (mixture, candidates)
            )
            rows.append(self.judge.score([mixture], [candidates], [description]).overall)
        return torch.cat(rows).float().cpu()

    def _at_own_rate(self, wav: Tensor, sample_rate: int) -> Tensor:
        wav = wav.detach().to(self.judge.mean.device, torch.float32)
        return resampled(wav, sample_rate, SAM_SAMPLE_RATE)
