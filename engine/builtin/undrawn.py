"""Which frames without a label hold the target all the same: users draw some of it, not all.

Learned as background, undrawn target would be kept out of the target everywhere (worth 1.8 dB).
A linear discriminant tells '+' frames from the rest by coarse spectra and how they fluctuate;
frames that look like '+' leave the background, and the discriminant is learned again without.
"""

import numpy as np
from numpy.typing import NDArray

from .bands import BandMap, Magnitudes
from .labels import Labels

Features = NDArray[np.float32]

CONTEXT_S = 0.34
"""Stretch of time that one frame's features sum up, centred on it."""

_N_COARSE = 32
_COARSE_HZ = (60.0, 16_000.0)
_COMPRESSION = 0.3
_ROUNDS = 3
_SHRINKAGE = 10.0
_LIKE_PRESENT = 0.25
_SEPARABLE = 1.2
_KEPT_AT_LEAST = 0.4
_FEWEST_FRAMES = 20


def context_frames(frames_per_s: float) -> int:
    """Frames on each side that a frame's features depend on."""
    return max(round(CONTEXT_S * frames_per_s / 2), 1)


def describe_frames(V: Magnitudes, bands: BandMap, frames_per_s: float) -> Features:
    """Features [T, D] of magnitudes V [T, channels or beams, B].

    They are the compressed level of coarse bands and how far it spreads in time.
    """
    low, high = _COARSE_HZ
    edges = np.geomspace(low, high, _N_COARSE + 1)
    firsts = np.unique(np.searchsorted(bands.centres_hz, edges[:-1]))
    firsts = firsts[firsts < bands.n_bands]
    coarse = np.add.reduceat(V, firsts, axis=2) / np.diff(np.append(firsts, bands.n_bands))
    # a power law instead of a logarithm: no floor is needed, so that level does not matter
    loudness = np.asarray(coarse**_COMPRESSION, np.float64).reshape(len(V), -1)
    half = context_frames(frames_per_s)
    mean = _running_mean(loudness, half)
    spread = np.sqrt(np.maximum(_running_mean(loudness**2, half) - mean**2, 0))
    return np.concatenate([mean, spread], axis=1).astype(np.float32)


def without_target(features: Features, labels: Labels) -> NDArray[np.bool_]:
    """Which frames [T] are background: not labelled, and not like the frames labelled '+'."""
    unlabelled, present = labels == 0, labels > 0
    if unlabelled.sum() < _FEWEST_FRAMES or present.sum() < 3:
        return np.asarray(unlabelled)
    scores = _scores(features.astype(np.float64), present, unlabelled)
    present_score, other_score = np.median(scores[present]), np.median(scores[unlabelled])
    if present_score - other_score < _SEPARABLE * scores[unlabelled].std():
        return np.asarray(unlabelled)
    limit = other_score + _LIKE_PRESENT * (present_score - other_score)
    limit = max(limit, np.quantile(scores[unlabelled], _KEPT_AT_LEAST))
    return np.asarray(unlabelled & (scores <= limit))


def _scores(
    features: NDArray[np.float64], present: NDArray[np.bool_], unlabelled: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How much each frame [T] is like the present ones, suspicious frames down-weighted."""
    weights = unlabelled.astype(np.float64)
    scores = _discriminant(features, present.astype(np.float64), weights)
    for _ in range(_ROUNDS):
        present_score, other_score = np.median(scores[present]), np.median(scores[unlabelled])
        width = (present_score - other_score) / 4
        if width <= 0:
            break
        middle = (present_score + other_score) / 2
        suspicion = 1 / (1 + np.exp(-np.clip((scores - middle) / width, -30, 30)))
        weights = unlabelled * (1 - suspicion)
        scores = _discriminant(features, present.astype(np.float64), weights)
    return scores


def _discriminant(
    features: NDArray[np.float64], ours: NDArray[np.float64], theirs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fisher's discriminant [T] between two weightings [T] of frames, strongly shrunk."""
    ours, theirs = ours / ours.sum(), theirs / theirs.sum()
    means = ours @ features, theirs @ features
    spread = np.zeros((features.shape[1], features.shape[1]))
    for weights, mean in zip((ours, theirs), means, strict=True):
        centred = features - mean
        spread += centred.T @ (centred * weights[:, None]) / 2
    shrinkage = _SHRINKAGE * np.trace(spread) / len(spread)
    if shrinkage <= 0:
        return np.zeros(len(features))
    axis = np.linalg.solve(spread + shrinkage * np.eye(len(spread)), means[0] - means[1])
    return np.asarray(features @ axis)


def _running_mean(x: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Mean over 2 * half + 1 rows, edges repeated."""
    padded = np.pad(x, ((half + 1, half), (0, 0)), mode="edge")
    padded[0] = 0
    sums = np.cumsum(padded, axis=0)
    width = 2 * half + 1
    return np.asarray((sums[width:] - sums[:-width]) / width)
