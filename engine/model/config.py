"""Configurations of the networks, read from the official `config.json` and refused when unknown.

    config.json -> from_dict(SAMAudioConfig, ...) -> frozen values with the original's defaults

Field names are the file's keys. What follows from them (hop, head width, hidden width of the
feed-forward) is a property, never a second number.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from engine.errors import CheckpointMismatch, CheckpointNotFound

NonLinearity = Literal["swiglu", "relu", "gelu", "approx_gelu", "srelu", "silu"]

T = TypeVar("T")


def from_dict(cls: type[T], data: object, where: str) -> T:
    """An instance of the configuration dataclass `cls` from parsed JSON.

    data: what `json.loads` gave. Missing keys take the defaults; a key that `cls` does not have
        is an error, unless `cls.accepts_unknown_keys` (Hugging Face files carry bookkeeping).
    where: the file, for messages.
    Raises CheckpointMismatch naming every unknown or missing key, or the value of a wrong type.
    """
    if not isinstance(data, Mapping):
        raise CheckpointMismatch(f"{where}: expected an object with keys, got {data!r}")
    known = {item.name: item for item in fields(cast(Any, cls))}

    unknown = sorted(str(key) for key in data if key not in known)
    if unknown and not getattr(cls, "accepts_unknown_keys", False):
        raise CheckpointMismatch(
            f"{where}: unknown key{'s' if len(unknown) > 1 else ''} {', '.join(unknown)} for "
            f"{cls.__name__}; known are {', '.join(known)}. This is another model's configuration, "
            "or one made by a later version"
        )

    hints = get_type_hints(cls)
    values = {
        name: _convert(hints[name], data[name], f"{where}: {name}")
        for name in known
        if name in data
    }
    try:
        return cls(**values)
    except TypeError as error:  # a field without a default is missing
        raise CheckpointMismatch(f"{where}: {error}") from error


def read_json(path: Path) -> object:
    """The content of a JSON file, for `from_dict`.

    Raises CheckpointNotFound when it cannot be read, and CheckpointMismatch when it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointNotFound(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointMismatch(f"{path} is not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """DACVAE, the codec. `n_codebooks`, `codebook_size`, `quantizer_dropout`, `mean` and `std`
    are in the files and used by nothing."""

    encoder_dim: int = 64
    encoder_rates: tuple[int, ...] = (2, 8, 10, 12)
    latent_dim: int = 1024
    decoder_dim: int = 1536
    decoder_rates: tuple[int, ...] = (12, 10, 8, 2)
    n_codebooks: int = 16
    codebook_size: int = 1024
    codebook_dim: int = 128
    quantizer_dropout: float | bool = False
    sample_rate: int = 48_000
    mean: float = 0.0
    std: float = 1.0

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.encoder_rates)


@dataclass(frozen=True, slots=True)
class TextEncoderConfig:
    """Which T5 reads the description. name: a folder, or a name in the model store."""

    dim: int = 768
    name: str = "t5-base"
    max_length: int = 512
    pad_mode: Literal["longest"] = "longest"


@dataclass(frozen=True, slots=True)
class VisionEncoderConfig:
    """Which tower looks at the masked video, and how frames are prepared for it."""

    dim: int = 1024
    batch_size: int = 300
    name: str = "PE-Core-L14-336"
    normalize_feature: bool = True
    interpolation_mode: str = "BICUBIC"
    image_size: int = 336


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """The diffusion transformer. Dropout rates are in the files and inactive at inference."""

    dim: int = 2048
    n_heads: int = 16
    n_layers: int = 16
    dropout: float = 0.1
    norm_eps: float = 1e-5
    qk_norm: bool = True
    fc_bias: bool = False
    ffn_exp: float = 4
    ffn_dim_multiplier: float = 1
    multiple_of: int = 64
    non_linearity: NonLinearity = "swiglu"
    use_rope: bool = True
    max_positions: int = 10_000
    frequency_embedding_dim: int = 256
    timestep_non_linearity: NonLinearity = "swiglu"
    t_block_non_linearity: NonLinearity = "silu"
    t_block_bias: bool = True
    context_dim: int = 2048
    context_non_linearity: NonLinearity = "swiglu"
    context_embedder_dropout: float = 0.0
    context_norm: bool = False
    out_channels: int = 256
    in_channels: int | None = None

    def __post_init__(self) -> None:
        if self.dim % self.n_heads or (self.dim // self.n_heads) % 2:
            raise CheckpointMismatch(
                f"transformer: dim {self.dim} over n_heads {self.n_heads} must give an even width"
            )
        if self.context_dim != self.dim:
            raise CheckpointMismatch(
                f"transformer: context_dim {self.context_dim} must equal dim {self.dim}"
            )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.dim // self.n_heads

    @property
    def ffn_hidden(self) -> int:
        """Hidden width of the feed-forward; gated ones get two thirds, for their third matrix."""
        hidden = int(self.ffn_exp * self.dim)
        if self.non_linearity == "swiglu":
            hidden = int(2 * hidden / 3)
        hidden = int(self.ffn_dim_multiplier * hidden)
        return -(-hidden // self.multiple_of) * self.multiple_of

    @property
    def rope_theta(self) -> float:
        """Base of the rotary angles."""
        return max(10_000, 2 * self.max_positions)


@dataclass(frozen=True, slots=True)
class ImageBindRankerConfig:
    """Audio against the masked video."""

    kind: Literal["imagebind"] = "imagebind"
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class ClapRankerConfig:
    """Audio against the description."""

    kind: Literal["clap"] = "clap"
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class JudgeRankerConfig:
    """The judge's overall score."""

    kind: Literal["judge"] = "judge"
    checkpoint_or_model_id: str = "facebook/sam-audio-judge"


@dataclass(frozen=True, slots=True)
class SoundActivityRankerConfig:
    """Where there is sound against where the spans say that there is."""

    kind: Literal["sound_activity"] = "sound_activity"
    threshold_mode: Literal["rel_to_max", "abs"] = "rel_to_max"
    sil_threshold: float = -40.0
    metric: Literal["iou", "recall", "precision"] = "iou"


@dataclass(frozen=True, slots=True)
class EnsembleRankerConfig:
    """A weighted sum of rankers: name -> (ranker, weight)."""

    rankers: "Mapping[str, tuple[RankerConfig, float]]"
    kind: Literal["ensemble"] = "ensemble"


RankerConfig = (
    ImageBindRankerConfig
    | ClapRankerConfig
    | JudgeRankerConfig
    | SoundActivityRankerConfig
    | EnsembleRankerConfig
)


@dataclass(frozen=True, slots=True)
class SAMAudioConfig:
    """Everything in the separation model's `config.json`."""

    in_channels: int = 768
    audio_codec: CodecConfig = field(default_factory=CodecConfig)
    text_encoder: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    vision_encoder: VisionEncoderConfig = field(default_factory=VisionEncoderConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    num_anchors: int = 3
    anchor_embedding_dim: int = 128
    visual_ranker: RankerConfig | None = None
    text_ranker: RankerConfig | None = None
    span_predictor: str | None = "pe-a-frame-large"

    #: Sizes that were published, for `published`.
    sizes: ClassVar[tuple[str, ...]] = ("small", "base", "large")

    def __post_init__(self) -> None:
        channels = self.audio_codec.codebook_dim
        if self.in_channels != 6 * channels:
            raise CheckpointMismatch(
                f"in_channels {self.in_channels} must be 6 x codebook_dim = {6 * channels}"
            )
        if self.transformer.out_channels != 2 * channels:
            raise CheckpointMismatch(
                f"transformer.out_channels {self.transformer.out_channels} must be "
                f"2 x codebook_dim = {2 * channels}"
            )

    @classmethod
    def published(cls, size: str) -> "SAMAudioConfig":
        """The configuration of `facebook/sam-audio-<size>`; its `-tv` variant has the same.

        Raises CheckpointMismatch for a size that was not published.
        """
        shapes = {"small": (1536, 12, 12), "base": (2048, 16, 16), "large": (2816, 22, 22)}
        if size not in shapes:
            raise CheckpointMismatch(
                f"size {size!r} was not published; sizes are {', '.join(cls.sizes)}"
            )
        dim, n_heads, n_layers = shapes[size]
        return cls(
            transformer=TransformerConfig(
                dim=dim, n_heads=n_heads, n_layers=n_layers, context_dim=dim
            ),
            visual_ranker=ImageBindRankerConfig(),
            text_ranker=EnsembleRankerConfig(
                {"clap": (ClapRankerConfig(), 5.0), "judge": (JudgeRankerConfig(), 1.0)}
            ),
        )


def _convert(hint: Any, value: object, where: str) -> Any:
    """`value` as the annotated type `hint`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _convert(_chosen_member(arguments, value, where), value, where)
    if origin is Literal:
        if value not in arguments:
            raise _wrong(where, " or ".join(repr(item) for item in arguments), value)
        return value
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(where, "an object", value)
        return {
            str(key): _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()
        }
    if is_dataclass(hint):
        return from_dict(cast("type[Any]", hint), value, where)
    return _convert_scalar(hint, value, where)


def _convert_tuple(arguments: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, "a list", value)
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise _wrong(where, f"a list of {len(arguments)} items", value)
    return tuple(
        _convert(hint, item, f"{where}[{index}]")
        for index, (hint, item) in enumerate(zip(arguments, value, strict=True))
    )


def _convert_scalar(hint: Any, value: object, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is NoneType:
        hint = type(None)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise _wrong(where, hint.__name__, value)
    return value


def _chosen_member(members: tuple[Any, ...], value: object, where: str) -> Any:
    """The member of a union that `value` is meant to be; dataclasses are told by their `kind`."""
    if value is None and NoneType in members:
        return NoneType
    classes = [member for member in members if is_dataclass(member)]
    if not classes:
        matching = [member for member in members if type(value) is member]
        return (matching or [member for member in members if member is not NoneType])[0]
    kinds = {get_args(get_type_hints(member)["kind"])[0]: member for member in classes}
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if kind not in kinds:
        raise _wrong(f"{where}: kind", " or ".join(repr(name) for name in kinds), kind)
    return kinds[kind]


def _wrong(where: str, expected: str, value: object) -> CheckpointMismatch:
    return CheckpointMismatch(f"{where}: expected {expected}, got {value!r}")
