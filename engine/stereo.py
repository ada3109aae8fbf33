"""The model's mono target placed in the mixture's own channels, in bounded memory.

project    the estimate steers a soft, phase-aware mask on the mixture's own samples: the mixture's
           image, resolution and high band, and no sound that the mixture does not hold where the
           model's phase does not fit it (`engine.spatial`)
generated  the model's own sound, spread over the channels per band as `project` finds it
mono       the model's own sound, the same in every channel; for comparison

Every mode gives as many samples as the mixture has, from 1 on, and the same samples for any block
sizes. Memory does not grow with the length.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import PromptError
from .spatial import CONTEXT_FRAMES, PLACING_CONTEXT_FRAMES, place_own_sound, project
from .stereo_frames import (
    CHUNK_HOPS,
    OVERLAP,
    Samples,
    Spectra,
    n_fft_for,
    resized,
    through_frames,
)

Mode = Literal["project", "generated", "mono"]
MODES: tuple[Mode, ...] = get_args(Mode)

LARGEST_LOSS = 0.25
"""Power that a mean may lose against the sum of unrelated channels before signs are aligned: 6 dB.

Unrelated channels lose nothing in this sense; opposite ones lose everything.
"""

_HEARD_SHARE = 0.9
"""Of the lower Nyquist frequency: what lies above is in the resamplers' transition band."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How a mono estimate is to be placed.

    sample_rate: of the mixture and of the estimate, in Hz.
    weights: one per channel; the model heard the sum of the channels times these.
    mode: `project`, `generated` or `mono`.
    heard_hz: what the model can hear at most; in mode `project` the band above gets the target's
        share of the octave below. `None` when it hears everything.
    Raises PromptError for an unknown mode.
    """

    sample_rate: int
    weights: tuple[float, ...]
    mode: Mode = "project"
    heard_hz: float | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise PromptError(f"stereo mode {self.mode!r}: allowed are {', '.join(MODES)}")
        assert self.sample_rate > 0
        assert self.weights


def heard_hz(sample_rate: int, model_rate: int) -> float | None:
    """How far up a model at `model_rate` hears a session at `sample_rate`; `None`: all of it."""
    if sample_rate == model_rate:
        return None
    return _HEARD_SHARE * min(sample_rate, model_rate) / 2


def downmix_weights(blocks: Iterable[NDArray[np.floating]]) -> tuple[float, ...]:
    """Weights that make a mono mixture in which the channels do not cancel each other.

    blocks: all of the mixture, [n, C] each; one pass over it. The plain mean, unless it loses more
    than 6 dB; then the mean with the signs of the strongest direction in the channels' covariance,
    so that a channel and its inverse add up. What cancels in one band or for a moment only does
    not show here.
    """
    covariance: NDArray[np.float64] | None = None
    n_channels = 0
    for block in blocks:
        rows = np.asarray(block, np.float64)
        n_channels = rows.shape[1]
        product = rows.T @ rows
        covariance = product if covariance is None else covariance + product
    assert covariance is not None, "a mixture has at least one block"
    if covariance.sum() >= LARGEST_LOSS * np.trace(covariance):
        return (1 / n_channels,) * n_channels
    strongest = np.linalg.eigh(covariance)[1][:, -1]
    signs = np.where(strongest * strongest[np.abs(strongest).argmax()] < 0, -1, 1)
    return tuple(float(sign) / n_channels for sign in signs)


def downmix(samples: NDArray[np.floating], weights: tuple[float, ...]) -> NDArray[np.float64]:
    """Mono mixture [n] of samples [n, C]."""
    return np.asarray(samples.astype(np.float64) @ np.array(weights), np.float64)


def place(
    mixture: Iterable[NDArray[np.floating]],
    target: Iterable[NDArray[np.floating]],
    residual: Iterable[NDArray[np.floating]] | None,
    placement: Placement,
) -> Iterator[Samples]:
    """The target in the mixture's channels, in blocks [n, C] of about 1.4 s.

    mixture: blocks [n, C].   target, residual: blocks [n] of the model's mono stems at the same
    rate and of the same whole length, in blocks of any sizes. Without a residual it is what the
    target leaves of the downmix. All three are read once and side by side.
    """
    n_channels = len(placement.weights)
    n_fft = n_fft_for(placement.sample_rate)
    rows = _side_by_side(mixture, target, residual, placement, CHUNK_HOPS * n_fft // OVERLAP)
    if placement.mode == "mono":
        return (np.repeat(chunk[:, n_channels, None], n_channels, axis=1) for chunk in rows)

    weights = np.array(placement.weights)
    n_heard_bins = _n_heard_bins(placement, n_fft)

    def projected(spectra: Spectra) -> Spectra:
        return project(spectra[:n_channels], spectra[-2], spectra[-1], n_heard_bins)

    def spread(spectra: Spectra) -> Spectra:
        return place_own_sound(spectra[-2], projected(spectra), weights)

    if placement.mode == "project":
        return through_frames(rows, n_fft, CONTEXT_FRAMES, projected)
    return through_frames(rows, n_fft, PLACING_CONTEXT_FRAMES, spread)


def _side_by_side(
    mixture: Iterable[NDArray[np.floating]],
    target: Iterable[NDArray[np.floating]],
    residual: Iterable[NDArray[np.floating]] | None,
    placement: Placement,
    n_rows: int,
) -> Iterator[Samples]:
    """Rows [n, C + 2]: the mixture, the mono target and the mono residual."""
    streams = [resized(mixture, n_rows), resized(_columns(target), n_rows)]
    if residual is not None:
        streams.append(resized(_columns(residual), n_rows))
    for parts in zip(*streams, strict=True):
        rows = np.concatenate(parts, axis=1)
        assert rows.shape[1] == len(placement.weights) + len(streams) - 1
        if residual is None:
            left = downmix(parts[0], placement.weights) - parts[1][:, 0]
            rows = np.concatenate([rows, left[:, None].astype(np.float32)], axis=1)
        yield rows


def _columns(blocks: Iterable[NDArray[np.floating]]) -> Iterator[NDArray[np.floating]]:
    return (np.asarray(block)[:, None] for block in blocks)


def _n_heard_bins(placement: Placement, n_fft: int) -> int:
    n_bins = n_fft // 2 + 1
    if placement.heard_hz is None:
        return n_bins
    return min(max(int(placement.heard_hz * n_fft / placement.sample_rate), 2), n_bins)
