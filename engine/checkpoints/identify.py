"""Whose weights these are: a model recognised by the names and shapes of its tensors.

Used to say "this is the judge" instead of listing four hundred missing keys.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]

SIZES = {(1536, 12): "small", (2048, 16): "base", (2816, 22): "large"}
"""Width and number of layers of the published SAM-Audio models."""

_LAYER = re.compile(r"^transformer\.layers\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a checkpoint looks like.

    kind: stable word, as in the catalogue.   label: for a person to read.
    size: of SAM-Audio, `small`, `base`, `large`, or empty for a size that was not published.
    """

    kind: str
    label: str
    size: str = ""


UNKNOWN = Identity("unknown", "a model that StemLasso does not know")

# Each kind with keys of which all must be there. The first match wins, so the models that
# contain others (the judge has a codec, SAM-Audio a vision tower) come before their parts.
_MARKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("sam-audio", "SAM-Audio", ("embed_anchors.embed.weight", "memory_proj.weight")),
    (
        "judge",
        "the SAM-Audio judge",
        ("cat_audio_proj.weight", "audio_codec.quantizer.in_proj.bias"),
    ),
    ("judge-hf", "the SAM-Audio judge in its other layout", ("cat_audio_proj.weight",)),
    ("span-predictor", "the span predictor PE-A-Frame", ("text_head.proj.weight", "logit_bias")),
    ("clap", "CLAP", ("audio_branch.patch_embed.proj.weight", "text_projection.0.weight")),
    ("imagebind", "ImageBind", ("modality_heads.audio.0.weight",)),
    ("t5", "a T5 text encoder", ("shared.weight", "encoder.final_layer_norm.weight")),
    ("vision", "a perception encoder (vision tower)", ("visual.conv1.weight",)),
    ("codec", "the DACVAE codec alone", ("encoder.block.0.weight_g", "decoder.model.0.weight_g")),
    ("roberta", "a RoBERTa text encoder", ("embeddings.word_embeddings.weight",)),
)


def identify(shapes: Shapes) -> Identity:
    """The model that tensors of these names and shapes belong to; `UNKNOWN` when none fits."""
    bare = {_without_wrapper(name): shape for name, shape in shapes.items()}
    for kind, label, marks in _MARKS:
        if all(mark in bare for mark in marks):
            return _sized(label, bare) if kind == "sam-audio" else Identity(kind, label)
    if any(".res_unit1." in name for name in bare) and not any("audio_model" in n for n in bare):
        return Identity("judge-hf", "the SAM-Audio judge or codec in the layout of another library")
    return UNKNOWN


def _without_wrapper(name: str) -> str:
    for prefix in ("module.", "model.", "roberta."):
        name = name.removeprefix(prefix)
    return name


def _sized(label: str, shapes: Shapes) -> Identity:
    width = shapes["memory_proj.weight"][0]
    layers = {int(m.group(1)) for name in shapes if (m := _LAYER.match(name))}
    size = SIZES.get((width, len(layers)), "")
    detail = size or f"(width {width}, {len(layers)} layers)"
    return Identity("sam-audio", f"{label} {detail}", size)
