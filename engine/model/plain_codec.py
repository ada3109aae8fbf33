"""The codec's encoder as the span predictor's file stores it: plain kernels, other names.

    wav [B, 1, N] -> encoder -> bottleneck.in_proj -> mean [B, T, C]

The same computation as `codec.DACVAEEncoder`; only needed for waveforms that were not encoded.
Names are the checkpoint's. Inner tensors are [B, C, N].
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from .codec import reflect_to_frames
from .codec_layers import Snake


@dataclass(frozen=True, slots=True)
class PlainCodecConfig:
    """Sizes of the encoder. codebook_size: width of the encoder's output, in spite of its name."""

    accepts_unknown_keys: ClassVar[bool] = True

    encoder_hidden_size: int = 64
    downsampling_ratios: tuple[int, ...] = (2, 8, 10, 12)
    codebook_size: int = 1024
    codebook_dim: int = 128
    sampling_rate: int = 48_000

    @property
    def hop_length(self) -> int:
        """Samples per frame."""
        return math.prod(self.downsampling_ratios)


class PlainCodecEncoder(nn.Module):
    """Waveforms to latents."""

    def __init__(self, config: PlainCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _Encoder(config)
        self.bottleneck = _Bottleneck(config)

    def forward(self, wav: Tensor) -> Tensor:
        """Latents [B, T, C] of waveforms [B, 1, N] at 48 kHz; the end is filled by reflection.

        Raises AudioError when there are no samples.
        """
        features = self.encoder(reflect_to_frames(wav, self.config.hop_length))
        mean_and_scale: Tensor = self.bottleneck.in_proj(features)
        return mean_and_scale[:, : self.config.codebook_dim].transpose(1, 2)


class _Encoder(nn.Module):
    def __init__(self, config: PlainCodecConfig) -> None:
        super().__init__()
        width = config.encoder_hidden_size
        self.conv1 = nn.Conv1d(1, width, 7, padding=3)
        self.block = nn.Sequential()
        for stride in config.downsampling_ratios:
            self.block.append(_Block(width, stride))
            width *= 2
        self.snake1 = Snake(width)
        self.conv2 = nn.Conv1d(width, config.codebook_size, 3, padding=1)

    def forward(self, wav: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.snake1(self.block(self.conv1(wav))))
        return out


class _Block(nn.Module):
    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.res_unit1 = _ResidualUnit(width, 1)
        self.res_unit2 = _ResidualUnit(width, 3)
        self.res_unit3 = _ResidualUnit(width, 9)
        self.snake1 = Snake(width)
        self.conv1 = nn.Conv1d(width, 2 * width, 2 * stride, stride, padding=stride // 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.res_unit3(self.res_unit2(self.res_unit1(x)))
        out: Tensor = self.conv1(self.snake1(x))
        return out


class _ResidualUnit(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.snake1 = Snake(width)
        self.conv1 = nn.Conv1d(width, width, 7, padding=3 * dilation, dilation=dilation)
        self.snake2 = Snake(width)
        self.conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.conv2(self.snake2(self.conv1(self.snake1(x))))
        return x + residual


class _Bottleneck(nn.Module):
    """Nothing here goes back to waveforms, so `out_proj` of the file is not built."""

    def __init__(self, config: PlainCodecConfig) -> None:
        super().__init__()
        self.in_proj = nn.Conv1d(config.codebook_size, 2 * config.codebook_dim, 1)
