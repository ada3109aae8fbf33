"""PE-A-Frame, the span predictor: where in the mixture the described sound is.

    latents [B, T, 128] -> data_proj -> PETransformer -> audio_head -> [B, T, D] --.
                                                                                    > logits [B, T]
    descriptions -> ModernBert -> hidden state of [CLS] -> text_head -> [B, D] ----'   -> spans

Spans are values like those a user gives: they can be shown, edited and passed back in a prompt.
Letters in shapes: B prompts, T latent frames, N samples, L tokens, D width of the embeddings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.checkpoints.load import load_into, read_state_dict
from engine.data import Span
from engine.units import SAM_HOP_LENGTH, SAM_SAMPLE_RATE

from .config import from_dict, read_json
from .modernbert import ModernBert, ModernBertConfig, TextTokenizer
from .pe_transformer import PETransformer, PETransformerConfig
from .plain_codec import PlainCodecConfig, PlainCodecEncoder

THRESHOLD = 0.3
"""A frame belongs to a span when its probability is above this."""

_HEAD_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class FrameAudioConfig:
    """What hears. `dac_vae_encoder` is only for waveforms."""

    dac_vae_encoder: PlainCodecConfig = field(default_factory=PlainCodecConfig)
    audio_transformer: PETransformerConfig = field(default_factory=PETransformerConfig)


@dataclass(frozen=True, slots=True)
class SpanPredictorConfig:
    """The span predictor's `config.json`. nth_text_layer: which hidden state of the text is read,
    counted from the embedding as number 0."""

    audio_model: FrameAudioConfig = field(default_factory=FrameAudioConfig)
    text_model: ModernBertConfig = field(default_factory=ModernBertConfig)
    output_dim: int = 1024
    nth_text_layer: int = 22


@dataclass(frozen=True, slots=True, eq=False)
class SpanPrediction:
    """What was predicted for B prompts.

    spans: per prompt, in order of time, all of them `+`.
    logits: [B, T], how sure each frame is; a sigmoid makes a probability of it.
    audio, text: the embeddings they come from, [B, T, D] and [B, D].
    """

    spans: tuple[tuple[Span, ...], ...]
    logits: Tensor
    audio: Tensor
    text: Tensor


class SpanPredictor(nn.Module):
    """The network under the checkpoint's names, and its tokenizer if it was read from a folder.

    hears_waveforms: also build the codec's encoder that the file holds; SAM-Audio's latents, which
        exist anyway when the mixture is separated, do not need it.
    """

    def __init__(
        self,
        config: SpanPredictorConfig,
        tokenizer: TextTokenizer | None = None,
        *,
        hears_waveforms: bool = False,
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.text_model = ModernBert(config.text_model, config.nth_text_layer)
        self.audio_model = _FrameAudio(config.audio_model, hears_waveforms)
        self.text_head = _Head(config.text_model.hidden_size, config.output_dim)
        self.audio_head = _Head(config.audio_model.audio_transformer.hidden_size, config.output_dim)
        self.logit_scale = nn.Parameter(torch.ones(1))
        self.logit_bias = nn.Parameter(torch.zeros(1))

    @classmethod
    def from_folder(cls, folder: Path, *, hears_waveforms: bool = False) -> "SpanPredictor":
        """The predictor in `folder`: config.json, model.safetensors and tokenizer.json.

        In float32 and ready to use, on the CPU. Parts that are not needed are not read.
        Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
        """
        config = from_dict(SpanPredictorConfig, read_json(folder / "config.json"), str(folder))
        tokenizer = TextTokenizer(folder, config.text_model.pad_token_id)
        with torch.device("meta"):
            predictor = cls(config, tokenizer, hears_waveforms=hears_waveforms)
        load_into(
            predictor,
            read_state_dict(folder),
            where=str(folder),
            dtype=torch.float32,
            allowed_unexpected=predictor.unused_prefixes,
        )
        return predictor.eval().requires_grad_(False)

    @property
    def unused_prefixes(self) -> tuple[str, ...]:
        """Keys of the official file that are not built: what no forward pass reads."""
        codec = "audio_model.dac_vae_encoder."
        return (
            f"{codec}bottleneck.out_proj." if self.audio_model.hears_waveforms else codec,
            *(f"text_model.{name}" for name in self.text_model.unused_prefixes),
        )

    def predict(
        self, latents: Tensor, descriptions: Sequence[str], valid: Tensor | None = None
    ) -> SpanPrediction:
        """Spans of the described sounds in mixtures that are encoded already.

        latents: [B, T, 128], of SAM-Audio's codec.   descriptions: B of them.
        valid: [B, T], False on frames that fill up a shorter mixture; they may still carry spans.
        Raises AudioError when there are more frames than the model has places.
        """
        assert self.tokenizer is not None
        ids, text_valid = self.tokenizer(descriptions)
        device = latents.device
        prediction: SpanPrediction = self(latents, ids.to(device), text_valid.to(device), valid)
        return prediction

    def predict_from_wav(
        self, wav: Tensor, descriptions: Sequence[str], valid: Tensor | None = None
    ) -> SpanPrediction:
        """Spans of the described sounds in waveforms, with the predictor's own encoder.

        wav: [B, 1, N], at 48 kHz.   valid: [B, N], False on samples that fill up.
        Raises AudioError for no samples or too many.
        """
        frame_valid = None if valid is None else valid[:, :: self.audio_model.hop_length]
        return self.predict(self.audio_model.encode(wav), descriptions, frame_valid)

    def forward(
        self, latents: Tensor, ids: Tensor, text_valid: Tensor, valid: Tensor | None = None
    ) -> SpanPrediction:
        """As `predict`, with tokens ids and text_valid [B, L]."""
        text = self.text_head(self.text_model(ids, text_valid)[:, 0])
        frames, _ = self.audio_model(latents, valid)
        audio = self.audio_head(frames)

        logits = (audio @ text[:, :, None])[..., 0] * self.logit_scale + self.logit_bias
        return SpanPrediction(spans_from_logits(logits), logits, audio, text)


class _FrameAudio(nn.Module):
    def __init__(self, config: FrameAudioConfig, hears_waveforms: bool) -> None:
        super().__init__()
        transformer = config.audio_transformer
        self.hears_waveforms = hears_waveforms
        if hears_waveforms:
            self.dac_vae_encoder = PlainCodecEncoder(config.dac_vae_encoder)
        self.hop_length = config.dac_vae_encoder.hop_length
        self.data_proj = nn.Linear(config.dac_vae_encoder.codebook_dim, transformer.hidden_size)
        self.audio_transformer = PETransformer(transformer)

    def encode(self, wav: Tensor) -> Tensor:
        assert self.hears_waveforms
        latents: Tensor = self.dac_vae_encoder(wav)
        return latents

    def forward(self, latents: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        frames: tuple[Tensor, Tensor] = self.audio_transformer(self.data_proj(latents), valid)
        return frames


class _Head(nn.Module):
    def __init__(self, width: int, n_out: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width, eps=_HEAD_EPS)
        self.proj = nn.Linear(width, n_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.proj(self.layer_norm(x))
        return out


def spans_from_logits(logits: Tensor, threshold: float = THRESHOLD) -> tuple[tuple[Span, ...], ...]:
    """Per row of logits [B, T], each unbroken run of frames whose probability is above `threshold`.

    Times are float32 numbers of seconds, as the original computes them: as anchors, a frame's
    rounding depends on exactly these.
    """
    above = (logits.sigmoid() > threshold).cpu()
    return tuple(tuple(_runs(row)) for row in above)


def _runs(above: Tensor) -> list[Span]:
    edges = torch.diff(above.int(), prepend=torch.zeros(1), append=torch.zeros(1))
    starts = (edges == 1).nonzero()[:, 0] * SAM_HOP_LENGTH / SAM_SAMPLE_RATE
    ends = (edges == -1).nonzero()[:, 0] * SAM_HOP_LENGTH / SAM_SAMPLE_RATE
    return [
        Span.present(start_s, end_s)
        for start_s, end_s in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
