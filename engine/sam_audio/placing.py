"""The model's mono target placed in the mixture's own channels, streamed.

    mono target, mono mixture - target --STFT--> powers --> mask [T, F] --x--> mixture's spectra

Every channel is the mixture's own samples through one mask: nothing is in the target that is not
in the mixture, and phase, position and everything else of the recording stay. A model that gives
back its input gives a mask of 1.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.builtin.stft import FrameGrid, Spectra, analyse, synthesise
from engine.data import AudioClip, Monitor

from .rolling import RollingSamples

_BLOCK_S = 5.0
_FLOOR = np.float32(1e-20)
"""Power below which nothing is there; the target's mask is 0 then."""


def placed_blocks(
    mixture: AudioClip, takes: Iterator[NDArray[np.float32]], n_takes: int, monitor: Monitor
) -> Iterator[NDArray[np.float32]]:
    """Targets in consecutive blocks [K, n, C] that cover the mixture.

    takes: mono targets in blocks [n, K] at the mixture's rate, of its length altogether.
    Raises Cancelled.
    """
    grid = FrameGrid.over(mixture.sample_rate, mixture.n_samples)
    rolling = RollingSamples(takes)
    n_hops = grid.n_frames - 1
    n_block = max(1, round(_BLOCK_S * grid.frames_per_s))
    for first in range(0, n_hops, n_block):
        monitor.check()
        last = min(first + n_block, n_hops)
        start, stop = grid.samples_of(first, last + 1)
        samples = mixture.source.read(start, stop)
        heard = rolling.read(start, stop)
        assert heard.shape[1] == n_takes
        placed = _placed(samples, heard, grid, first, last)
        yield placed[:, : grid.n_samples - first * grid.hop_length]


def soft_mask(target: Spectra, mixture: Spectra) -> NDArray[np.float32]:
    """The target's share of the power, 0 to 1, per bin; `target` and `mixture` are mono spectra."""
    power = np.square(np.abs(target))
    rest = np.square(np.abs(mixture - target))
    return np.asarray(power / np.maximum(power + rest, _FLOOR), np.float32)


def _placed(
    samples: NDArray[np.float32],
    heard: NDArray[np.float32],
    grid: FrameGrid,
    first: int,
    last: int,
) -> NDArray[np.float32]:
    """Targets [K, n, C] between the centres of the frames `first` and `last`."""
    spectra = analyse(samples, grid, first, last + 1)
    mono = spectra.mean(axis=0)
    masks = [soft_mask(take, mono) for take in analyse(heard, grid, first, last + 1)]
    return np.stack([synthesise(spectra * mask, grid.n_fft) for mask in masks])
