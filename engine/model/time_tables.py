"""What an evaluation needs of time and text, computed once per prompt and schedule.

    t -----------> shift, scale and gate of every block, with the norms' weights folded in
    text and t --> keys and values of every block's attention to the text

Neither depends on the noisy latent, so candidates, windows and the solver's steps share them.
Modulation is kept in float32 also beside 16-bit weights: there are a few vectors of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from .attention import Attention
from .layers import RMSNorm, sinusoids
from .sam_audio import SAMAudioNetwork
from .text_encoder import EncodedText
from .transformer import DiTBlock


@dataclass(frozen=True, slots=True, eq=False)
class TimeTable:
    """Everything that belongs to one time.

    modulation: [n_layers, 6, D] float32: scale, shift and gate of attention, then of the
        feed-forward; a scale is the norm's weight times 1 + scale.
    final: [2, D] float32, scale and shift before the output.
    keys: [n_layers, B, H, head_dim, L], with the norms of both sides and 1/sqrt(head_dim) in it.
    values: [n_layers, B, H, L, head_dim].
    """

    modulation: Tensor
    final: Tensor
    keys: Tensor
    values: Tensor

    @property
    def n_bytes(self) -> int:
        """Memory that it takes."""
        parts = (self.modulation, self.final, self.keys, self.values)
        return sum(part.nbytes for part in parts)


def time_tables(
    network: SAMAudioNetwork, text: EncodedText, times: Sequence[float]
) -> list[TimeTable]:
    """The tables of `times`, in their order. text: [B, L, 768], without padded tokens if B is 1."""
    t = torch.tensor(times, dtype=torch.float32, device=network.device)
    modulation, final = _modulation(network, t)
    keys, values = _keys_values(network, text, t)
    return [TimeTable(modulation[i], final[i], keys[:, i], values[:, i]) for i in range(len(times))]


def without_padding(text: EncodedText) -> EncodedText:
    """`text` without the tokens that are padding in every row; the mask goes if none is left."""
    if text.valid is None:
        return text
    kept = text.valid.any(dim=0)
    valid = text.valid[:, kept]
    return EncodedText(text.features[:, kept], None if bool(valid.all()) else valid)


def _modulation(network: SAMAudioNetwork, t: Tensor) -> tuple[Tensor, Tensor]:
    """[n_times, n_layers, 6, D] and [n_times, 2, D], float32."""
    transformer = network.transformer
    time = transformer.embed_time(t, network.proj.weight.dtype)
    blocks = time.blocks.float()
    layers = [cast(DiTBlock, layer) for layer in transformer.layers]
    per_layer = [_folded(blocks + layer.scale_shift_table.float(), layer) for layer in layers]
    shift, scale = (
        transformer.final_layer_scale_shift_table.float() + time.final.float()[:, None]
    ).unbind(dim=1)
    weight = transformer.norm.weight.float()
    return torch.stack(per_layer, dim=1), torch.stack((weight * (1 + scale), shift), dim=1)


def _folded(table: Tensor, layer: DiTBlock) -> Tensor:
    """[n_times, 6, D] as it is stored, from the checkpoint's order."""
    shift_sa, scale_sa, gate_sa, shift_ff, scale_ff, gate_ff = table.unbind(dim=1)
    scale_sa = layer.attention_norm.weight.float() * (1 + scale_sa)
    scale_ff = layer.ffn_norm.weight.float() * (1 + scale_ff)
    return torch.stack((scale_sa, shift_sa, gate_sa, scale_ff, shift_ff, gate_ff), dim=1)


def _keys_values(network: SAMAudioNetwork, text: EncodedText, t: Tensor) -> tuple[Tensor, Tensor]:
    """[n_layers, n_times, B, H, head_dim, L] and [n_layers, n_times, B, H, L, head_dim]."""
    transformer = network.transformer
    dtype = network.proj.weight.dtype
    memory = network.memory_proj(text.features.to(network.device, dtype))
    times = sinusoids(t, memory.shape[-1]).to(dtype)
    y = transformer.y_embedder((memory[None] + times[:, None, None]).flatten(0, 1))

    keys, values = [], []
    for layer in transformer.layers:
        attention = cast(DiTBlock, layer).cross_attention
        k, v = attention.keys_values(y)
        keys.append(torch.unflatten(_scaled(k, attention).mT, 0, (len(t), -1)))
        values.append(torch.unflatten(v, 0, (len(t), -1)))
    return torch.stack(keys), torch.stack(values)


def _scaled(keys: Tensor, attention: Attention) -> Tensor:
    """Keys with the weights of the queries' norm and the scores' scale in them."""
    scaled = keys.float() * float(keys.shape[-1] ** -0.5)
    if isinstance(attention.q_norm, RMSNorm):
        scaled = scaled * attention.q_norm.weight.float()
    return scaled.to(keys.dtype)
