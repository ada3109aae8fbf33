"""From a mixture to frames: rate, bands and evidence in one place, and the reading of blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip
from engine.errors import AudioUnreadable

from . import evidence, undrawn
from .bands import BandMap, Magnitudes
from .spatial import beams
from .stft import FrameGrid, Samples, Spectra, analyse
from .undrawn import Features
from .vocabulary import Sound


@dataclass(frozen=True, eq=False)
class FrontEnd:
    """Frame grid and bands of one mixture, and what to find out about each frame.

    evident: the sound whose evidence is wanted; `None` for none.
    with_beams: whether stereo is heard as left, right, mid and side.
    with_features: whether pass 1 looks for undrawn target.
    with_support: whether pass 1 asks if the evident sound is there at all.
    """

    grid: FrameGrid
    bands: BandMap
    n_channels: int
    evident: Sound | None = None
    with_beams: bool = False
    with_features: bool = False
    with_support: bool = False

    @property
    def n_rows(self) -> int:
        """Values per frame: channels or beams, times bands."""
        n_heard = 4 if self.with_beams and self.n_channels == 2 else self.n_channels
        return n_heard * self.bands.n_bands

    def with_context(self, first: int, last: int) -> tuple[int, int]:
        """Frames [first, last) widened by what evidence and features depend on, in the file."""
        context = 0
        if self.evident is not None:
            context = evidence.context_frames(self.evident, self.grid.frames_per_s)
        if self.with_features:
            context = max(context, undrawn.context_frames(self.grid.frames_per_s))
        return max(first - context, 0), min(last + context, self.grid.n_frames)


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames [first, last) of a mixture.

    spectra: [C, T, F].   V: [T, channels or beams, B] magnitudes.
    E: [T, B] evidence or `None`.   features: [T, D] or `None`.
    support: [T] mean magnitude that speaks for the sound, or `None`.
    """

    spectra: Spectra
    V: Magnitudes
    E: Magnitudes | None
    features: Features | None
    support: NDArray[np.float32] | None

    def rows(self, level: float) -> NDArray[np.float32]:
        """V [T, R] divided by a level."""
        return np.asarray(self.V.reshape(len(self.V), -1) / np.float32(level), np.float32)


def read_samples(mixture: AudioClip, front: FrontEnd, first: int, last: int) -> Samples:
    """Samples [n, C] that `analyse_frames` needs for the frames [first, last)."""
    start, stop = front.grid.samples_of(*front.with_context(first, last))
    samples = np.asarray(mixture.source.read(start, stop), np.float32)
    if not np.isfinite(samples).all():
        raise AudioUnreadable(
            f"{mixture.name}: a sample between {start} and {stop} is NaN or infinite; "
            "repair the file, for instance by rendering it again"
        )
    return samples


def analyse_frames(samples: Samples, front: FrontEnd, first: int, last: int) -> Frames:
    """Spectra, magnitudes, evidence and features of the frames [first, last)."""
    wide_first, wide_last = front.with_context(first, last)
    inner = slice(first - wide_first, last - wide_first)
    wide = analyse(samples, front.grid, wide_first, wide_last)
    V = front.bands.pool(wide)
    cues = _cues(V, front, wide_first, inner)
    E = support = None
    if front.evident is not None and cues is not None:
        E = evidence.evidence_for(front.evident, cues)
        if front.with_support:
            support = _support(V[inner], evidence.evidence_for(front.evident, cues, doubt=0))
    spectra = wide[:, inner]
    features = None
    if front.with_features:
        heard = beams(wide, front.bands, V)
        features = undrawn.describe_frames(heard, front.bands, front.grid.frames_per_s)[inner]
        V = heard[inner] if front.with_beams else V[inner]
    else:
        V = beams(spectra, front.bands, V[inner]) if front.with_beams else V[inner]
    return Frames(spectra, V, E, features, support)


def _cues(V: Magnitudes, front: FrontEnd, first: int, inner: slice) -> evidence.Cues | None:
    if front.evident is None:
        return None
    mean = V.mean(axis=1)
    return evidence.find_cues(mean, first, inner, front.bands.centres_hz, front.grid.frames_per_s)


def _support(V: Magnitudes, E: Magnitudes) -> NDArray[np.float32]:
    """Magnitudes that speak for the sound [T], of V [T, C, B] by evidence E [T, B]."""
    return np.asarray((V.mean(axis=1) * E).mean(axis=1), np.float32)
