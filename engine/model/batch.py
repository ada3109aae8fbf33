"""A batch: B prompts with their mixtures, padded to the longest one."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.data import MaskedVideo, Span
from engine.units import frames_from_samples

from .anchors import Anchors, anchors_from_spans


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What `SAMAudio.separate` works on; made by `SAMAudioProcessor`.

    audios: mixtures [B, 1, N] at the model's rate, zeros behind the shorter ones.
    wav_sizes: samples of each.   descriptions, spans, videos: of each; a video may be `None`.
    """

    audios: Tensor
    wav_sizes: tuple[int, ...]
    descriptions: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    videos: tuple[MaskedVideo | None, ...]
    sample_rate: int
    hop_length: int

    @property
    def n_prompts(self) -> int:
        """B."""
        return len(self.descriptions)

    @property
    def n_frames(self) -> tuple[int, ...]:
        """Latent frames of each mixture."""
        return tuple(frames_from_samples(size, self.hop_length) for size in self.wav_sizes)

    @property
    def valid(self) -> Tensor | None:
        """[B, T], True on frames of a mixture, False on padding; `None` when there is none."""
        n_frames = torch.tensor(self.n_frames, device=self.audios.device)
        mask = torch.arange(max(self.n_frames), device=n_frames.device) < n_frames[:, None]
        return None if bool(mask.all()) else mask

    @property
    def anchors(self) -> Anchors:
        """The spans as the model sees them, per latent frame."""
        anchors = anchors_from_spans(self.spans, self.n_frames, self.sample_rate, self.hop_length)
        return anchors.to(self.audios.device)

    def to(self, device: torch.device | str) -> "Batch":
        """The same with its mixtures on another device."""
        return replace(self, audios=self.audios.to(device))

    def with_spans(self, spans: tuple[tuple[Span, ...], ...]) -> "Batch":
        """The same with other spans, predicted or edited ones."""
        assert len(spans) == self.n_prompts
        return replace(self, spans=spans)
