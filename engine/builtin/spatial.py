"""Where sounds sit in stereo: beams to tell them apart, and filters that use both channels.

Left, right, mid and side magnitudes fix the covariance of a sound panned by level: its power in
both channels and, from the difference of mid and side, how much of it they share.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bands import BandMap, Magnitudes
from .stft import Spectra

Gain = NDArray[np.float32]

_COHERENCE = np.float32(0.98)
"""No sound is taken to be more alike in both channels than this: keeps the filter stable."""

_LEAST_POWER = np.float32(1e-9)


@dataclass(frozen=True, eq=False)
class Gains:
    """What each channel keeps of itself and takes from the other one.

    own: [T, C, B].   other: [T, 2, B], stereo only, or `None` for a plain mask.
    """

    own: Gain
    other: Gain | None = None

    def blended(self, mask: Gain) -> "Gains":
        """The mean of these gains and a plain mask [T, 1, B]."""
        half = np.float32(0.5)
        other = None if self.other is None else self.other * half
        return Gains((self.own + mask) * half, other)

    def scaled(self, gains: Gain) -> "Gains":
        """These gains times [T, 1, B]."""
        return Gains(self.own * gains, None if self.other is None else self.other * gains)

    def apply(self, spectra: Spectra, bands: BandMap) -> Spectra:
        """The target's spectra [C, T, F] of a mixture's."""
        target = spectra * bands.spread(self.own)
        if self.other is not None:
            target += spectra[::-1] * bands.spread(self.other)
        return target


def beams(spectra: Spectra, bands: BandMap, V: Magnitudes) -> Magnitudes:
    """Magnitudes [T, 4, B] left, right, mid, side of stereo; V [T, C, B] itself otherwise."""
    if len(spectra) != 2:
        return V
    half = np.float32(np.sqrt(0.5))
    mid, side = (spectra[0] + spectra[1]) * half, (spectra[0] - spectra[1]) * half
    return np.concatenate([V, bands.pool(np.stack([mid, side]))], axis=1)


def stereo_gains(target: Magnitudes, background: Magnitudes) -> Gains:
    """The two-channel Wiener filter for modelled magnitudes [T, 4, B] of both."""
    left_t, right_t, shared_t = _covariance(target)
    left_b, right_b, shared_b = _covariance(background)
    left = left_t + left_b + _LEAST_POWER
    right = right_t + right_b + _LEAST_POWER
    shared = shared_t + shared_b
    determinant = np.maximum(left * right - shared**2, np.float32(1e-3) * left * right)
    own = [left_t * right - shared_t * shared, right_t * left - shared_t * shared]
    other = [shared_t * left - left_t * shared, shared_t * right - right_t * shared]
    return Gains(
        np.stack(own, axis=1) / determinant[:, None],
        np.stack(other, axis=1) / determinant[:, None],
    )


def _covariance(V: Magnitudes) -> tuple[Gain, Gain, Gain]:
    """Powers left and right, and what they share, [T, B] each, of magnitudes [T, 4, B]."""
    left, right, mid, side = (V[:, i] ** 2 for i in range(4))
    most = _COHERENCE * V[:, 0] * V[:, 1]
    return left, right, np.clip((mid - side) / 2, -most, most)
