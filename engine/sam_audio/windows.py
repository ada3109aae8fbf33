"""Windows over one latent that agree with each other at every evaluation of the solver.

    frames   0 ........................................ T
    window 0 [=============\\]
    window 1           [/============\\]                  weights: ramps where two overlap,
    window 2                      [/===============]      at every frame they add up to 1

Each window's velocity is computed from the same state; the weighted mean is the velocity of the
whole (multi-diffusion, Bar-Tal et al. 2023). So windows never drift apart, and there is no seam to
fade over: the state is one sound from noise to end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.samplers import Draw, VectorField, batch_noise

_NOISE_FRAMES = 1024


@dataclass(frozen=True, slots=True)
class Window:
    """The latent frames [start, stop)."""

    start: int
    stop: int

    @property
    def n_frames(self) -> int:
        """Frames that it covers."""
        return self.stop - self.start


WindowVelocity = Callable[[Window, Tensor, float], Tensor]
"""Velocity [K, n, 2C] of the state in a window, [K, n, 2C], at a time."""


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


def window_weights(windows: Sequence[Window]) -> tuple[Tensor, ...]:
    """Weights [n] of every window's frames, above 0; at every frame of the whole they add up to 1.

    A window rises linearly over what it shares with the one before and falls towards the next.
    """
    raw = []
    for index, window in enumerate(windows):
        weights = torch.ones(window.n_frames, dtype=torch.float64)
        if index > 0:
            n_shared = windows[index - 1].stop - window.start
            weights[:n_shared] *= _ramp(n_shared)
        if index + 1 < len(windows):
            n_shared = window.stop - windows[index + 1].start
            weights[-n_shared:] *= _ramp(n_shared).flip(0)
        raw.append(weights)

    total = torch.zeros(windows[-1].stop, dtype=torch.float64)
    for window, weights in zip(windows, raw, strict=True):
        total[window.start : window.stop] += weights
    return tuple(
        (weights / total[window.start : window.stop]).float()
        for window, weights in zip(windows, raw, strict=True)
    )


def joined_field(
    windows: Sequence[Window],
    velocity: WindowVelocity,
    on_window: Callable[[], None] = lambda: None,
) -> VectorField:
    """The vector field of the whole state [K, T, 2C] from its windows' velocities.

    on_window: called before every window; what it raises, `Cancelled` for instance, ends it.
    With one window it is that window's velocity itself, to the last bit.
    """
    weights = window_weights(windows)

    def field(x: Tensor, t: float) -> Tensor:
        if len(windows) == 1:
            on_window()
            return velocity(windows[0], x, t)
        joined = torch.zeros_like(x)
        for window, weight in zip(windows, weights, strict=True):
            on_window()
            part = velocity(window, x[:, window.start : window.stop], t)
            joined[:, window.start : window.stop] += part * weight[:, None].to(x.device)
        return joined

    return field


def noise_field(draws: Sequence[Draw], n_frames: int, n_channels: int) -> Tensor:
    """`batch_noise` of the whole file, [K, T, C].

    Drawn in pieces, for drawing takes several times the room of what is drawn.
    """
    noise = torch.empty(len(draws), n_frames, n_channels)
    for start in range(0, n_frames, _NOISE_FRAMES):
        n_piece = min(_NOISE_FRAMES, n_frames - start)
        noise[:, start : start + n_piece] = batch_noise(draws, n_piece, n_channels, start)
    return noise


def _ramp(n_frames: int) -> Tensor:
    """From just above 0 to just below 1, [n]."""
    return (torch.arange(n_frames, dtype=torch.float64) + 0.5) / n_frames
