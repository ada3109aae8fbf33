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
from .nmf import FLOOR, LEAST, Matrix, normalised
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
        Wt, Wb = self.target, self.background
        Ht, Hb = _start(V, possible, len(Wt), len(Wb))
        C = 1 - E
        Dt, Db = E @ Wt.T + FLOOR, C @ Wb.T + FLOOR
        for _ in range(self.config.decode_iterations):
            ratio = V / (E * (Ht @ Wt) + C * (Hb @ Wb) + FLOOR)
            Ht *= (E * ratio) @ Wt.T / Dt
            Hb *= (C * ratio) @ Wb.T / Db
            np.maximum(Ht, LEAST, out=Ht)
            np.maximum(Hb, LEAST, out=Hb)
        mask = wiener(E * (Ht @ Wt), C * (Hb @ Wb), self.config.mask_exponent)
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
    Ht, Hb = _start(V, ~absent, len(Wt), len(Wb))
    C = 1 - E
    for _ in range(config.learn_iterations):
        ratio = V / (E * (Ht @ Wt) + C * (Hb @ Wb) + FLOOR)
        Ht *= (E * ratio) @ Wt.T / (E @ Wt.T + FLOOR)
        Hb *= (C * ratio) @ Wb.T / (C @ Wb.T + FLOOR)
        np.maximum(Ht, LEAST, out=Ht)
        np.maximum(Hb, LEAST, out=Hb)
        ratio = V / (E * (Ht @ Wt) + C * (Hb @ Wb) + FLOOR)
        Wt = normalised(Wt * (Ht.T @ (E * ratio)) / (Ht.T @ E + FLOOR))
        Wb = normalised(Wb * (Hb.T @ (C * ratio)) / (Hb.T @ C + FLOOR))
    return EvidenceModel(Wt, Wb, level, config)


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
