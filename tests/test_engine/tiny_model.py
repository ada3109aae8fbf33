"""A whole SAM-Audio, too small to be of use: its configuration, and its files as published."""

import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from engine.checkpoints.intake import import_model
from engine.checkpoints.store import Store
from engine.model.config import (
    CodecConfig,
    SAMAudioConfig,
    TextEncoderConfig,
    TransformerConfig,
    VisionEncoderConfig,
)
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import T5Config, T5Encoder
from engine.model.vision_encoder import VisionEncoder, VisionTowerConfig

T5_CONFIG = T5Config(vocab_size=64, d_model=16, d_kv=4, d_ff=24, num_layers=2, num_heads=3)

TINY_TOWERS = {
    "tiny": VisionTowerConfig(
        image_size=28, patch_size=14, width=16, layers=1, heads=2, output_dim=8
    )
}


def tiny_config(text_folder: Path | None = None) -> SAMAudioConfig:
    """A model of two layers. text_folder: where its T5 lies."""
    return SAMAudioConfig(
        audio_codec=CodecConfig(encoder_dim=2, latent_dim=16, decoder_dim=96),
        text_encoder=TextEncoderConfig(dim=16, name=str(text_folder or "t5")),
        vision_encoder=VisionEncoderConfig(dim=8, image_size=28, name="tiny"),
        transformer=TransformerConfig(dim=24, context_dim=24, n_heads=2, n_layers=2),
        anchor_embedding_dim=4,
    )


def randomise(module: torch.nn.Module, seed: int = 0) -> None:
    """Give every parameter values that matter, gates and norms included; never on `meta`."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim <= 1 or name.endswith(("alpha", "weight_g")):
            values = 0.8 + 0.2 * values.sigmoid() if "bias" not in name else 0.1 * values
        elif not name.endswith("weight_v"):
            values /= (parameter.numel() / parameter.shape[0]) ** 0.5
        parameter.data.copy_(values)


def tiny_network(seed: int = 0) -> SAMAudioNetwork:
    """The network with random weights, ready to run."""
    network = SAMAudioNetwork(tiny_config())
    randomise(network, seed)
    network.audio_codec.fold_weight_norm()
    return network.eval()


@cache
def _tiny_state(seed: int) -> dict[str, Tensor]:
    network = SAMAudioNetwork(tiny_config())
    randomise(network, seed)
    return network.state_dict()


def tiny_state(seed: int = 0) -> dict[str, Tensor]:
    """A tiny SAM-Audio as its checkpoint has it; one's own to change."""
    return dict(_tiny_state(seed))


def write_t5(folder: Path) -> Path:
    """A T5 folder in Hugging Face's layout, decoder keys included."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    fields = asdict(T5_CONFIG) | {"model_type": "t5", "d_whatever": 1}
    (folder / "config.json").write_text(json.dumps(fields), "utf-8")
    encoder = T5Encoder(T5_CONFIG)
    randomise(encoder)
    state = {**encoder.state_dict(), "decoder.final_layer_norm.weight": torch.ones(16)}
    save_file(state, folder / "model.safetensors")
    return folder


def write_store(folder: Path, **changes: object) -> Store:
    """A model store in `folder`/store: a tiny model called sam-audio-small, and its T5.

    changes: of the configuration.
    """
    store = Store(folder / "store")
    text = TextEncoderConfig(dim=16, name="t5-base")
    source = write_checkpoint(folder / "small", text_encoder=text, **changes)
    import_model(store, source, "sam-audio-small")
    import_model(store, write_t5(folder / "text"), "t5-base")
    return store


def write_tokenizer(path: Path) -> None:
    """A tokenizer of single letters that closes every text with `</s>`."""
    letters = "▁abcdefghijklmnopqrstuvwxyz"
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((c, -3.0) for c in letters)]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=2))
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(path))


def write_checkpoint(folder: Path, seed: int = 0, **changes: object) -> Path:
    """A model folder as published: config.json and checkpoint.pt, eyes included, and a T5.

    changes: of the configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = replace(tiny_config(write_t5(folder / "t5")), **changes)  # type: ignore[arg-type]
    network, eyes = SAMAudioNetwork(config), VisionEncoder(config.vision_encoder, TINY_TOWERS)
    randomise(network, seed)
    randomise(eyes, seed)
    state = dict(network.state_dict())
    state |= {f"{eyes.prefix}{name}": tensor for name, tensor in eyes.state_dict().items()}
    state[f"{eyes.prefix}model.logit_scale"] = torch.ones(())  # of the tower that nothing reads
    (folder / "config.json").write_text(json.dumps(asdict(config)), "utf-8")
    torch.save(state, folder / "checkpoint.pt")
    return folder
