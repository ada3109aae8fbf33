"""The span route: learn the background where the target is not, then what is new where it is.

For sounds of any kind; needs '+' frames and some others. A voice is also known by how it moves:
its mask is the mean of what the dictionaries and the evidence say.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import BuiltinConfig
from .front_end import Frames
from .nmf import Matrix, activate, extend_dictionary, learn_dictionary
from .spatial import Gains, stereo_gains


@dataclass(frozen=True, eq=False)
class SpanModel:
    """target [Kt, R] and background [Kb, R] dictionaries at a level; either may be empty."""

    target: Matrix
    background: Matrix
    level: float
    config: BuiltinConfig

    def gains(self, frames: Frames, possible: NDArray[np.bool_]) -> Gains:
        """Gains for frames; `possible` [T] is False where the target is said to be absent."""
        n_target = len(self.target)
        W = np.concatenate([self.target, self.background])
        allowed = np.ones((len(possible), len(W)), np.float32)
        allowed[~possible, :n_target] = 0
        H = activate(frames.rows(self.level), W, self.config.decode_iterations, allowed)
        target = (H[:, :n_target] @ self.target).reshape(frames.V.shape)
        background = (H[:, n_target:] @ self.background).reshape(frames.V.shape)
        if len(frames.spectra) == 2:
            gains = stereo_gains(target, background)
        else:
            gains = Gains(wiener(target, background, self.config.mask_exponent))
        return gains if frames.E is None else gains.blended(frames.E[:, None])


def learn_from_spans(
    V: Matrix,
    level: float,
    present: NDArray[np.bool_],
    absent: NDArray[np.bool_],
    config: BuiltinConfig,
    rng: np.random.Generator,
) -> SpanModel:
    """A model from frames V [T, R] at a level; present, absent: [T]."""
    n_background = min(config.n_background, int(absent.sum()) // 2)
    background = np.zeros((0, V.shape[1]), np.float32)
    if n_background:
        background = learn_dictionary(V[absent], n_background, config.learn_iterations, rng)
    target = extend_dictionary(
        V[present], background, config.n_target, config.learn_iterations, rng
    )
    return SpanModel(target, background, level, config)


def wiener(target: Matrix, background: Matrix, exponent: float) -> Matrix:
    """target^p / (target^p + background^p), and 0 where both are 0."""
    quotient = background / np.maximum(target, np.float32(1e-12))
    share = 1 / (1 + np.minimum(quotient, np.float32(1e8)) ** exponent)
    return np.asarray(share, np.float32)
