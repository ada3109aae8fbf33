"""ModernBERT, the text encoder of the span predictor and the judge.

    texts -> TextTokenizer -> ids [B, L] -> embeddings -> layers 0 .. n-1 -> hidden state [B, L, D]

Both read an inner hidden state, so only the layers below it are built; `unused_prefixes` names
the keys of the others for the loader.

Letters in shapes: B texts, L tokens, D width, H heads, d = D / H.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import CheckpointMismatch

from .text_encoder import read_tokenizer

MAX_TOKENS = 512
"""Longer texts are cut here; the marks at both ends stay."""


@dataclass(frozen=True, slots=True)
class ModernBertConfig:
    """Sizes, spans of attention, and what would change the computation.

    Hugging Face's files hold bookkeeping besides; the last four fields are refused when they ask
    for what the published model does not have.
    """

    accepts_unknown_keys: ClassVar[bool] = True

    vocab_size: int = 50_368
    hidden_size: int = 1024
    intermediate_size: int = 2624
    num_hidden_layers: int = 28
    num_attention_heads: int = 16
    global_attn_every_n_layers: int = 3
    local_attention: int = 128
    global_rope_theta: float = 160_000.0
    local_rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    pad_token_id: int = 50_283
    hidden_activation: Literal["gelu"] = "gelu"
    norm_bias: Literal[False] = False
    attention_bias: Literal[False] = False
    mlp_bias: Literal[False] = False

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads or self.head_width % 2:
            raise CheckpointMismatch(
                f"text_model: hidden_size {self.hidden_size} over {self.num_attention_heads} heads "
                "must give an even width"
            )

    @property
    def head_width(self) -> int:
        """d."""
        return self.hidden_size // self.num_attention_heads

    def is_global(self, layer: int) -> bool:
        """Whether the tokens of a layer see the whole text, not only their neighbours."""
        return layer % self.global_attn_every_n_layers == 0


class ModernBert(nn.Module):
    """The embedding and the first `n_layers` layers.

    Raises CheckpointMismatch when the model has fewer layers than that.
    """

    def __init__(self, config: ModernBertConfig, n_layers: int) -> None:
        super().__init__()
        if not 0 <= n_layers <= config.num_hidden_layers:
            raise CheckpointMismatch(
                f"nth_text_layer {n_layers}: the text model has {config.num_hidden_layers} layers"
            )
        self.config = config
        self.embeddings = _Embeddings(config)
        self.layers = nn.ModuleList(_Layer(config, index) for index in range(n_layers))

    @property
    def unused_prefixes(self) -> tuple[str, ...]:
        """Keys of the published model that are not built, relative to this module."""
        above = range(len(self.layers), self.config.num_hidden_layers)
        return ("final_norm.", *(f"layers.{index}." for index in above))

    def forward(self, ids: Tensor, valid: Tensor) -> Tensor:
        """The hidden state after the last layer that was built, not normalised: [B, L, D].

        ids, valid: [B, L]; tokens that are not valid are seen by none.
        """
        x: Tensor = self.embeddings(ids)
        everywhere, nearby = attention_masks(valid, self.config.local_attention // 2, x.dtype)
        for index, layer in enumerate(self.layers):
            x = layer(x, everywhere if self.config.is_global(index) else nearby)
        return x


class _Embeddings(nn.Module):
    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.tok_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.norm = _norm(config)

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.norm(self.tok_embeddings(ids))
        return out


class _Layer(nn.Module):
    def __init__(self, config: ModernBertConfig, index: int) -> None:
        super().__init__()
        # The embedding was normalised already, so the first layer does not do it again.
        self.attn_norm = nn.Identity() if index == 0 else _norm(config)
        self.attn = _Attention(config, index)
        self.mlp_norm = _norm(config)
        self.mlp = _Mlp(config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attn(self.attn_norm(x), mask)
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out


class _Attention(nn.Module):
    def __init__(self, config: ModernBertConfig, index: int) -> None:
        super().__init__()
        width = config.hidden_size
        self.n_heads = config.num_attention_heads
        is_global = config.is_global(index)
        self.theta = config.global_rope_theta if is_global else config.local_rope_theta
        self.Wqkv = nn.Linear(width, 3 * width, bias=False)
        self.Wo = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n_texts, n_tokens, width = x.shape
        packed = self.Wqkv(x).reshape(n_texts, n_tokens, 3, self.n_heads, -1)
        q, k, v = packed.permute(2, 0, 3, 1, 4)

        angles = _angles(n_tokens, width // self.n_heads, self.theta, x.device)
        q, k = _rotate_halves(q, angles), _rotate_halves(k, angles)

        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.Wo(found.transpose(1, 2).reshape(x.shape))
        return out


class _Mlp(nn.Module):
    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.Wi = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.Wo = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        content, gate = self.Wi(x).chunk(2, dim=-1)
        out: Tensor = self.Wo(functional.gelu(content) * gate)
        return out


def _norm(config: ModernBertConfig) -> nn.LayerNorm:
    return nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)


def attention_masks(valid: Tensor, reach: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """What is added to the scores of layers that see everything and of local ones: [B, 1, L, L].

    The most negative finite number, not -inf: rows of padding then hold numbers instead of NaN.
    """
    place = torch.arange(valid.shape[1], device=valid.device)
    near = (place[:, None] - place).abs() <= reach
    seen = valid[:, None, None, :].expand(-1, 1, valid.shape[1], -1)

    lowest = torch.finfo(dtype).min
    everywhere = torch.zeros(seen.shape, dtype=dtype, device=valid.device)
    everywhere = everywhere.masked_fill(~seen, lowest)
    return everywhere, everywhere.masked_fill(~near, lowest)


def _angles(n_tokens: int, head_width: int, theta: float, device: torch.device) -> Tensor:
    """Rotary angles [L, d], the same in both halves; float32."""
    steps = torch.arange(0, head_width, 2, dtype=torch.float32, device=device) / head_width
    places = torch.arange(n_tokens, dtype=torch.float32, device=device)
    angles = places[:, None] / theta**steps
    return torch.cat((angles, angles), dim=-1)


def _rotate_halves(x: Tensor, angles: Tensor) -> Tensor:
    """Channels i and i + d/2 turned as a pair: [B, H, L, d], in x's type."""
    wide = x.float()
    first, second = wide.chunk(2, dim=-1)
    crossed = torch.cat((-second, first), dim=-1)
    return (wide * angles.cos() + crossed * angles.sin()).to(x.dtype)


class TextTokenizer:
    """Texts to ids, with the marks at both ends that `tokenizer.json` asks for.

    Raises CheckpointNotFound without that file in `folder`, and CheckpointMismatch when it is
    something else.
    """

    def __init__(self, folder: Path, pad_id: int) -> None:
        self._tokenizer = read_tokenizer(folder / "tokenizer.json")
        self._pad_id = pad_id
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """ids [B, L], filled up to the longest text, and valid [B, L], True for real tokens."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        n_tokens = max(len(row) for row in rows)
        ids = [row + [self._pad_id] * (n_tokens - len(row)) for row in rows]
        valid = [[True] * len(row) + [False] * (n_tokens - len(row)) for row in rows]
        return torch.tensor(ids), torch.tensor(valid)
