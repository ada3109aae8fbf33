"""Windows over one latent, and how what is computed in each becomes one whole.

    frames   0 ........................................ T
    window 0 [=============\\]
    window 1           [/============\\]                  weights: ramps where two overlap,
    window 2                      [/===============]      at every frame they add up to 1

Pieces of the whole are handed on as soon as no later window reaches them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.samplers import Draw, batch_noise

from .frames import Frames

_MOST_NEIGHBOURS = 4
"""To either side; with an overlap of half at most, a frame is never in more windows than that."""


@dataclass(frozen=True, slots=True)
class Window:
    """The latent frames [start, stop)."""

    start: int
    stop: int

    @property
    def n_frames(self) -> int:
        """Frames that it covers."""
        return self.stop - self.start


WindowVelocity = Callable[[tuple[Window, ...], Tensor, float], Tensor]
"""Velocity [W, K, n, 2C] of the state in W windows of one length, [W, K, n, 2C], at a time."""


def plan_windows(n_frames: int, longest: int, overlap: int) -> tuple[Window, ...]:
    """Windows of one length that cover `n_frames` frames, as few and as short as they can be.

    longest: frames of a window at most; one window if that is enough.
    overlap: frames that neighbours share, give or take one for rounding.
    """
    assert n_frames > 0
    assert 0 < overlap <= longest // 2, f"{overlap} of {longest} frames"
    if n_frames <= longest:
        return (Window(0, n_frames),)
    n_windows = -(-(n_frames - overlap) // (longest - overlap))
    length = -(-(n_frames + (n_windows - 1) * overlap) // n_windows)
    last = n_frames - length
    starts = [round(index * last / (n_windows - 1)) for index in range(n_windows)]
    return tuple(Window(start, start + length) for start in starts)


def window_weights(windows: Sequence[Window]) -> Iterator[Tensor]:
    """Weights [n] of every window's frames, above 0; at every frame of the whole they add up to 1.

    A window rises linearly over what it shares with the one before and falls towards the next.
    """
    for index, window in enumerate(windows):
        total = torch.zeros(window.n_frames, dtype=torch.float64)
        near = range(max(index - _MOST_NEIGHBOURS, 0), index + _MOST_NEIGHBOURS + 1)
        for place, other in zip(near, windows[near.start : near.stop], strict=False):
            start, stop = max(window.start, other.start), min(window.stop, other.stop)
            if start < stop:
                shared = slice(start - window.start, stop - window.start)
                total[shared] += _raw(windows, place)[start - other.start : stop - other.start]
        yield (_raw(windows, index) / total).float()


def joined(
    windows: Sequence[Window],
    n_at_once: int,
    compute: Callable[[tuple[Window, ...]], Tensor],
    weights: Sequence[Tensor] | None = None,
) -> Iterator[Tensor]:
    """Consecutive pieces [K, m, C] of the whole: the weighted mean of what the windows say.

    compute: [W, K, n, C] of W windows, `n_at_once` of them or what is left.
    weights: those of `window_weights`, where they are kept for several calls.
    A single window's is handed on as it is, to the last bit.
    """
    if len(windows) == 1:
        yield compute(tuple(windows))[0]
        return
    shares = window_weights(windows) if weights is None else iter(weights)
    pending: Tensor | None = None
    for first in range(0, len(windows), n_at_once):
        group = tuple(windows[first : first + n_at_once])
        for index, part in enumerate(compute(group), first):
            weighted = part * next(shares)[:, None].to(part.device)
            pending = weighted if pending is None else _overlaid(pending, weighted, windows, index)
            # Where the next window starts, more is to come; the last window is all there is.
            n_left = windows[index].stop - windows[index + 1].start if windows[index + 1 :] else 0
            n_done = pending.shape[1] - n_left
            yield pending[:, :n_done]
            pending = pending[:, n_done:]


def noise_field(
    draws: Sequence[Draw], n_frames: int, n_channels: int, start_frame: int = 0
) -> Frames:
    """Noise of several draws, [K, T, C], drawn where it is read.

    start_frame: where in the file the first frame lies; the same place has the same noise.
    """

    def read(start: int, stop: int) -> Tensor:
        return batch_noise(draws, stop - start, n_channels, start_frame + start)

    return Frames(read, (len(draws), n_frames, n_channels))


def _overlaid(pending: Tensor, part: Tensor, windows: Sequence[Window], index: int) -> Tensor:
    """`pending`, which starts where window `index` does, with that window added."""
    n_shared = pending.shape[1]
    assert windows[index - 1].stop - windows[index].start == n_shared
    return torch.cat((pending + part[:, :n_shared], part[:, n_shared:]), dim=1)


def _raw(windows: Sequence[Window], index: int) -> Tensor:
    """A window's ramps, before those that overlap are made to add up to 1."""
    window = windows[index]
    weights = torch.ones(window.n_frames, dtype=torch.float64)
    if index > 0:
        n_shared = windows[index - 1].stop - window.start
        weights[:n_shared] *= _ramp(n_shared)
    if index + 1 < len(windows):
        n_shared = window.stop - windows[index + 1].start
        weights[-n_shared:] *= _ramp(n_shared).flip(0)
    return weights


def _ramp(n_frames: int) -> Tensor:
    """From just above 0 to just below 1, [n]."""
    return (torch.arange(n_frames, dtype=torch.float64) + 0.5) / n_frames
