"""Attention of the diffusion transformer, over its own frames or over the text."""

from torch import Tensor, nn
from torch.nn import functional

from .config import TransformerConfig
from .layers import RMSNorm
from .rope import rotate


class Attention(nn.Module):
    """Multi-head attention with normalised queries and keys.

    Keys and values are made in a step of their own, because those of the text do not depend on
    the frames that ask.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim, bias = config.dim, config.fc_bias
        self.n_heads = config.n_heads
        self.wq = nn.Linear(dim, dim, bias=bias)
        self.wk = nn.Linear(dim, dim, bias=bias)
        self.wv = nn.Linear(dim, dim, bias=bias)
        self.wo = nn.Linear(dim, dim, bias=bias)
        self.q_norm = _head_norm(config)
        self.k_norm = _head_norm(config)

    def keys_values(self, source: Tensor, rotary: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values [B, H, S, head_dim] of what is attended to, [B, S, D].

        rotary: see `rotary_table`; `None` where positions do not matter.
        """
        keys = self.k_norm(self._split_heads(self.wk(source)))
        values = self._split_heads(self.wv(source))
        return (keys if rotary is None else rotate(keys, rotary)), values

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        rotary: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """What x [B, T, D] gathers, [B, T, D].

        valid: [B, S], which keys may be attended to; `None` for all of them, which lets PyTorch
        choose its fastest kernel.
        """
        queries = self.q_norm(self._split_heads(self.wq(x)))
        if rotary is not None:
            queries = rotate(queries, rotary)
        mask = None if valid is None else valid[:, None, None, :]
        gathered = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        out: Tensor = self.wo(gathered.transpose(1, 2).flatten(2))
        return out

    def _split_heads(self, x: Tensor) -> Tensor:
        """[B, T, D] to [B, H, T, head_dim].

        The checkpoint interleaves heads: channel c is number c div H of head c mod H. What comes
        out of the heads is joined the usual way, head after head. Nothing else here does this.
        """
        n_rows, n_positions, _ = x.shape
        return x.view(n_rows, n_positions, -1, self.n_heads).permute(0, 3, 1, 2)


def _head_norm(config: TransformerConfig) -> nn.Module:
    return RMSNorm(config.head_dim, config.norm_eps) if config.qk_norm else nn.Identity()
