"""Rankers too small to be of use, with their files as published, and requests to rank."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

from engine.data import Span
from engine.model.config import CodecConfig
from engine.model.judge import Judge, JudgeConfig
from engine.model.modernbert import ModernBertConfig
from engine.model.pe_transformer import PETransformerConfig
from engine.rankers.base import RankingRequest
from engine.rankers.clap import Clap, ClapConfig
from engine.rankers.clap_audio import HtsatConfig
from engine.rankers.clap_text import RobertaConfig
from engine.rankers.imagebind_towers import ImageBind, ImageBindConfig, TowerConfig

from .tiny_model import randomise

WORDS = ("<s>", "<pad>", "</s>", "<unk>", "dog", "barking", "rain", "a")

CLAP = ClapConfig(
    audio=HtsatConfig(embed_dim=8, depths=(1, 2), num_heads=(2, 2)),
    text=RobertaConfig(
        vocab_size=12,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=80,
    ),
    joint_dim=8,
)

IMAGEBIND = ImageBindConfig(TowerConfig(8, 1, 2), TowerConfig(12, 2, 2), output_dim=6)

JUDGE = JudgeConfig(
    audio_codec=CodecConfig(encoder_dim=2, latent_dim=16, decoder_dim=96),
    transformer=PETransformerConfig(16, 24, 1, 2, max_position_embeddings=64),
    finetune_transformer=PETransformerConfig(8, 16, 1, 2, max_position_embeddings=64),
    text_model=ModernBertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        pad_token_id=1,
    ),
    nth_text_layer=1,
    bottleneck_dim=8,
)


def write_word_tokenizer(folder: Path) -> Path:
    """`tokenizer.json` of eight whole words, with RoBERTa's marks at both ends."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def write_clap(folder: Path) -> Path:
    """`630k-best.pt` with everything in it that ranking does not need."""
    folder.mkdir(parents=True, exist_ok=True)
    network = Clap(CLAP)
    randomise(network)
    state = network.state_dict()
    state |= {
        "audio_branch.bn0.num_batches_tracked": torch.tensor(7),
        "audio_branch.spectrogram_extractor.stft.conv_real.weight": torch.zeros(513, 1, 1024),
        "audio_branch.logmel_extractor.melW": torch.zeros(513, 64),
        "audio_branch.layers.0.blocks.0.attn.relative_position_index": torch.zeros(64, 64),
        "audio_branch.layers.1.blocks.1.attn_mask": torch.zeros(16, 64, 64),
        "audio_branch.tscam_conv.weight": torch.zeros(3, 16, 2, 3),
        "audio_branch.head.weight": torch.zeros(3, 3),
        "audio_transform.sequential.0.weight": torch.zeros(8, 8),
        "text_transform.sequential.0.weight": torch.zeros(8, 8),
        "text_branch.embeddings.position_ids": torch.arange(80)[None],
        "logit_scale_a": torch.tensor(1.0),
        "logit_scale_t": torch.tensor(1.0),
    }
    wrapped = {"epoch": 3, "state_dict": {f"module.{name}": t for name, t in state.items()}}
    torch.save(wrapped, folder / "630k-best.pt")
    return folder / "630k-best.pt"


def write_imagebind(folder: Path) -> Path:
    """`imagebind_huge.pth` with tensors of the four modalities that ranking does not need."""
    folder.mkdir(parents=True, exist_ok=True)
    network = ImageBind(IMAGEBIND)
    randomise(network)
    state = network.state_dict()
    for modality in ("text", "depth", "thermal", "imu"):
        state[f"modality_trunks.{modality}.blocks.0.norm_1.weight"] = torch.ones(3)
        state[f"modality_postprocessors.{modality}.1.log_logit_scale"] = torch.tensor(1.0)
        state[f"modality_preprocessors.{modality}.cls_token"] = torch.zeros(1, 1, 3)
        state[f"modality_heads.{modality}.0.weight"] = torch.ones(3)
    torch.save(state, folder / "imagebind_huge.pth")
    return folder / "imagebind_huge.pth"


def write_judge(folder: Path) -> Path:
    """The judge's folder: config.json, checkpoint.pt and tokenizer.json."""
    write_word_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(asdict(JUDGE)), "utf-8")
    judge = Judge(JUDGE)
    randomise(judge)
    torch.save(judge.state_dict(), folder / "checkpoint.pt")
    return folder


def write_all(folder: Path) -> Path:
    """A folder with a folder of every ranker, under their names in the store."""
    write_clap(folder / "clap")
    write_word_tokenizer(folder / "roberta-base")
    write_imagebind(folder / "imagebind-huge")
    write_judge(folder / "sam-audio-judge")
    return folder


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Quiet noise, the same every time."""
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def film(n_frames: int, height: int = 24, width: int = 32) -> Tensor:
    """Random frames [N, 3, H, W], the same every time."""
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (n_frames, 3, height, width), generator=generator).byte()


def request_of(
    candidates: Tensor,
    description: str = "dog barking",
    spans: tuple[Span, ...] = (),
    video: Tensor | None = None,
) -> RankingRequest:
    """One prompt; its mixture is noise as long as the candidates [K, N] at 48 kHz."""
    mixture = noise(candidates.shape[1], seed=3)
    return RankingRequest((mixture,), (candidates,), (description,), (spans,), (video,), 48_000)
