"""The transformer as a fast evaluation wants it: fewer and larger products, nothing done twice.

    wq, wk, wv  -> wqkv [3D, D]    heads one after the other, rotary pairs apart (even | odd)
    w1, w3      -> w13 [2F, D]
    cross wq    -> cross_wq [D, D] heads one after the other
    convolution -> taps [D, 3D]    over a frame and its neighbours, laid side by side

`fusing` makes these modules of a loaded network, and `time_tables` what they are given of time
and text. Frames are [R, n, D]: the rows of a prompt follow each other, R / B of each. A frame's
values are overwritten where nothing else needs them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import Attention
from .config import NonLinearity
from .int8 import Int8Linear
from .layers import RMSNorm, activation
from .time_tables import TimeTable

Linear = nn.Linear | Int8Linear
RunBlock = Callable[..., Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What all blocks share. rotary: (cos, sin) [n, 1, 1, head_dim / 2], `None` without.

    valid: [R, n], text_valid: [B, L], what is not padding; `None` when nothing is.
    """

    rotary: tuple[Tensor, Tensor] | None
    valid: Tensor | None = None
    text_valid: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Fused:
    """The fused matrices of a block, which is otherwise made of the network's own modules.

    norm_order: of the channels of a head, in which queries and keys are laid out.
    """

    wqkv: Linear
    cross_wq: Linear
    w13: Linear
    norm_order: Tensor
    eps: float


class FusedTransformer(nn.Module):
    """Everything between the aligned frames and the output layer."""

    def __init__(self, taps: "list[FusedConv]", blocks: "list[FusedBlock]") -> None:
        super().__init__()
        self.taps = nn.ModuleList(taps)
        self.blocks = nn.ModuleList(blocks)

    def forward(
        self, x: Tensor, table: TimeTable, around: Surroundings, run_block: RunBlock
    ) -> Tensor:
        """Frames [R, n, D] after the last block, from aligned frames.

        run_block: `FusedBlock.forward`, or that compiled.
        """
        h = x
        for conv in self.taps:
            h = conv(h)
        h.add_(x)

        for index, block in enumerate(self.blocks):
            time = table.modulation[index].unbind()
            h = run_block(block, h, time, table.keys[index], table.values[index], around)
        return h


class FusedConv(nn.Module):
    """Normalise, SiLU, and the convolution of width 3 as one product."""

    def __init__(self, groupnorm: nn.GroupNorm, taps: nn.Linear) -> None:
        super().__init__()
        self.groupnorm = groupnorm
        self.taps = taps

    def forward(self, x: Tensor) -> Tensor:
        """[R, n, D] of frames; the statistics are those of a row."""
        norm = self.groupnorm
        normed = functional.group_norm(x.flatten(1)[:, None], 1, eps=norm.eps).view(x.shape)
        h = functional.silu(normed.mul_(norm.weight).add_(norm.bias), inplace=True)
        padded = functional.pad(h, (0, 0, 1, 1))
        out: Tensor = self.taps(torch.cat((padded[:, :-2], h, padded[:, 2:]), dim=-1))
        return out


