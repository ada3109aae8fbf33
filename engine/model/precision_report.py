"""How much 16 bits cost: `python -m engine.model.precision_report`.

The network of a published size, or of its first layers, with random weights and a random request,
once in float32 and once in each 16-bit type: the error of one evaluation, and of the latent that
the sampler makes of the same noise. Trained weights may be kinder or not; this says
what the shapes and the arithmetic do.
"""

import argparse
import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log10

import torch
from torch import Tensor

from engine.samplers import Draw, Sampling, latent_noise

from .anchors import anchors_from_spans
from .conditioning import Conditioning
from .config import SAMAudioConfig
from .random_weights import fill_randomly
from .sam_audio import SAMAudioNetwork
from .text_encoder import EncodedText

SHORT_TYPES = (torch.bfloat16, torch.float16)

_N_TOKENS = 6
_TIME = 0.5


@dataclass(frozen=True, slots=True)
class PrecisionError:
    """Error against float32 as a share of its level. velocity: of one evaluation.

    latent: of what the sampler makes.
    """

    dtype: torch.dtype
    velocity: float
    latent: float

    def __str__(self) -> str:
        return (
            f"{str(self.dtype).removeprefix('torch.'):9}"
            f"  velocity {self.velocity:.2e} ({_decibels(self.velocity):.0f} dB)"
            f"  latent {self.latent:.2e} ({_decibels(self.latent):.0f} dB)"
        )


def random_network(config: SAMAudioConfig) -> SAMAudioNetwork:
    """The network without its codec, with random weights."""
    with torch.device("meta"):
        network = SAMAudioNetwork(config)
    del network.audio_codec
    network.to_empty(device="cpu")
    fill_randomly(network)
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def measure(network: SAMAudioNetwork, n_frames: int, sampling: Sampling) -> list[PrecisionError]:
    """Errors of `network`, given in float32, when it is converted to each of `SHORT_TYPES`."""
    noise = latent_noise(Draw(0), 0, n_frames, network.n_latent_channels)[None].to(network.device)
    velocity, latent = _evaluated(network, noise, sampling)
    errors = []
    for dtype in SHORT_TYPES:
        short = copy.deepcopy(network).to(dtype)
        short_velocity, short_latent = _evaluated(short, noise, sampling)
        errors.append(
            PrecisionError(dtype, _error(short_velocity, velocity), _error(short_latent, latent))
        )
    return errors


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print, a line per type."""
    parser = argparse.ArgumentParser(prog="python -m engine.model.precision_report")
    parser.add_argument("--size", choices=SAMAudioConfig.sizes, default="small")
    parser.add_argument("--layers", type=int, default=2, help="how many of its layers (2); 0: all")
    parser.add_argument("--frames", type=int, default=25, help="latent frames of 40 ms (25)")
    parser.add_argument("--steps", type=int, default=16, help="of the midpoint sampler (16)")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)

    config = SAMAudioConfig.published(chosen.size)
    n_layers = chosen.layers or config.transformer.n_layers
    config = replace(config, transformer=replace(config.transformer, n_layers=n_layers))
    network = random_network(config).to(chosen.device)

    sys.stdout.write(
        f"{chosen.size}, {n_layers} layers, random weights, {chosen.frames} frames, "
        f"{chosen.steps} midpoint steps\n"
    )
    for error in measure(network, chosen.frames, Sampling(n_steps=chosen.steps)):
        sys.stdout.write(f"{error}\n")
    return 0


def _evaluated(
    network: SAMAudioNetwork, noise: Tensor, sampling: Sampling
) -> tuple[Tensor, Tensor]:
    conditioning = _request(network, noise.shape[1])

    def velocity(x: Tensor, t: float) -> Tensor:
        out: Tensor = network(x, torch.full((1,), t, device=x.device), conditioning)
        return out

    return velocity(noise, _TIME), sampling.solve(velocity, noise)


def _request(network: SAMAudioNetwork, n_frames: int) -> Conditioning:
    config, device = network.config, network.device
    audio = latent_noise(Draw(1), 0, n_frames, config.audio_codec.codebook_dim)[None]
    text = latent_noise(Draw(2), 0, _N_TOKENS, config.text_encoder.dim)[None]
    anchors = anchors_from_spans([()], [n_frames]).to(device)
    return network.condition(audio.to(device), EncodedText(text.to(device), None), anchors)


def _error(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


def _decibels(share: float) -> float:
    return 20 * log10(max(share, 1e-12))


if __name__ == "__main__":
    sys.exit(main())
