"""The description as the model reads it: T5's encoder and its tokenizer, from local files only.

    texts -> tokenizer.json -> ids [B, L] -> T5Encoder -> features [B, L, 768], valid [B, L]

Not through `transformers`: importing its T5 takes 3.6 s of CPU time and 157 MB of memory, the
`tokenizers` package 0.01 s and 3 MB (5.23 and 0.23 on one machine), and the encoder
is two hundred lines that do not change. Names are Hugging Face's, which are the files' names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import load_into, read_state_dict
from engine.errors import CheckpointMismatch, CheckpointNotFound

from .config import from_dict, read_json
from .layers import RMSNorm


@dataclass(frozen=True, slots=True)
class T5Config:
    """What matters of a Hugging Face T5 `config.json`; the defaults are those of t5-base."""

    vocab_size: int = 32_128
    d_model: int = 768
    d_kv: int = 64
    d_ff: int = 3072
    num_layers: int = 12
    num_heads: int = 12
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: Literal["relu"] = "relu"
    pad_token_id: int = 0

    accepts_unknown_keys: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class EncodedText:
    """Descriptions as vectors. features: [B, L, E].

    valid: [B, L], False on padding; `None` when all descriptions have the same number of tokens.
    """

    features: Tensor
    valid: Tensor | None


class TextEncoder(nn.Module):
    """Tokenizer and encoder together; `text_encoder.` in SAM-Audio's names."""

    def __init__(self, config: T5Config, tokenizer: Tokenizer, max_length: int = 512) -> None:
        super().__init__()
        self.config = config
        self.model = T5Encoder(config)
        self.tokenizer = tokenizer
        self.tokenizer.enable_truncation(max_length)
        self.tokenizer.enable_padding(pad_id=config.pad_token_id, pad_token="<pad>")

    @classmethod
    def from_folder(
        cls, folder: Path, max_length: int = 512, dtype: torch.dtype | None = None
    ) -> "TextEncoder":
        """The encoder in a Hugging Face folder: config.json, tokenizer.json, weights.

        The decoder, if the weights have one, is not read.
        Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
        """
        config = from_dict(T5Config, read_json(folder / "config.json"), f"{folder}/config.json")
        tokenizer = read_tokenizer(folder / "tokenizer.json")
        with torch.device("meta"):
            encoder = cls(config, tokenizer, max_length)
        load_into(
            encoder.model,
            read_state_dict(folder),
            where=str(folder),
            dtype=dtype,
            allowed_unexpected=("decoder.", "lm_head.", "encoder.embed_tokens."),
        )
        return encoder.eval().requires_grad_(False)

    def forward(self, texts: Sequence[str]) -> EncodedText:
        """Features of B texts, padded to the longest. An empty text is its end token alone."""
        encodings = self.tokenizer.encode_batch(list(texts))
        device = self.model.shared.weight.device
        ids = torch.tensor([encoding.ids for encoding in encodings], device=device)
        valid = torch.tensor([encoding.attention_mask for encoding in encodings], device=device)
        mask = None if bool(valid.all()) else valid.bool()
        return EncodedText(self.model(ids, mask), mask)


