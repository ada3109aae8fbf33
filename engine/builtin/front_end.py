"""From a mixture to frames: rate, bands and evidence in one place, and the reading of blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip
from engine.errors import AudioUnreadable

from .bands import BandMap, Magnitudes
from .evidence import context_frames, evidence_for, find_cues, soften
from .stft import FrameGrid, Samples, Spectra, analyse
from .vocabulary import Kind


@dataclass(frozen=True, eq=False)
class FrontEnd:
    """Frame grid and bands of one mixture, and the evidence to compute, if any.

    evidence_kind: whose evidence; `None` for none.   softness: exponent of `soften`.
    """

    grid: FrameGrid
    bands: BandMap
    n_channels: int
    evidence_kind: Kind | None = None
    softness: float = 1.0

    @property
    def n_rows(self) -> int:
        """Values per frame: channels times bands."""
        return self.n_channels * self.bands.n_bands

    @property
    def context(self) -> int:
        """Frames beside a block that its evidence depends on."""
        return 0 if self.evidence_kind is None else context_frames(self.grid.frames_per_s)

    def with_context(self, first: int, last: int) -> tuple[int, int]:
        """Frames [first, last) widened by the context, within the file."""
        return max(first - self.context, 0), min(last + self.context, self.grid.n_frames)


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames [first, last) of a mixture.

    spectra: [C, T, F].   V: [T, C, B] magnitudes.   E: [T, B] evidence or `None`.
    """

    spectra: Spectra
    V: Magnitudes
    E: Magnitudes | None


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
    """Spectra, magnitudes and evidence of the frames [first, last)."""
    wide_first, wide_last = front.with_context(first, last)
    inner = slice(first - wide_first, last - wide_first)
    spectra = analyse(samples, front.grid, wide_first, wide_last)
    V = front.bands.pool(spectra)
    return Frames(spectra[:, inner], V[inner], _evidence(V, front, inner))


def _evidence(V: Magnitudes, front: FrontEnd, inner: slice) -> Magnitudes | None:
    if front.evidence_kind is None:
        return None
    cues = find_cues(V.mean(axis=1), front.bands.centres_hz, front.grid.frames_per_s)
    return soften(evidence_for(front.evidence_kind, cues)[inner], front.softness)


def per_row(E: NDArray[np.float32], n_channels: int) -> NDArray[np.float32]:
    """Evidence [T, B] repeated for every channel: [T, C * B]."""
    return np.tile(E, (1, n_channels))
