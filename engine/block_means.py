"""Means over time of what varies from frame to frame, at the rate of blocks of frames.

    frames   |.......|.......|.......|.......|        [T, F]
    sums         s0      s1      s2      s3           products summed over each block
    means        m0      m1      m2      m3           over some blocks on either side
    faded    ------->------->------->                 back at every frame, between block centres

Averages over half a second hardly change within 85 ms, and an eighth of the numbers is an eighth of
the work. A window of frames has to start at a whole block of the file, so that blocks are the same
in every window.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .stereo_frames import Spectra

Powers = NDArray[np.float32]
Values = TypeVar("Values", Powers, Spectra)

BLOCK_FRAMES = 8

EDGE_FRAMES = 5
"""With this added to a whole number of blocks, and the frames that overlap, windows are blocks."""


def power(spectra: Spectra) -> Powers:
    """The square of the size."""
    real, imaginary = spectra.real, spectra.imag
    squared = real * real
    squared += imaginary * imaginary
    return squared


def block_sums(values: Values, factor: Values | None = None) -> Values:
    """Sums over each whole block of `values` [T, F], times `factor` [T, F] if there is one."""
    blocks: Values = _blocks(values)
    if factor is None:
        return np.asarray(blocks.sum(axis=1))
    factors: Values = _blocks(factor)
    if np.iscomplexobj(blocks):
        return np.asarray((blocks * factors).sum(axis=1))
    return np.asarray(np.einsum("bsf,bsf->bf", blocks, factors))


def box_means(sums: Values, n_blocks: int, n_bins: int) -> Values:
    """Mean of `sums` [B, F] over `n_blocks` and `n_bins` on either side, of whole boxes.

    Bins beyond the edges count as zero; blocks there are not to be used.
    """
    n_values = BLOCK_FRAMES * (2 * n_blocks + 1) * (2 * n_bins + 1)
    over_time = _box(sums, n_blocks, axis=0)
    means = _box(over_time, n_bins, axis=1)
    means *= np.float32(1 / n_values)
    return means


def band_means(means: Values, half_width: float = 1 / 12) -> Values:
    """Mean of [B, F] over a band, `half_width` of its frequency to either side.

    By default it is about as wide as the ear's.
    """
    n_bins = means.shape[1]
    centre = np.arange(n_bins)
    half = np.maximum(2, (centre * half_width).astype(int))
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half + 1, n_bins)
    total = np.zeros((len(means), n_bins + 1), np.result_type(means.dtype, np.float64))
    np.cumsum(means, axis=1, out=total[:, 1:])
    mean: Values = ((total[:, high] - total[:, low]) / (high - low)).astype(means.dtype)
    # Running sums leave traces of loud bins, of either sign, in silent ones.
    return mean if np.iscomplexobj(mean) else np.maximum(mean, 0)


def faded(values: Values, frames: slice) -> Values:
    """`values` [B, F] of the blocks at these frames, [n, F]: straight lines between centres."""
    position = (np.arange(frames.start, frames.stop) - (BLOCK_FRAMES - 1) / 2) / BLOCK_FRAMES
    before = np.floor(position).astype(int)
    share = (position - before).astype(np.float32)[:, None]
    made = np.take(values, before, axis=0)
    step = np.take(np.diff(values, axis=0), before, axis=0)
    step *= share
    made += step
    return made


def repeated(values: Values, n_frames: int) -> Values:
    """`values` [B, F] at every frame of their blocks, the last ones as well to `n_frames`."""
    return np.take(values, np.minimum(np.arange(n_frames) // BLOCK_FRAMES, len(values) - 1), axis=0)


def _blocks(values: Values) -> Values:
    n_blocks = len(values) // BLOCK_FRAMES
    return values[: n_blocks * BLOCK_FRAMES].reshape(n_blocks, BLOCK_FRAMES, -1)


def _box(values: Values, reach: int, axis: int) -> Values:
    """Sums over `reach` values on either side along an axis, with zeros beyond the edges.

    Made of sums of 1, 2, 4, ... values, so that nothing runs on as in a running sum.
    """
    if reach == 0:
        return values.copy()
    n_values, length = values.shape[axis], 2 * reach + 1
    edges = [(0, 0), (0, 0)]
    edges[axis] = (reach, reach)
    padded = np.pad(values, edges)
    parts, size, offset = padded, 1, 0
    total: Values | None = None
    while True:
        if length & size:
            piece = _along(parts, axis, offset, n_values)
            total = piece.copy() if total is None else np.add(total, piece, out=total)
            offset += size
        if 2 * size > length:
            break
        n_parts = parts.shape[axis] - size
        parts = _along(parts, axis, 0, n_parts) + _along(parts, axis, size, n_parts)
        size *= 2
    assert total is not None
    return total


def _along(values: Values, axis: int, start: int, length: int) -> Values:
    chosen = slice(start, start + length)
    return values[chosen] if axis == 0 else values[:, chosen]
