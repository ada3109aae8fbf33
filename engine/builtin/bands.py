"""FFT bins pooled to bands: fine where hearing is fine, coarse above, a third of the work."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .stft import FrameGrid, Spectra

Magnitudes = NDArray[np.float32]

_PAIRS_ABOVE_HZ = 5_600.0
_EIGHTS_ABOVE_HZ = 11_000.0


@dataclass(frozen=True, eq=False)
class BandMap:
    """How bins make bands: `starts` [B] first bin of each band, `of_bin` [F] band of each bin."""

    starts: NDArray[np.intp]
    of_bin: NDArray[np.intp]
    n_bins_in: NDArray[np.float32]
    centres_hz: NDArray[np.float32]

    @classmethod
    def over(cls, grid: FrameGrid) -> "BandMap":
        """Single bins to 5.6 kHz, pairs to 11 kHz, groups of eight above."""
        n_bins = grid.n_fft // 2 + 1
        bin_hz = grid.sample_rate / grid.n_fft
        pairs_from = min(int(_PAIRS_ABOVE_HZ / bin_hz), n_bins)
        eights_from = min(
            pairs_from + 2 * int((_EIGHTS_ABOVE_HZ - _PAIRS_ABOVE_HZ) / bin_hz / 2), n_bins
        )
        starts = np.concatenate(
            [
                np.arange(pairs_from),
                np.arange(pairs_from, eights_from, 2),
                np.arange(eights_from, n_bins, 8),
            ]
        )
        n_bins_in = np.diff(np.append(starts, n_bins))
        return cls(
            starts=starts,
            of_bin=np.repeat(np.arange(len(starts)), n_bins_in),
            n_bins_in=n_bins_in.astype(np.float32),
            centres_hz=((starts + (n_bins_in - 1) / 2) * bin_hz).astype(np.float32),
        )

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return len(self.starts)

    def pool(self, spectra: Spectra) -> Magnitudes:
        """Root mean power [T, C, B] of spectra [C, T, F]; safe for any level that float32 holds."""
        peak = max(float(np.abs(spectra.real).max()), float(np.abs(spectra.imag).max()))
        if peak < np.finfo(np.float32).tiny:
            return np.zeros((spectra.shape[1], spectra.shape[0], self.n_bands), np.float32)
        scaled = spectra * np.float32(1 / peak) if peak > 0 else spectra
        power = scaled.real**2 + scaled.imag**2
        bands = np.add.reduceat(power, self.starts, axis=2)
        bands /= self.n_bins_in
        np.sqrt(bands, out=bands)
        bands *= np.float32(peak)
        return np.ascontiguousarray(bands.transpose(1, 0, 2))

    def spread(self, mask: Magnitudes) -> Magnitudes:
        """A mask [T, C, B] given to every bin: [C, T, F]."""
        return np.take(mask.transpose(1, 0, 2), self.of_bin, axis=2)
