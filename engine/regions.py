r"""One target out of several takes, region by region, with a residual that still adds up.

    take 1   =============\                /==============      elsewhere
    take 2                 \==============/                     a region
                          | |            | |
                          fade           fade, centred on the edges

Away from the fades every sample is that of one take: to the last bit in integer formats, to the
rounding of what is stored in floating point, where target and residual have to add up as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .data import AudioClip, Monitor, Span
from .errors import AudioError, PromptError
from .exact import exact_samples
from .units import samples_from_seconds

FADE_S = 0.02
"""Length of the fades, half of it to either side of an edge; shorter beside short regions."""

_BLOCK_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """A stretch of time and the take that is heard in it.

    start_s, end_s: seconds from the start of the mixture, 0 <= start_s < end_s.
    take: counted from 1, which is the best one.
    Raises PromptError for times that are no stretch and for takes below 1.
    """

    start_s: float
    end_s: float
    take: int

    def __post_init__(self) -> None:
        Span(self.start_s, self.end_s)
        if self.take < 1:
            raise PromptError(f"region {self}: takes are counted from 1")

    def __str__(self) -> str:
        return f"{self.start_s:g}:{self.end_s:g}={self.take}"

    @classmethod
    def parse(cls, text: str) -> "Region":
        """A region from `12.5:16=2`: seconds, and the take that is heard in them."""
        times, _, take = text.partition("=")
        try:
            span, number = Span.parse(times), int(take)
        except (PromptError, ValueError) as error:
            raise PromptError(
                f"region {text!r}: write START:END=TAKE, for instance 12.5:16=2 ({error})"
            ) from error
        if span.sign != "+":
            raise PromptError(f"region {text!r}: write START:END=TAKE, without a sign")
        return cls(span.start_s, span.end_s, number)


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples [start, stop) of one take, by its index from 0."""

    start: int
    stop: int
    index: int


def pieces_of(
    regions: Sequence[Region], elsewhere: int, n_takes: int, mixture: AudioClip
) -> tuple[Piece, ...]:
    """The whole mixture in pieces of one take each, in order; neighbours are of different takes.

    elsewhere: the take outside of all regions, counted from 1.
    Raises PromptError for a take that is not there, for regions that overlap and for one that
    starts beyond the mixture.
    """
    for take, where in ((elsewhere, "elsewhere"), *((r.take, f"region {r}") for r in regions)):
        if not 1 <= take <= n_takes:
            raise PromptError(f"{where}: there is no take {take}, only 1 to {n_takes}")
    ordered = sorted(regions)
    for region, following in pairwise(ordered):
        if following.start_s < region.end_s:
            raise PromptError(f"regions {region} and {following} overlap; cut one of them")
    pieces: list[Piece] = []
    for region in ordered:
        if region.start_s >= mixture.duration_s:
            raise PromptError(
                f"region {region} starts outside the mixture, which is "
                f"{mixture.duration_s:.3f} s long; move or remove it"
            )
        start, stop = (
            min(samples_from_seconds(time_s, mixture.sample_rate), mixture.n_samples)
            for time_s in (region.start_s, region.end_s)
        )
        _extend(pieces, start, elsewhere - 1)
        _extend(pieces, stop, region.take - 1)
    _extend(pieces, mixture.n_samples, elsewhere - 1)
    return tuple(pieces)


def check_takes(takes: Sequence[AudioClip], mixture: AudioClip) -> None:
    """Raises AudioError for a take of another shape than the mixture, PromptError for no take."""
    if not takes:
        raise PromptError("there are no takes: give at least one")
    wanted = (mixture.sample_rate, mixture.n_channels, mixture.n_samples)
    for number, take in enumerate(takes, 1):
        shape = (take.sample_rate, take.n_channels, take.n_samples)
        if shape != wanted:
            raise AudioError(
                f"take {number}, {take.name}: it has {shape[0]} Hz, {shape[1]} channels and "
                f"{shape[2]} samples, the mixture {wanted[0]}, {wanted[1]} and {wanted[2]}; "
                "give takes that were made of this mixture"
            )


def comped_blocks(
    takes: Sequence[AudioClip], pieces: Sequence[Piece], monitor: Monitor
) -> Iterator[NDArray[np.float64]]:
    """The target in consecutive blocks [1, n, C]. Raises Cancelled."""
    n_samples, n_channels = takes[0].n_samples, takes[0].n_channels
    half = samples_from_seconds(FADE_S / 2, takes[0].sample_rate)
    fades = [_half_fade(before, after, half) for before, after in pairwise(pieces)]
    for start in range(0, n_samples, _BLOCK_SAMPLES):
        monitor.report("comp", start / n_samples)
        stop = min(start + _BLOCK_SAMPLES, n_samples)
        block = np.zeros((stop - start, n_channels))
        for place, piece in enumerate(pieces):
            lead = fades[place - 1] if place > 0 else 0
            tail = fades[place] if place < len(fades) else 0
            first, last = max(piece.start - lead, start), min(piece.stop + tail, stop)
            if first < last:
                share = _share(np.arange(first, last), piece, lead, tail)[:, None]
                samples = exact_samples(takes[piece.index], first, last)
                inside = block[first - start : last - start]
                # Where a take is alone its samples are copied, so that not even a sign is lost.
                inside[:] = np.where(share == 1, samples, inside + share * samples)
        yield block[None]


def _extend(pieces: list[Piece], stop: int, index: int) -> None:
    """Go on to `stop` with this take."""
    start = pieces[-1].stop if pieces else 0
    if stop <= start:
        return
    if pieces and pieces[-1].index == index:
        start = pieces.pop().start
    pieces.append(Piece(start, stop, index))


def _half_fade(before: Piece, after: Piece, half: int) -> int:
    """Samples of a fade to either side of an edge: two fades never meet."""
    return min(half, (before.stop - before.start) // 2, (after.stop - after.start) // 2)


def _share(samples: NDArray[np.int64], piece: Piece, lead: int, tail: int) -> NDArray[np.float64]:
    """Of this piece's take at these samples; the shares of both sides of a fade add up to 1."""
    share = np.ones(len(samples))
    after_start, before_stop = samples + 0.5 - piece.start, piece.stop - 0.5 - samples
    for half, inside in ((lead, after_start), (tail, before_stop)):
        if half > 0:
            share *= np.square(np.sin(np.pi / 4 * (np.clip(inside / half, -1, 1) + 1)))
    return share
