"""From a loaded network to the fused one of `fused`, without having a weight twice.

The weights move: the network's own matrices become `_Rows` and `_Taps`, which read the fused ones
in the checkpoint's order. So the plain `forward` still gives its numbers, a copy per call slower,
and whatever moves the network to another device or type moves both.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import release_pages

from .attention import Attention
from .config import TransformerConfig
from .fused import Fused, FusedBlock, FusedConv, FusedTransformer, Linear
from .int8 import Int8Linear
from .layers import FeedForward
from .transformer import DiT, DiTBlock


def fuse(transformer: DiT) -> FusedTransformer:
    """The fused modules of `transformer`, made at the first call and kept in it.

    Layers may be in 8 bits before; then the fused ones are.
    """
    if transformer.fused is None:
        with torch.inference_mode(False), torch.no_grad():
            transformer.fused = _fused(transformer)
    return cast(FusedTransformer, transformer.fused)


class _Rows(nn.Module):
    """Some rows of a fused matrix, in the checkpoint's order: a linear layer as it was."""

    def __init__(self, fused: Linear, rows: Tensor) -> None:
        super().__init__()
        self._fused = (fused,)  # a child of `FusedBlock`, not of this
        self.rows: Tensor
        self.register_buffer("rows", rows.to(_device(fused)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        (fused,) = self._fused
        if isinstance(fused, Int8Linear):
            out: Tensor = Int8Linear.joined([fused], [self.rows])(x)
            return out
        bias = None if fused.bias is None else fused.bias[self.rows]
        return functional.linear(x, fused.weight[self.rows], bias)


class _Taps(nn.Module):
    """A convolution of width 3 that reads a fused matrix."""

    def __init__(self, fused: nn.Linear) -> None:
        super().__init__()
        self._fused = (fused,)

    def forward(self, x: Tensor) -> Tensor:
        (fused,) = self._fused
        kernel = torch.unflatten(fused.weight, 1, (3, -1)).transpose(1, 2)
        return functional.conv1d(x, kernel, fused.bias, padding=1)


def _fused(transformer: DiT) -> FusedTransformer:
    config = transformer.config
    residual = transformer.x_embedder.block
    taps = []
    for step in (residual.block1, residual.block2):
        taps.append(FusedConv(step.groupnorm, _fused_taps(step.project)))
        step.register_module("project", _Taps(taps[-1].taps))
    layers = [cast(DiTBlock, layer) for layer in transformer.layers]
    return FusedTransformer(taps, [_fused_block(layer, config) for layer in layers])


def _fused_block(layer: DiTBlock, config: TransformerConfig) -> FusedBlock:
    plain = _head_major(config, rotary=False)
    turned = _head_major(config, rotary=config.use_rope)
    own, cross, forward = layer.attention, layer.cross_attention, layer.feed_forward

    wqkv = _fused_own(own, plain, turned)
    cross_wq = _joined([cross.wq], [plain])
    cross.register_module("wq", _Rows(cross_wq, plain.argsort()))
    within = turned[: config.head_dim] // config.n_heads
    within = within.to(_device(wqkv))
    fused = Fused(wqkv, cross_wq, _fused_forward(forward), within, config.norm_eps)
    return FusedBlock(own, cross, forward.w2, config.non_linearity, fused)


def _fused_own(attention: Attention, plain: Tensor, turned: Tensor) -> Linear:
    """wqkv; values keep their order within a head, for nothing turns them."""
    orders = [turned, turned, plain]
    fused = _joined([attention.wq, attention.wk, attention.wv], orders)
    dim = len(plain)
    for index, name in enumerate(("wq", "wk", "wv")):
        rows = orders[index].argsort() + index * dim
        attention.register_module(name, _Rows(fused, rows))
    return fused


def _fused_forward(forward: FeedForward) -> Linear:
    """w13, or w1 as it is where there is no gate."""
    if forward.w3 is None:
        return forward.w1
    n_hidden = forward.w1.out_features
    rows = torch.arange(2 * n_hidden)
    fused = _joined([forward.w1, forward.w3], [rows[:n_hidden]] * 2)
    forward.register_module("w1", _Rows(fused, rows[:n_hidden]))
    forward.register_module("w3", _Rows(fused, rows[n_hidden:]))
    return fused


def _fused_taps(conv: nn.Conv1d) -> nn.Linear:
    weight = conv.weight.transpose(1, 2).flatten(1).contiguous()
    _let_go(conv.weight)
    return _linear(weight, conv.bias)


def _joined(parts: Sequence[Linear], orders: Sequence[Tensor]) -> Linear:
    """The rows of all parts, each in its order, as one layer; the parts' pages are let go of."""
    rows = [order.to(_device(parts[0])) for order in orders]
    in_8_bits = [part for part in parts if isinstance(part, Int8Linear)]
    if in_8_bits:
        return Int8Linear.joined(in_8_bits, rows)
    plain = [part for part in parts if isinstance(part, nn.Linear)]
    pairs = list(zip(plain, rows, strict=True))
    weight = torch.cat([part.weight[order] for part, order in pairs])
    biases = [part.bias[order] for part, order in pairs if part.bias is not None]
    for part in plain:
        _let_go(part.weight)
    return _linear(weight, torch.cat(biases) if biases else None)


def _device(layer: Linear) -> torch.device:
    return layer.quantised.device if isinstance(layer, Int8Linear) else layer.weight.device


def _let_go(weight: Tensor) -> None:
    """Nothing reads it again; if it is mapped from a file, its pages stay otherwise."""
    if weight.device.type == "cpu":
        release_pages(weight)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    with torch.device("meta"):
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return layer


def _head_major(config: TransformerConfig, rotary: bool) -> Tensor:
    """For every channel of the usual layout, its channel in the checkpoint's, [D].

    The checkpoint interleaves heads: number j of head h is channel j * H + h. With `rotary` the
    even channels of a head come first, then the odd ones, so that the two of a pair that turns
    together lie half a head apart. Scores do not change when q and k are reordered alike.
    """
    within = torch.arange(config.head_dim)
    if rotary:
        within = torch.cat((within[0::2], within[1::2]))
    return (within * config.n_heads + torch.arange(config.n_heads)[:, None]).flatten()
