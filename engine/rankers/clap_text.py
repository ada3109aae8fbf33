"""CLAP's text tower: RoBERTa with its pooler, from token ids to one vector per description.

Attributes carry the names of Hugging Face's RobertaModel, as the checkpoint does.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class RobertaConfig:
    """Sizes of the text tower; the defaults are roberta-base."""

    vocab_size: int = 50_265
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 514
    type_vocab_size: int = 1
    pad_token_id: int = 1
    layer_norm_eps: float = 1e-5


class Roberta(nn.Module):
    """Token ids to the pooled vector of the first token."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict(
            {"layer": nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))}
        )
        self.pooler = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.hidden_size)})

    def forward(self, input_ids: Tensor, valid: Tensor) -> Tensor:
        """input_ids: [B, L], padded on the right.   valid: [B, L] bool. Returns [B, D]."""
        # Padding changes nothing but the time that it takes.
        n_tokens = int(valid.sum(dim=1).max())
        input_ids, valid = input_ids[:, :n_tokens], valid[:, :n_tokens]

        x = self.embeddings(input_ids)
        for layer in self.encoder["layer"].children():
            x = layer(x, valid)
        return torch.tanh(self.pooler["dense"](x[:, 0]))


class Embeddings(nn.Module):
    """Words, positions and the single segment type, summed and normalised."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        D, eps = config.hidden_size, config.layer_norm_eps
        self.pad_token_id = config.pad_token_id
        self.word_embeddings = nn.Embedding(config.vocab_size, D)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, D)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, D)
        self.LayerNorm = nn.LayerNorm(D, eps=eps)

    def forward(self, input_ids: Tensor) -> Tensor:
        """input_ids: [B, L]. Returns [B, L, D]."""
        # Positions count from the id after padding's, as in fairseq.
        real = (input_ids != self.pad_token_id).long()
        positions = real.cumsum(dim=1) * real + self.pad_token_id
        summed = self.word_embeddings(input_ids) + self.token_type_embeddings.weight[0]
        out: Tensor = self.LayerNorm(summed + self.position_embeddings(positions))
        return out


class Layer(nn.Module):
    """Attention and feed-forward, each followed by a norm of the sum."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        D, hidden = config.hidden_size, config.intermediate_size
        self.attention = Attention(config)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(D, hidden)})
        self.output = AddAndNorm(hidden, D, config.layer_norm_eps)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """x: [B, L, D].   valid: [B, L] bool; same shape as x out."""
        x = self.attention(x, valid)
        out: Tensor = self.output(functional.gelu(self.intermediate["dense"](x)), x)
        return out


class Attention(nn.Module):
    """Multi-head attention with biases everywhere."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        D = config.hidden_size
        self.n_heads = config.num_attention_heads
        self.self = nn.ModuleDict({name: nn.Linear(D, D) for name in ("query", "key", "value")})
        self.output = AddAndNorm(D, D, config.layer_norm_eps)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """x: [B, L, D].   valid: [B, L] bool; same shape as x out."""
        q, k, v = (
            self.self[name](x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        attended = functional.scaled_dot_product_attention(q, k, v, valid[:, None, None, :])
        out: Tensor = self.output(attended.transpose(1, 2).flatten(-2), x)
        return out


class AddAndNorm(nn.Module):
    """Projects, adds to what came before, normalises."""

    def __init__(self, in_dim: int, dim: int, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(in_dim, dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=eps)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        """x: [B, L, in].   before: [B, L, D]. Returns [B, L, D]."""
        out: Tensor = self.LayerNorm(self.dense(x) + before)
        return out
