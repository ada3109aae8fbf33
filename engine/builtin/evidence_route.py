"""The evidence route: two dictionaries that share each band as the class's evidence says.

V ~ E * (Ht Wt) + (1 - E) * (Hb Wb). For drums and bass, and for every prompt of text alone.
"""

import numpy as np
from numpy.typing import NDArray

from .config import BuiltinConfig
from .nmf import FLOOR, Matrix, learn_dictionary, normalised
from .span_route import Dictionaries, wiener

_LEAST = np.float32(1e-14)


def learn_from_evidence(
    V: Matrix,
    E: Matrix,
    labels: NDArray[np.int8],
    config: BuiltinConfig,
    rng: np.random.Generator,
) -> Dictionaries:
    """Dictionaries from frames V [T, R] with evidence E [T, R] and labels [T]."""
    absent = labels < 0
    fixed = np.zeros((0, V.shape[1]), np.float32)
    if int(absent.sum()) > config.min_background_frames:
        n_background = min(config.n_background, int(absent.sum()) // 2)
        fixed = learn_dictionary(V[absent], n_background, config.learn_iterations, rng)
    chosen = labels > 0 if (labels > 0).any() else ~absent
    V, E = V[chosen], E[chosen]
    Wt = _seeded(E * V, config.n_target_evidence, rng)
    Wb = np.concatenate([fixed, _seeded((1 - E) * V, config.n_free_background, rng)])
    _fit(V, E, Wt, Wb, len(fixed), config.learn_iterations)
    return Dictionaries(Wt, Wb)


def evidence_mask(
    V: Matrix,
    E: Matrix,
    possible: NDArray[np.bool_],
    learned: Dictionaries,
    config: BuiltinConfig,
) -> Matrix:
    """Share of the target in V [T, R], 0 to 1.

    possible: [T], False where the target is said to be absent.
    """
    Wt, Wb = learned.target, learned.background
    Ht, Hb = _start(V, len(Wt), len(Wb))
    Ht[~possible] = _LEAST
    C = 1 - E
    Dt, Db = E @ Wt.T + FLOOR, C @ Wb.T + FLOOR
    for _ in range(config.decode_iterations):
        ratio = V / (E * (Ht @ Wt) + C * (Hb @ Wb) + FLOOR)
        Ht *= (E * ratio) @ Wt.T / Dt
        Hb *= (C * ratio) @ Wb.T / Db
        np.maximum(Ht, _LEAST, out=Ht)
        np.maximum(Hb, _LEAST, out=Hb)
    return wiener(E * (Ht @ Wt), C * (Hb @ Wb), config.mask_exponent)


def _fit(V: Matrix, E: Matrix, Wt: Matrix, Wb: Matrix, n_fixed: int, n_iterations: int) -> None:
    """Update Wt and the free rows of Wb in place."""
    Ht, Hb = _start(V, len(Wt), len(Wb))
    C = 1 - E
    for _ in range(n_iterations):
        ratio = V / (E * (Ht @ Wt) + C * (Hb @ Wb) + FLOOR)
        Ht *= (E * ratio) @ Wt.T / (E @ Wt.T + FLOOR)
        Hb *= (C * ratio) @ Wb.T / (C @ Wb.T + FLOOR)
        np.maximum(Ht, _LEAST, out=Ht)
        np.maximum(Hb, _LEAST, out=Hb)
        ratio = V / (E * (Ht @ Wt) + C * (Hb @ Wb) + FLOOR)
        Wt[:] = normalised(Wt * (Ht.T @ (E * ratio)) / (Ht.T @ E + FLOOR))
        free = Hb[:, n_fixed:].T
        Wb[n_fixed:] = normalised(Wb[n_fixed:] * (free @ (C * ratio)) / (free @ C + FLOOR))


def _start(V: Matrix, n_target: int, n_background: int) -> tuple[Matrix, Matrix]:
    """Activations that give both sides half of every frame."""
    level = V.sum(axis=1, keepdims=True)
    return (
        np.repeat(level / np.float32(n_target), n_target, axis=1),
        np.repeat(level / np.float32(n_background), n_background, axis=1),
    )


def _seeded(V: Matrix, n_components: int, rng: np.random.Generator) -> Matrix:
    """Components [K, R] that start as averages of a few random frames of V [T, R]."""
    picks = rng.integers(len(V), size=(n_components, 4))
    noise = rng.random((n_components, V.shape[1]), dtype=np.float32) + np.float32(0.5)
    return normalised((V[picks].mean(axis=1) + V.mean() * np.float32(0.05)) * noise)
