r"""A gate over time: open where a sound is, silent elsewhere, without clicks.

log-odds   ......../\__/\............    opens at one value and closes at a lower one
open       ......|=========|.........    widened: earlier, for attacks, and later, for decays
gain       ...../           \........    raised cosine outside what is open
"""

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FADE_S = 0.04
"""From silence to all of the sound, outside what is open."""

_EARLIER_S = 0.08
_LATER_S = 0.24
_HYSTERESIS_NATS = 1.5
_WIDEST_NATS = 3.0
"""Log-odds that the strictest gate asks for; the most lenient asks for as much less than none."""

_ABSENT_NATS = -3.5
"""Below this every gate closes."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where a sound is let through. open_s: (start, end) in seconds, in order and apart."""

    open_s: tuple[tuple[float, float], ...]

    @property
    def is_closed(self) -> bool:
        """Whether it lets nothing through at all."""
        return not self.open_s

    def gains(self, start: int, stop: int, sample_rate: int) -> NDArray[np.float64]:
        """Gains [stop - start] of these samples, 0 to 1; exactly 1 where it is open."""
        times = np.arange(start, stop) / sample_rate
        gains = np.zeros(stop - start)
        first_s, last_s = start / sample_rate - FADE_S, stop / sample_rate + FADE_S
        begin = bisect_left(self.open_s, first_s, key=lambda each: each[1])
        end = bisect_right(self.open_s, last_s, key=lambda each: each[0])
        for begin_s, end_s in self.open_s[begin:end]:
            outside = np.maximum(np.maximum(begin_s - times, times - end_s), 0) / FADE_S
            shape = 0.5 + 0.5 * np.cos(np.pi * np.minimum(outside, 1.0))
            gains = np.maximum(gains, shape)
        return gains


def gate_for(
    nats: NDArray[np.floating], frame_s: float, strictness: float, start_s: float = 0.0
) -> Gate:
    """The gate of frames with these log-odds [T] of `frame_s` seconds each, the first at `start_s`.

    strictness: above 0, which would let through what is surely absent, to 1, only what is sure.
    """
    opens = _WIDEST_NATS * (2 * strictness - 1)
    closes = max(opens - _HYSTERESIS_NATS, _ABSENT_NATS)
    is_open = _with_hysteresis(nats, opens, closes)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_open, [False]])))
    regions: list[tuple[float, float]] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        begin_s = start_s + first * frame_s - _EARLIER_S
        end_s = start_s + last * frame_s + _LATER_S
        if regions and begin_s - regions[-1][1] < 2 * FADE_S:
            begin_s = regions.pop()[0]
        regions.append((float(begin_s), float(end_s)))
    return Gate(tuple(regions))


def gated(
    blocks: Iterator[NDArray[Any]], gates: tuple[Gate, ...], sample_rate: int
) -> Generator[NDArray[Any]]:
    """Consecutive blocks [K, n, C], or [K + 1, n, C] with the residual of the first one at the end.

    Every target passes its gate; what the first one holds back goes to the residual.
    """
    position, n_takes = 0, len(gates)
    for block in blocks:
        stop = position + block.shape[1]
        gains = np.stack([gate.gains(position, stop, sample_rate) for gate in gates])[..., None]
        position = stop
        if (gains == 1).all():
            yield block
            continue
        rows = [block[:n_takes] * gains]
        if len(block) > n_takes:
            rows.append((block[n_takes] + (1 - gains[0]) * block[0])[None])
        yield np.concatenate(rows).astype(block.dtype, copy=False)


def _with_hysteresis(nats: NDArray[np.floating], opens: float, closes: float) -> NDArray[np.bool_]:
    """Open from `opens` on for as long as it stays at `closes` or above, to either side."""
    may = nats >= closes
    sure = nats >= opens
    edges = np.flatnonzero(np.diff(np.concatenate([[False], may, [False]])))
    is_open = np.zeros(len(nats), np.bool_)
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        is_open[first:last] = sure[first:last].any()
    return is_open
