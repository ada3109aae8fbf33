"""The sizes of a SAM-Audio model that its cost follows from, and the sums; torch is not needed.

All sums count a multiplication and an addition as 2 operations, and weights without those that
inference never reads. Tests hold them against PyTorch's own counters.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine.errors import CheckpointMismatch, CheckpointNotFound

_PUBLISHED = {"small": (1536, 12, 12), "base": (2048, 16, 16), "large": (2816, 22, 22)}
_TEXT_PARAMETERS = 109_628_544  # T5-base's encoder
_TOWER_PARAMETERS = 317_151_232  # PE-Core-L14-336, its visual half
_TOWER_FLOPS = 351.6e9
"""Per video frame, at 336 x 336."""


@dataclass(frozen=True, slots=True)
class CodecShape:
    """Widths of the codec. rates: strides of the encoder, whose product is the hop."""

    encoder_dim: int = 64
    encoder_rates: tuple[int, ...] = (2, 8, 10, 12)
    latent_dim: int = 1024
    decoder_dim: int = 1536
    decoder_rates: tuple[int, ...] = (12, 10, 8, 2)
    codebook_dim: int = 128
    sample_rate: int = 48_000

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.encoder_rates)

    @property
    def encode_flops(self) -> float:
        """Operations per latent frame."""
        return 2 * sum(weights * times for weights, times in self._encoder())

    @property
    def decode_flops(self) -> float:
        """Operations per latent frame, without the watermark."""
        return 2 * sum(weights * times for weights, times in self._decoder())

    @property
    def n_weights(self) -> float:
        """Weights of the convolutions of both halves, without the watermark's."""
        return sum(weights for weights, _ in (*self._encoder(), *self._decoder()))

    @property
    def widest_per_frame(self) -> int:
        """Values of the largest feature map per latent frame: the decoder's last one."""
        return (self.decoder_dim >> len(self.decoder_rates)) * self.hop_length

    def _encoder(self) -> Iterator[tuple[float, float]]:
        """(weights, how often per latent frame) of every convolution."""
        width, times = self.encoder_dim, float(self.hop_length)
        yield 7 * width, times
        for rate in self.encoder_rates:
            yield 3 * 8 * width**2, times  # three residual units: kernels of 7 and of 1
            times /= rate
            yield 2 * rate * width * 2 * width, times
            width *= 2
        yield 3 * width * self.latent_dim, 1
        yield self.latent_dim * 2 * self.codebook_dim, 1

    def _decoder(self) -> Iterator[tuple[float, float]]:
        yield self.codebook_dim * self.latent_dim, 1
        width, times = self.decoder_dim, 1.0
        yield 7 * self.latent_dim * width, 1
        for rate in self.decoder_rates:
            yield 2 * rate * width * width // 2, times
            times *= rate
            width //= 2
            yield 3 * 8 * width**2, times
        yield 7 * width, times


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Widths of the transformer, its inputs and its codec.

    text_parameters, tower_parameters: of the text encoder, and of the vision tower.
    """

    dim: int
    n_heads: int
    n_layers: int
    ffn_hidden: int
    codec: CodecShape = CodecShape()
    n_gated: int = 3
    frequency_dim: int = 256
    text_dim: int = 768
    video_dim: int = 1024
    text_parameters: int = _TEXT_PARAMETERS
    tower_parameters: int = _TOWER_PARAMETERS

    @classmethod
    def published(cls, size: str) -> "ModelShape":
        """The shape of `facebook/sam-audio-<size>`. Raises CheckpointMismatch for another size."""
        if size not in _PUBLISHED:
            raise CheckpointMismatch(f"size {size!r}: published are {', '.join(_PUBLISHED)}")
        dim, n_heads, n_layers = _PUBLISHED[size]
        return cls(dim, n_heads, n_layers, _hidden({}, dim))

    @classmethod
    def read(cls, config: Path) -> "ModelShape":
        """The shape that a `config.json` describes.

        Raises CheckpointNotFound when it cannot be read and CheckpointMismatch when it is none.
        """
        try:
            data = json.loads(config.read_text("utf-8"))
        except OSError as error:
            raise CheckpointNotFound(f"{config} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise CheckpointMismatch(f"{config} is not JSON: {error}") from error
        return cls.of(data if isinstance(data, Mapping) else {})

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "ModelShape":
        """The shape in a parsed `config.json`; missing keys take the original's defaults."""
        names = {item.name for item in fields(CodecShape)}
        codec: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in data.get("audio_codec", {}).items()
            if name in names
        }
        transformer = data.get("transformer", {})
        dim = int(transformer.get("dim", 2048))
        gated = transformer.get("non_linearity", "swiglu") == "swiglu"
        return cls(
            dim=dim,
            n_heads=transformer.get("n_heads", 16),
            n_layers=transformer.get("n_layers", 16),
            ffn_hidden=_hidden(transformer, dim),
            codec=CodecShape(**codec),
            n_gated=3 if gated else 2,
            frequency_dim=transformer.get("frequency_embedding_dim", 256),
            text_dim=data.get("text_encoder", {}).get("dim", 768),
            video_dim=data.get("vision_encoder", {}).get("dim", 1024),
        )

    @property
    def frame_s(self) -> float:
        """Length of a latent frame in seconds."""
        return self.codec.hop_length / self.codec.sample_rate

    def n_frames(self, n_samples: int, sample_rate: int) -> int:
        """Latent frames of a mixture."""
        n_model = -(-n_samples * self.codec.sample_rate // sample_rate)
        return max(1, -(-n_model // self.codec.hop_length))

    @property
    def layer_weights(self) -> int:
        """Weights of the matrices of all layers: what int8 makes small."""
        return self.n_layers * (8 * self.dim**2 + self.n_gated * self.dim * self.ffn_hidden)

    @property
    def other_weights(self) -> int:
        """Weights of the transformer and its inputs outside of the layers' matrices."""
        dim, channels = self.dim, 2 * self.codec.codebook_dim
        time = 2 * dim * self.frequency_dim + dim**2 + 6 * dim**2
        frames = 6 * dim**2 + channels * dim
        text = 3 * dim**2 + self.text_dim * dim
        inputs = 3 * channels * dim + self.video_dim * dim
        return time + frames + text + inputs

    def evaluation_flops(self, n_frames: int) -> float:
        """Operations of one evaluation for one row of `n_frames` frames; text and time apart.

        The text's keys and values are there already: of its attention only the queries and the
        way out count, as for the original.
        """
        dim, channels = self.dim, 2 * self.codec.codebook_dim
        own_and_text = 4 * dim**2 + 2 * dim**2
        layers = self.n_layers * (own_and_text + self.n_gated * dim * self.ffn_hidden)
        around = 6 * dim**2 + 2 * channels * dim
        attention = 4.0 * self.n_layers * n_frames**2 * dim
        return 2.0 * n_frames * (layers + around) + attention

    def text_flops(self, n_tokens: int) -> float:
        """Operations per evaluation for the description: memory, embedding, keys and values."""
        dim = self.dim
        return 2.0 * n_tokens * (self.text_dim * dim + 3 * dim**2 + 2 * self.n_layers * dim**2)

    def video_flops(self, n_frames: int) -> float:
        """Operations for looking at every frame of a masked video once."""
        return n_frames * _TOWER_FLOPS * self.tower_parameters / _TOWER_PARAMETERS


def _hidden(transformer: Mapping[str, Any], dim: int) -> int:
    """Hidden width of the feed-forward, the rule of `TransformerConfig.ffn_hidden`."""
    hidden = int(transformer.get("ffn_exp", 4) * dim)
    if transformer.get("non_linearity", "swiglu") == "swiglu":
        hidden = int(2 * hidden / 3)
    hidden = int(transformer.get("ffn_dim_multiplier", 1) * hidden)
    multiple = int(transformer.get("multiple_of", 64))
    return -(-hidden // multiple) * multiple
