"""A model on its device, in weights that fit there."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from engine.cost.footprint import WeightFormat, footprint
from engine.cost.shape import ModelShape
from engine.data import Notice
from engine.model.fusing import fuse
from engine.model.kernels import Kernels
from engine.model.separation import SAMAudio

from .budget import Loading, plan_loading, plan_run, wanted_plan
from .config import SamAudioConfig
from .device import best_format, chosen_device, dtype_name, dtype_of, free_bytes
from .plan import RunPlan
from .residency import Residency


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """residency: where the model's networks are.   notices: when it is not loaded as asked."""

    model: SAMAudio
    residency: Residency
    config: SamAudioConfig
    weights: WeightFormat
    notices: tuple[Notice, ...] = ()

    def plan(self, n_takes: int) -> RunPlan:
        """How a run with `n_takes` takes is cut to fit into what is free now."""
        shape = shape_of(self.model)
        n_rows = self.config.n_rows(n_takes, self.residency.device.type)
        wanted = wanted_plan(shape, self.config, n_rows, self.config.codec_chunk_s)
        parts = footprint(shape, self.weights, wanted)
        device = self.residency.device
        offload = self.residency.offload
        text = parts.text if self.model.companions.text_encoder.is_loaded else 0
        here = 0 if offload else parts.network + parts.codec + text
        free, is_apart = free_bytes(device), device.type != "cpu"
        return plan_run(shape, self.weights, wanted, free, here, can_offload=is_apart)


def shape_of(model: SAMAudio) -> ModelShape:
    """The model's sizes; of the text encoder its own, once it is loaded."""
    return ModelShape.of(asdict(model.config))


def load_installed(folder: Path, root: Path | None, config: SamAudioConfig) -> Loaded:
    """The model in a folder of the store, in weights that fit the device.

    Raises CheckpointError, BackendUnavailable, or OutOfMemory naming what would fit.
    """
    device = chosen_device(config.device)
    shape = ModelShape.read(folder / "config.json")
    free, is_apart = free_bytes(device), device.type != "cpu"
    loading = plan_loading(shape, config, best_format(device), free, can_offload=is_apart)
    model = SAMAudio.from_pretrained(
        folder,
        device="cpu" if loading.offload else device,
        dtype=dtype_of(loading.weights),
        root=root,
        int8=loading.weights.int8,
    )
    return _on(device, model, config, loading)


def loaded(model: SAMAudio | Loaded, config: SamAudioConfig) -> Loaded:
    """A model that the caller made, where it is."""
    if isinstance(model, Loaded):
        return model
    weights = WeightFormat(dtype_name(model.proj.weight.dtype), config.int8)
    return _on(model.device, model, config, Loading(weights, config.offload == "on"))


def _on(device: torch.device, model: SAMAudio, config: SamAudioConfig, how: Loading) -> Loaded:
    model.kernels = Kernels(compile=config.compile)
    if how.offload:
        fuse(model.transformer)  # on the host, whose copy is what comes and goes
    residency = Residency(device, offload=how.offload)
    cost = () if model.int8_cost is None else (model.int8_cost.notice,)
    return Loaded(model, residency, config, how.weights, (*how.notices, *cost))
