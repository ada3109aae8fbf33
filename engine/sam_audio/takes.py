"""From the latents of all takes to their sound, best first."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import Monitor, Span

from .frames import Frames
from .job import Job
from .ranking import RankedTakes, rank_takes
from .voicing import voiced_blocks


@dataclass(frozen=True, slots=True, eq=False)
class Takes:
    """latents: [K, T, 2C], target and residual side by side, best take first.

    waves: the targets [K, N, 1] at the model's rate in the same order.
    ranked: `None` for a single take.
    """

    latents: Frames
    waves: Frames
    ranked: RankedTakes | None = None


def ordered_takes(job: Job, latents: Frames, spans: tuple[Span, ...], monitor: Monitor) -> Takes:
    """The takes as they will be handed out, decoded; a single one needs no ranking."""
    target = latents.channels(0, latents.n_channels // 2)
    is_single = latents.n_rows == 1
    decoding = monitor.part(0.0, 1.0 if is_single else 0.8)
    waves = Frames.stored((_rows(block) for block in _voiced(job, target, decoding)), job.scratch)
    if is_single:
        return Takes(latents, waves)
    ranked = rank_takes(job, waves, spans, monitor.part(0.8, 1.0))
    return Takes(latents.rows(ranked.order), waves.rows(ranked.order), ranked)


def voices(
    job: Job, takes: Takes, *, with_residual: bool, monitor: Monitor
) -> Iterator[NDArray[np.float32]]:
    """Blocks [n, K] of the targets at the model's rate, or [n, 2K] with the residuals after them.

    Raises Cancelled.
    """
    n_channels = takes.latents.n_channels // 2
    residual = takes.latents.channels(n_channels, 2 * n_channels)
    position = 0
    step = round(job.config.codec_chunk_s * job.codec.sample_rate)
    residuals = _voiced(job, residual, monitor) if with_residual else None
    while position < takes.waves.n_frames:
        if residuals is None:
            monitor.report("decode", position / takes.waves.n_frames)
        beside = None if residuals is None else next(residuals)
        n_block = step if beside is None else len(beside)
        stop = min(position + n_block, takes.waves.n_frames)
        block = takes.waves.read(position, stop)[..., 0].T.numpy()
        yield block if beside is None else np.concatenate([block, beside], axis=1)
        position = stop


def _voiced(job: Job, latents: Frames, monitor: Monitor) -> Iterator[NDArray[np.float32]]:
    chunk_s = job.config.codec_chunk_s
    return voiced_blocks(job.work, latents, job.stretch.n_samples, chunk_s, monitor)


def _rows(block: NDArray[np.float32]) -> Tensor:
    """[n, K] as [K, n, 1]."""
    return torch.from_numpy(block).T[..., None]
