"""The model's mono target placed in the mixture's own channels, in bounded memory.

project    the estimate steers a soft, phase-aware mask on the mixture's own samples: the mixture's
           image, resolution and high band, and no sound that the mixture does not hold where the
           model's phase does not fit it (`engine.spatial`)
generated  the model's own sound, spread over the channels per band as `project` finds it
mono       the model's own sound, the same in every channel; for comparison

The model's own residual may be placed beside it: its own sound as well, in `project` spread over
what the projected target leaves, where `project` itself would only give mixture - target again.

Every mode gives as many samples as the mixture has, from 1 on, and the same samples for any block
sizes. Memory does not grow with the length.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from .data import SeparationOptions, StereoMode
from .errors import PromptError
from .in_order import in_order
from .spatial import (
    CONTEXT_FRAMES,
    PLACING_CONTEXT_FRAMES,
    Channels,
    place_own_sound,
    project,
)
from .stereo_frames import (
    CHUNK_HOPS,
    OVERLAP,
    Samples,
    Spectra,
    analyse,
    inner,
    n_fft_for,
    resized,
    synthesise,
    windows,
)

MODES: tuple[StereoMode, ...] = get_args(StereoMode)

F = TypeVar("F", np.float32, np.float64)

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
    n_takes: K.   with_residual: whether the model's own residual of the first take is placed too.
    Raises PromptError for an unknown mode.
    """

    sample_rate: int
    weights: tuple[float, ...]
    mode: StereoMode = "project"
    heard_hz: float | None = None
    n_takes: int = 1
    with_residual: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise PromptError(f"stereo mode {self.mode!r}: allowed are {', '.join(MODES)}")
        assert self.sample_rate > 0
        assert self.weights
        assert self.n_takes > 0

    @property
    def context_frames(self) -> int:
        """How far a frame of the stems looks."""
        own = self.with_residual or self.mode == "generated"
        return PLACING_CONTEXT_FRAMES if own else CONTEXT_FRAMES


def needs_residual(options: SeparationOptions) -> bool:
    """Whether the model's residual is decoded beside its target.

    It tells better than what the target leaves of the downmix what is not the target, above all
    where the model's phases are off; a draft does without it and is decoded in half the time.
    """
    if options.residual == "generated":
        return True
    return options.stereo != "mono" and options.quality != "draft"


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


def downmix(samples: NDArray[F], weights: tuple[float, ...]) -> NDArray[F]:
    """Mono mixture [n] of samples [n, C], in their type."""
    # Not `@`: its sums come in an order that may change with the size of a block.
    return np.asarray((samples * np.array(weights, samples.dtype)).sum(axis=1), samples.dtype)


def place(
    mixture: Iterable[NDArray[np.floating]],
    voices: Iterable[NDArray[np.floating]],
    placement: Placement,
    n_threads: int = 1,
) -> Iterator[Samples]:
    """The takes in the mixture's channels, in blocks [R, n, C] of about 2.7 s.

    mixture: blocks [n, C].   voices: blocks [n, K] of the model's mono targets at the same rate
    and of the same whole length, or [n, 2K] with its residuals after them, in blocks of any sizes.
    Without residuals each is what the target leaves of the downmix. Both are read once and side by
    side.
    R: the K targets and, with `with_residual`, the first take's residual.
    n_threads: blocks placed at once, beside what makes the next ones; the samples are the same.
    """
    n_fft = n_fft_for(placement.sample_rate)
    rows = _side_by_side(mixture, voices, placement, CHUNK_HOPS * n_fft // OVERLAP)
    if placement.mode == "mono":
        return (_alike(chunk, placement) for chunk in rows)
    n_heard_bins = _n_heard_bins(placement, n_fft)
    context = placement.context_frames

    def placed(cut: tuple[Samples, int]) -> Samples:
        window, n_rows = cut
        stems = _stems(analyse(window, n_fft), placement, n_heard_bins)
        return np.stack([synthesise(stem, n_fft)[:n_rows] for stem in stems])

    return in_order(placed, windows(rows, n_fft, context), n_threads)


def _stems(spectra: Spectra, placement: Placement, n_heard_bins: int) -> Iterator[Spectra]:
    """Spectra [C, n, F] of every stem without context, from those [C + 2K, T, F] of the rows."""
    n_channels, n_takes = len(placement.weights), placement.n_takes
    weights = np.array(placement.weights)
    mixture = Channels.of(spectra[:n_channels], weights)
    targets, residuals = spectra[n_channels:][:n_takes], spectra[n_channels + n_takes :]

    first: Spectra | None = None
    for target, residual in zip(targets, residuals, strict=True):
        projected = project(mixture, target, residual, n_heard_bins)
        first = projected if first is None else first
        if placement.mode == "generated":
            yield place_own_sound(inner(target, CONTEXT_FRAMES), projected, weights)
        else:
            yield inner(projected, placement.context_frames - CONTEXT_FRAMES)
    if placement.with_residual:
        assert first is not None
        left = inner(mixture.spectra, CONTEXT_FRAMES) - first
        yield place_own_sound(inner(residuals[0], CONTEXT_FRAMES), left, weights)


def _alike(rows: Samples, placement: Placement) -> Samples:
    """Stems [R, n, C], the same in every channel, of the rows [n, C + 2K]."""
    n_channels, n_takes = len(placement.weights), placement.n_takes
    chosen = [n_channels + take for take in range(n_takes)]
    chosen += [n_channels + n_takes] if placement.with_residual else []
    return np.repeat(rows.T[chosen, :, None], n_channels, axis=2)


def _side_by_side(
    mixture: Iterable[NDArray[np.floating]],
    voices: Iterable[NDArray[np.floating]],
    placement: Placement,
    n_rows: int,
) -> Iterator[Samples]:
    """Rows [n, C + 2K]: the mixture, the mono targets and the mono residuals."""
    n_takes = placement.n_takes
    for block, mono in zip(resized(mixture, n_rows), resized(voices, n_rows), strict=True):
        assert block.shape[1] == len(placement.weights), f"{block.shape}: channels"
        assert mono.shape[1] in (n_takes, 2 * n_takes), f"{mono.shape}: of {n_takes} takes"
        if mono.shape[1] == n_takes:
            left = downmix(block, placement.weights)[:, None] - mono
            mono = np.concatenate([mono, left], axis=1)
        yield np.concatenate([block, mono], axis=1)


def _n_heard_bins(placement: Placement, n_fft: int) -> int:
    n_bins = n_fft // 2 + 1
    if placement.heard_hz is None:
        return n_bins
    return min(max(int(placement.heard_hz * n_fft / placement.sample_rate), 2), n_bins)
