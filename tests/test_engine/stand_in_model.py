"""A model whose codec loses nothing: a latent frame holds the samples of its 40 ms.

What the separator does around the network can so be told from what a codec or a network does.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.model import SAMAudio
from engine.model.companions import Companions
from engine.model.config import CodecConfig, SAMAudioConfig, TransformerConfig
from engine.model.text_encoder import EncodedText
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.guidance import Guidance, Network
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.windows import Window, WindowVelocity

RATE, HOP_LENGTH = 8000, 320
_STRIDES = {8000: (2, 8, 20), 48_000: (2, 8, 10, 12)}


class StandInModel(SAMAudio):
    """Hears and speaks 8 or 48 kHz; beside the codec all is tiny and as good as unused."""

    def __init__(self, sample_rate: int = RATE) -> None:
        hop_length = sample_rate // 25
        config = SAMAudioConfig(
            in_channels=6 * hop_length,
            audio_codec=CodecConfig(
                encoder_dim=2,
                encoder_rates=_STRIDES[sample_rate],
                latent_dim=16,
                decoder_dim=96,
                codebook_dim=hop_length,
                sample_rate=sample_rate,
            ),
            transformer=TransformerConfig(
                dim=24, context_dim=24, n_heads=2, n_layers=1, out_channels=2 * hop_length
            ),
            text_ranker=None,
        )
        super().__init__(config, Companions(_NoWords))
        self.audio_codec.decode_without_watermark = _spoken  # type: ignore[method-assign]
        self.eval().requires_grad_(False)

    def encode_audio(self, wav: Tensor) -> Tensor:
        """[1, 1, N] as [1, T, C]."""
        hop_length = self.config.audio_codec.hop_length
        n_missing = -wav.shape[-1] % hop_length
        return functional.pad(wav, (0, n_missing)).view(1, -1, hop_length)


def stand_in_separator(
    config: SamAudioConfig, network: Network, sample_rate: int = RATE
) -> SamAudioSeparator:
    """A separator with this in place of the network."""
    return SamAudioSeparator("stand-in", lambda: _model(sample_rate), config, network=network)


def gives_the_mixture(
    _model: SAMAudio, guidance: Guidance, _times: Sequence[float]
) -> WindowVelocity:
    """Every take's target becomes the mixture, and its residual silence."""

    def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        heard = torch.stack([guidance.audio.read(each.start, each.stop) for each in windows])
        goal = torch.cat((heard, torch.zeros_like(heard)), dim=-1)
        return (goal - x) / (1 - t)

    return velocity


@cache
def _model(sample_rate: int) -> StandInModel:
    return StandInModel(sample_rate)


class _NoWords(nn.Module):
    def forward(self, texts: Sequence[str]) -> EncodedText:
        return EncodedText(torch.zeros(len(texts), 1, 768), None)


def _spoken(latents: Tensor) -> Tensor:
    return latents.transpose(1, 2).reshape(len(latents), 1, -1)
