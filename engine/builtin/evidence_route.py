"""The evidence route: two dictionaries that share each band as the class's evidence says.

V ~ E * (Ht Wt) + (1 - E) * (Hb Wb), learned on all frames at once, Ht = 0 where the target is
said or found to be absent. For drums and bass. Where evidence is clear enough it is the mask.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import BuiltinConfig
from .evidence import soften
from .front_end import Frames
from .nmf import FLOOR, LEAST, Matrix, cache_sized, normalised
from .span_route import wiener
from .spatial import Gains

_SOFTNESS = 0.5


@dataclass(frozen=True, eq=False)
class CueModel:
    """The evidence itself as the mask: for voices and instruments asked for by text alone."""

    def gains(self, frames: Frames, possible: NDArray[np.bool_]) -> Gains:
        """Gains for frames; `possible` [T] is False where the target is said to be absent."""
        assert frames.E is not None
        mask = frames.E * possible[:, None]
        return Gains(np.repeat(mask[:, None], frames.V.shape[1], axis=1))


@dataclass(frozen=True, eq=False)
class EvidenceModel:
    """target [Kt, R] and background [Kb, R] dictionaries at a level."""

    target: Matrix
    background: Matrix
    level: float
    config: BuiltinConfig

    def gains(self, frames: Frames, possible: NDArray[np.bool_]) -> Gains:
        """Gains for frames; `possible` [T] is False where the target is said to be absent."""
        assert frames.E is not None
        V = frames.rows(self.level)
        E = shares(frames.E, frames.V.shape[1])
        activations = _start(V, possible, len(self.target), len(self.background))
        mask = np.empty_like(V)
        for part in cache_sized(V):
            H = activations[0][part], activations[1][part]
            W = self.target, self.background
            weights = E[part] @ W[0].T + FLOOR, (1 - E[part]) @ W[1].T + FLOOR
            for _ in range(self.config.decode_iterations):
                _update(V[part], E[part], H, W, weights)
            target, background = E[part] * (H[0] @ W[0]), (1 - E[part]) * (H[1] @ W[1])
            mask[part] = wiener(target, background, self.config.mask_exponent)
        return Gains(mask.reshape(frames.V.shape))


def shares(E: Matrix, n_channels: int) -> Matrix:
    """The target's share [T, C * B] of each band, softened, from evidence [T, B]."""
    return np.tile(soften(E, _SOFTNESS), (1, n_channels))


def learn_from_evidence(
    V: Matrix,
    E: Matrix,
    level: float,
    present: NDArray[np.bool_],
    absent: NDArray[np.bool_],
    config: BuiltinConfig,
    rng: np.random.Generator,
) -> EvidenceModel:
    """A model from frames V [T, R] at a level with shares E [T, R]; present, absent: [T].

    Frames that are neither may hold the target.
    """
    seeds = present if present.any() else ~absent
    Wt = _seeded(V[seeds], E[seeds], config.n_target_evidence, rng)
    Wb = _seeded(V, 1 - E, config.n_background_evidence, rng)
    activations = _start(V, ~absent, len(Wt), len(Wb))
    for _ in range(config.learn_iterations):
        sums = _Sums.zeros(len(Wt), len(Wb), V.shape[1])
        for part in cache_sized(V):
            H = activations[0][part], activations[1][part]
            weights = E[part] @ Wt.T + FLOOR, (1 - E[part]) @ Wb.T + FLOOR
            _update(V[part], E[part], H, (Wt, Wb), weights)
            sums.add(V[part], E[part], H, (Wt, Wb))
        Wt = normalised(np.asarray(Wt * sums.target / sums.target_weight, np.float32))
        Wb = normalised(np.asarray(Wb * sums.background / sums.background_weight, np.float32))
    return EvidenceModel(Wt, Wb, level, config)


Pair = tuple[Matrix, Matrix]
"""The same thing of target and background."""


@dataclass(frozen=True, eq=False)
class _Sums:
    """What the update of the dictionaries [K, R] needs, summed over frames."""

    target: Matrix
    target_weight: Matrix
    background: Matrix
    background_weight: Matrix

    @classmethod
    def zeros(cls, n_target: int, n_background: int, n_rows: int) -> "_Sums":
        sizes = (n_target, n_target, n_background, n_background)
        return cls(*(np.full((size, n_rows), FLOOR, np.float32) for size in sizes))

    def add(self, V: Matrix, E: Matrix, H: Pair, W: Pair) -> None:
        """Add frames V [T, R] with shares E [T, R]; in place."""
        ours, theirs = _shared_ratio(V, E, H, W)
        np.add(self.target, H[0].T @ ours, out=self.target)
        np.add(self.target_weight, H[0].T @ E, out=self.target_weight)
        np.add(self.background, H[1].T @ theirs, out=self.background)
        np.add(self.background_weight, H[1].T @ (1 - E), out=self.background_weight)


def _update(V: Matrix, E: Matrix, H: Pair, W: Pair, weights: Pair) -> None:
    """One step of the activations [T, K] of both sides, in place."""
    for h, w, ratio, weight in zip(H, W, _shared_ratio(V, E, H, W), weights, strict=True):
        h *= ratio @ w.T
        h /= weight
        np.maximum(h, LEAST, out=h)


def _shared_ratio(V: Matrix, E: Matrix, H: Pair, W: Pair) -> Pair:
    """V over its model [T, R], times the share of the target and of the background."""
    target, background = H[0] @ W[0], H[1] @ W[1]
    # E * target + (1 - E) * background
    target -= background
    target *= E
    target += background
    target += FLOOR
    ratio = np.divide(V, target, out=target)
    ours = ratio * E
    return ours, np.subtract(ratio, ours, out=ratio)


def _start(
    V: Matrix, possible: NDArray[np.bool_], n_target: int, n_background: int
) -> tuple[Matrix, Matrix]:
    """Activations that give both sides half of every frame, the target none if not possible."""
    level = V.sum(axis=1, keepdims=True)
    Ht = np.repeat(level / np.float32(n_target), n_target, axis=1)
    Ht[~possible] = LEAST
    return Ht, np.repeat(level / np.float32(n_background), n_background, axis=1)


def _seeded(V: Matrix, E: Matrix, n_components: int, rng: np.random.Generator) -> Matrix:
    """Components [K, R] that start as averages of a few random frames of E * V [T, R]."""
    picks = rng.integers(len(V), size=(n_components, 4))
    noise = rng.random((n_components, V.shape[1]), dtype=np.float32) + np.float32(0.5)
    means = np.mean(V[picks] * E[picks], axis=1)
    return normalised((means + V.mean() * np.float32(0.05)) * noise)
