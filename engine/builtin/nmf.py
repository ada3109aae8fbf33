"""Non-negative matrix factorisation under the Kullback-Leibler divergence, multiplicative updates.

Frames are rows: V [T, R] is modelled by H [T, K] @ W [K, R]; rows of W add up to one.
Magnitudes are expected at a scale where their mean is about one.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

FLOOR = np.float32(1e-7)
"""Added to every model: keeps silence finite, far below anything audible at the expected scale."""

LEAST = np.float32(1e-14)
"""Activations and components stay above this: subnormal numbers would be ten times slower."""


def learn_dictionary(
    V: Matrix, n_components: int, n_iterations: int, rng: np.random.Generator
) -> Matrix:
    """Components W [K, R] that explain the frames V [T, R]."""
    nothing = np.zeros((0, V.shape[1]), np.float32)
    return extend_dictionary(V, nothing, n_components, n_iterations, rng)


def extend_dictionary(
    V: Matrix, fixed: Matrix, n_components: int, n_iterations: int, rng: np.random.Generator
) -> Matrix:
    """Components [K, R] that explain of V [T, R] what the rows of `fixed` [K', R] leave over.

    All activations start alike, so the new components begin with a share of K / (K + K'): a
    small one, which keeps them from taking what the fixed ones explain (worth 0.5 dB).
    """
    n_fixed = len(fixed)
    W = np.concatenate([fixed, random_components(n_components, V.shape[1], rng)])
    H = rng.random((len(V), len(W)), dtype=np.float32) + np.float32(0.5)
    H *= V.mean(axis=1, keepdims=True) * np.float32(V.shape[1] / len(W))
    ratio = np.empty_like(V)
    for _ in range(n_iterations):
        _ratio(V, H, W, ratio)
        H *= ratio @ W.T
        np.maximum(H, LEAST, out=H)
        _ratio(V, H, W, ratio)
        grown = W[n_fixed:] * (H[:, n_fixed:].T @ ratio)
        W[n_fixed:] = normalised(np.asarray(grown, np.float32))
    return W[n_fixed:]


def activate(V: Matrix, W: Matrix, n_iterations: int, allowed: Matrix | None = None) -> Matrix:
    """Activations H [T, K] of the fixed rows of W [K, R] that explain V [T, R] best.

    allowed: [T, K] multiplies the start; zeros stay (nearly) zero.
    """
    H = np.repeat(V.mean(axis=1, keepdims=True) * np.float32(V.shape[1] / len(W)), len(W), axis=1)
    if allowed is not None:
        H *= allowed
    ratio = np.empty_like(V)
    for _ in range(n_iterations):
        _ratio(V, H, W, ratio)
        H *= ratio @ W.T
        np.maximum(H, LEAST, out=H)
    return H


def random_components(n_components: int, n_rows: int, rng: np.random.Generator) -> Matrix:
    """Noisy flat components [n_components, n_rows] to start from."""
    noise = rng.random((n_components, n_rows), dtype=np.float32)
    return normalised(noise + np.float32(0.1))


def normalised(W: Matrix) -> Matrix:
    """The rows of W [K, R] scaled to add up to one, and kept above zero."""
    scaled = W / np.maximum(W.sum(axis=1, keepdims=True), LEAST)
    return np.asarray(np.maximum(scaled, LEAST), np.float32)


def _ratio(V: Matrix, H: Matrix, W: Matrix, out: Matrix) -> None:
    """V / (H @ W) into `out`."""
    np.matmul(H, W, out=out)
    out += FLOOR
    np.divide(V, out, out=out)
