"""Models of published sizes with random weights: their time and memory are those of the real ones.

The text encoder is a stand-in that returns features of the right size at once; its own time is that
of one description, a few per cent of an evaluation.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.model.companions import Companions
from engine.model.config import SAMAudioConfig
from engine.model.int8_cost import quantise_measured
from engine.model.random_weights import fill_randomly
from engine.model.separation import SAMAudio
from engine.model.text_encoder import EncodedText

from .footprint import WeightFormat

N_TOKENS = 6
"""Of the stand-in's descriptions; "dog barking" has as many, give or take one."""

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class RandomModel:
    """What to make. size: `small`, `base` or `large`.   n_layers: of its layers, `None` for all."""

    size: str
    weights: WeightFormat
    n_layers: int | None = None

    def config(self) -> SAMAudioConfig:
        """The published configuration. Raises CheckpointMismatch for an unknown size."""
        config = SAMAudioConfig.published(self.size)
        n_layers = self.n_layers or config.transformer.n_layers
        return replace(config, transformer=replace(config.transformer, n_layers=n_layers))

    def make(self, device: torch.device | str = "cpu", *, fused: bool = True) -> SAMAudio:
        """The model on `device`, codec in float32.

        fused: put the codec together for speed, as a loaded one is; otherwise as in the checkpoint,
            with weight norm computed at every call, as the original does.
        """
        return filled(self.config(), self.weights, device, fused=fused)


def filled(
    config: SAMAudioConfig,
    weights: WeightFormat,
    device: torch.device | str = "cpu",
    *,
    fused: bool = True,
) -> SAMAudio:
    """The model of any configuration with random weights, kept as `weights` says."""
    text_dim = config.text_encoder.dim
    with torch.device("meta"):
        model = SAMAudio(config, Companions(lambda: StandInText(text_dim)))  # type: ignore[arg-type, return-value]
    for name, parameter in model.named_parameters():
        dtype = torch.float32 if name.startswith("audio_codec.") else _DTYPES[weights.precision]
        parameter.data = parameter.data.to(dtype)
    model.to_empty(device=device)
    fill_randomly(model)
    if weights.int8:
        model.int8_cost = quantise_measured(model)
    if fused:
        model.audio_codec.fuse()
    return model.eval().requires_grad_(False)


class StandInText(nn.Module):
    """A text encoder that knows no words: random features [B, L, E], the same for every text."""

    def __init__(self, dim: int, n_tokens: int = N_TOKENS) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.features: Tensor
        self.register_buffer("features", torch.randn(1, n_tokens, dim, generator=generator))

    def forward(self, texts: tuple[str, ...]) -> EncodedText:
        """Features for every text."""
        return EncodedText(self.features.expand(len(texts), -1, -1), None)
