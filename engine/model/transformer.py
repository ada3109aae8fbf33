"""The diffusion transformer: from aligned frames, time and text to the velocity of the latent.

    x [B, T, D] -> x_embedder -> layers (shift, scale and gate from t; text by attention) -> output

Checkpoint prefix `transformer.`. Dropout does not exist here: nothing is trained.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.errors import AudioError
from engine.units import SAM_HOP_LENGTH, SAM_SAMPLE_RATE

from .attention import Attention
from .config import NonLinearity, TransformerConfig
from .layers import ConvResidual, FeedForward, RMSNorm, activation, sinusoids
from .rope import rotary_table


@dataclass(frozen=True, slots=True, eq=False)
class TimeEmbedding:
    """What the transformer makes of t.

    final: [B, D] for the output layer.   blocks: [B, 6, D], shared by all blocks.
    """

    final: Tensor
    blocks: Tensor


class DiT(nn.Module):
    """The transformer; see the drawing above."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.config = config
        self.data_proj = None if config.in_channels is None else nn.Linear(config.in_channels, dim)
        self.x_embedder = _FrameEmbedder(dim)
        self.t_embedder = _TimeEmbedder(config)
        self.t_block_activation = activation(config.t_block_non_linearity)
        self.t_block = nn.Linear(dim, 6 * dim, bias=config.t_block_bias)
        self.y_embedder = _ContextEmbedder(config)
        self.layers = nn.ModuleList([DiTBlock(config) for _ in range(config.n_layers)])
        self.norm = RMSNorm(dim, config.norm_eps)
        self.final_layer_scale_shift_table = nn.Parameter(torch.zeros(2, dim))
        self.output = nn.Linear(dim, config.out_channels, bias=config.fc_bias)
        self.fused: nn.Module | None = None  # see `fusing.fuse`

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        memory: Tensor,
        valid: Tensor | None = None,
        memory_valid: Tensor | None = None,
    ) -> Tensor:
        """Velocity [B, T, 2C] of frames x [B, T, D] at time t [B], in 0 to 1.

        memory: text [B, L, D].   valid [B, T], memory_valid [B, L]: what is not padding; `None`
        when nothing is. Padded frames of the result are undefined.
        Raises AudioError when there are more frames than the model has positions for.
        """
        self.check_length(x.shape[1])
        h = self.embed_frames(x)
        time = self.embed_time(t, x.dtype)
        y = self.y_embedder(memory)
        rotary = self.rotary(x.shape[1], x.device)

        for layer in self.layers:
            h = layer(h, time.blocks, y, rotary, valid, memory_valid)

        table = self.final_layer_scale_shift_table
        shift, scale = (table + time.final[:, None, :]).unbind(dim=1)
        velocity: Tensor = self.output(_modulated(self.norm(h), shift, scale))
        return velocity

    def embed_frames(self, x: Tensor) -> Tensor:
        """Frames [B, T, D] with their neighbours taken in."""
        embedded: Tensor = self.x_embedder(x.transpose(1, 2)).transpose(1, 2)
        return embedded

    def embed_time(self, t: Tensor, dtype: torch.dtype) -> TimeEmbedding:
        """What every block is told about the time t [B]."""
        final = self.t_embedder(t, dtype)
        blocks = self.t_block(self.t_block_activation(final)).unflatten(-1, (6, -1))
        return TimeEmbedding(final, blocks)

    def rotary(self, n_frames: int, device: torch.device) -> Tensor | None:
        """Angles of the positions of self-attention, or `None` in a model without."""
        if not self.config.use_rope:
            return None
        return rotary_table(n_frames, self.config.head_dim, self.config.rope_theta, device)

    def check_length(self, n_frames: int) -> None:
        """Raises AudioError when there are more frames than the model has positions for."""
        limit = self.config.max_positions
        if n_frames > limit:
            raise AudioError(
                f"{n_frames} frames at once, the model has positions for {limit} "
                f"({limit * SAM_HOP_LENGTH / SAM_SAMPLE_RATE:g} s); separate it in windows"
            )


class DiTBlock(nn.Module):
    """Self-attention, attention to the text, feed-forward.

    The first and the last are shifted, scaled and gated by t; the text is added as it comes,
    without a norm before or a gate behind.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.attention_norm = RMSNorm(dim, config.norm_eps)
        self.attention = Attention(config)
        self.cross_attention = Attention(config)
        self.ffn_norm = RMSNorm(dim, config.norm_eps)
        self.feed_forward = FeedForward(
            dim, config.ffn_hidden, dim, config.non_linearity, config.fc_bias
        )
        self.scale_shift_table = nn.Parameter(torch.zeros(6, dim))

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        y: Tensor,
        rotary: Tensor | None,
        valid: Tensor | None = None,
        y_valid: Tensor | None = None,
    ) -> Tensor:
        """x [B, T, D] one block further. time: [B, 6, D].   y: text [B, L, D]."""
        modulation = (self.scale_shift_table + time).unbind(dim=1)
        shift_sa, scale_sa, gate_sa, shift_ff, scale_ff, gate_ff = modulation

        h = _modulated(self.attention_norm(x), shift_sa, scale_sa)
        keys, values = self.attention.keys_values(h, rotary)
        x = x + gate_sa[:, None, :] * self.attention(h, keys, values, rotary, valid)

        keys, values = self.cross_attention.keys_values(y)
        x = x + self.cross_attention(x, keys, values, valid=y_valid)

        h = _modulated(self.ffn_norm(x), shift_ff, scale_ff)
        out: Tensor = x + gate_ff[:, None, :] * self.feed_forward(h)
        return out


class _FrameEmbedder(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.block = ConvResidual(dim)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        return out


class _TimeEmbedder(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_frequencies = config.frequency_embedding_dim
        self.projection = _projection(
            self.n_frequencies, config.dim, config.timestep_non_linearity, config.fc_bias
        )

    def forward(self, t: Tensor, dtype: torch.dtype) -> Tensor:
        out: Tensor = self.projection(sinusoids(t, self.n_frequencies).to(dtype))
        return out


class _ContextEmbedder(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.context_dim
        self.norm = RMSNorm(dim, config.norm_eps) if config.context_norm else None
        self.projection = _projection(dim, config.dim, config.context_non_linearity, config.fc_bias)

    def forward(self, memory: Tensor) -> Tensor:
        y: Tensor = self.projection(memory if self.norm is None else self.norm(memory))
        return y


def _projection(n_in: int, n_out: int, non_linearity: NonLinearity, bias: bool) -> FeedForward:
    return FeedForward(n_in, n_out, n_out, non_linearity, bias)


def _modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x [B, T, D] times 1 + scale [B, D], plus shift [B, D]."""
    return x * (1 + scale[:, None, :]) + shift[:, None, :]
