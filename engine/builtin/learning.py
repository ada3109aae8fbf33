"""Pass 1: read the mixture once, keep some frames of each label, learn from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, Monitor

from .bands import Magnitudes
from .config import BuiltinConfig
from .evidence_route import CueModel, learn_from_evidence, shares
from .front_end import Frames, FrontEnd, analyse_frames, read_samples
from .labels import Labels
from .nmf import Matrix
from .routing import Plan
from .span_route import learn_from_spans
from .spatial import Gains
from .steady import learn_floor
from .undrawn import Features, without_target
from .vocabulary import Kind

LEARN_SHARE = 0.3
"""Share of the whole job that progress gives to pass 1."""

_SILENT = 1e-5
"""Mean level of the '+' frames against all frames below which nothing is there: -100 dB."""

LEAST_SUPPORT: dict[Kind, float] = {
    "drums": 0.12,
    "kick": 0.02,
    "snare": 0.08,
    "hihat": 0.01,
    "bass": 0.06,
    "speech": 0.015,
    "pitched": 0.015,
}
"""Share of the magnitudes that must speak for a sound asked for by text alone: a quarter of the
least that was met in mixtures that hold it, and more than steady tones show."""


class Model(Protocol):
    """What pass 2 asks; it says the same about a frame in any block."""

    def gains(self, frames: Frames, possible: NDArray[np.bool_]) -> Gains:
        """Gains for frames; `possible` [T] is False where the target is said to be absent."""


@dataclass(frozen=True, eq=False)
class LearningSet:
    """Frames to learn from. V: [T, R] magnitudes.   labels: [T].

    E: [T, B], features: [T, D], support: [T], or `None`.
    """

    V: Matrix
    labels: Labels
    E: Matrix | None
    features: Features | None
    support: NDArray[np.float32] | None


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
    evidence: list[Magnitudes | None] = []
    features: list[Features | None] = []
    support: list[NDArray[np.float32] | None] = []
    n_block = block_frames(front, config.learn_block_s)
    for first, last in frame_blocks(front.grid.n_frames, n_block):
        monitor.report("learn", LEARN_SHARE * first / front.grid.n_frames)
        low, high = np.searchsorted(chosen, (first, last))
        if low == high:
            continue
        frames = analyse_frames(read_samples(mixture, front, first, last), front, first, last)
        inside = chosen[low:high] - first
        V[low:high] = frames.V[inside].reshape(high - low, -1)
        evidence.append(None if frames.E is None else frames.E[inside])
        features.append(None if frames.features is None else frames.features[inside])
        support.append(None if frames.support is None else frames.support[inside])
    return LearningSet(V, labels[chosen], _joined(evidence), _joined(features), _joined(support))


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


def learn(learning: LearningSet, plan: Plan, config: BuiltinConfig, seed: int) -> Model | None:
    """The model that the plan's route needs; `None` when the target is absent."""
    labels = learning.labels
    level = _mean_level(learning.V)
    present = labels > 0
    if level == 0 or (present.any() and _mean_level(learning.V[present]) <= _SILENT * level):
        return None
    if _is_unsupported(learning, plan, level):
        return None
    if plan.route == "cue":
        return CueModel()
    V = learning.V / np.float32(level)
    if plan.route == "steady":
        return learn_floor(V, level, labels, config)
    absent = _absent(learning, config)
    rng = np.random.default_rng((seed, 2))
    if plan.route == "evidence":
        assert learning.E is not None
        E = shares(learning.E, V.shape[1] // learning.E.shape[1])
        return learn_from_evidence(V, E, level, present, absent, config, rng)
    return learn_from_spans(V, level, present, absent, config, rng)


def block_frames(front: FrontEnd, stereo_s: float) -> int:
    """Frames in a block that costs what `stereo_s` seconds of stereo cost."""
    n_frames = stereo_s * front.grid.frames_per_s * 2 / max(front.n_channels, 2)
    return max(round(n_frames), 16)


def frame_blocks(n_frames: int, n_block: int) -> Iterator[tuple[int, int]]:
    """Consecutive [first, last) that cover all frames."""
    for first in range(0, n_frames, n_block):
        yield first, min(first + n_block, n_frames)


def _absent(learning: LearningSet, config: BuiltinConfig) -> NDArray[np.bool_]:
    """Frames to learn the background from: '-' ones, or those that do not look like '+'."""
    said = learning.labels < 0
    if int(said.sum()) > config.min_background_frames or learning.features is None:
        return np.asarray(said)
    return without_target(learning.features, learning.labels) | said


def _is_unsupported(learning: LearningSet, plan: Plan, level: float) -> bool:
    """Whether text alone asks for a sound that nothing noticeable speaks for."""
    if learning.support is None or plan.sound is None:
        return False
    return _mean_level(learning.support) < LEAST_SUPPORT[plan.sound.kind] * level


def _joined(parts: list[Magnitudes | None]) -> Magnitudes | None:
    """All parts one after the other, or `None` where there are none."""
    given = [part for part in parts if part is not None]
    return np.concatenate(given) if given else None


def _mean_level(V: Magnitudes) -> float:
    return float(V.mean(dtype=np.float64)) if V.size else 0.0
