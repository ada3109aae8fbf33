"""A selection done anew, put into an earlier target.

    earlier target  ==================\\                 /=================
    new target                         \\===============/
                                 fade  |   selection   |  fade

Outside the selection and its two short fades every sample is the earlier target's, exactly.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data import AudioClip, Rerun
from .errors import AudioError, PromptError
from .exact import exact_samples
from .units import samples_from_seconds

FADE_S = 0.02
"""Length of the fades, which lie outside the selection."""

_BLOCK_SAMPLES = 1 << 16


def checked_rerun(rerun: Rerun, mixture: AudioClip) -> Rerun:
    """The rerun with its selection cut to the mixture.

    Raises PromptError when it starts beyond the mixture, AudioError when the earlier target is of
    another rate, number of channels or length.
    """
    if rerun.start_s >= mixture.duration_s:
        raise PromptError(
            f"the selection starts at {rerun.start_s:g} s and the mixture is "
            f"{mixture.duration_s:.3f} s long; choose one inside"
        )
    base = rerun.base_target
    shape = (base.sample_rate, base.n_channels, base.n_samples)
    wanted = (mixture.sample_rate, mixture.n_channels, mixture.n_samples)
    if shape != wanted:
        raise AudioError(
            f"{base.name}: the earlier target has {shape[0]} Hz, {shape[1]} channels and "
            f"{shape[2]} samples, the mixture {wanted[0]}, {wanted[1]} and {wanted[2]}; "
            "give the target that was made of this mixture"
        )
    return replace(rerun, end_s=min(rerun.end_s, mixture.duration_s))


def spliced_blocks(
    rerun: Rerun,
    first_sample: int,
    blocks: Iterator[NDArray[Any]],
    residual_of: AudioClip | None = None,
) -> Iterator[NDArray[np.float64]]:
    """Stems [R, n, C] of the whole mixture: new ones in the selection, earlier ones around.

    blocks: consecutive new targets [K, n, C], at least one; the first sample of them is
        `first_sample` of the mixture. They cover the selection and its fades.
    residual_of: the mixture, when a residual comes after the targets; its earlier self is what
        the earlier target leaves.
    """
    n_samples = rerun.base_target.n_samples
    position = first_sample
    n_stems = 0
    try:
        for block in blocks:
            if n_stems == 0:
                n_stems = len(block)
                yield from _earlier(rerun, residual_of, n_stems, 0, first_sample)
            stop = position + block.shape[1]
            yield _mixed(rerun, residual_of, block, position)
            position = stop
    finally:
        if isinstance(blocks, Generator):
            blocks.close()
    yield from _earlier(rerun, residual_of, n_stems, position, n_samples)


def _mixed(
    rerun: Rerun, residual_of: AudioClip | None, new: NDArray[Any], start: int
) -> NDArray[np.float64]:
    stop = start + new.shape[1]
    share = _share(rerun, np.arange(start, stop))[:, None]
    earlier = _stems(rerun.base_target, residual_of, len(new), start, stop)
    faded = earlier + share * (new - earlier)
    return np.where(share == 0, earlier, np.where(share == 1, new, faded))


def _share(rerun: Rerun, samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the new target at these samples, 0 to 1."""
    rate = rerun.base_target.sample_rate
    start, stop = (samples_from_seconds(time_s, rate) for time_s in (rerun.start_s, rerun.end_s))
    n_fade = max(1, samples_from_seconds(FADE_S, rate))
    outside = np.maximum(np.maximum(start - samples, samples - (stop - 1)), 0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.minimum(outside / n_fade, 1.0)))


def _earlier(
    rerun: Rerun, residual_of: AudioClip | None, n_stems: int, start: int, stop: int
) -> Iterator[NDArray[np.float64]]:
    for first in range(start, stop, _BLOCK_SAMPLES):
        last = min(first + _BLOCK_SAMPLES, stop)
        yield _stems(rerun.base_target, residual_of, n_stems, first, last)


def _stems(
    base: AudioClip, residual_of: AudioClip | None, n_stems: int, start: int, stop: int
) -> NDArray[np.float64]:
    """The earlier target [R, n, C] for every take, and what it leaves as the residual."""
    target = exact_samples(base, start, stop)
    stems = np.broadcast_to(target, (n_stems, *target.shape))
    if residual_of is None:
        return stems
    residual = exact_samples(residual_of, start, stop) - target
    return np.concatenate([stems[:-1], residual[None]])
