"""Weights in 8 bits: a quarter of float32's memory, half of bfloat16's.

    weight [out, in]  ~  quantised (int8, -127 .. 127)  x  scale [out] (float32)

Each output channel has the scale that its largest weight needs; symmetric, so nothing is added.
Products are those of the activations' own type: the weights are dequantised for one product at a
time and let go of. (PyTorch's own int8 kernels were slower than that on a processor without int8
instructions: 8 to 20 times for 250 rows. Those for int8 activations would cost far more quality.)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import release_pages

_LARGEST = 127


class Int8Linear(nn.Module):
    """A linear layer whose weights are kept in 8 bits."""

    def __init__(self, quantised: Tensor, scale: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.quantised: Tensor
        self.scale: Tensor
        self.register_buffer("quantised", quantised)
        self.register_buffer("scale", scale)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)

    @classmethod
    @torch.no_grad()
    def of(cls, linear: nn.Linear) -> "Int8Linear":
        """`linear` in 8 bits. Its own pages are given back where they are mapped from a file."""
        weight = linear.weight.float()
        scale = weight.abs().amax(dim=1).div_(_LARGEST).clamp_(min=torch.finfo(torch.float32).tiny)
        quantised = (weight / scale[:, None]).round_().to(torch.int8)
        if linear.weight.device.type == "cpu":
            release_pages(linear.weight)
        return cls(quantised, scale, None if linear.bias is None else linear.bias.detach())

    @classmethod
    def joined(cls, parts: Sequence["Int8Linear"], orders: Sequence[Tensor]) -> "Int8Linear":
        """The outputs of all parts, each in its order, as one layer; to the last bit the same."""
        pairs = list(zip(parts, orders, strict=True))
        biases = [part.bias[rows] for part, rows in pairs if part.bias is not None]
        return cls(
            torch.cat([part.quantised[rows] for part, rows in pairs]),
            torch.cat([part.scale[rows] for part, rows in pairs]),
            torch.cat(biases) if biases else None,
        )

    @property
    def in_features(self) -> int:
        """Channels of the input."""
        return self.quantised.shape[1]

    @property
    def out_features(self) -> int:
        """Channels of the output."""
        return self.quantised.shape[0]

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out], in the type of `x`."""
        if x.dtype == torch.float16:
            # Unscaled, sums of products of up to 127 would leave the range of float16.
            out = functional.linear(x, self.weights(x.dtype))
        else:
            # The scales are applied to the few outputs, not to the many weights.
            out = functional.linear(x, self.quantised.to(x.dtype)).mul_(self.scale)
        return out if self.bias is None else out + self.bias.to(x.dtype)

    def weights(self, dtype: torch.dtype) -> Tensor:
        """What the 8 bits stand for, [out, in]."""
        return self.quantised * self.scale[:, None].to(dtype)


def quantise(network: nn.Module) -> None:
    """Put the weights of every `nn.Linear` inside `network` into 8 bits, one after the other."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                module.register_module(name, Int8Linear.of(child))


def weight_bytes(network: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    tensors = (*network.parameters(), *network.buffers())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
