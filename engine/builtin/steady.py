"""The steady route: a hum, a hiss, a fan is what every moment has, so its floor is its spectrum.

For sounds that stay the same while everything else comes and goes. Music and speech leave each
band now and then; what a band never falls below belongs to the steady sound (the idea of noise
estimation by minimum statistics, R. Martin, IEEE Trans. Speech and Audio Processing 9(5), 2001).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import BuiltinConfig
from .front_end import Frames
from .nmf import Matrix
from .spatial import Gains

_QUANTILE = 0.2
_BIAS = 1.5
"""From the quantile of a steady sound's magnitudes to their level: 1.0 for a pure tone, 2.1 for
Gaussian noise; in between is good for both."""

_MIN_PRESENT_FRAMES = 24
"""Fewer '+' frames than this say too little about the floor."""


@dataclass(frozen=True, eq=False)
class SteadyModel:
    """floor: [1, R] level of the steady sound, in units of `level`."""

    floor: Matrix
    level: float
    config: BuiltinConfig

    def gains(self, frames: Frames, possible: NDArray[np.bool_]) -> Gains:
        """Gains for frames; `possible` [T] is False where the target is said to be absent."""
        V = frames.rows(self.level)
        target = np.minimum(self.floor, V)
        rest = np.sqrt(np.maximum(V**2 - target**2, 0))
        quotient = rest / np.maximum(target, np.float32(1e-12))
        share = 1 / (1 + np.minimum(quotient, np.float32(1e8)) ** self.config.mask_exponent)
        share[~possible] = 0
        return Gains(np.asarray(share, np.float32).reshape(frames.V.shape))


def learn_floor(
    V: Matrix, level: float, labels: NDArray[np.int8], config: BuiltinConfig
) -> SteadyModel:
    """A model from magnitudes V [T, R] at a level, labelled +1, -1 or 0 [T].

    '+' frames are enough where there are a second or so of them; else all that are not '-'.
    """
    frames = labels > 0
    if int(frames.sum()) < _MIN_PRESENT_FRAMES:
        frames = labels >= 0
    floor = np.zeros((1, V.shape[1]), np.float32)
    if frames.any():
        floor = _BIAS * np.quantile(V[frames], _QUANTILE, axis=0, keepdims=True)
    return SteadyModel(np.asarray(floor, np.float32), level, config)
