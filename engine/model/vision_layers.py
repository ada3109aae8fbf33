"""Parts of the perception encoder's visual tower, under the checkpoint's own names.

    image -> patches -> [ block: x + attn(ln_1 x), then x + mlp(ln_2 x) ] * n -> attention pool

Letters in shapes: B frames, L tokens (the class token first), D width, H heads, d = D / H, G
patches a side.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .rope import rotary_table, rotate

LAYER_NORM_EPS = 1e-5
POOL_HEADS = 8
ROPE_BASE = 10_000.0


class Attention(nn.Module):
    """Multi-head attention with one packed input projection and no mask."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, query: Tensor, memory: Tensor, rotary: Tensor | None = None) -> Tensor:
        """What every query finds in `memory`: [B, Lq, D].

        query: [B, Lq, D].   memory: [B, L, D].   rotary: [L, d / 2, 2], turns queries and keys.
        """
        weights = self.in_proj_weight.chunk(3)
        biases = self.in_proj_bias.chunk(3)
        sources = (query, memory, memory)

        q, k, v = (
            self._split(functional.linear(x, weight, bias))
            for x, weight, bias in zip(sources, weights, biases, strict=True)
        )
        if rotary is not None:
            q, k = rotate(q, rotary), rotate(k, rotary)

        found = functional.scaled_dot_product_attention(q, k, v)
        merged: Tensor = self.out_proj(found.transpose(1, 2).flatten(2))
        return merged

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.n_heads, -1).transpose(1, 2)


class Mlp(nn.Module):
    """Two linear layers around an exact GELU."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, int(width * ratio))
        self.c_proj = nn.Linear(int(width * ratio), width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        out: Tensor = self.c_proj(functional.gelu(self.c_fc(x)))
        return out


class LayerScale(nn.Module):
    """Multiplies each channel of a branch by a learned number."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        return x * self.gamma


class Block(nn.Module):
    """One pre-norm transformer layer; `layer_scale` adds `ls_1` and `ls_2` to its branches."""

    def __init__(self, width: int, n_heads: int, mlp_ratio: float, layer_scale: bool) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.attn = Attention(width, n_heads)
        self.ln_2 = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(width, mlp_ratio)
        self.ls_1 = LayerScale(width) if layer_scale else nn.Identity()
        self.ls_2 = LayerScale(width) if layer_scale else nn.Identity()

    def forward(self, x: Tensor, rotary: Tensor) -> Tensor:
        """x: [B, L, D].   rotary: [L, d / 2, 2].   Returns [B, L, D]."""
        normed = self.ln_1(x)
        x = x + self.ls_1(self.attn(normed, normed, rotary))

        out: Tensor = x + self.ls_2(self.mlp(self.ln_2(x)))
        return out


class Blocks(nn.Module):
    """The stack of layers: `transformer.resblocks` in the checkpoint."""

    def __init__(
        self, n_layers: int, width: int, n_heads: int, mlp_ratio: float, layer_scale: bool
    ) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(
            Block(width, n_heads, mlp_ratio, layer_scale) for _ in range(n_layers)
        )

    def forward(self, x: Tensor, rotary: Tensor) -> Tensor:
        """x: [B, L, D].   rotary: [L, d / 2, 2].   Returns [B, L, D]."""
        for block in self.resblocks:
            x = block(x, rotary)
        return x


class AttentionPool(nn.Module):
    """One learned query over all tokens: [B, L, D] to [B, D]."""

    def __init__(self, width: int, mlp_ratio: float) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.randn(1, 1, width) / math.sqrt(width))
        self.attn = Attention(width, POOL_HEADS)
        self.layernorm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(width, mlp_ratio)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: [B, L, D], class token included.   Returns [B, D]."""
        pooled = self.attn(self.probe.expand(tokens.shape[0], -1, -1), tokens)

        out: Tensor = pooled + self.mlp(self.layernorm(pooled))
        return out[:, 0]


def grid_rotary(n_side: int, head_width: int, device: torch.device) -> Tensor:
    """Rotary table of the class token and a square of patches, [1 + G * G, d / 2, 2] float32.

    The first half of a head's channels turns with the column, the second with the row, both
    counted from 1 because the class token has place 0 and is not turned.
    """
    axis = rotary_table(n_side + 1, head_width // 2, ROPE_BASE, device)
    columns = axis[None, 1:].expand(n_side, -1, -1, -1)
    rows = axis[1:, None].expand(-1, n_side, -1, -1)

    patches = torch.cat((columns, rows), dim=2).flatten(0, 1)
    unturned = torch.cat((axis[:1], axis[:1]), dim=1)
    return torch.cat((unturned, patches))


def fit_positions(table: Tensor, n_side: int) -> Tensor:
    """Learned places [1 + G * G, D] resampled to another grid: [1 + n_side ** 2, D]."""
    trained_side = math.isqrt(table.shape[0] - 1)
    if trained_side == n_side:
        return table
    grid = table[1:].reshape(1, trained_side, trained_side, -1).permute(0, 3, 1, 2)
    resized = functional.interpolate(
        grid, size=(n_side, n_side), mode="bilinear", align_corners=False
    )
    return torch.cat((table[:1], resized[0].flatten(1).transpose(0, 1)))
