"""The transformer over audio frames that the span predictor has once and the judge twice.

    frames [B, T, D] -> class token before -> convolutions over time -> layers -> norm -> output
      -> frames [B, T, D] and the class token, pooled [B, D]

Letters in shapes: B rows, T frames, D width, H heads, d = D / H.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import AudioError, CheckpointMismatch

from .layers import ConvResidual, RMSNorm
from .rope import rotary_table, rotate


@dataclass(frozen=True, slots=True)
class PETransformerConfig:
    """Sizes of one transformer.

    The files may hold Hugging Face's bookkeeping besides; the last fields are refused when they
    ask for what the published models do not have. `rope_theta` is in the files and not obeyed:
    the base of the angles follows from `max_position_embeddings`.
    """

    accepts_unknown_keys: ClassVar[bool] = True

    hidden_size: int = 1024
    intermediate_size: int = 2752
    num_hidden_layers: int = 16
    num_attention_heads: int = 8
    max_position_embeddings: int = 10_000
    rms_norm_eps: float = 1e-5
    head_dim: int | None = None
    num_key_value_heads: int | None = None
    hidden_act: Literal["silu"] = "silu"
    attention_bias: Literal[False] = False

    def __post_init__(self) -> None:
        n_heads = self.num_attention_heads
        if self.hidden_size % n_heads or self.head_width % 2:
            raise CheckpointMismatch(
                f"transformer: hidden_size {self.hidden_size} over {n_heads} heads must give an "
                "even width"
            )
        if self.head_dim not in (None, self.head_width):
            raise CheckpointMismatch(
                f"transformer: head_dim {self.head_dim} must be hidden_size over heads, "
                f"{self.head_width}"
            )
        if self.num_key_value_heads not in (None, n_heads):
            raise CheckpointMismatch(
                f"transformer: num_key_value_heads {self.num_key_value_heads} must be {n_heads}"
            )

    @property
    def head_width(self) -> int:
        """d."""
        return self.hidden_size // self.num_attention_heads

    @property
    def theta(self) -> float:
        """Base of the rotary angles."""
        return max(10_000.0, 2.0 * self.max_position_embeddings)


class PETransformer(nn.Module):
    """Audio frames in the light of each other."""

    def __init__(self, config: PETransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config.hidden_size)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = _norm(config.hidden_size, config)
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, frames: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Frames [B, T, D] and one vector for all of them, [B, D].

        frames: [B, T, D].   valid: [B, T], False for padding, which no frame then sees; without
            it, padding counts like sound.
        Raises AudioError when there are more frames than the model has places.
        """
        n_places = frames.shape[1] + 1
        if n_places > self.config.max_position_embeddings:
            raise AudioError(
                f"the audio has {frames.shape[1]} frames; this model hears at most "
                f"{self.config.max_position_embeddings - 1}. Separate it in shorter pieces"
            )
        if valid is not None:
            valid = functional.pad(valid, (1, 0), value=True)

        x = self.embeddings(frames, valid)
        rotary = rotary_table(n_places, self.config.head_width, self.config.theta, x.device)
        seen = None if valid is None else valid[:, None, None, :]
        for layer in self.layers:
            x = layer(x, rotary, seen)

        x = self.output(self.norm(x))
        return x[:, 1:], x[:, 0]


class _Embeddings(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.resnet_block = ConvResidual(width)

    def forward(self, frames: Tensor, valid: Tensor | None) -> Tensor:
        x = torch.cat((self.cls_token.expand(frames.shape[0], -1, -1), frames), dim=1)
        mixed: Tensor = self.resnet_block(x.transpose(1, 2), valid)
        return mixed.transpose(1, 2)


class _Layer(nn.Module):
    def __init__(self, config: PETransformerConfig) -> None:
        super().__init__()
        self.input_layernorm = _norm(config.hidden_size, config)
        self.self_attn = _Attention(config)
        self.post_attention_layernorm = _norm(config.hidden_size, config)
        self.mlp = _Mlp(config)

    def forward(self, x: Tensor, rotary: Tensor, seen: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotary, seen)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class _Attention(nn.Module):
    def __init__(self, config: PETransformerConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.n_heads = config.num_attention_heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.q_norm = _norm(config.head_width, config)
        self.k_norm = _norm(config.head_width, config)

    def forward(self, x: Tensor, rotary: Tensor, seen: Tensor | None) -> Tensor:
        q = rotate(self.q_norm(self._split(self.q_proj(x))), rotary)
        k = rotate(self.k_norm(self._split(self.k_proj(x))), rotary)
        v = self._split(self.v_proj(x))

        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        out: Tensor = self.o_proj(found.transpose(1, 2).reshape(x.shape))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.n_heads, -1).transpose(1, 2)


class _Mlp(nn.Module):
    def __init__(self, config: PETransformerConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


def _norm(width: int, config: PETransformerConfig) -> RMSNorm:
    return RMSNorm(width, config.rms_norm_eps)
