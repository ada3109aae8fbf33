"""SAM-Audio's network: one evaluation of the ODE, and what it is conditioned on.

    mixture --audio_codec--> features --+
    masked video --vision_encoder-------+-- condition() --> Conditioning --+
    spans --anchors---------------------+                                  |
    description --text_encoder----------+                                  v
    noisy latent, t ----------------------------------------------> forward() --> velocity

Attributes are the children of the checkpoint. The text encoder, the span predictor and the
rankers are files of their own and no part of this module.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from .anchors import Anchors
from .codec import DACVAE
from .conditioning import AlignMaskedVideo, Conditioning, EmbedAnchors
from .config import SAMAudioConfig
from .kernels import Kernels
from .layers import sinusoids
from .text_encoder import EncodedText
from .transformer import DiT

if TYPE_CHECKING:  # it evaluates this network
    from .evaluator import Evaluator


class SAMAudioNetwork(nn.Module):
    """The separation network of a checkpoint, without its vision tower.

    The tower is a third of the small checkpoint and serves video prompts alone; who needs it
    loads it under `vision_prefix`.
    """

    vision_prefix = "vision_encoder."

    def __init__(self, config: SAMAudioConfig) -> None:
        super().__init__()
        dim = config.transformer.dim
        self.config = config
        self.audio_codec = DACVAE(config.audio_codec)
        self.transformer = DiT(config.transformer)
        self.proj = nn.Linear(config.in_channels, dim)
        self.align_masked_video = AlignMaskedVideo(config.vision_encoder.dim, dim)
        self.embed_anchors = EmbedAnchors(config.num_anchors, config.anchor_embedding_dim, dim)
        self.memory_proj = nn.Linear(config.text_encoder.dim, dim)
        self.kernels = Kernels()

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.proj.weight.device

    @property
    def codec_dtype(self) -> torch.dtype:
        """Type in which audio is encoded and decoded; best float32, also beside a 16-bit rest."""
        return self.audio_codec.quantizer.in_proj.bias.dtype

    @property
    def n_latent_channels(self) -> int:
        """Channels of the noisy latent: the target's and the residual's."""
        return self.config.transformer.out_channels

    def encode_audio(self, wav: Tensor) -> Tensor:
        """Features [B, T, C] of mixtures [B, 1, N], zero-padded to the longest.

        Raises AudioError when there are no samples.
        """
        rows = [self.audio_codec.encode(row) for row in torch.split(wav.to(self.codec_dtype), 1)]
        return torch.cat(rows).transpose(1, 2)

    def condition(
        self,
        audio: Tensor,
        text: EncodedText,
        anchors: Anchors,
        video: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Conditioning:
        """What `forward` needs to know of a request, computed once.

        audio: features [B, T, C].   video: features [B, V, T], or `None`.
        valid: [B, T], False on frames that pad a batch; `None` when there are none.
        """
        # The latent is two streams wide, target and residual; each is given the mixture. The
        # columns between the noisy latent's and the mixture's belong to inputs that are always 0.
        weight = self.proj.weight[:, -self.n_latent_channels :]
        audio = audio.to(weight.dtype)
        frames = functional.linear(torch.cat((audio, audio), dim=-1), weight, self.proj.bias)
        frames = frames + self.align_masked_video(video) + self.embed_anchors(anchors)
        memory = self.memory_proj(text.features.to(weight.dtype))
        return Conditioning(frames, memory, valid, text.valid)

    def forward(self, noisy: Tensor, t: Tensor, conditioning: Conditioning) -> Tensor:
        """Velocity of the noisy latent at time `t`: one evaluation of the ODE.

        noisy: [B, T, 2C] target and residual latents side by side.   t: [B] in [0, 1].
        Returns [B, T, 2C] in the type of `noisy`; padded frames are undefined.
        Raises AudioError when there are more frames than the model has positions for.
        """
        velocity: Tensor = self.transformer(
            self.align(noisy, conditioning),
            t,
            self.remember(t, conditioning),
            conditioning.valid,
            conditioning.text_valid,
        )
        return velocity.to(noisy.dtype)

    def evaluator(self, text: EncodedText, times: Sequence[float] = ()) -> "Evaluator":
        """The same velocity for many evaluations of one prompt; see `Evaluator`."""
        from .evaluator import Evaluator

        return Evaluator(self, text, times)

    def align(self, noisy: Tensor, conditioning: Conditioning) -> Tensor:
        """The transformer's frames [B, T, D]: noisy latent, mixture, video and anchors summed."""
        weight = self.proj.weight[:, : self.n_latent_channels]
        return functional.linear(noisy.to(weight.dtype), weight) + conditioning.frames

    def remember(self, t: Tensor, conditioning: Conditioning) -> Tensor:
        """The transformer's memory [B, L, D]: the description, and in every token the time."""
        text = conditioning.text
        return text + sinusoids(t, text.shape[-1])[:, None, :].to(text.dtype)

    def decode(self, latent: Tensor, message: Tensor) -> Tensor:
        """Waveforms [B, hop * T] of one stream's latents [B, T, C]; messages [B, 16] are in them.

        Row by row: rows are independent, and one at a time bounds the memory.
        """
        rows = torch.split(latent.transpose(1, 2).to(self.codec_dtype), 1)
        messages = torch.split(message, 1)
        waves = [self.audio_codec.decode(*pair) for pair in zip(rows, messages, strict=True)]
        return torch.cat(waves)[:, 0]
