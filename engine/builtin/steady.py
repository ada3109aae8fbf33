"""The steady route: a hum, a hiss, a fan is what every moment has, so its floor is its spectrum.

For sounds that stay the same while everything else comes and goes. Music and speech leave each
band now and then; what a band never falls below belongs to the steady sound (the idea of noise
estimation by minimum statistics, R. Martin, IEEE Trans. Speech and Audio Processing 9(5), 2001).
"""

import numpy as np
from numpy.typing import NDArray

from .nmf import Matrix

_QUANTILE = 0.2
_BIAS = 1.5
"""From the quantile of a steady sound's magnitudes to their level: 1.0 for a pure tone, 2.1 for
Gaussian noise; in between is good for both."""

_MIN_PRESENT_FRAMES = 24
"""Fewer '+' frames than this say too little about the floor."""


def learn_floor(V: Matrix, labels: NDArray[np.int8]) -> Matrix:
    """Level of the steady sound [1, R] from magnitudes V [T, R] labelled +1, -1 or 0 [T].

    '+' frames are enough where there are a second or so of them; else all that are not '-'.
    """
    frames = labels > 0
    if int(frames.sum()) < _MIN_PRESENT_FRAMES:
        frames = labels >= 0
    if not frames.any():
        return np.zeros((1, V.shape[1]), np.float32)
    floor = np.quantile(V[frames], _QUANTILE, axis=0, keepdims=True)
    return np.asarray(_BIAS * floor, np.float32)


def steady_mask(V: Matrix, possible: NDArray[np.bool_], floor: Matrix, exponent: float) -> Matrix:
    """Share of the steady sound in V [T, R], 0 to 1; 0 where `possible` [T] is False."""
    target = np.minimum(floor, V)
    rest = np.sqrt(np.maximum(V**2 - target**2, 0))
    quotient = rest / np.maximum(target, np.float32(1e-12))
    share = 1 / (1 + np.minimum(quotient, np.float32(1e8)) ** exponent)
    share[~possible] = 0
    return np.asarray(share, np.float32)
