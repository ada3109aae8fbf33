"""Several takes of a prompt, put in order by the rankers that this machine has."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import AudioClip, JsonValue, MaskedVideo, Monitor, Notice, Prompt, Span
from engine.model.masked_video import masked_frames
from engine.model.separation import SAMAudio
from engine.rankers.base import RankingRequest
from engine.rankers.ensemble import RankingReport
from engine.units import frames_from_samples

from .hearing import mono_blocks

_BLOCK_SAMPLES = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class RankedTakes:
    """waves: [N, K] at the model's rate, best first.   scores: [K], empty when nothing ranked."""

    waves: NDArray[np.float32]
    scores: tuple[float, ...]
    report: RankingReport

    def blocks(self, monitor: Monitor) -> Iterator[NDArray[np.float32]]:
        """The waves block by block."""
        for start in range(0, len(self.waves), _BLOCK_SAMPLES):
            monitor.report("place", start / len(self.waves))
            yield self.waves[start : start + _BLOCK_SAMPLES]

    def notices(self) -> tuple[Notice, ...]:
        """What took part in the ranking, when it is not what it should be."""
        if not self.scores and not self.report.missing:
            return (Notice("candidates_unranked", "No ranker: candidates are in no order."),)
        return self.report.notices()

    def as_json(self) -> dict[str, JsonValue]:
        """For the receipt."""
        return self.report.as_json()


def rank_takes(
    model: SAMAudio,
    mixture: AudioClip,
    waves: NDArray[np.float32],
    prompt: Prompt,
    spans: tuple[Span, ...],
    monitor: Monitor,
) -> RankedTakes:
    """The takes [N, K], best first; as they came when no ranker can be used.

    Holds all takes and the mono mixture in the host's memory.
    Raises Cancelled, CheckpointCorrupt or CheckpointMismatch.
    """
    monitor.report("rank", 0.0)
    rankers = model.companions.rankers(model.device)
    if rankers is None:
        return RankedTakes(waves, (), RankingReport())
    rate = model.config.audio_codec.sample_rate
    video = None if rankers.visual is None else prompt.masked_video
    mono = np.concatenate(list(mono_blocks(mixture, rate)))[:, 0]
    request = RankingRequest(
        mixtures=(torch.from_numpy(mono),),
        candidates=(torch.from_numpy(np.ascontiguousarray(waves.T)),),
        descriptions=(prompt.description,),
        spans=(spans,),
        masked_videos=(None if video is None else _shown(video, model, len(mono)),),
        sample_rate=rate,
    )
    ranking = rankers.rank(request, monitor)
    if ranking.scores is None:
        return RankedTakes(waves, (), ranking.report)
    order = list(ranking.best_first(0))
    scores = tuple(ranking.scores[0, order].tolist())
    return RankedTakes(np.ascontiguousarray(waves[:, order]), scores, ranking.report)


def _shown(video: MaskedVideo, model: SAMAudio, n_samples: int) -> Tensor:
    """The frames that the model saw, [T, 3, H, W]."""
    frames = list(
        masked_frames(video, frames_from_samples(n_samples, model.config.audio_codec.hop_length))
    )
    images = torch.from_numpy(np.stack([frame.image for frame in frames]))
    return images.repeat_interleave(torch.tensor([frame.n_repeats for frame in frames]), dim=0)
