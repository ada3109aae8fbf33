"""How much 16 and 8 bits cost, and how much memory they save.

    python -m engine.model.precision_report                           random weights
    python -m engine.model.precision_report --model sam-audio-small   the ones you have

The network with a random request, once in float32 and once in each smaller format: the error of
one evaluation, and of the latent that the sampler makes of the same noise. Without weights, a
published size or its first layers are filled at random. Trained weights may be kinder or not, and
with 8 bits most of all, where single large weights coarsen their whole channel; random ones say
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
from .int8 import quantise, weight_bytes
from .random_weights import fill_randomly
from .sam_audio import SAMAudioNetwork
from .separation import SAMAudio
from .text_encoder import EncodedText


@dataclass(frozen=True, slots=True)
class Format:
    """How weights are kept. dtype: of the rest and of all products.   int8: the layers' weights."""

    name: str
    dtype: torch.dtype
    int8: bool = False

    def of(self, network: SAMAudioNetwork) -> SAMAudioNetwork:
        """A copy of the float32 `network` in this format."""
        short = copy.deepcopy(network)
        if self.int8:
            quantise(short.transformer.layers)
        for parameter in short.parameters():
            parameter.data = parameter.data.to(self.dtype)
        return short


SHORT_FORMATS = (
    Format("bfloat16", torch.bfloat16),
    Format("float16", torch.float16),
    Format("int8", torch.float32, int8=True),
    Format("int8, bfloat16", torch.bfloat16, int8=True),
)

_N_TOKENS = 6
_TIME = 0.5


@dataclass(frozen=True, slots=True)
class PrecisionError:
    """Error against float32 as a share of its level. velocity: of one evaluation.

    latent: of what the sampler makes.   n_bytes: of the weights, without the codec's.
    """

    format: Format
    velocity: float
    latent: float
    n_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.format.name:15}"
            f"  velocity {self.velocity:.2e} ({_decibels(self.velocity):.0f} dB)"
            f"  latent {self.latent:.2e} ({_decibels(self.latent):.0f} dB)"
            f"  weights {self.n_bytes / 1e6:.0f} MB"
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
    """Errors of `network`, given in float32, when it is converted to each of `SHORT_FORMATS`."""
    noise = latent_noise(Draw(0), 0, n_frames, network.n_latent_channels)[None].to(network.device)
    velocity, latent = _evaluated(network, noise, sampling)
    errors = []
    for chosen in SHORT_FORMATS:
        short = chosen.of(network)
        short_velocity, short_latent = _evaluated(short, noise, sampling)
        errors.append(
            PrecisionError(
                chosen,
                _error(short_velocity, velocity),
                _error(short_latent, latent),
                weight_bytes(short),
            )
        )
        del short
    return errors


@torch.inference_mode()
def probe(network: SAMAudioNetwork, n_frames: int = 25) -> Tensor:
    """One evaluation of a request of noise, [1, n_frames, 2C] float32, always the same."""
    noise = latent_noise(Draw(0), 0, n_frames, network.n_latent_channels)[None].to(network.device)
    conditioning = _request(network, n_frames)
    time = torch.full((1,), _TIME, device=network.device)
    velocity: Tensor = network(noise, time, conditioning)
    return velocity.float()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print, a line per format."""
    parser = argparse.ArgumentParser(prog="python -m engine.model.precision_report")
    parser.add_argument("--model", help="weights to measure: a folder, or a name in the store")
    parser.add_argument("--size", choices=SAMAudioConfig.sizes, default="small")
    parser.add_argument("--layers", type=int, default=2, help="how many of its layers (2); 0: all")
    parser.add_argument("--frames", type=int, default=25, help="latent frames of 40 ms (25)")
    parser.add_argument("--steps", type=int, default=16, help="of the midpoint sampler (16)")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)

    network, label = _chosen_network(chosen.model, chosen.size, chosen.layers)
    network.to(chosen.device)

    sys.stdout.write(f"{label}, {chosen.frames} frames, {chosen.steps} midpoint steps\n")
    sys.stdout.write(f"{'float32':15}  weights {weight_bytes(network) / 1e6:.0f} MB\n")
    for error in measure(network, chosen.frames, Sampling(n_steps=chosen.steps)):
        sys.stdout.write(f"{error}\n")
    return 0


def _chosen_network(model: str | None, size: str, n_layers: int) -> tuple[SAMAudioNetwork, str]:
    """The network without its codec, and what to call it."""
    if model is not None:
        network = SAMAudio.from_pretrained(model, dtype=torch.float32)
        del network.audio_codec
        return network, f"{model}, its own weights"
    config = SAMAudioConfig.published(size)
    n_layers = n_layers or config.transformer.n_layers
    config = replace(config, transformer=replace(config.transformer, n_layers=n_layers))
    return random_network(config), f"{size}, {n_layers} layers, random weights"


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
