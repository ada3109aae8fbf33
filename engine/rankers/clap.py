"""CLAP: how well does a candidate sound like the description?

candidate -> windows -> audio tower -> projection --+
                                                    cosine, mean over windows
description -> tokens -> text tower -> projection --+
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.load import StateDict, load_into, read_state_dict
from engine.data import Monitor
from engine.errors import CheckpointNotFound

from .base import SILENT, RankingRequest, no_description
from .clap_audio import Htsat, HtsatConfig
from .clap_input import SAMPLE_RATE, log_mel, quantised, windows
from .clap_text import Roberta, RobertaConfig
from .resample import resampled

MAX_TOKENS = 77
WINDOWS_AT_ONCE = 8

UNUSED = (
    "audio_branch.head.",
    "audio_branch.tscam_conv.",
    "audio_branch.spectrogram_extractor.",
    "audio_branch.logmel_extractor.",
    "audio_branch.bn0.num_batches_tracked",
    "audio_transform.",
    "text_transform.",
    "text_branch.embeddings.position_ids",
    "logit_scale_",
)
"""Names of tensors in the official file that ranking does not need, or that are constants."""

_CONSTANT = re.compile(r"\.attn\.relative_position_index$|\.blocks\.\d+\.attn_mask$")


@dataclass(frozen=True, slots=True)
class ClapConfig:
    """Sizes of both towers; the defaults are the published `630k-best.pt`."""

    audio: HtsatConfig = field(default_factory=HtsatConfig)
    text: RobertaConfig = field(default_factory=RobertaConfig)
    joint_dim: int = 512


class Clap(nn.Module):
    """Both towers with their projections into the joint space."""

    def __init__(self, config: ClapConfig) -> None:
        super().__init__()
        joint = config.joint_dim
        self.audio_branch = Htsat(config.audio)
        self.text_branch = Roberta(config.text)
        self.audio_projection = _projection(config.audio.output_dim, joint)
        self.text_projection = _projection(config.text.hidden_size, joint)

    def embed_audio(self, log_mel: Tensor) -> Tensor:
        """log_mel: [W, 1, frames, 64]. Returns unit vectors [W, D]."""
        pooled = self.audio_branch(log_mel)
        return functional.normalize(self.audio_projection(pooled), dim=-1)

    def embed_text(self, input_ids: Tensor, valid: Tensor) -> Tensor:
        """input_ids: [B, L].   valid: [B, L] bool. Returns unit vectors [B, D]."""
        return functional.normalize(
            self.text_projection(self.text_branch(input_ids, valid)), dim=-1
        )


class ClapRanker:
    """Scores candidates by the cosine between their sound and the description."""

    name = "clap"

    def __init__(self, network: Clap, tokenizer: Tokenizer) -> None:
        self.network = network
        self.tokenizer = tokenizer

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why the request lacks what this ranker listens to; `None` if it can be used."""
        return no_description(request)

    @torch.inference_mode()
    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """Scores [B, K] in -1 to 1: mean cosine over windows of ten seconds. Raises Cancelled."""
        texts = self._embed_texts(request.descriptions)
        scores = [
            [self._cosine(wav, text, request.sample_rate, monitor) for wav in candidates]
            for candidates, text in zip(request.candidates, texts, strict=True)
        ]
        return torch.tensor(scores, dtype=torch.float32)

    def _embed_texts(self, descriptions: Sequence[str]) -> Tensor:
        encoded = self.tokenizer.encode_batch(list(descriptions))
        ids = torch.tensor([tokens.ids for tokens in encoded])
        valid = torch.tensor([tokens.attention_mask for tokens in encoded]).bool()
        device = next(self.network.parameters()).device
        return self.network.embed_text(ids.to(device), valid.to(device))

    def _cosine(self, wav: Tensor, text: Tensor, sample_rate: int, monitor: Monitor) -> float:
        monitor.check()
        wav = resampled(wav.detach().to(text.device, torch.float32), sample_rate, SAMPLE_RATE)
        cut = windows(quantised(wav))
        cosines = [
            self.network.embed_audio(log_mel(batch)) @ text
            for batch in torch.split(cut, WINDOWS_AT_ONCE)
        ]
        return torch.cat(cosines).mean().item()


def load_clap(state: StateDict, where: str, config: ClapConfig | None = None) -> Clap:
    """The network with the official file's tensors, in float32.

    state: names as in the file, without `module.`; constants may be there or not.
    Raises CheckpointMismatch.
    """
    with torch.device("meta"):
        network = Clap(config or ClapConfig())
    learned = {name: tensor for name, tensor in state.items() if not _CONSTANT.search(name)}
    load_into(network, learned, where=where, dtype=torch.float32, allowed_unexpected=UNUSED)
    return network.eval().requires_grad_(False)


def open_clap(
    checkpoint: Path, tokenizer: Path, device: torch.device, config: ClapConfig | None = None
) -> ClapRanker:
    """The ranker from the official `630k-best.pt` and the `tokenizer.json` of roberta-base.

    Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
    """
    state = read_state_dict(checkpoint, wrapped_in="state_dict", prefix="module.")
    network = load_clap(state, str(checkpoint), config).to(device)
    return ClapRanker(network, clap_tokenizer(tokenizer))


def clap_tokenizer(file: Path) -> Tokenizer:
    """RoBERTa's tokenizer, cutting and padding to 77 tokens.

    Raises CheckpointNotFound.
    """
    if not file.is_file():
        raise CheckpointNotFound(
            f"{file} does not exist; CLAP reads descriptions with roberta-base's tokenizer.json"
        )
    tokenizer: Tokenizer = Tokenizer.from_file(str(file))
    pad_id = tokenizer.token_to_id("<pad>")
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(length=MAX_TOKENS, pad_id=pad_id, pad_token="<pad>")
    return tokenizer


def _projection(in_dim: int, joint_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(in_dim, joint_dim), nn.ReLU(), nn.Linear(joint_dim, joint_dim))
