"""The original's way through a separation, kept here to be measured against: nothing is saved.

Every evaluation projects all 768 input columns, the zeros included, embeds video and anchors,
projects the text, makes its keys and values, and hands attention a mask that hides nothing. The
codec computes its weight-normalised kernels at every call, decodes target and residual with the
watermark, and keeps cuDNN out, as the original does. Written from the model's description, on the
engine's own layers: the same numbers as the fast way, up to rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.model.anchors import Anchors
from engine.model.layers import sinusoids
from engine.model.sam_audio import SAMAudioNetwork
from engine.samplers import Sampling


@dataclass(frozen=True, slots=True, eq=False)
class PlainRequest:
    """audio: features [B, T, C].   text: [B, L, 768]; nothing in either is padding."""

    audio: Tensor
    text: Tensor
    anchors: Anchors

    def on(self, device: torch.device, dtype: torch.dtype) -> "PlainRequest":
        """The same where and in what the network computes."""
        anchors = self.anchors.to(device)
        return PlainRequest(self.audio.to(device, dtype), self.text.to(device, dtype), anchors)


@torch.inference_mode()
def plain_velocity(network: SAMAudioNetwork, x: Tensor, t: float, request: PlainRequest) -> Tensor:
    """Velocity [B, T, 2C] of x at time t, everything made anew. The network is not fused."""
    dtype = network.proj.weight.dtype
    n_rows, n_frames, n_channels = x.shape
    times = torch.full((n_rows,), t, device=x.device)

    noisy = x.to(dtype)
    columns = (noisy, noisy.new_zeros(noisy.shape), request.audio, request.audio)
    frames = functional.linear(torch.cat(columns, dim=-1), network.proj.weight, network.proj.bias)
    n_seen = network.config.vision_encoder.dim
    frames = frames + network.align_masked_video(noisy.new_zeros(n_rows, n_seen, n_frames))
    frames = frames + network.embed_anchors(request.anchors)

    memory = network.memory_proj(request.text)
    memory = memory + sinusoids(times, memory.shape[-1])[:, None].to(dtype)
    valid = torch.ones(n_rows, n_frames, dtype=torch.bool, device=x.device)
    text_valid = torch.ones(memory.shape[:2], dtype=torch.bool, device=x.device)
    velocity: Tensor = network.transformer(frames, times, memory, valid, text_valid)
    assert velocity.shape[-1] == n_channels
    return velocity.to(x.dtype)


@torch.inference_mode()
def plain_encode(network: SAMAudioNetwork, wav: Tensor) -> Tensor:
    """Features [B, T, C] of mixtures [B, 1, N]. The codec is not fused, nor folded."""
    with torch.backends.cudnn.flags(enabled=False):
        return network.audio_codec.encode(wav).transpose(1, 2)


@torch.inference_mode()
def plain_decode(network: SAMAudioNetwork, latent: Tensor) -> Tensor:
    """Targets and residuals [2B, N] of latents [B, T, 2C], with the watermark."""
    rows = torch.cat(latent.chunk(2, dim=-1)).transpose(1, 2)
    message = torch.randint(0, 2, (len(rows), 16)).float().to(latent.device)
    with torch.backends.cudnn.flags(enabled=False):
        return network.audio_codec.decode(rows, message)[:, 0]


def plain_sample(
    network: SAMAudioNetwork,
    audio: Tensor,
    noise: Tensor,
    request: PlainRequest,
    sampling: Sampling,
) -> Tensor:
    """Latents [1, T, 2C] of both streams, from features [1, T, C] and noise [1, T, 2C]."""
    heard = PlainRequest(audio.to(network.proj.weight.dtype), request.text, request.anchors)
    return sampling.solve(lambda x, t: plain_velocity(network, x, t, heard), noise)


def plain_run(
    network: SAMAudioNetwork,
    wav: Tensor,
    noise: Tensor,
    request: PlainRequest,
    sampling: Sampling,
    now: Callable[[], float],
) -> tuple[float, float, float]:
    """Seconds for encoding, sampling and decoding the mixture [1, 1, N], from noise [1, T, 2C]."""
    start = now()
    audio = plain_encode(network, wav)
    heard = now()
    latent = plain_sample(network, audio, noise, request, sampling)
    done = now()
    plain_decode(network, latent)
    return heard - start, done - heard, now() - done
