"""The SAM-Audio judge: how well a separated sound answers its description, in four scores.

    mixture [N]   -> codec -> data_proj -> transformer --.
                                                          > cat_audio_proj --.
    separated [N] -> codec -> data_proj -> transformer --'                    > finetune_transformer
    description -> ModernBert -> text_proj1 -> text_proj2 -> layer_norm -----'    -> head -> mean

Both transformers run without a mask, as in the original: padding is heard like silence, and only
the mean over frames leaves it out.

Letters in shapes: B prompts, K candidates per prompt, N samples, T frames, D width, L tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import load_into, read_state_dict

from .codec import DACVAEEncoder, reflect_to_frames
from .config import CodecConfig, from_dict, read_json
from .modernbert import ModernBert, ModernBertConfig, TextTokenizer
from .pe_transformer import PETransformer, PETransformerConfig

_NORM_EPS = 1e-5
_N_SCORES = 4


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """The judge's `config.json`. nth_text_layer: which hidden state of the text is read, counted
    from the embedding as number 0."""

    audio_codec: CodecConfig = field(default_factory=CodecConfig)
    transformer: PETransformerConfig = field(default_factory=PETransformerConfig)
    finetune_transformer: PETransformerConfig = field(default_factory=PETransformerConfig)
    text_model: ModernBertConfig = field(default_factory=ModernBertConfig)
    nth_text_layer: int = 22
    bottleneck_dim: int = 256


@dataclass(frozen=True, slots=True, eq=False)
class JudgeScores:
    """Larger is better, about 1 to 5; all of one shape.

    recall: nothing of the described sound is missing.   precision: nothing else is there.
    faithfulness: what is there sounds as it does in the mixture.
    """

    overall: Tensor
    recall: Tensor
    precision: Tensor
    faithfulness: Tensor


class Judge(nn.Module):
    """The network under the checkpoint's names, and its tokenizer if it was read from files."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: JudgeConfig, tokenizer: TextTokenizer | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        width, inner = config.transformer.hidden_size, config.bottleneck_dim
        fine_width = config.finetune_transformer.hidden_size

        self.audio_codec = DACVAEEncoder(config.audio_codec)
        self.data_proj = nn.Linear(config.audio_codec.codebook_dim, width)
        self.transformer = PETransformer(config.transformer)
        self.cat_audio_proj = nn.Linear(2 * width, inner)

        self.text_model = ModernBert(config.text_model, config.nth_text_layer)
        self.text_proj1 = nn.Linear(config.text_model.hidden_size, width, bias=False)
        self.text_proj2 = nn.Linear(width, inner)
        self.layer_norm = nn.LayerNorm(inner, eps=_NORM_EPS)

        self.proj_audio_and_text = nn.Linear(2 * inner, inner)
        self.finetune_data_proj = nn.Linear(inner, fine_width)
        self.finetune_transformer = PETransformer(config.finetune_transformer)
        self.head = nn.Linear(fine_width, _N_SCORES, bias=False)
        self.register_buffer("mean", torch.zeros(_N_SCORES))
        self.register_buffer("std", torch.ones(_N_SCORES))

    @classmethod
    def from_folder(cls, folder: Path) -> "Judge":
        """The judge in `folder`: config.json, weights and tokenizer.json; see `from_files`."""
        return cls.from_files(folder / "config.json", folder, folder)

    @classmethod
    def from_files(cls, config_file: Path, weights: Path, tokenizer_folder: Path) -> "Judge":
        """The judge in float32 and ready to use, on the CPU.

        weights: a checkpoint file or the folder that holds it.
        Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
        """
        config = from_dict(JudgeConfig, read_json(config_file), str(config_file))
        tokenizer = TextTokenizer(tokenizer_folder, config.text_model.pad_token_id)
        with torch.device("meta"):
            judge = cls(config, tokenizer)
        load_into(
            judge,
            read_state_dict(weights),
            where=str(weights),
            dtype=torch.float32,
            allowed_unexpected=judge.unused_prefixes,
        )
        judge.audio_codec.fuse()
        return judge.eval().requires_grad_(False)

    @property
    def unused_prefixes(self) -> tuple[str, ...]:
        """Keys of the official file that are not built: what no forward pass reads."""
        return tuple(f"text_model.{name}" for name in self.text_model.unused_prefixes)

    def score(
        self,
        mixtures: Sequence[Tensor],
        candidates: Sequence[Tensor],
        descriptions: Sequence[str],
    ) -> JudgeScores:
        """Scores [B, K] of K takes of each described sound.

        mixtures: per prompt [N] at 48 kHz.   candidates: per prompt [K, N'], the separated takes;
            N' covers as many frames as N.   descriptions: per prompt.
        The mixture and the description are heard once per prompt, each candidate alone, so memory
        does not grow with K. Shorter prompts are filled up to the longest one with zeros, as the
        original does; score prompts one by one to keep them from depending on each other.
        Raises AudioError for audio that is empty or too long for the model.
        """
        assert len(mixtures) == len(candidates) == len(descriptions)
        texts = self.read(descriptions)
        n_frames = [self._n_frames(mixture) for mixture in mixtures]

        rows = []
        for text, mixture, takes, n_valid in zip(
            texts, mixtures, candidates, n_frames, strict=True
        ):
            heard = self.hear(self._prepared(mixture, max(n_frames)))
            valid = torch.arange(max(n_frames), device=heard.device) < n_valid
            rows += [
                self.compare(heard, self.hear(self._prepared(take, max(n_frames))), text, valid)
                for take in takes
            ]
        return _scores(torch.cat(rows).reshape(len(mixtures), -1, _N_SCORES))

    def forward(
        self,
        mixtures: Tensor,
        separated: Tensor,
        ids: Tensor,
        text_valid: Tensor,
        valid: Tensor | None = None,
    ) -> JudgeScores:
        """Scores [B, 1] of one take each.

        mixtures, separated: [B, 1, N], whole frames.   ids, text_valid: [B, L].
        valid: [B, N], False on samples that fill up a shorter mixture.
        """
        heard = self.hear(torch.cat((mixtures, separated)))
        mixture_frames, separated_frames = heard.chunk(2)
        texts = self._text_features(ids, text_valid)
        frame_valid = None if valid is None else valid[:, :: self.audio_codec.hop_length]
        scores = self.compare(mixture_frames, separated_frames, texts, frame_valid)
        return _scores(scores[:, None])

    def read(self, descriptions: Sequence[str]) -> Tensor:
        """What the descriptions say: [B, bottleneck_dim]."""
        assert self.tokenizer is not None
        ids, valid = self.tokenizer(descriptions)
        device = self.mean.device
        return self._text_features(ids.to(device), valid.to(device))

    def hear(self, wav: Tensor) -> Tensor:
        """Frames [B, T, D] of waveforms [B, 1, N]."""
        latents = self.audio_codec.encode(wav).transpose(1, 2)
        frames, _ = self.transformer(self.data_proj(latents))
        out: Tensor = frames
        return out

    def compare(
        self, mixture: Tensor, separated: Tensor, text: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        """Overall, recall, precision and faithfulness: [B, 4].

        mixture, separated: [B, T, D], from `hear`.   text: [B or none, bottleneck_dim], from
        `read`.   valid: [B or none, T], the frames that count in the mean.
        """
        audio = self.cat_audio_proj(torch.cat((separated, mixture), dim=-1))
        words = text.reshape(-1, 1, text.shape[-1]).expand_as(audio)
        both = self.proj_audio_and_text(torch.cat((audio, words), dim=-1))
        frames, _ = self.finetune_transformer(self.finetune_data_proj(both))

        per_frame = self.head(frames)
        weight = torch.ones_like(per_frame[..., :1])
        if valid is not None:
            weight = weight * valid[..., None]
        pooled: Tensor = (per_frame * weight).sum(dim=1) / weight.sum(dim=1)
        return pooled * self.std + self.mean

    def _text_features(self, ids: Tensor, valid: Tensor) -> Tensor:
        first = self.text_model(ids, valid)[:, 0]
        out: Tensor = self.layer_norm(self.text_proj2(self.text_proj1(first)))
        return out

    def _n_frames(self, wav: Tensor) -> int:
        return -(-wav.shape[-1] // self.audio_codec.hop_length)

    def _prepared(self, wav: Tensor, n_frames: int) -> Tensor:
        """`wav` [N] as [1, 1, N], reflected to whole frames, then filled up with zeros."""
        hop_length = self.audio_codec.hop_length
        whole = reflect_to_frames(wav.to(self.mean), hop_length)
        return functional.pad(whole, (0, n_frames * hop_length - whole.shape[-1]))[None, None]


def _scores(values: Tensor) -> JudgeScores:
    return JudgeScores(*values.unbind(dim=-1))
