"""How much speaks for a take's sound being in the mixture, frame by frame.

A sound that is in the mixture comes out at its own level; what leaks comes out below it. In a band
where the take T has a share of the mixture M, the mixture regressed on the take tells which it is:

    share = |T|^2 / |M|^2          level = Re<M, T> / |T|^2        1 for a sound of the mixture,
                                                                    1 / e for a leak of e * M
    own share = share / max(level, 1)^2, and less where T is louder than M, as no part of M is

A leak of -20 dB so has an own share of -40 dB, however much of the band it fills; a sound of the
mixture has its share. The band where most speaks for the sound decides. A wrong sound at its own
level cannot be told from the right one here: that is for the span predictor and the judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from engine.builtin.stft import FrameGrid, analyse
from engine.data import Monitor

from .frames import Frames
from .rolling import RollingSamples

_BLOCK_FRAMES = 125
_SMOOTH_FRAMES = 11
_CONTEXT_FRAMES = _SMOOTH_FRAMES // 2 + 1
_N_BANDS = 32
_LOWEST_HZ = 60.0

_EVEN_SHARE_DB = -17.0
"""Own share that speaks neither for the sound nor against it."""

_DB_PER_NAT = 2.5
_MOST_NATS = 4.0
_HEARD_DB = -80.0
"""Level below which a take is silent, whatever its share of a silent mixture."""

_COVERED, _UNCOVERED = 0.6, 0.3
"""Of the take's power, bin by bin, what the mixture holds as well: all of it for a sound of the
mixture, half for noise made anew, little for a sound that is not in it."""

_UNCOVERED_DB = 20.0
"""What the lack of it costs."""

Nats = NDArray[np.float32]
"""Log-odds: 0 is even, positive speaks for the sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """own: [K, T] log-odds of every take in every latent frame, from its share of the mixture.

    agreement: [T] log-odds from what the takes have in common; zero for a single one.
    """

    own: Nats
    agreement: Nats


def gathered(
    mono: Iterator[NDArray[np.float32]],
    waves: Frames,
    sample_rate: int,
    hop_length: int,
    monitor: Monitor,
) -> Evidence:
    """The evidence of all takes; memory holds some seconds of sound and a number a frame.

    mono: the mixture as the model heard it, in blocks [n, 1].   waves: the takes [K, N, 1].
    Raises Cancelled.
    """
    n_samples = waves.n_frames
    grid = FrameGrid(sample_rate, n_samples, 2 * hop_length)
    n_frames = grid.n_frames - 1
    heard = RollingSamples(mono)
    own, agreement = [], []
    for first in range(0, n_frames, _BLOCK_FRAMES):
        monitor.report("presence", first / n_frames)
        last = min(first + _BLOCK_FRAMES, n_frames)
        lead, stop = max(first - _CONTEXT_FRAMES, 0), min(last + _CONTEXT_FRAMES, n_frames)
        start_sample, stop_sample = grid.samples_of(lead, stop + 1)
        mixture = heard.read(start_sample, stop_sample)
        takes = waves.read(start_sample, stop_sample)[..., 0].T.numpy()
        samples = np.concatenate([mixture, takes], axis=1)
        powers = _Powers.of(analyse(samples, grid, lead, stop + 1), grid)
        inside = slice(first - lead, last - lead)
        own.append(_from_shares(powers)[:, inside])
        agreement.append(_from_agreement(powers)[inside])
    return Evidence(np.concatenate(own, axis=1), np.concatenate(agreement))


@dataclass(frozen=True, slots=True, eq=False)
class _Powers:
    """Per frame and band, smoothed: mixture [T, B]; takes and products with the mixture [K, T, B].

    covered: [K, T, B] the lesser of both, bin by bin.
    level: [K, T] mean power of the takes, full scale 1.
    """

    mixture: NDArray[np.float64]
    takes: NDArray[np.float64]
    products: NDArray[np.float64]
    covered: NDArray[np.float64]
    level: NDArray[np.float64]

    @classmethod
    def of(cls, spectra: NDArray[np.complex64], grid: FrameGrid) -> "_Powers":
        """Of spectra [1 + K, T + 1, F], the mixture's first; a latent frame lies between two."""
        mixture, takes = spectra[0], spectra[1:]
        edges = _band_edges(spectra.shape[2], grid)

        def pooled(values: NDArray[np.floating]) -> NDArray[np.float64]:
            bands = np.add.reduceat(values.astype(np.float64), edges, axis=-1)
            pairs = 0.5 * (bands[..., :-1, :] + bands[..., 1:, :])
            return np.asarray(uniform_filter1d(pairs, _SMOOTH_FRAMES, axis=-2, mode="nearest"))

        all_of_mixture, all_of_takes = np.square(np.abs(mixture)), np.square(np.abs(takes))
        powers = pooled(all_of_takes)
        return cls(
            mixture=pooled(all_of_mixture),
            takes=powers,
            products=pooled((mixture * takes.conj()).real),
            covered=pooled(np.minimum(all_of_mixture, all_of_takes)),
            # by Parseval; the window lets half of the power through
            level=powers.sum(axis=-1) * 4 / grid.n_fft**2,
        )


def _band_edges(n_bins: int, grid: FrameGrid) -> NDArray[np.int64]:
    """First bins of bands of equal width in octaves, the lowest from 0 Hz."""
    hertz = np.geomspace(_LOWEST_HZ, grid.sample_rate / 2, _N_BANDS + 1)[1:-1]
    bins = np.rint(hertz * grid.n_fft / grid.sample_rate).astype(np.int64)
    return np.unique(np.concatenate([[0], np.minimum(bins, n_bins - 1)]))


def _from_shares(powers: _Powers) -> Nats:
    share = powers.takes / np.maximum(powers.mixture, 1e-30)
    level = powers.products / np.maximum(powers.takes, 1e-30)
    own = np.minimum(share, 1 / np.maximum(share, 1e-30)) / np.square(np.maximum(level, 1.0))
    covered = powers.covered / np.maximum(powers.takes, 1e-30)
    lack = np.clip((_COVERED - covered) / (_COVERED - _UNCOVERED), 0.0, 1.0)
    own *= 10 ** (-_UNCOVERED_DB / 10 * lack)
    weights = powers.takes / np.maximum(powers.takes.sum(axis=-1, keepdims=True), 1e-30)
    own_db = 10 * np.log10(np.maximum((weights * own).sum(axis=-1), 1e-12))
    own_db[powers.level < 10 ** (_HEARD_DB / 10)] = -120.0
    nats = (own_db - _EVEN_SHARE_DB) / _DB_PER_NAT
    return np.asarray(np.clip(nats, -_MOST_NATS, _MOST_NATS), np.float32)


def _from_agreement(powers: _Powers) -> Nats:
    """From -1 for takes of different sounds to 1 for takes that are all alike in their bands."""
    n_takes, n_frames, _ = powers.takes.shape
    if n_takes == 1:
        return np.zeros(n_frames, np.float32)
    common = powers.takes.min(axis=0).sum(axis=-1)
    mean = powers.takes.mean(axis=0).sum(axis=-1)
    return np.asarray(2 * common / np.maximum(mean, 1e-30) - 1, np.float32)