class T5Encoder(nn.Module):
    """The encoder half of T5, under Hugging Face's names."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = _Stack(config)

    def forward(self, ids: Tensor, valid: Tensor | None = None) -> Tensor:
        """Features [B, L, d_model] of token ids [B, L]; `valid` [B, L] is False on padding."""
        features: Tensor = self.encoder(self.shared(ids), valid)
        return features


class _Stack(nn.Module):
    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.block = nn.ModuleList(
            [_Block(config, index == 0) for index in range(config.num_layers)]
        )
        self.final_layer_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        first = self.block[0]
        assert isinstance(first, _Block)
        bias = first.position_bias(x.shape[1])
        if valid is not None:
            bias = bias.masked_fill(~valid[:, None, None, :], torch.finfo(bias.dtype).min)

        for block in self.block:
            x = block(x, bias)
        out: Tensor = self.final_layer_norm(x)
        return out


class _Block(nn.Module):
    def __init__(self, config: T5Config, has_bias: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([_AttentionLayer(config, has_bias), _FeedForwardLayer(config)])

    def position_bias(self, n_tokens: int) -> Tensor:
        """See `_SelfAttention`; only the first block has it."""
        attention = self.layer[0]
        assert isinstance(attention, _AttentionLayer)
        return attention.SelfAttention.position_bias(n_tokens)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        x = self.layer[0](x, bias)
        out: Tensor = self.layer[1](x)
        return out


class _AttentionLayer(nn.Module):
    def __init__(self, config: T5Config, has_bias: bool) -> None:
        super().__init__()
        self.SelfAttention = _SelfAttention(config, has_bias)
        self.layer_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        attended: Tensor = self.SelfAttention(self.layer_norm(x), bias)
        return x + attended


class _FeedForwardLayer(nn.Module):
    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.DenseReluDense = nn.ModuleDict(
            {
                "wi": nn.Linear(config.d_model, config.d_ff, bias=False),
                "wo": nn.Linear(config.d_ff, config.d_model, bias=False),
            }
        )
        self.layer_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.DenseReluDense["wi"](self.layer_norm(x)))
        out: Tensor = self.DenseReluDense["wo"](hidden)
        return x + out


class _SelfAttention(nn.Module):
    """Attention with a learned bias per head and distance, and without a scale."""

    def __init__(self, config: T5Config, has_bias: bool) -> None:
        super().__init__()
        inner = config.num_heads * config.d_kv
        self.config = config
        self.q = nn.Linear(config.d_model, inner, bias=False)
        self.k = nn.Linear(config.d_model, inner, bias=False)
        self.v = nn.Linear(config.d_model, inner, bias=False)
        self.o = nn.Linear(inner, config.d_model, bias=False)
        if has_bias:
            n_buckets = config.relative_attention_num_buckets
            self.relative_attention_bias = nn.Embedding(n_buckets, config.num_heads)

    def position_bias(self, n_tokens: int) -> Tensor:
        """What the first block adds to the scores of all blocks, [1, H, L, L]."""
        weight = self.relative_attention_bias.weight
        buckets = distance_buckets(
            n_tokens,
            self.config.relative_attention_num_buckets,
            self.config.relative_attention_max_distance,
        ).to(weight.device)
        bias: Tensor = self.relative_attention_bias(buckets)
        return bias.permute(2, 0, 1)[None]

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = (self._split_heads(layer(x)) for layer in (self.q, self.k, self.v))
        gathered = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        out: Tensor = self.o(gathered.transpose(1, 2).flatten(2))
        return out

    def _split_heads(self, x: Tensor) -> Tensor:
        heads = x.view(*x.shape[:2], self.config.num_heads, self.config.d_kv)
        return heads.transpose(1, 2)


def distance_buckets(n_tokens: int, n_buckets: int, max_distance: int) -> Tensor:
    """Bucket of every (query, key) pair, [L, L] int64.

    Half of the buckets are for keys after the query. Of each half, the first half has one bucket
    per distance; the rest grow with the logarithm of the distance, up to `max_distance`. Always
    on the CPU in float32, so that the borders lie where the original has them.
    """
    places = torch.arange(n_tokens, device="cpu")
    offset = places[None, :] - places[:, None]
    n_half, n_exact = n_buckets // 2, n_buckets // 4

    distance = offset.abs()
    steps = torch.log(distance.clamp(min=1).float() / n_exact) / math.log(max_distance / n_exact)
    far = (n_exact + (steps * (n_half - n_exact)).long()).clamp(max=n_half - 1)
    return torch.where(distance < n_exact, distance, far) + n_half * (offset > 0)


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in a `tokenizer.json`.

    Raises CheckpointNotFound when it is not there, CheckpointMismatch when it is something else.
    """
    if not path.is_file():
        raise CheckpointNotFound(
            f"{path} is not there; the folder needs tokenizer.json beside its weights "
            "(spiece.model alone is not enough)"
        )
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise CheckpointMismatch(f"{path} is not a tokenizer: {error}") from error
