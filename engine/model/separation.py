"""SAM-Audio as the original's users know it: a batch in, targets and residuals out.

    Batch -> encode -> (predict spans) -> Conditioning -> noise to latent -> decode -> rank

Rows of candidates are ordered by prompt: prompt 0 with all its candidates, then prompt 1.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.data import MaskedVideo, Monitor, Notice, Span
from engine.errors import PromptError
from engine.rankers.base import RankingRequest
from engine.rankers.ensemble import Ranking, RankingReport
from engine.samplers import Draw, Sampling, Step, VectorField, batch_noise

from .batch import Batch
from .companions import Companions
from .conditioning import Conditioning
from .config import SAMAudioConfig
from .masked_video import masked_frames
from .sam_audio import SAMAudioNetwork
from .vision_encoder import PUBLISHED_TOWERS, TowerRegistry, pad_features
from .watermark import N_BITS, message_from_seed

if TYPE_CHECKING:  # it evaluates this network
    from .int8_cost import Int8Cost

log = logging.getLogger(__name__)

_ENCODED, _SAMPLED, _DECODED = 0.08, 0.85, 0.95  # shares of the whole work, roughly


@dataclass(frozen=True, slots=True, eq=False)
class SeparationResult:
    """What `separate` gives for B prompts.

    target, residual: per prompt [N'], N' the mixture's length rounded up to whole frames.
    candidates: per prompt [K, N'], all targets, best first; the first is `target`.
    order: per prompt, which take each of them is.
    scores: [B, K] in the same order, larger is better; `None` when nothing ranked them.
    ranking: which rankers made the scores, and which could not.
    spans: that the model was given, by the user or predicted.
    noise: [B * K, T, 2C], where the takes started.
    """

    target: list[Tensor]
    residual: list[Tensor]
    candidates: list[Tensor]
    order: tuple[tuple[int, ...], ...]
    scores: Tensor | None
    ranking: RankingReport
    spans: tuple[tuple[Span, ...], ...]
    noise: Tensor

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the user should know: candidates that were not ranked as they should be."""
        if self.scores is None and len(self.order[0]) > 1 and not self.ranking.missing:
            return (Notice("candidates_unranked", "No ranker: candidates are in no order."),)
        return self.ranking.notices()


class SAMAudio(SAMAudioNetwork):
    """The separation network with the models beside it.

    int8_cost: what was measured when its layers were put into 8 bits; `None` when they were not.
    """

    int8_cost: "Int8Cost | None" = None

    def __init__(self, config: SAMAudioConfig, companions: Companions) -> None:
        super().__init__(config)
        self.companions = companions

    @classmethod
    def from_pretrained(
        cls,
        folder_or_name: str | os.PathLike[str],
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
        root: Path | None = None,
        towers: TowerRegistry = PUBLISHED_TOWERS,
        int8: bool = False,
    ) -> "SAMAudio":
        """The model in a folder with the official files, or of a known name in the store.

        Nothing is downloaded. Models beside it are looked for when a prompt needs them.
        dtype: of the network; `None` keeps the file's. The codec, the text encoder, the span
            predictor and the rankers compute in float32 whatever it is.
        root: of the model store, when it is not the default one.
        towers: shapes of vision towers that were not published.
        int8: keep the matrices of the transformer's layers in 8 bits, one scale per output; what
            that costs is what `python -m engine.model.precision_report --model NAME` prints.
        Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
        """
        from .pretrained import load_pretrained

        return load_pretrained(os.fspath(folder_or_name), device, dtype, root, towers, int8)

    @torch.inference_mode()
    def separate(
        self,
        batch: Batch,
        noise: Tensor | None = None,
        *,
        reranking_candidates: int = 1,
        predict_spans: bool = False,
        message: Tensor | None = None,
        seed: int = 0,
        sampling: Sampling = Sampling(),  # noqa: B008, a frozen value
        monitor: Monitor = Monitor(),  # noqa: B008, a frozen value
    ) -> SeparationResult:
        """Targets and residuals of a batch of prompts.

        noise: [B * K, T, 2C] to start from; by default drawn from `seed`.
        reranking_candidates: K, takes per prompt of which the best ranked one is the result.
        predict_spans: predict where the sound is for the prompts that come without spans.
        message: [2 * B * K, 16] of 0 and 1 for the watermark, target's and residual's row of every
            take; by default drawn from `seed`.
        Raises PromptError, AudioError, Cancelled, or CheckpointError when a model is missing.
        """
        n_takes = _checked_candidates(reranking_candidates)
        draws = [Draw(seed, take) for _ in range(batch.n_prompts) for take in range(n_takes)]
        noise = self._noise(noise, draws, max(batch.n_frames))
        message = self._message(message, draws)
        batch = batch.to(self.device)

        monitor.report("encode", 0.0)
        audio = self.encode_audio(batch.audios)
        if predict_spans:
            batch = self.with_predicted_spans(batch, audio)
        conditioning = self.conditioning(batch, audio)

        latent = self.sample(conditioning.repeated(n_takes), noise, sampling, monitor)

        target, residual = latent.chunk(2, dim=-1)
        takes = self._by_prompt(batch, self.decode(target, message[0::2]))
        monitor.report("rank", _DECODED)
        ranking = self.rank(batch, takes, monitor)

        order, scores = _best_first(ranking, batch.n_prompts, n_takes)
        best = torch.tensor([prompt * n_takes + row[0] for prompt, row in enumerate(order)])
        residuals = self.decode(residual[best], message[1::2][best])
        ordered = [wavs[list(row)] for wavs, row in zip(takes, order, strict=True)]
        monitor.report("done", 1.0)
        return SeparationResult(
            target=[wavs[0] for wavs in ordered],
            residual=[wavs[0] for wavs in self._by_prompt(batch, residuals)],
            candidates=ordered,
            order=order,
            scores=scores,
            ranking=ranking.report,
            spans=batch.spans,
            noise=noise,
        )

    def with_predicted_spans(self, batch: Batch, audio: Tensor) -> Batch:
        """`batch` with predicted spans for the prompts that have none.

        audio: features [B, T, C] of its mixtures. The prediction is float32 whatever the network.
        """
        if all(batch.spans):
            return batch
        predictor = self.companions.span_predictor.on(self.device)
        prediction = predictor.predict(audio.float(), batch.descriptions, batch.valid)
        spans = zip(batch.spans, prediction.spans, strict=True)
        return batch.with_spans(tuple(given or predicted for given, predicted in spans))

    def conditioning(self, batch: Batch, audio: Tensor) -> Conditioning:
        """Everything that the velocity depends on beside the noisy latent and time."""
        text = self.companions.text_encoder.on(self.device)(batch.descriptions)
        video = self.encode_videos(batch)
        return self.condition(audio, text, batch.anchors, video, batch.valid)

    def encode_videos(self, batch: Batch) -> Tensor | None:
        """Features [B, V, T] of the masked videos, zeros for prompts without; `None` for none."""
        if all(video is None for video in batch.videos):
            return None
        encoder = self.companions.vision_encoder.on(self.device)
        features = [
            torch.zeros(0, encoder.config.dim, device=self.device)
            if video is None
            else encoder.encode_video(masked_frames(video, n_frames))
            for video, n_frames in zip(batch.videos, batch.n_frames, strict=True)
        ]
        return pad_features(features, max(batch.n_frames))

    def vector_field(self, conditioning: Conditioning) -> VectorField:
        """The velocity as a function of the noisy latent and of time alone."""

        def velocity(x: Tensor, t: float) -> Tensor:
            times = torch.full((x.shape[0],), t, device=x.device)
            out: Tensor = self(x, times, conditioning)
            return out

        return velocity

    def sample(
        self, conditioning: Conditioning, noise: Tensor, sampling: Sampling, monitor: Monitor
    ) -> Tensor:
        """The latent [B * K, T, 2C] that `noise` of this shape becomes. Raises Cancelled.

        The state stays in float32: steps are small, and 16 bits would lose their ends.
        """

        def on_step(step: Step) -> None:
            done = step.n_done / step.n_steps
            monitor.report("sample", _ENCODED + done * (_SAMPLED - _ENCODED))

        monitor.report("sample", _ENCODED)
        start = noise.to(self.device, torch.float32)
        return sampling.solve(self.vector_field(conditioning), start, on_step)

    def rank(self, batch: Batch, takes: Sequence[Tensor], monitor: Monitor) -> Ranking:
        """Scores of the takes, per prompt [K, N'], by the rankers that the configuration names.

        Raises Cancelled, CheckpointCorrupt or CheckpointMismatch.
        """
        rankers = self.companions.rankers(self.device)
        if rankers is None or takes[0].shape[0] == 1:
            return Ranking(None, RankingReport(), {})
        videos = [None] * batch.n_prompts if rankers.visual is None else _shown(batch)
        mixtures = zip(batch.audios, batch.wav_sizes, strict=True)
        request = RankingRequest(
            mixtures=tuple(mixture[0, :n_samples] for mixture, n_samples in mixtures),
            candidates=tuple(takes),
            descriptions=batch.descriptions,
            spans=batch.spans,
            masked_videos=tuple(videos),
            sample_rate=batch.sample_rate,
        )
        ranking = rankers.rank(request, monitor)
        log.info("%s", ranking.report)
        return ranking

    def _by_prompt(self, batch: Batch, wavs: Tensor) -> list[Tensor]:
        """wavs [B * K, N] as [K, N'] per prompt, cut to its own frames."""
        rows = wavs.view(batch.n_prompts, -1, wavs.shape[-1])
        return [
            row[:, : n_frames * batch.hop_length]
            for row, n_frames in zip(rows, batch.n_frames, strict=True)
        ]

    def _noise(self, given: Tensor | None, draws: Sequence[Draw], n_frames: int) -> Tensor:
        shape = (len(draws), n_frames, self.n_latent_channels)
        if given is None:
            return batch_noise(draws, n_frames, self.n_latent_channels)
        if given.shape != shape:
            raise PromptError(
                f"noise has shape {tuple(given.shape)}; needed is {shape}: a row per candidate, "
                "latent frames, channels"
            )
        return given

    def _message(self, given: Tensor | None, draws: Sequence[Draw]) -> Tensor:
        shape = (2 * len(draws), N_BITS)
        if given is None:
            return message_from_seed(draws)
        if given.shape != shape:
            raise PromptError(
                f"message has shape {tuple(given.shape)}; needed is {shape}: a row of bits for "
                "the target and one for the residual of every candidate"
            )
        return given


def _best_first(
    ranking: Ranking, n_prompts: int, n_takes: int
) -> tuple[tuple[tuple[int, ...], ...], Tensor | None]:
    """The takes of each prompt, best first, and their scores in that order."""
    if ranking.scores is None:
        return (tuple(range(n_takes)),) * n_prompts, None
    order = tuple(ranking.best_first(prompt) for prompt in range(n_prompts))
    return order, ranking.scores.gather(1, torch.tensor(order))


def _checked_candidates(n_candidates: int) -> int:
    if n_candidates < 1:
        raise PromptError(f"reranking_candidates {n_candidates}: at least 1 is needed")
    return n_candidates


def _shown(batch: Batch) -> list[Tensor | None]:
    """The frames that the model saw, [T, 3, H, W] per prompt, for the visual ranker."""
    return [
        None if video is None else _frames_shown(video, n_frames)
        for video, n_frames in zip(batch.videos, batch.n_frames, strict=True)
    ]


def _frames_shown(video: MaskedVideo, n_frames: int) -> Tensor:
    frames = list(masked_frames(video, n_frames))
    images = torch.from_numpy(np.stack([frame.image for frame in frames]))
    return images.repeat_interleave(torch.tensor([frame.n_repeats for frame in frames]), dim=0)
