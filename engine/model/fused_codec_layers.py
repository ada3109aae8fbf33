"""The codec's convolutions laid out for speed: the same function, about twice as fast on a CPU.

Samples are rows and channels columns, [N, C], as products like them:

    convolution of width 7      oneDNN's or cuDNN's, channels last
    convolution of width 1      one product, added to the signal where it stands
    convolution with a stride   two products: over a stride's samples, and over the next ones
    transposed convolution      two products, the second added one stride later
    Snake  x + sin²(αx)/α       = (u + sin² u)/α with u = αx; α goes into the matrices before and
                                behind it, what is left are a sine and a sum
    biases of the signal        wait for the next Snake, which adds them as it scales

Residual units run in blocks of samples that stay in the cache, with the neighbours that they hear
on both sides. Everything here is one item at a time. `fused_codec` is made of these.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import release_pages

from .codec_layers import NormConv, NormConvTranspose, ResidualUnit, Snake, WeightNormed

BLOCK_SAMPLES = 4096
"""Rows of a block: with a hundred channels, what caches of some megabytes hold a few times."""

GPU_BLOCK_SAMPLES = 1 << 16
"""On a GPU: enough to fill it, and a fraction of what a whole chunk would take."""

_SMALLEST_ALPHA = 1e-3
"""Below, α + 1e-9 is not α to 6 digits: such a Snake is computed as it is written."""


class FusedSnake(nn.Module):
    """u + sin² u of a signal times α, or Snake as it is written where an α is about 0.

    gain: [C], what the matrix behind has to be multiplied with on its inputs.
    """

    def __init__(self, snake: Snake, pending: Tensor) -> None:
        super().__init__()
        alpha = snake.alpha.detach().flatten()
        self.is_folded = can_fold(alpha)
        self.alpha = kept(alpha)
        self.offset = kept(alpha * pending if self.is_folded else pending)
        self.inverse = kept(1 / (alpha + 1e-9))
        self.gain = self.inverse if self.is_folded else torch.ones_like(alpha)

    def forward(self, x: Tensor) -> Tensor:
        """A new tensor; x [N, C] is the signal without its pending bias."""
        if not self.is_folded:
            x = x + self.offset
            return torch.addcmul(x, torch.sin(x * self.alpha).square_(), self.inverse)
        u = torch.addcmul(self.offset, x, self.alpha)
        sine = torch.sin(u)
        return u.addcmul_(sine, sine)


class FusedUnit(nn.Module):
    """A residual unit. pending: bias [C] of the signal that it is given, not yet added."""

    def __init__(self, unit: ResidualUnit, pending: Tensor) -> None:
        super().__init__()
        outer, wide, inner, narrow = unit.block
        assert isinstance(wide, NormConv)
        assert isinstance(narrow, NormConv)
        assert isinstance(inner, Snake)
        self.snake = FusedSnake(cast(Snake, outer), pending)
        alpha = inner.alpha.detach().flatten()
        self.is_folded = can_fold(alpha)
        self.alpha, self.inverse = kept(alpha), kept(1 / (alpha + 1e-9))
        before = alpha if self.is_folded else torch.ones_like(alpha)
        behind = self.inverse if self.is_folded else torch.ones_like(alpha)

        kernel = taken(wide) * (before[:, None, None] * self.snake.gain[:, None])
        self.kernel = kept(channels_last(kernel))
        self.bias = kept(wide.bias.detach() * before)
        self.dilation, self.padding = wide.dilation, wide.padding
        self.mix = kept((taken(narrow)[:, :, 0] * behind).t().contiguous())
        self.pending = pending + narrow.bias.detach()

    def forward(self, x: Tensor, in_place: bool) -> Tensor:
        """x [N, C] and what the unit adds to it, without `pending` of it."""
        h = convolved(self.snake(x), self.kernel, self.bias, self.dilation, self.padding)
        if self.is_folded:
            sine = torch.sin(h)
            h.addcmul_(sine, sine)
        else:
            h.addcmul_(torch.sin(h * self.alpha).square_(), self.inverse)
        return x.addmm_(h, self.mix) if in_place else torch.addmm(x, h, self.mix)


class FusedUnits(nn.Module):
    """The residual units of a level, block by block."""

    def __init__(self, units: Sequence[ResidualUnit], pending: Tensor) -> None:
        super().__init__()
        fused = []
        for unit in units:
            fused.append(FusedUnit(unit, pending))
            pending = fused[-1].pending
        self.units = nn.ModuleList(fused)
        self.pending = pending
        self.reach = sum(unit.padding for unit in fused)

    def forward(self, x: Tensor) -> Tensor:
        """The signal [N, C] behind the units, without `pending`."""
        out = torch.empty_like(x)
        for start, stop in blocks(x):
            lead, end = max(start - self.reach, 0), min(stop + self.reach, len(x))
            h = x[lead:end]
            for index, unit in enumerate(self.units):
                h = unit(h, in_place=index > 0)
            out[start:stop] = h[start - lead : stop - lead]
        return out


class FusedDown(nn.Module):
    """Snake and a convolution with a stride: [N, C] to [N / stride, 2 C]."""

    def __init__(self, snake: Snake, conv: NormConv, pending: Tensor) -> None:
        super().__init__()
        self.snake = FusedSnake(snake, pending)
        self.stride, self.padding = conv.stride, conv.padding
        kernel = taken(conv) * self.snake.gain[:, None]  # [out, in, 2 stride]
        taps = kernel.permute(2, 1, 0).reshape(2, -1, kernel.shape[0])
        self.first, self.second = kept(taps[0].contiguous()), kept(taps[1].contiguous())
        self.bias = kept(conv.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """x [N, C] to [N / stride, 2 C]."""
        padded = functional.pad(
            self.snake(x), (0, 0, self.padding, self.stride - self.padding)
        ).view(-1, self.first.shape[0])
        out = torch.addmm(self.bias, padded[:-1], self.first)
        out.addmm_(padded[1:], self.second)
        return out


class FusedUp(nn.Module):
    """Snake and a transposed convolution: [N, C] to [N * stride, C / 2]."""

    def __init__(self, snake: Snake, conv: NormConvTranspose, pending: Tensor) -> None:
        super().__init__()
        self.snake = FusedSnake(snake, pending)
        self.stride = conv.stride
        kernel = taken(conv) * self.snake.gain[:, None, None]  # [in, out, 2 stride]
        first, second = kernel.transpose(1, 2).chunk(2, dim=1)
        self.first, self.second = kept(first.flatten(1)), kept(second.flatten(1))
        self.pending = conv.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """The signal without its bias, `pending`."""
        n_samples, n_out = len(x), len(self.pending)
        wide = x.new_empty(n_samples + 1, self.stride * n_out)
        wide[-1].zero_()
        # From the end on: a block's second product reaches one row into the block behind it.
        for start, stop in reversed(list(blocks(x))):
            h = self.snake(x[start:stop])
            torch.mm(h, self.first, out=wide[start:stop])
            wide[start + 1 : stop + 1].addmm_(h, self.second)
        lead = (self.stride + 1) // 2
        signal: Tensor = wide.view(-1, n_out)[lead : lead + n_samples * self.stride]
        return signal


def blocks(x: Tensor) -> Iterator[tuple[int, int]]:
    """Where the blocks of x [N, C] start and end."""
    n_samples = len(x)
    size = BLOCK_SAMPLES if x.device.type == "cpu" else GPU_BLOCK_SAMPLES
    for start in range(0, n_samples, size):
        yield start, min(start + size, n_samples)


def convolved(x: Tensor, kernel: Tensor, bias: Tensor, dilation: int, padding: int) -> Tensor:
    """x [N, C] through `kernel` [out, C, 1, k]; both channels last, and so is what comes out."""
    if x.device.type == "cuda" and not torch.backends.cudnn.allow_tf32:
        # In exact float32 (H200), the decoder reaches 7 % of the rate by cuDNN and 54 % like this.
        return convolved_by_products(x, kernel, bias, dilation, padding)
    rows = x[None, None].permute(0, 3, 1, 2)
    out = functional.conv2d(rows, kernel, bias, 1, (0, padding), (1, dilation))
    return out.permute(0, 2, 3, 1)[0, 0]


def convolved_by_products(
    x: Tensor, kernel: Tensor, bias: Tensor, dilation: int, padding: int
) -> Tensor:
    """The same as a product for each tap, of the rows that the tap hears."""
    n_samples = len(x)
    out = bias.expand(n_samples, -1).contiguous()
    for place, tap in enumerate(kernel[:, :, 0].unbind(-1)):
        ahead = place * dilation - padding
        start, stop = max(-ahead, 0), min(n_samples - ahead, n_samples)
        if start < stop:
            out[start:stop].addmm_(x[start + ahead : stop + ahead], tap.t())
    return out


def channels_last(kernel: Tensor) -> Tensor:
    """kernel [out, in, k] as [out, in, 1, k], inputs next to each other in memory."""
    return kernel[:, :, None].contiguous(memory_format=torch.channels_last)


def can_fold(alpha: Tensor) -> bool:
    """Whether every α may be divided by."""
    return bool((alpha.abs() >= _SMALLEST_ALPHA).all())


def taken(conv: WeightNormed) -> Tensor:
    """The kernel of `conv`, which has none afterwards; pages mapped from a file are let go of."""
    parts = [parameter.data for parameter in conv.parameters() if parameter.ndim > 1]
    conv.fold()
    assert conv.weight is not None
    kernel = conv.weight.detach()
    conv.weight = None
    if kernel.device.type == "cpu":
        for part in parts:
            release_pages(part)
    return kernel


def kept(value: Tensor) -> nn.Parameter:
    """A weight, which moves with its module."""
    return nn.Parameter(value.detach(), requires_grad=False)
