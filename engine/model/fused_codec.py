"""The codec's networks made of `fused_codec_layers`: what `DACVAE.fuse` puts in their place.

Weights move: the plain layers they are taken from are let go of, and the watermark's, which lie
between them in the checkpoint, stay as they are.
"""

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .codec_layers import (
    DecoderBlock,
    EncoderBlock,
    NormConv,
    NormConvTranspose,
    ResidualUnit,
    Snake,
)
from .fused_codec_layers import (
    FusedDown,
    FusedSnake,
    FusedUnits,
    FusedUp,
    blocks,
    channels_last,
    convolved,
    kept,
    taken,
)


class FusedEncoder(nn.Module):
    """Waveform to latent: the encoder, and the half of the bottleneck that is used."""

    def __init__(self, layers: nn.Sequential, bottleneck: NormConv, n_latent: int) -> None:
        super().__init__()
        first, *levels, snake, last = layers
        assert isinstance(first, NormConv)
        assert isinstance(last, NormConv)
        self.first = kept(taken(first)[:, 0].t().contiguous())  # [7, C]
        self.first_bias = kept(first.bias)
        self.n_beside = first.padding
        self.levels = nn.ModuleList()
        for level in levels:
            *units, before, conv = cast(EncoderBlock, level).block
            no_bias = torch.zeros_like(cast(Snake, before).alpha.flatten())
            fused = FusedUnits(cast(Sequence[ResidualUnit], units), no_bias)
            self.levels.append(fused)
            self.levels.append(FusedDown(cast(Snake, before), cast(NormConv, conv), fused.pending))
        no_bias = torch.zeros_like(cast(Snake, snake).alpha.flatten())
        self.snake = FusedSnake(cast(Snake, snake), no_bias)
        self.last = kept(channels_last(taken(last) * self.snake.gain[:, None]))
        self.last_bias = kept(last.bias)
        self.n_beside_last = last.padding
        self.mean = kept(taken(bottleneck)[:n_latent, :, 0].t().contiguous())
        self.mean_bias = kept(bottleneck.bias[:n_latent])

    def forward(self, wav: Tensor) -> Tensor:
        """Latent [B, C, T] of waveforms [B, 1, N] of whole frames."""
        return torch.stack([self._encoded(row) for row in wav[:, 0]])

    def _encoded(self, wav: Tensor) -> Tensor:
        padded = functional.pad(wav, (self.n_beside, self.n_beside))
        h = torch.addmm(self.first_bias, padded.unfold(0, len(self.first), 1), self.first)
        for level in self.levels:
            h = level(h)
        h = convolved(self.snake(h), self.last, self.last_bias, 1, self.n_beside_last)
        return torch.addmm(self.mean_bias, h, self.mean).t()


class FusedDecoder(nn.Module):
    """Latent to trunk and to waveform: the decoder without the watermark."""

    def __init__(self, bottleneck: NormConv, model: nn.Sequential, head: nn.ModuleList) -> None:
        super().__init__()
        first, *levels = model
        assert isinstance(first, NormConv)
        self.latent = kept(taken(bottleneck)[:, :, 0].t().contiguous())
        self.latent_bias = kept(bottleneck.bias)
        self.first = kept(channels_last(taken(first)))
        self.first_bias = kept(first.bias)
        self.n_beside = first.padding
        pending = torch.zeros_like(first.bias)
        self.levels = nn.ModuleList()
        for level in levels:
            places = cast(DecoderBlock, level).block
            up = FusedUp(cast(Snake, places[0]), cast(NormConvTranspose, places[1]), pending)
            units = FusedUnits([cast(ResidualUnit, places[i]) for i in (4, 5, 8)], up.pending)
            self.levels.append(up)
            self.levels.append(units)
            pending = units.pending
        self.pending = kept(pending)
        self.head = _Head(cast(Snake, head[0]), cast(NormConv, head[1]), pending)

    def forward(self, latent: Tensor) -> Tensor:
        """Waveforms [B, 1, hop * T] of latents [B, C, T]."""
        waves = [self.head(self._decoded(row)) for row in latent]
        return torch.stack(waves)[:, None]

    def trunk(self, latent: Tensor) -> Tensor:
        """The last feature maps, [B, C, hop * T]."""
        return torch.stack([(self._decoded(row) + self.pending).t() for row in latent])

    def _decoded(self, latent: Tensor) -> Tensor:
        """The trunk [N, C] without `pending`, of one latent [C, T]."""
        h = torch.addmm(self.latent_bias, latent.t(), self.latent)
        h = convolved(h, self.first, self.first_bias, 1, self.n_beside)
        for level in self.levels:
            h = level(h)
        return h


class _Head(nn.Module):
    """Snake, a convolution to one channel, tanh."""

    def __init__(self, snake: Snake, conv: NormConv, pending: Tensor) -> None:
        super().__init__()
        self.snake = FusedSnake(snake, pending)
        self.taps = kept((taken(conv)[0] * self.snake.gain[:, None]).contiguous())  # [C, 7]
        self.bias = kept(conv.bias)
        self.reach = conv.padding

    def forward(self, x: Tensor) -> Tensor:
        """[N] of [N, C]."""
        n_samples, n_taps = len(x), self.taps.shape[1]
        taps = x.new_zeros(n_samples + 2 * self.reach, n_taps)
        for start, stop in blocks(x):
            taps[self.reach + start : self.reach + stop] = self.snake(x[start:stop]) @ self.taps
        shares = [taps[k : k + n_samples, k] for k in range(n_taps)]
        return torch.stack(shares).sum(dim=0).add_(self.bias).tanh_()


def fused_encoder(layers: nn.Sequential, bottleneck: NormConv, n_latent: int) -> FusedEncoder:
    """The encoder's layers as one module; theirs are let go of."""
    with torch.inference_mode(False), torch.no_grad():
        fused = FusedEncoder(layers, bottleneck, n_latent)
    _empty(layers, (str(place) for place in range(len(layers))))
    return fused


def fused_decoder(bottleneck: NormConv, model: nn.Sequential, head: nn.ModuleList) -> FusedDecoder:
    """The decoder's own layers as one module; theirs are let go of, the watermark's stay."""
    with torch.inference_mode(False), torch.no_grad():
        fused = FusedDecoder(bottleneck, model, head)
    _empty(model, "0")
    _empty(head, ("0", "1"))
    for level in model:
        if isinstance(level, DecoderBlock):
            _empty(level.block, ("0", "1", "4", "5", "8"))
    return fused


def can_fuse(strides: Sequence[int]) -> bool:
    """Whether the layers do what the fused ones do: strides have to be even, as published."""
    return all(stride % 2 == 0 for stride in strides)


def _empty(layers: nn.Module, places: Iterable[str]) -> None:
    """Let go of the layers at these places, whose kernels were taken."""
    for place in places:
        layers.register_module(place, nn.Identity())
