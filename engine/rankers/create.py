"""Rankers from the model's configuration, opened when a ranking needs them.

config.json: visual_ranker, text_ranker --create_ensemble--> Ensemble
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from engine.errors import CheckpointNotFound
from engine.model.config import (
    ClapRankerConfig,
    EnsembleRankerConfig,
    ImageBindRankerConfig,
    JudgeRankerConfig,
    RankerConfig,
    SoundActivityRankerConfig,
)
from engine.model.judge import Judge

from .base import Ranker
from .clap import ClapConfig, open_clap
from .ensemble import Ensemble, MissingRanker, Part
from .imagebind import open_imagebind
from .imagebind_towers import ImageBindConfig
from .judge import JudgeRanker
from .sound_activity import SoundActivityRanker

CLAP_MODEL = "clap"
CLAP_TOKENIZER_MODEL = "roberta-base"
IMAGEBIND_MODEL = "imagebind-huge"

FindFolder = Callable[[str], Path]
"""The folder of a model, from its name or the folder itself; raises CheckpointNotFound."""


@dataclass(frozen=True, slots=True)
class RankerSource:
    """Where rankers get their weights, and where they compute.

    find: such as `engine.checkpoints.store.resolve`.
    clap, imagebind: sizes, which their files do not tell.
    """

    find: FindFolder
    device: torch.device
    clap: ClapConfig = field(default_factory=ClapConfig)
    imagebind: ImageBindConfig = field(default_factory=ImageBindConfig)


def create_ranker(config: RankerConfig, source: RankerSource) -> Ranker:
    """The ranker that `config` asks for, with its weights.

    An ensemble is made of the parts whose weights are there.
    Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
    """
    match config:
        case SoundActivityRankerConfig():
            return SoundActivityRanker(config)
        case ClapRankerConfig():
            weights = _located(config.checkpoint or CLAP_MODEL, source)
            tokenizer = source.find(CLAP_TOKENIZER_MODEL) / "tokenizer.json"
            return open_clap(weights, tokenizer, source.device, source.clap)
        case ImageBindRankerConfig():
            weights = _located(config.checkpoint or IMAGEBIND_MODEL, source)
            return open_imagebind(weights, source.device, source.imagebind)
        case JudgeRankerConfig():
            judge = Judge.from_folder(source.find(config.checkpoint_or_model_id))
            return JudgeRanker(judge.to(source.device))
        case EnsembleRankerConfig():
            return create_ensemble(config, source)


def create_ensemble(config: RankerConfig, source: RankerSource) -> Ensemble:
    """The rankers that `config` asks for as one sum; those without weights are named in it.

    A single ranker is a sum of one, and sums within sums are multiplied out.
    Raises CheckpointCorrupt or CheckpointMismatch: weights that are there have to be right.
    """
    parts, missing = [], []
    for name, single, weight in _flattened(config):
        try:
            parts.append(Part(name, create_ranker(single, source), weight))
        except CheckpointNotFound as error:
            missing.append(MissingRanker(name, str(error)))
    return Ensemble(tuple(parts), tuple(missing))


def _flattened(
    config: RankerConfig, path: str = "", weight: float = 1.0
) -> Iterator[tuple[str, RankerConfig, float]]:
    """Name, configuration and weight of every single ranker; names within names have dots."""
    if not isinstance(config, EnsembleRankerConfig):
        yield path or config.kind, config, weight
        return
    for name, (inner, inner_weight) in config.rankers.items():
        yield from _flattened(inner, f"{path}.{name}" if path else name, weight * inner_weight)


def _located(name: str, source: RankerSource) -> Path:
    """A weights file given as such, or what `find` gives."""
    file = Path(name).expanduser()
    return file if file.is_file() else source.find(name)
