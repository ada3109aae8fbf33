"""The watermark that the codec's decoder adds to everything it makes.

    p (trunk's waveform) -> encoder_block -> + message -> decoder_block -> h;   output = p + h/4

The original draws a new 16-bit message for every row at every call. Here it is an argument, so
that a job can be repeated; `message_from_seed` makes one that belongs to a candidate.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.samplers.noise import Draw, random_words

from .codec_layers import CausalConv, DecoderBlock, NormConv, Snake

N_BITS = 16
STRENGTH = 0.25
"""Share of the watermark in the output: 32/128 in the original, whatever the codec's size."""

_MESSAGE_CHANNELS = 128
_N_STREAMS = 2  # target and residual


def message_from_seed(draws: Sequence[Draw]) -> Tensor:
    """Messages [2 * len(draws), 16] of 0 and 1: target's and residual's row of every candidate.

    A candidate's two rows depend on its draw alone, not on the device or on its neighbours.
    """
    rows = []
    for draw in draws:
        words = random_words("watermark", draw, 0, _N_STREAMS)
        rows += [[int(word) >> bit & 1 for bit in range(N_BITS)] for word in words]
    return torch.tensor(rows, dtype=torch.float32)


class Watermark(nn.Module):
    """The head of the decoder: the waveform, and what is added to it. Key: `decoder.wm_model`.

    n_channels: of the decoder's trunk at the full rate.   n_hidden: of the LSTMs.
    """

    def __init__(self, n_channels: int, n_hidden: int) -> None:
        super().__init__()
        self.encoder_block = _EncoderSide(n_channels, n_hidden)
        self.msg_processor = _MessageEmbedding()
        self.decoder_block = _DecoderSide(n_channels // 3, n_hidden)

    def waveform(self, trunk: Tensor) -> Tensor:
        """The waveform without watermark, [B, 1, N], from the trunk's output [B, C, N]."""
        snake, conv, tanh, _ = self.encoder_block.pre
        wave: Tensor = tanh(conv(snake(trunk)))
        return wave

    def forward(self, wave: Tensor, message: Tensor, levels: Sequence[DecoderBlock]) -> Tensor:
        """The watermark h [B, 1, N] for a waveform [B, 1, N].

        message: [B, 16] of 0 and 1.   levels: the decoder's blocks, from the coarsest on.
        """
        x: Tensor = self.encoder_block.pre[3](wave)
        for level in reversed(levels):
            x = level.watermark_down(x)
        for layer in self.encoder_block.post:
            x = layer(x)

        x = x + self.msg_processor(message)

        for layer in self.decoder_block.pre:
            x = layer(x)
        for level in levels:
            x = level.watermark_up(x)
        for layer in self.decoder_block.post:
            x = layer(x)
        return x


class _EncoderSide(nn.Module):
    def __init__(self, n_channels: int, n_hidden: int) -> None:
        super().__init__()
        self.pre = nn.ModuleList(
            [
                Snake(n_channels),
                NormConv(n_channels, 1, 7),
                nn.Tanh(),
                CausalConv(1, n_channels // 3, 7),
            ]
        )
        self.post = nn.ModuleList(
            [_SkipLSTM(n_hidden), nn.ELU(), CausalConv(n_hidden, _MESSAGE_CHANNELS, 7)]
        )


class _DecoderSide(nn.Module):
    def __init__(self, n_channels: int, n_hidden: int) -> None:
        super().__init__()
        self.pre = nn.ModuleList([CausalConv(_MESSAGE_CHANNELS, n_hidden, 7), _SkipLSTM(n_hidden)])
        self.post = nn.ModuleList([nn.ELU(), CausalConv(n_channels, 1, 7)])


class _SkipLSTM(nn.Module):
    """Two LSTM layers over time, around which the signal passes."""

    def __init__(self, n_hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_hidden, n_hidden, num_layers=2)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.permute(2, 0, 1)
        y, _ = self.lstm(steps)
        out: Tensor = (y + steps).permute(1, 2, 0)
        return out


class _MessageEmbedding(nn.Module):
    """A vector for each value of each bit; a message is the sum of its sixteen."""

    def __init__(self) -> None:
        super().__init__()
        self.msg_processor = nn.Embedding(2 * N_BITS, _MESSAGE_CHANNELS)

    def forward(self, message: Tensor) -> Tensor:
        bits = message.to(torch.int64)
        rows = 2 * torch.arange(N_BITS, device=bits.device) + bits
        embedded: Tensor = self.msg_processor(rows)
        return embedded.sum(dim=1).unsqueeze(-1)
