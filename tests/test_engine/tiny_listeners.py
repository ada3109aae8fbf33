"""A span predictor and a judge, too small to be of use, in the layout of the published files."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from engine.model.config import CodecConfig
from engine.model.judge import Judge, JudgeConfig
from engine.model.modernbert import ModernBertConfig
from engine.model.pe_transformer import PETransformerConfig
from engine.model.plain_codec import PlainCodecConfig
from engine.model.span_predictor import FrameAudioConfig, SpanPredictor, SpanPredictorConfig

from .tiny_model import randomise

TEXT = ModernBertConfig(
    vocab_size=40,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=5,
    num_attention_heads=2,
    local_attention=4,
    pad_token_id=2,
)
SPANS = SpanPredictorConfig(
    audio_model=FrameAudioConfig(
        PlainCodecConfig(encoder_hidden_size=2, codebook_size=32),
        PETransformerConfig(
            hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
        ),
    ),
    text_model=TEXT,
    output_dim=12,
    nth_text_layer=3,
)
JUDGE = JudgeConfig(
    audio_codec=CodecConfig(encoder_dim=2, latent_dim=16),
    transformer=PETransformerConfig(
        hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    ),
    finetune_transformer=PETransformerConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2
    ),
    text_model=TEXT,
    nth_text_layer=3,
    bottleneck_dim=10,
)


def span_predictor_state(seed: int = 0) -> dict[str, Tensor]:
    """Every tensor of an official file, those that nothing reads included."""
    everything = replace(SPANS, nth_text_layer=TEXT.num_hidden_layers)
    predictor = SpanPredictor(everything, hears_waveforms=True)
    randomise(predictor, seed)
    return {
        **predictor.state_dict(),
        "text_model.final_norm.weight": torch.ones(16),
        "audio_model.dac_vae_encoder.bottleneck.out_proj.weight": torch.ones(32, 128, 1),
        "audio_model.dac_vae_encoder.bottleneck.out_proj.bias": torch.ones(32),
    }


def write_span_predictor(folder: Path) -> Path:
    """config.json, model.safetensors and tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(as_published(asdict(SPANS))), "utf-8")
    save_file(span_predictor_state(), folder / "model.safetensors")
    write_marked_tokenizer(folder / "tokenizer.json")
    return folder


def judge_state(seed: int = 0) -> dict[str, Tensor]:
    """Every tensor of an official file, those that nothing reads included."""
    judge = Judge(replace(JUDGE, nth_text_layer=TEXT.num_hidden_layers))
    randomise(judge, seed)
    judge.mean.copy_(torch.tensor([3.0, 3.5, 2.5, 4.0]))
    judge.std.copy_(torch.tensor([0.5, 0.6, 0.7, 0.8]))
    return {**judge.state_dict(), "text_model.final_norm.weight": torch.ones(16)}


def write_judge(folder: Path) -> Path:
    """config.json, checkpoint.pt and tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(as_published(asdict(JUDGE))), "utf-8")
    torch.save(judge_state(), folder / "checkpoint.pt")
    write_marked_tokenizer(folder / "tokenizer.json")
    return folder


def as_published(config: dict[str, object]) -> dict[str, object]:
    """The text model with the bookkeeping that its files hold."""
    text = config["text_model"]
    assert isinstance(text, dict)
    return {**config, "text_model": {**text, "model_type": "modernbert", "torch_dtype": "float32"}}


def write_marked_tokenizer(path: Path) -> None:
    """A tokenizer of single letters that puts every text between `[CLS]` and `[SEP]`."""
    marks = ["[UNK]", "[CLS]", "[PAD]", "[SEP]"]
    letters = [*marks, *" abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(
        WordLevel({letter: place for place, letter in enumerate(letters)}, unk_token="[UNK]")
    )
    tokenizer.add_special_tokens(marks)
    tokenizer.pre_tokenizer = Split("", "isolated")
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))
