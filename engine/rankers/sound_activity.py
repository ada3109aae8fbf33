"""Sound activity: does a candidate sound where the spans say that it does?

candidate -> 16 bits, 24 kHz -> nonsilent stretches -> overlap with the `+` spans
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.data import Monitor, Span
from engine.model.config import SoundActivityRankerConfig

from .base import SILENT, RankingRequest
from .silence import FULL_SCALE, Levels, converted_rate, nonsilent_ms

SAMPLE_RATE = 24_000

Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two lists of stretches agree; each figure is 0 where it would divide by zero."""

    iou: float
    recall: float
    precision: float


class SoundActivityRanker:
    """Scores candidates by the overlap of their sound with the spans. Needs no weights."""

    name = "sound_activity"

    def __init__(self, config: SoundActivityRankerConfig | None = None) -> None:
        self.config = config or SoundActivityRankerConfig()

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why the request lacks what this ranker listens to; `None` if it can be used."""
        if all(present_stretches(spans) for spans in request.spans):
            return None
        return "the prompt has no '+' span to compare the sound with"

    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """Scores [B, K] in 0 to 1: the configured figure of `Overlap`. Raises Cancelled."""
        monitor.check()
        scores = [
            [
                self._score_one(candidate, present_stretches(spans), request.sample_rate)
                for candidate in candidates
            ]
            for candidates, spans in zip(request.candidates, request.spans, strict=True)
        ]
        return torch.tensor(scores, dtype=torch.float32)

    def active_stretches(self, wav: Tensor, sample_rate: int) -> list[Stretch]:
        """Where wav [N] sounds, in seconds, to the millisecond."""
        # 32768 gives back the integers of a 16-bit file.
        scaled = torch.round(wav.detach().float().cpu().nan_to_num() * FULL_SCALE)
        pcm = scaled.clamp(-FULL_SCALE, FULL_SCALE - 1).numpy().astype(np.int16)
        levels = Levels.of(converted_rate(pcm, sample_rate, SAMPLE_RATE), SAMPLE_RATE)

        threshold_db = self.config.sil_threshold
        if self.config.threshold_mode == "rel_to_max":
            threshold_db += levels.peak_db()
        return [(start / 1000, end / 1000) for start, end in nonsilent_ms(levels, threshold_db)]

    def _score_one(self, wav: Tensor, present: list[Stretch], sample_rate: int) -> float:
        overlap = overlap_of(self.active_stretches(wav, sample_rate), present)
        figures = {
            "iou": overlap.iou,
            "recall": overlap.recall,
            "precision": overlap.precision,
        }
        return figures[self.config.metric]


def overlap_of(found: Sequence[Stretch], wanted: Sequence[Stretch]) -> Overlap:
    """Agreement of the stretches that were found with those that were wanted.

    Stretches within one list must not overlap each other.
    """
    shared = sum(
        max(min(end, other_end) - max(start, other_start), 0.0)
        for start, end in found
        for other_start, other_end in wanted
    )
    found_s = sum(end - start for start, end in found)
    wanted_s = sum(end - start for start, end in wanted)
    either_s = found_s + wanted_s - shared
    return Overlap(
        iou=shared / either_s if either_s else 0.0,
        recall=shared / wanted_s if wanted_s else 0.0,
        precision=shared / found_s if found_s else 0.0,
    )


def present_stretches(spans: Sequence[Span]) -> list[Stretch]:
    """Where the spans say that the sound is, without overlaps, in order of time.

    Later spans win where spans overlap, as they do for the model.
    """
    present: list[Stretch] = []
    for span in spans:
        outside = [
            piece
            for start, end in present
            for piece in ((start, min(end, span.start_s)), (max(start, span.end_s), end))
            if piece[0] < piece[1]
        ]
        present = [*outside, (span.start_s, span.end_s)] if span.sign == "+" else outside
    return sorted(present)
