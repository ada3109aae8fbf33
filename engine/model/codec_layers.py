"""Parts of the codec: weight-normalised convolutions, Snake, residual and resampling blocks.

Attribute names and list positions are the checkpoint's. All tensors are [B, C, N].
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class WeightNormed(nn.Module):
    """What weight-normalised convolutions share: direction and length of the kernel, stored apart.

    kernel = weight_v * weight_g / |weight_v|, the norm over all dimensions but the first - which
    in a transposed convolution is the *input* channel. `fold` computes it once for good.
    """

    def __init__(self, kernel_shape: tuple[int, int, int], n_out: int) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(kernel_shape[0], 1, 1))
        self.weight_v = nn.Parameter(torch.randn(kernel_shape) / math.prod(kernel_shape[1:]) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.weight: nn.Parameter | None
        self.register_parameter("weight", None)

    def kernel(self) -> Tensor:
        """The convolution's weight."""
        if self.weight is not None:
            return self.weight
        norm = torch.linalg.vector_norm(self.weight_v, dim=(1, 2), keepdim=True)
        kernel: Tensor = self.weight_v * (self.weight_g / norm)
        return kernel

    @torch.no_grad()
    def fold(self) -> None:
        """Keep the kernel instead of its two parts. Checkpoints are loaded before, not after."""
        if self.weight is None:
            self.weight = nn.Parameter(self.kernel(), requires_grad=False)
            del self.weight_g, self.weight_v


def fold_weight_norm(module: nn.Module) -> None:
    """Fold every weight-normalised convolution inside `module`; the same numbers, fewer steps."""
    for child in module.modules():
        if isinstance(child, WeightNormed):
            child.fold()


class NormConv(WeightNormed):
    """Weight-normalised convolution with zeros on both sides; `n_samples / stride` come out."""

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__((n_out, n_in, kernel_size), n_out)
        self.stride = stride
        self.dilation = dilation
        self.padding = (kernel_size - stride) * dilation // 2

    def forward(self, x: Tensor) -> Tensor:
        """x [B, n_in, N] to [B, n_out, N / stride]."""
        return functional.conv1d(
            x, self.kernel(), self.bias, self.stride, self.padding, self.dilation
        )


class NormConvTranspose(WeightNormed):
    """Weight-normalised transposed convolution; `n_samples * stride` come out."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__((n_in, n_out, 2 * stride), n_out)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """x [B, n_in, N] to [B, n_out, N * stride]."""
        return functional.conv_transpose1d(
            x,
            self.kernel(),
            self.bias,
            self.stride,
            padding=(self.stride + 1) // 2,
            output_padding=self.stride % 2,
        )


class CausalConv(nn.Conv1d):
    """Plain convolution that hears nothing of the future; `n_samples / stride` come out."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(n_in, n_out, kernel_size, stride)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, n_in, N] to [B, n_out, N / stride], rounded up."""
        stride = self.stride[0]
        missing = -x.shape[-1] % stride  # 0 for whole frames
        return super().forward(functional.pad(x, (self.kernel_size[0] - stride, missing)))


class CausalConvTranspose(nn.ConvTranspose1d):
    """Plain transposed convolution, cut to the past's share; `n_samples * stride` come out."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__(n_in, n_out, 2 * stride, stride)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """x [B, n_in, N] to [B, n_out, N * stride]."""
        return super().forward(x, output_size)[..., : -self.stride[0]]


class Snake(nn.Module):
    """x + sin²(αx)/α: an activation with a period, learned per channel."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, n_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, N], the same shape out."""
        return x + torch.sin(self.alpha * x).square() / (self.alpha + 1e-9)


class ResidualUnit(nn.Module):
    """A dilated convolution of width 7 and one of width 1, around which the signal passes."""

    def __init__(self, n_channels: int, dilation: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            Snake(n_channels),
            NormConv(n_channels, n_channels, 7, dilation=dilation),
            Snake(n_channels),
            NormConv(n_channels, n_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, N], the same shape out."""
        residual: Tensor = self.block(x)
        return x + residual


class CausalResidualUnit(nn.Module):
    """The watermark network's residual unit, through half the channels."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.ELU(),
            CausalConv(n_channels, n_channels // 2, 3),
            nn.ELU(),
            CausalConv(n_channels // 2, n_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, N], the same shape out."""
        residual: Tensor = self.block(x)
        return x + residual


class EncoderBlock(nn.Module):
    """Three residual units, then twice the channels at 1/stride of the rate."""

    def __init__(self, n_in: int, stride: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            ResidualUnit(n_in, 1),
            ResidualUnit(n_in, 3),
            ResidualUnit(n_in, 9),
            Snake(n_in),
            NormConv(n_in, 2 * n_in, 2 * stride, stride=stride),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, n_in, N] to [B, 2 * n_in, N / stride]."""
        out: Tensor = self.block(x)
        return out


class DecoderBlock(nn.Module):
    """One level of the decoder, which is also one level up and down of the watermark network.

    The checkpoint keeps the three networks' layers in one list of twelve; `forward` is the
    decoder's own way through it, `watermark_down` and `watermark_up` are the others'.
    """

    def __init__(self, n_in: int, stride: int, watermark_stride: int) -> None:
        super().__init__()
        n_out = n_in // 2
        wide, narrow = n_in // 3, n_out // 3
        self.block = nn.ModuleList(
            [
                Snake(n_in),
                NormConvTranspose(n_in, n_out, stride),
                nn.ELU(),
                CausalConvTranspose(wide, narrow, watermark_stride),
                ResidualUnit(n_out, 1),
                ResidualUnit(n_out, 3),
                CausalResidualUnit(narrow),
                CausalResidualUnit(narrow),
                ResidualUnit(n_out, 9),
                nn.Identity(),
                nn.ELU(),
                CausalConv(narrow, wide, 2 * watermark_stride, watermark_stride),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, n_in, N] to [B, n_in / 2, N * stride]."""
        return self._through((0, 1, 4, 5, 8), x)

    def watermark_down(self, x: Tensor) -> Tensor:
        """One level towards the message: fewer samples, more channels."""
        return self._through((7, 10, 11), x)

    def watermark_up(self, x: Tensor) -> Tensor:
        """One level back towards the waveform: more samples, fewer channels."""
        return self._through((2, 3, 6), x)

    def _through(self, places: tuple[int, ...], x: Tensor) -> Tensor:
        for place in places:
            x = self.block[place](x)
        return x
