"""Random access, forwards, to samples that arrive in blocks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RollingSamples:
    """Keeps of consecutive blocks [n, C] only what may still be asked for."""

    def __init__(self, blocks: Iterator[NDArray[Any]]) -> None:
        self._blocks = blocks
        self._held: NDArray[Any] | None = None
        self._start = 0

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C]; `start` never goes back, and `stop` is within the stream."""
        assert start >= self._start, f"{start} was let go of; {self._start} is the first one held"
        parts = [] if self._held is None else [self._held]
        held_stop = self._start + sum(len(part) for part in parts)
        while held_stop < stop:
            block = next(self._blocks)
            parts.append(block)
            held_stop += len(block)
        held = parts[0] if len(parts) == 1 else np.concatenate(parts)
        self._held = held[start - self._start :]
        self._start = start
        return self._held[: stop - start]
