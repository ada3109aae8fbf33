"""Non-negative matrix factorisation under the Kullback-Leibler divergence, multiplicative updates.

Frames are rows: V [T, R] is modelled by H [T, K] @ W [K, R]; rows of W add up to one.
Magnitudes are expected at a scale where their mean is about one.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

FLOOR = np.float32(1e-7)
"""Added to every model: keeps silence finite, far below anything audible at the expected scale."""

LEAST = np.float32(1e-14)
"""Activations and components stay above this: subnormal numbers would be ten times slower."""

_PART_BYTES = 512 << 10


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
    for _ in range(n_iterations):
        explained = np.zeros((n_components, V.shape[1]), np.float32)
        for part in cache_sized(V):
            H[part] *= _ratio(V[part], H[part], W) @ W.T
            np.maximum(H[part], LEAST, out=H[part])
            explained += H[part, n_fixed:].T @ _ratio(V[part], H[part], W)
        W[n_fixed:] = normalised(np.asarray(W[n_fixed:] * explained, np.float32))
    return W[n_fixed:]


def activate(V: Matrix, W: Matrix, n_iterations: int, allowed: Matrix | None = None) -> Matrix:
    """Activations H [T, K] of the fixed rows of W [K, R] that explain V [T, R] best.

    allowed: [T, K] multiplies the start; zeros stay (nearly) zero.
    """
    H = np.repeat(V.mean(axis=1, keepdims=True) * np.float32(V.shape[1] / len(W)), len(W), axis=1)
    if allowed is not None:
        H *= allowed
    for part in cache_sized(V):
        for _ in range(n_iterations):
            H[part] *= _ratio(V[part], H[part], W) @ W.T
            np.maximum(H[part], LEAST, out=H[part])
    return H


def cache_sized(V: Matrix) -> Iterator[slice]:
    """Consecutive rows of V [T, R] that stay in a core's cache: twice as fast as all at once."""
    n_frames = max(_PART_BYTES // (4 * V.shape[1]), 16)
    for first in range(0, len(V), n_frames):
        yield slice(first, first + n_frames)


def random_components(n_components: int, n_rows: int, rng: np.random.Generator) -> Matrix:
    """Noisy flat components [n_components, n_rows] to start from."""
    noise = rng.random((n_components, n_rows), dtype=np.float32)
    return normalised(noise + np.float32(0.1))


def normalised(W: Matrix) -> Matrix:
    """The rows of W [K, R] scaled to add up to one, and kept above zero."""
    scaled = W / np.maximum(W.sum(axis=1, keepdims=True), LEAST)
    return np.asarray(np.maximum(scaled, LEAST), np.float32)


def _ratio(V: Matrix, H: Matrix, W: Matrix) -> Matrix:
    """V / (H @ W)."""
    model = H @ W
    model += FLOOR
    np.divide(V, model, out=model)
    return model
