"""From a folder with the official files to a model that can separate.

config.json ------------------------------> SAMAudio on `meta`
checkpoint.pt or model.safetensors -------> its tensors, mapped, strictly by name
  (vision_encoder.* only with a video)
text_encoder.name, span_predictor, rankers: found when they are needed
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine.checkpoints.load import convert, load_into, read_state_dict
from engine.checkpoints.store import resolve
from engine.errors import CheckpointNotFound

from .companions import Companions
from .config import SAMAudioConfig, from_dict, read_json
from .int8_cost import quantise_measured
from .separation import SAMAudio
from .span_predictor import SpanPredictor
from .text_encoder import TextEncoder
from .vision_encoder import TowerRegistry, VisionEncoder

if TYPE_CHECKING:  # rankers import networks of this package
    from engine.rankers.choose import RankerChoice


def load_pretrained(
    folder_or_name: str,
    device: torch.device | str,
    dtype: torch.dtype | None,
    root: Path | None,
    towers: TowerRegistry,
    int8: bool = False,
) -> SAMAudio:
    """See `SAMAudio.from_pretrained`."""
    folder = resolve(folder_or_name, root)
    config = from_dict(SAMAudioConfig, read_json(folder / "config.json"), f"{folder}/config.json")
    companions = Companions(
        partial(_text_encoder, folder, config, root),
        vision_encoder=partial(
            VisionEncoder.from_checkpoint, config.vision_encoder, folder, towers, dtype
        ),
        span_predictor=partial(_span_predictor, folder, config, root),
        rankers=partial(_rankers, folder, config, root),
    )
    with torch.device("meta"):
        model = SAMAudio(config, companions)
    load_into(
        model,
        read_state_dict(folder),
        where=str(folder),
        allowed_unexpected=(SAMAudio.vision_prefix,),
    )
    if int8:
        model.int8_cost = quantise_measured(model)
    _set_precision(model, dtype)
    return model.to(device).eval().requires_grad_(False)


def _set_precision(model: SAMAudio, dtype: torch.dtype | None) -> None:
    """The codec in float32 and fused, the rest in `dtype`.

    In 16 bits the codec's own noise would be heard, and it is a small part of the weights.
    """
    for name, parameter in model.named_parameters():
        wanted = torch.float32 if name.startswith("audio_codec.") else dtype
        parameter.data = convert(parameter.data, wanted, name)
    model.audio_codec.fuse()


def _text_encoder(folder: Path, config: SAMAudioConfig, root: Path | None) -> TextEncoder:
    chosen = config.text_encoder
    return TextEncoder.from_folder(
        _located(chosen.name, folder, root), chosen.max_length, torch.float32
    )


def _span_predictor(folder: Path, config: SAMAudioConfig, root: Path | None) -> SpanPredictor:
    if config.span_predictor is None:
        raise CheckpointNotFound(f"{folder}/config.json names no span predictor; give spans")
    return SpanPredictor.from_folder(_located(config.span_predictor, folder, root))


def _rankers(
    folder: Path, config: SAMAudioConfig, root: Path | None, device: torch.device
) -> "RankerChoice":
    from engine.rankers.choose import RankerChoice
    from engine.rankers.create import RankerSource

    source = RankerSource(lambda name: _located(name, folder, root), device)
    return RankerChoice(config.visual_ranker, config.text_ranker, source)


def _located(name: str, folder: Path, root: Path | None) -> Path:
    """The folder of a model: beside the configuration that names it, or as `resolve` finds it."""
    beside = folder / name
    return beside if beside.is_dir() else resolve(name, root)
