"""Networks with random weights and random requests for them, for measuring speed."""

from dataclasses import asdict
from functools import cache

import torch
from torch import Tensor

from engine.cost.footprint import WeightFormat
from engine.cost.shape import ModelShape
from engine.model.anchors import anchors_from_spans
from engine.model.config import SAMAudioConfig
from engine.model.int8 import quantise
from engine.model.random_weights import make_randomly
from engine.model.sam_audio import SAMAudioNetwork
from engine.samplers import Draw, batch_noise
from tests.benchmarks.plain_path import PlainRequest
from tests.test_engine.tiny_model import tiny_config

RATE, HOP = 48_000, 1920
N_TOKENS = 8
FORMATS = {
    "float32": WeightFormat("float32"),
    "bfloat16": WeightFormat("bfloat16"),
    "float16": WeightFormat("float16"),
    "int8": WeightFormat("bfloat16", int8=True),
}


def config_of(size: str) -> SAMAudioConfig:
    """A published size, or `tiny`."""
    return tiny_config() if size == "tiny" else SAMAudioConfig.published(size)


@cache
def shape_of(size: str) -> ModelShape:
    """For the sums."""
    return ModelShape.of(asdict(config_of(size)))


def network_of(
    size: str, name: str, device: torch.device, *, only_codec: bool = False
) -> SAMAudioNetwork:
    """With random weights, the same for every format; the codec in float32, and not fused."""
    with torch.device("meta"):
        network = SAMAudioNetwork(config_of(size))
        if only_codec:
            network.transformer.layers = torch.nn.ModuleList()
    chosen = FORMATS[name]
    dtype = getattr(torch, chosen.precision)

    def dtype_of(path: str) -> torch.dtype:
        in_8_bits = chosen.int8 and path.startswith("transformer.layers.")
        return torch.float32 if in_8_bits or path.startswith("audio_codec.") else dtype

    make_randomly(network, device, dtype_of)
    if chosen.int8:
        quantise(network.transformer.layers)
        for parameter in network.transformer.layers.parameters():
            parameter.data = parameter.data.to(dtype)
    return network.eval().requires_grad_(False)


def random_request(network: SAMAudioNetwork, n_rows: int, n_frames: int) -> PlainRequest:
    """The same audio and text for every row."""
    audio = random_latent(n_frames).mT
    text = torch.randn(
        1, N_TOKENS, network.config.text_encoder.dim, generator=torch.Generator().manual_seed(2)
    )
    anchors = anchors_from_spans([()] * n_rows, [n_frames] * n_rows)
    return PlainRequest(audio.repeat(n_rows, 1, 1), text.repeat(n_rows, 1, 1), anchors)


def noise_rows(network: SAMAudioNetwork, n_rows: int, n_frames: int) -> Tensor:
    """[R, n, 2C]."""
    draws = [Draw(0, take) for take in range(n_rows)]
    return batch_noise(draws, n_frames, network.n_latent_channels)


def random_wav(seconds: float) -> Tensor:
    """[1, 1, N]."""
    generator = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(1, 1, round(seconds * RATE), generator=generator)


def random_latent(n_frames: int) -> Tensor:
    """[1, 128, T]."""
    return torch.randn(1, 128, n_frames, generator=torch.Generator().manual_seed(1))
