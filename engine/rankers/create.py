"""Rankers from the model's configuration, opened when a ranking needs them.

config.json: visual_ranker, text_ranker --create_ensemble--> Ensemble
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from engine.data import Monitor
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

from .base import SILENT, Ranker, RankingRequest, no_description, no_video
from .clap import ClapConfig, open_clap
from .ensemble import Ensemble, Part
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

    The parts of an ensemble are opened when a request needs them.
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
    """The rankers that `config` asks for as one sum, each opened when a request needs it.

    A single ranker is a sum of one, and sums within sums are multiplied out. A ranker whose
    weights are absent cannot be used and says so; weights that are there have to be right.
    """
    return Ensemble(
        tuple(
            Part(name, DeferredRanker(single, source), weight)
            for name, single, weight in _flattened(config)
        )
    )


class DeferredRanker:
    """A ranker that is opened at the first request in which it has something to listen to."""

    def __init__(self, config: RankerConfig, source: RankerSource) -> None:
        self.config = config
        self.source = source
        self._ranker: Ranker | None = None

    @property
    def name(self) -> str:
        """Name in reports."""
        return self.config.kind

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why the request or this machine lacks what the ranker needs; `None` if it can be used.

        Raises CheckpointCorrupt or CheckpointMismatch.
        """
        reason = _missing_input(self.config, request)
        if reason is not None:
            return reason
        try:
            return self._opened().unusable_because(request)
        except CheckpointNotFound as error:
            return str(error)

    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """Scores [B, K] of the ranker itself. Raises Cancelled."""
        return self._opened().score(request, monitor)

    def _opened(self) -> Ranker:
        if self._ranker is None:
            self._ranker = create_ranker(self.config, self.source)
        return self._ranker


def _missing_input(config: RankerConfig, request: RankingRequest) -> str | None:
    """What can be told without opening anything."""
    match config:
        case ClapRankerConfig() | JudgeRankerConfig():
            return no_description(request)
        case ImageBindRankerConfig():
            return no_video(request)
        case _:
            return None


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
