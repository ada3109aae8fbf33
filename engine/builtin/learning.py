"""Pass 1: read the mixture once, keep some frames of each label, learn the dictionaries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, Monitor

from .bands import Magnitudes
from .config import BuiltinConfig
from .evidence_route import learn_from_evidence
from .front_end import FrontEnd, analyse_frames, per_row, read_samples
from .labels import Labels
from .nmf import Matrix
from .routing import Route
from .span_route import Dictionaries, learn_from_spans
from .steady import learn_floor

_SILENT = 1e-5
"""Mean level of the '+' frames against all frames below which nothing is there: -100 dB."""


@dataclass(frozen=True, eq=False)
class LearningSet:
    """Frames to learn from. V: [T, R] magnitudes.   E: [T, R] or `None`.   labels: [T]."""

    V: Matrix
    E: Matrix | None
    labels: Labels


@dataclass(frozen=True, eq=False)
class Learned:
    """What pass 2 needs: `level` divides magnitudes before the dictionaries apply.

    dictionaries: of the span and evidence routes.   floor: [1, R] of the steady route.
    Neither when the target is absent, so that the estimate is silence.
    """

    dictionaries: Dictionaries | None
    level: float
    floor: Matrix | None = None

    @property
    def is_absent(self) -> bool:
        """Whether the target was not found."""
        return self.dictionaries is None and self.floor is None


def choose_frames(
    labels: Labels, n_rows: int, config: BuiltinConfig, seed: int
) -> NDArray[np.intp]:
    """Sorted indices of the frames to keep: all, or a random share of each label."""
    rng = np.random.default_rng((seed, 1))
    limit = max(min(config.max_learn_frames, config.max_learn_bytes // (4 * n_rows)), 16)
    kept = []
    for label in (-1, 0, 1):
        frames = np.flatnonzero(labels == label)
        if len(frames) > limit:
            frames = rng.choice(frames, limit, replace=False)
        kept.append(frames)
    return np.sort(np.concatenate(kept))


def gather(
    mixture: AudioClip,
    front: FrontEnd,
    labels: Labels,
    config: BuiltinConfig,
    seed: int,
    monitor: Monitor,
) -> LearningSet:
    """The learning set of a mixture, read block by block."""
    chosen = choose_frames(labels, front.n_rows, config, seed)
    V = np.empty((len(chosen), front.n_rows), np.float32)
    E = None if front.evidence_kind is None else np.empty_like(V)
    n_block = block_frames(front, config.learn_block_s)
    for first, last in frame_blocks(front.grid.n_frames, n_block):
        monitor.report("learn", LEARN_SHARE * first / front.grid.n_frames)
        low, high = np.searchsorted(chosen, (first, last))
        if low == high:
            continue
        frames = analyse_frames(read_samples(mixture, front, first, last), front, first, last)
        inside = chosen[low:high] - first
        V[low:high] = frames.V[inside].reshape(high - low, -1)
        if E is not None and frames.E is not None:
            E[low:high] = per_row(frames.E[inside], front.n_channels)
    return LearningSet(V, E, labels[chosen])


LEARN_SHARE = 0.3
"""Share of the whole job that progress gives to pass 1."""


def learn(learning: LearningSet, route: Route, config: BuiltinConfig, seed: int) -> Learned:
    """What the route needs to know, from the learning set."""
    level = _mean_level(learning.V)
    present = learning.V[learning.labels > 0] if (learning.labels > 0).any() else learning.V
    if level == 0 or _mean_level(present) <= _SILENT * level:
        return Learned(None, 1.0)
    V = learning.V / np.float32(level)
    if route == "steady":
        return Learned(None, level, learn_floor(V, learning.labels))
    rng = np.random.default_rng((seed, 2))
    if learning.E is None:
        return Learned(learn_from_spans(V, learning.labels, config, rng), level)
    return Learned(learn_from_evidence(V, learning.E, learning.labels, config, rng), level)


def block_frames(front: FrontEnd, stereo_s: float) -> int:
    """Frames in a block that costs what `stereo_s` seconds of stereo cost."""
    n_frames = stereo_s * front.grid.frames_per_s * 2 / max(front.n_channels, 2)
    return max(round(n_frames), 16)


def frame_blocks(n_frames: int, n_block: int) -> Iterator[tuple[int, int]]:
    """Consecutive [first, last) that cover all frames."""
    for first in range(0, n_frames, n_block):
        yield first, min(first + n_block, n_frames)


def _mean_level(V: Magnitudes) -> float:
    return float(V.mean(dtype=np.float64)) if V.size else 0.0
