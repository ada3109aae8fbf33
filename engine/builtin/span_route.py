"""The span route: learn the background where the target is not, then what is new where it is.

For sounds of any kind; needs '+' frames and some others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import BuiltinConfig
from .nmf import Matrix, activate, extend_dictionary, learn_dictionary

_GROWN = 2.0
"""A background component this much stronger under '+' belongs to the target."""


@dataclass(frozen=True, eq=False)
class Dictionaries:
    """target [Kt, R] and background [Kb, R]; either may be empty."""

    target: Matrix
    background: Matrix


def learn_from_spans(
    V: Matrix, labels: NDArray[np.int8], config: BuiltinConfig, rng: np.random.Generator
) -> Dictionaries:
    """Dictionaries from frames V [T, R] labelled +1, -1 or 0 [T]."""
    present = labels > 0
    absent = labels < 0
    signed = int(absent.sum()) > config.min_background_frames
    elsewhere = absent if signed else ~present
    background = np.zeros((0, V.shape[1]), np.float32)
    n_background = min(config.n_background, int(elsewhere.sum()) // 2)
    if n_background:
        background = learn_dictionary(V[elsewhere], n_background, config.learn_iterations, rng)
        if not signed:
            background = _without_target(V, present, elsewhere, background, config)
    target = extend_dictionary(
        V[present], background, config.n_target, config.learn_iterations, rng
    )
    return Dictionaries(target, background)


def _without_target(
    V: Matrix,
    present: NDArray[np.bool_],
    elsewhere: NDArray[np.bool_],
    background: Matrix,
    config: BuiltinConfig,
) -> Matrix:
    """The background components that are not much stronger where the target is."""
    H = activate(V, background, config.decode_iterations)
    grown = H[present].mean(axis=0) >= _GROWN * H[elsewhere].mean(axis=0)
    return np.asarray(background[~grown], np.float32)


def target_mask(
    V: Matrix, possible: NDArray[np.bool_], learned: Dictionaries, config: BuiltinConfig
) -> Matrix:
    """Share of the target in V [T, R], 0 to 1.

    possible: [T], False where the target is said to be absent.
    """
    n_target = len(learned.target)
    W = np.concatenate([learned.target, learned.background])
    allowed = np.ones((len(V), len(W)), np.float32)
    allowed[~possible, :n_target] = 0
    H = activate(V, W, config.decode_iterations, allowed)
    target = H[:, :n_target] @ learned.target
    background = H[:, n_target:] @ learned.background
    return wiener(target, background, config.mask_exponent)


def wiener(target: Matrix, background: Matrix, exponent: float) -> Matrix:
    """target^p / (target^p + background^p), and 0 where both are 0."""
    quotient = background / np.maximum(target, np.float32(1e-12))
    share = 1 / (1 + np.minimum(quotient, np.float32(1e8)) ** exponent)
    return np.asarray(share, np.float32)
