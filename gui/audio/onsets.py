"""Where sounds begin, from the peaks that are there anyway: places for spans to snap to."""

import numpy as np
from numpy.typing import NDArray

from .peaks import BASE, Pairs

APART_S = 0.06
RISE_DB = 6.0
MEMORY = 8
"""Pairs looked back at: about 40 ms."""

FLOOR = 1e-3


def onsets_s(pairs: Pairs, sample_rate: int) -> NDArray[np.float64]:
    """Times in seconds where the level rises steeply. pairs: [n, 2, C] of `BASE` samples each."""
    if len(pairs) <= MEMORY:
        return np.zeros(0)
    level = 20 * np.log10(np.abs(pairs).max(axis=(1, 2)) + FLOOR)
    before = np.lib.stride_tricks.sliding_window_view(level[:-1], MEMORY).mean(axis=1)
    rise = level[MEMORY:] - before
    apart = max(round(APART_S * sample_rate / BASE), 1)
    candidates = np.flatnonzero(rise >= RISE_DB)
    found: list[int] = []
    for index in candidates.tolist():
        if not found or index - found[-1] > apart:
            found.append(index)
    return (np.array(found, float) + MEMORY) * BASE / sample_rate
