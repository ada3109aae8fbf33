"""Bytes that a run takes, on the device and on the host; torch is not needed.

The constants were measured by `tests/benchmarks/bench_estimates.py`.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .footprint import footprint
from .stages import Foreseen

PROCESS_BYTES = 330_000_000
"""Python with everything imported, before a model is loaded."""

_CUDA_BUILD_BYTES = 350_000_000
"""More of it where torch was built for CUDA, also for a run on the processor."""

_CUDA_HOST_BYTES = 700_000_000
"""More of the host's memory for CUDA's libraries and its context."""

_PER_CHANNEL_BYTES = 30_000_000
"""Placing and writing, per take and channel: blocks of a few seconds, spectra and masks of them."""

_WAVE_S = 10.0
_WAVE_COPIES = 4
_LATENT_FILES = 7
"""States that a solver keeps in files at most; see `sampling`."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """host: of the process at its peak.   device: of the accelerator, 0 without one.   disk: of
    temporary files."""

    host: int
    device: int
    disk: int


def process_bytes() -> int:
    """What a process takes before it loads a model for the processor, with the torch here."""
    return PROCESS_BYTES + (_CUDA_BUILD_BYTES if _is_built_for_cuda() else 0)


@cache
def _is_built_for_cuda() -> bool:
    # Its version does not tell: PyPI's own build for Linux has CUDA and no tag.
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    return any((Path(found.origin).parent / "lib").glob("*torch_cuda.*"))


def bytes_of(run: Foreseen, device: str) -> Bytes:
    """What a run takes. device: `cpu`, `cuda` or `mps`, whose memory is the host's."""
    task, codec = run.task, run.shape.codec
    parts = footprint(run.shape, run.weights, run.plan)
    beside = max(task.spot_bytes, task.see_bytes, task.rank_bytes)
    on_device = parts.peak(offload=run.plan.offload) + beside
    n_streams = task.n_takes + task.n_residuals
    waves = round(_WAVE_COPIES * n_streams * _WAVE_S * codec.sample_rate * 4)
    placing = _PER_CHANNEL_BYTES * task.n_takes * task.sound.n_channels
    host = waves + placing
    if device == "cuda":
        host += PROCESS_BYTES + _CUDA_HOST_BYTES
        host += parts.weights if run.plan.offload else parts.text
    else:
        host += process_bytes() + on_device
    return Bytes(host, on_device if device == "cuda" else 0, _disk(run))


def _disk(run: Foreseen) -> int:
    """Of the solver's state, the latents and the sound of the takes."""
    channels = 2 * run.shape.codec.codebook_dim
    state = _LATENT_FILES * run.n_frames * run.task.n_takes * channels * 4
    heard = run.n_frames * run.shape.codec.codebook_dim * 4
    waves = run.n_frames * run.shape.codec.hop_length * 4 * run.task.n_takes
    return state + heard + waves
