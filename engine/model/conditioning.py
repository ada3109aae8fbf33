"""What the vector field is told beside the noisy latent: mixture, anchors, masked video, text.

Everything here depends on the request alone, neither on the noisy latent nor on time, and is
computed once per request.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .anchors import Anchors


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """One request, ready for any number of evaluations.

    frames: [B, T, D], what is added to every frame of the projected noisy latent.
    text: [B, L, D], the projected description; time is added to it per evaluation.
    valid: [B, T], text_valid: [B, L]: what is not padding; `None` when nothing is.
    """

    frames: Tensor
    text: Tensor
    valid: Tensor | None = None
    text_valid: Tensor | None = None

    @property
    def n_rows(self) -> int:
        """B, or B * K after `repeated`."""
        return self.frames.shape[0]

    @property
    def n_frames(self) -> int:
        """T of the longest item."""
        return self.frames.shape[1]

    def repeated(self, n_candidates: int) -> "Conditioning":
        """Every row `n_candidates` times, all of prompt 0 first."""
        if n_candidates == 1:
            return self
        return Conditioning(
            self.frames.repeat_interleave(n_candidates, dim=0),
            self.text.repeat_interleave(n_candidates, dim=0),
            _repeated(self.valid, n_candidates),
            _repeated(self.text_valid, n_candidates),
        )


class AlignMaskedVideo(nn.Module):
    """The masked video's features as a gated addition to every frame."""

    def __init__(self, n_features: int, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_features, dim, kernel_size=1)
        self.layer_norm = nn.LayerNorm(dim, eps=1e-5)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor | None) -> Tensor:
        """[B, T, D] of features [B, V, T]; without video [1, 1, D], the same for every frame.

        The model was trained with zeros in place of a missing video, so the bias remains.
        """
        if features is None:
            assert self.conv.bias is not None
            projected = self.conv.bias[None, None, :]
        else:
            projected = self.conv(features.to(self.conv.weight.dtype)).transpose(1, 2)
        aligned: Tensor = self.gate.tanh() * self.layer_norm(projected)
        return aligned


class EmbedAnchors(nn.Module):
    """The anchor of every frame as a gated addition; "no anchor" has an embedding as well."""

    def __init__(self, n_anchors: int, n_channels: int, dim: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_anchors + 1, n_channels, padding_idx=n_anchors)
        self.proj = nn.Linear(n_channels, dim, bias=False)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, anchors: Anchors) -> Tensor:
        """[B, T, D]."""
        embedded: Tensor = self.gate.tanh() * self.proj(self.embed(anchors.per_frame()))
        return embedded


def _repeated(mask: Tensor | None, n_candidates: int) -> Tensor | None:
    return None if mask is None else mask.repeat_interleave(n_candidates, dim=0)
