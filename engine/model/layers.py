"""Small layers that several of the networks are made of; names are the checkpoint's."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import NonLinearity


def _squared_relu(x: Tensor) -> Tensor:
    return functional.relu(x).square()


_ACTIVATIONS: dict[NonLinearity, Callable[[Tensor], Tensor]] = {
    "swiglu": functional.silu,
    "silu": functional.silu,
    "relu": functional.relu,
    "gelu": functional.gelu,
    "approx_gelu": partial(functional.gelu, approximate="tanh"),
    "srelu": _squared_relu,
}


class RMSNorm(nn.Module):
    """x over its root mean square along the last dimension, times a weight; float32 inside."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """x [..., dim], the same shape and type out."""
        precise = x.float()
        scale = torch.rsqrt(precise.square().mean(dim=-1, keepdim=True) + self.eps)
        return (precise * scale * self.weight.float()).to(x.dtype)


class FeedForward(nn.Module):
    """w2(act(w1 x) * w3 x), or w2(act(w1 x)) for activations without a gate."""

    def __init__(
        self, n_in: int, n_hidden: int, n_out: int, non_linearity: NonLinearity, bias: bool
    ) -> None:
        super().__init__()
        self.activation = activation(non_linearity)
        self.w1 = nn.Linear(n_in, n_hidden, bias=bias)
        self.w2 = nn.Linear(n_hidden, n_out, bias=bias)
        self.w3 = nn.Linear(n_in, n_hidden, bias=bias) if non_linearity == "swiglu" else None

    def forward(self, x: Tensor) -> Tensor:
        """x [..., n_in] to [..., n_out]."""
        hidden = self.activation(self.w1(x))
        if self.w3 is not None:
            hidden = hidden * self.w3(x)
        out: Tensor = self.w2(hidden)
        return out


class ConvResidual(nn.Module):
    """Two rounds of normalise, SiLU, convolve over time, around which the signal passes.

    Statistics are those of the whole item, all channels and frames [B, D, T] together. With
    `valid` [B, T], frames that are False count in none and are zero when they are convolved.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.block1 = _NormedConv(dim)
        self.block2 = _NormedConv(dim)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """x [B, D, T], the same shape out. valid: [B, T]."""
        residual: Tensor = self.block2(self.block1(x, valid), valid)
        return x + residual


class _NormedConv(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.groupnorm = nn.GroupNorm(num_groups=1, num_channels=dim)
        self.project = nn.Conv1d(dim, dim, kernel_size=3, padding=1)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        normed = self.groupnorm(x) if valid is None else self._norm_of_valid(x, valid[:, None])
        out: Tensor = self.project(functional.silu(normed))
        return out

    def _norm_of_valid(self, x: Tensor, valid: Tensor) -> Tensor:
        n_values = valid.sum(dim=(1, 2), keepdim=True) * x.shape[1]
        mean = (x * valid).sum(dim=(1, 2), keepdim=True) / n_values
        centred = (x - mean) * valid
        variance = centred.square().sum(dim=(1, 2), keepdim=True) / n_values

        scale = self.groupnorm.weight[:, None] * torch.rsqrt(variance + self.groupnorm.eps)
        return (centred * scale + self.groupnorm.bias[:, None]) * valid


def activation(name: NonLinearity) -> Callable[[Tensor], Tensor]:
    """The function that the configuration calls `name`."""
    return _ACTIVATIONS[name]


def sinusoids(t: Tensor, n_channels: int) -> Tensor:
    """Time as [cos(t w) | sin(t w)], w falling from 1 towards 1/10000: [B] to [B, n_channels].

    Always float32: the low frequencies differ by less than 16 bits can tell.
    """
    half = n_channels // 2
    exponents = torch.arange(half, dtype=torch.float32, device=t.device) / half
    angles = t.float()[:, None] * torch.pow(10_000.0, -exponents)
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
