"""DACVAE, the codec: waveform to latent frames and back.

    wav [B, 1, N] -> encoder -> quantizer.in_proj -> mean [B, 128, T]
    latent [B, 128, T] -> quantizer.out_proj -> decoder -> wav [B, 1, 1920 T], watermarked

Checkpoint prefix `audio_codec.`. It is a variational bottleneck without sampling: the mean is the
latent. Latents are not normalised.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.errors import AudioError

from .codec_layers import DecoderBlock, EncoderBlock, NormConv, Snake, fold_weight_norm
from .config import CodecConfig
from .fused_codec import FusedDecoder, FusedEncoder, can_fuse, fused_decoder, fused_encoder
from .watermark import N_BITS, STRENGTH, Watermark

_WATERMARK_RATES = (8, 5, 4, 2)


class DACVAEEncoder(nn.Module):
    """The half of the codec that hears; the judge has only this one."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _Encoder(config)
        self.fused_encoder: FusedEncoder | None = None
        self.quantizer = _Bottleneck(config)

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
        return self.config.hop_length

    def encode(self, wav: Tensor) -> Tensor:
        """Latents [B, 128, T] of waveforms [B, 1, N]; T = N / hop, rounded up.

        The end is filled by reflection. In a batch of different lengths, rows are zero-padded to
        the longest one before, so only that one sees its own reflection.
        Raises AudioError when there are no samples.
        """
        whole_frames = reflect_to_frames(wav, self.hop_length)
        if self.fused_encoder is not None:
            latent: Tensor = self.fused_encoder(whole_frames)
            return latent
        features = self.encoder(whole_frames)
        mean_and_scale: Tensor = self.quantizer.in_proj(features)
        return mean_and_scale[:, : self.config.codebook_dim]

    def fold_weight_norm(self) -> None:
        """Compute every weight-normalised kernel once for good, after loading a checkpoint."""
        fold_weight_norm(self)

    def fuse(self) -> None:
        """Take the layers apart and put them together for speed, once, after loading.

        The same function up to the order of sums; see `fused_codec_layers`. The parameters are no
        longer the checkpoint's.
        """
        if not can_fuse(self.config.encoder_rates):
            fold_weight_norm(self.encoder)
        elif self.fused_encoder is None:
            n_latent = self.config.codebook_dim
            bottleneck = self.quantizer.in_proj
            self.fused_encoder = fused_encoder(self.encoder.block, bottleneck, n_latent)


class DACVAE(DACVAEEncoder):
    """The whole codec."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self.decoder = _Decoder(config)
        self.fused_decoder: FusedDecoder | None = None

    def fuse(self) -> None:
        """See `DACVAEEncoder.fuse`; the watermark's layers stay as they are."""
        if not can_fuse(self.config.decoder_rates):
            fold_weight_norm(self.decoder)
        elif self.fused_decoder is None:
            head = self.decoder.wm_model.encoder_block.pre
            bottleneck = self.quantizer.out_proj
            self.fused_decoder = fused_decoder(bottleneck, self.decoder.model, head)
        super().fuse()

    def decode(self, latent: Tensor, message: Tensor) -> Tensor:
        """Waveforms [B, 1, hop * T] of latents [B, 128, T], with the watermark.

        message: [B, 16] of 0 and 1, what each row's watermark says; see `message_from_seed`.
        """
        assert message.shape == (latent.shape[0], N_BITS)
        wave = self.decode_without_watermark(latent)
        levels = self.decoder.levels
        mark: Tensor = self.decoder.wm_model(wave, message.to(latent.device), levels)
        return wave + STRENGTH * mark

    def decode_without_watermark(self, latent: Tensor) -> Tensor:
        """Waveforms [B, 1, hop * T] as they are before the watermark is added."""
        if self.fused_decoder is not None:
            wave: Tensor = self.fused_decoder(latent)
            return wave
        return self.decoder.wm_model.waveform(self.decode_trunk(latent))

    def decode_trunk(self, latent: Tensor) -> Tensor:
        """The decoder's last feature maps [B, decoder_dim / 16, hop * T]."""
        if self.fused_decoder is not None:
            return self.fused_decoder.trunk(latent)
        trunk: Tensor = self.decoder(self.quantizer.out_proj(latent))
        return trunk


def reflect_to_frames(wav: Tensor, hop_length: int) -> Tensor:
    """`wav` [..., N], continued by its reflection to a whole number of frames.

    A waveform shorter than the missing part is reflected back and forth; the original refuses it.
    Raises AudioError when there are no samples.
    """
    n_samples = wav.shape[-1]
    if n_samples == 0:
        raise AudioError("the audio has 0 samples; at least one is needed")
    n_padded = -(-n_samples // hop_length) * hop_length
    if n_padded == n_samples:
        return wav
    period = max(2 * (n_samples - 1), 1)
    place = torch.arange(n_samples, n_padded, device=wav.device) % period
    mirrored = torch.where(place < n_samples, place, period - place)
    return torch.cat((wav, wav[..., mirrored]), dim=-1)


class _Encoder(nn.Module):
    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.encoder_dim
        layers: list[nn.Module] = [NormConv(1, width, 7)]
        for stride in config.encoder_rates:
            layers.append(EncoderBlock(width, stride))
            width *= 2
        layers += [Snake(width), NormConv(width, config.latent_dim, 3)]
        self.block = nn.Sequential(*layers)

    def forward(self, wav: Tensor) -> Tensor:
        features: Tensor = self.block(wav)
        return features


class _Bottleneck(nn.Module):
    """Latent to mean and (unused) scale, and back; named for the quantiser it took the place of."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.in_proj = NormConv(config.latent_dim, 2 * config.codebook_dim, 1)
        self.out_proj = NormConv(config.codebook_dim, config.latent_dim, 1)


class _Decoder(nn.Module):
    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.decoder_dim
        layers: list[nn.Module] = [NormConv(config.latent_dim, width, 7)]
        for stride, watermark_stride in zip(config.decoder_rates, _WATERMARK_RATES, strict=True):
            layers.append(DecoderBlock(width, stride, watermark_stride))
            width //= 2
        self.model = nn.Sequential(*layers)
        self.wm_model = Watermark(n_channels=width, n_hidden=config.decoder_dim // 3)

    @property
    def levels(self) -> Sequence[DecoderBlock]:
        """The decoder's blocks, from the coarsest rate on."""
        return [layer for layer in self.model if isinstance(layer, DecoderBlock)]

    def forward(self, x: Tensor) -> Tensor:
        trunk: Tensor = self.model(x)
        return trunk
