"""What every separator that is ready takes here; neither a model nor torch is loaded for it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

from engine.builtin.costing import builtin_cost
from engine.checkpoints.catalog import find
from engine.checkpoints.store import Store, default_root
from engine.data import Prompt, Quality, SeparationOptions
from engine.errors import CheckpointError
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.costing import Costing
from engine.sam_audio.installed import sam_audio_models

from .cost import Cost
from .ledger import Ledger
from .lines import CostLine, CostOf, line_of
from .shape import ModelShape
from .task import Sound

_PROMPT = Prompt("a sound")


def cost_lines(root: Path | None = None) -> tuple[CostLine, ...]:
    """A line for every separator that is ready, in every quality.

    root: of the model store, when it is not the default one.
    """
    costs = tuple(_costs(root))
    return tuple(line_of(cost_of, quality) for cost_of in costs for quality in get_args(Quality))


def _costs(root: Path | None) -> Iterator[CostOf]:
    ledger, config = Ledger.of_user(root), SamAudioConfig()
    for model in sam_audio_models(root):
        if model.missing:
            continue
        folder = Store(root or default_root()).folder(find(model.name)[0])
        try:
            shape = ModelShape.read(folder / "config.json")
        except CheckpointError:
            continue  # said when it is used
        yield partial(_cost, Costing(model.name, shape, config, ledger, root))
    yield lambda sound, options: builtin_cost(sound, options, ledger)


def _cost(costing: Costing, sound: Sound, options: SeparationOptions) -> Cost:
    return costing.cost(sound, _PROMPT, options)