class FusedBlock(nn.Module):
    """Self-attention, attention to the text, feed-forward; see `DiTBlock`."""

    def __init__(
        self, own: Attention, cross: Attention, w2: nn.Module, act: NonLinearity, fused: Fused
    ) -> None:
        super().__init__()
        self.n_heads, self.eps = own.n_heads, fused.eps
        self.wqkv, self.wo = fused.wqkv, own.wo
        self.q_norm, self.k_norm = own.q_norm, own.k_norm
        self.cross_wq, self.cross_wo = fused.cross_wq, cross.wo
        self.cross_norm = cross.q_norm
        self.w13, self.w2 = fused.w13, w2
        self.activation = activation(act)
        self.is_gated = act == "swiglu"
        self.norm_order: Tensor
        self.register_buffer("norm_order", fused.norm_order, persistent=False)

    def forward(
        self,
        x: Tensor,
        time: tuple[Tensor, ...],
        keys: Tensor,
        values: Tensor,
        around: Surroundings,
    ) -> Tensor:
        """x, one block further and in its own place. See `TimeTable` for the rest."""
        scale_sa, shift_sa, gate_sa, scale_ff, shift_ff, gate_ff = time

        h = self._attended(modulated(x, scale_sa, shift_sa, self.eps), around)
        x.addcmul_(gate_sa.to(x.dtype), h)

        self._add_text(x, keys, values, around.text_valid)

        h = self._fed_forward(modulated(x, scale_ff, shift_ff, self.eps))
        return x.addcmul_(gate_ff.to(x.dtype), h)

    def _attended(self, x: Tensor, around: Surroundings) -> Tensor:
        """What the frames gather from each other, [R, n, D]."""
        qkv = self.wqkv(x).unflatten(-1, (3, self.n_heads, -1))
        queries, keys = self._turned(qkv[:, :, :2], around.rotary).transpose(1, 3).unbind(2)
        values = qkv[:, :, 2].transpose(1, 2)

        mask = None if around.valid is None else around.valid[:, None, None, :]
        gathered = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        out: Tensor = self.wo(gathered.transpose(1, 2).flatten(2))
        return out

    def _turned(self, qk: Tensor, rotary: tuple[Tensor, Tensor] | None) -> Tensor:
        """Queries and keys [R, n, 2, H, head_dim], normalised and turned by their position."""
        if isinstance(self.q_norm, RMSNorm):
            weight = torch.stack((self.q_norm.weight, cast(RMSNorm, self.k_norm).weight))
            weight = weight[:, None, self.norm_order]
            qk = functional.rms_norm(qk, qk.shape[-1:], eps=self.q_norm.eps) * weight
        if rotary is None:
            return qk
        return _rotated(qk, *rotary)

    def _add_text(self, x: Tensor, keys: Tensor, values: Tensor, text_valid: Tensor | None) -> None:
        """Add what the frames gather from the text to x [R, n, D]."""
        n_prompts, _, n_tokens, _ = values.shape
        frames = x.view(n_prompts, -1, x.shape[-1])
        shares = self._shares(self.cross_wq(frames), keys, text_valid)

        if self._is_text_shorter(frames, n_tokens):
            weight = torch.unflatten(self.cross_wo.weight, 1, (self.n_heads, -1)).permute(1, 2, 0)
            spoken = torch.matmul(values, weight).flatten(1, 2)  # [B, H L, D]
            frames.baddbmm_(shares.transpose(1, 2).flatten(2), spoken)
            if self.cross_wo.bias is not None:
                frames.add_(self.cross_wo.bias)
        else:
            gathered = torch.matmul(shares, values)
            frames.add_(self.cross_wo(gathered.transpose(1, 2).flatten(2)))

    def _shares(self, queries: Tensor, keys: Tensor, text_valid: Tensor | None) -> Tensor:
        """How much of each token a frame takes, [B, H, K n, L]; queries: [B, K n, D].

        The queries' norm divides the scores; its weight is in the keys.
        """
        heads = torch.unflatten(queries, -1, (self.n_heads, -1))
        scores = torch.matmul(heads.transpose(1, 2), keys).float()
        if isinstance(self.cross_norm, RMSNorm):
            length = torch.linalg.vector_norm(heads, dim=-1, dtype=torch.float32)
            mean = length.square_().div_(heads.shape[-1])
            level = torch.rsqrt(mean + self.cross_norm.eps).transpose(1, 2)
            scores = scores * level[..., None]
        if text_valid is not None:
            scores = scores.masked_fill(~text_valid[:, None, None, :], -torch.inf)
        return scores.softmax(dim=-1).to(queries.dtype)

    def _is_text_shorter(self, frames: Tensor, n_tokens: int) -> bool:
        """Whether wo costs less on the tokens than on the frames, and is a matrix at all."""
        if type(self.cross_wo) is not nn.Linear:
            return False
        _, n_frames, dim = frames.shape
        return n_tokens * dim + n_frames * self.n_heads * n_tokens < n_frames * dim

    def _fed_forward(self, x: Tensor) -> Tensor:
        hidden = self.w13(x)
        if self.is_gated:
            hidden, gate = hidden.chunk(2, dim=-1)
            hidden = functional.silu(hidden, inplace=True).mul_(gate)
        else:
            hidden = self.activation(hidden)
        out: Tensor = self.w2(hidden)
        return out


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [..., even | odd] with its pairs turned; in float32 until it is written."""
    even, odd = x.chunk(2, dim=-1)
    if torch.compiler.is_compiling():  # which writes once whatever is said, but not into views
        halves = (even * cos - odd * sin, even * sin + odd * cos)
        return torch.cat(halves, dim=-1).to(x.dtype)
    turned = torch.empty_like(x)
    first, second = turned.chunk(2, dim=-1)
    torch.addcmul(even * cos, odd, sin, value=-1, out=first)
    torch.addcmul(even * sin, odd, cos, out=second)
    return turned


def modulated(x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """x [R, n, D] over its root mean square, times `scale`, plus `shift`, both of float32."""
    if x.dtype == torch.float32:
        return functional.rms_norm(x, x.shape[-1:], scale, eps).add_(shift)
    normed = functional.rms_norm(x, x.shape[-1:], eps=eps)
    return torch.addcmul(shift, normed, scale, out=normed)
