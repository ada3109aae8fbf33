"""From noise to latents over a file of any length, in constant memory.

    diffused    every evaluation of the solver: all windows' velocities, averaged where they overlap
    crossfade   every window: noise to latent on its own; then the latents are faded over

Diffused is multi-diffusion (Bar-Tal et al. 2023): the windows see one state and never drift apart,
so there is no seam to fade over. Crossfade is the usual way and the fall-back: a window is done
with before the next one starts. Both start from one noise field indexed by time.

Every solver here asks first for the velocity of the noise itself at time 0. It is the one
evaluation that all qualities of a prompt share, to the last bit; `first` may know it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from engine.samplers import OnStep, Sampling, Step

from .frames import Frames
from .resident import RESIDENT_BYTES, solved_on_device
from .scratch import Scratch
from .settings import Joining
from .windows import Window, WindowVelocity, joined

_FRAME_FILES = 8
"""Most vectors of the state's size that any solver keeps at once, the first velocity for later
jobs, and one to spare."""

First = Callable[[Callable[[], Frames]], Frames]
"""Gives the velocity of the noise: as it is known, or by calling what it is given."""


@dataclass(frozen=True, slots=True)
class Course:
    """How the windows are gone through. n_at_once: windows in one batch of the network."""

    sampling: Sampling
    windows: tuple[Window, ...]
    n_at_once: int = 1
    joining: Joining = "diffused"

    @property
    def n_groups(self) -> int:
        """Batches of windows."""
        return -(-len(self.windows) // self.n_at_once)


def sampled_latents(
    velocity: WindowVelocity,
    noise: Frames,
    course: Course,
    scratch: Scratch,
    on_share: Callable[[float], None] = lambda _share: None,
    first: First = lambda make: make(),
    resident: torch.device | None = None,
) -> Frames:
    """The latents [K, T, 2C] that `noise` of this shape becomes, in a file.

    on_share: told the share that is done, before every batch of windows; what it raises,
        `Cancelled` for instance, ends it.
    first: asked when windows are diffused; crossfaded ones have no velocity of the whole.
    resident: a device to keep the state on between evaluations, where it is short enough; the
        numbers are the same.
    Raises DiskFull, before anything is computed where it can be known.
    """
    frame_bytes = noise.n_rows * noise.n_channels * 4
    scratch.require(_FRAME_FILES * noise.n_frames * frame_bytes)
    on_share(0.0)
    if course.joining == "crossfade":
        return Frames.stored(_crossfaded(velocity, noise, course, on_share), scratch)
    if resident is not None and _FRAME_FILES * noise.n_frames * frame_bytes <= RESIDENT_BYTES:
        return _resident(velocity, noise, course, scratch, on_share, first, resident)
    return _diffused(velocity, noise, course, scratch, on_share, first)


def held(
    velocity: WindowVelocity, noise: Frames, latents: Frames, selection: Window
) -> WindowVelocity:
    """`velocity` in the `selection`; elsewhere the straight way from noise to `latents`.

    Every solver follows a constant velocity exactly, so at each time the frames outside are where
    training had them: on the line between their noise and their latents, [1 or K, T, 2C].
    """

    def velocity_or_line(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        free = velocity(windows, x, t)
        parts = []
        for window, part in zip(windows, free, strict=True):
            cut = (window.start, window.stop)
            line = (latents.read(*cut) - noise.read(*cut)).to(part.device)
            places = torch.arange(*cut, device=part.device)[:, None]
            is_free = (places >= selection.start) & (places < selection.stop)
            parts.append(torch.where(is_free, part, line))
        return torch.stack(parts)

    return velocity_or_line


def _diffused(
    velocity: WindowVelocity,
    noise: Frames,
    course: Course,
    scratch: Scratch,
    on_share: Callable[[float], None],
    first: First,
) -> Frames:
    n_batches = course.sampling.n_evaluations * course.n_groups
    n_begun = 0  # evaluations

    def field(x: Frames, t: float) -> Frames:
        nonlocal n_begun
        n_begun += 1
        return first(lambda: evaluated(x, t)) if n_begun == 1 else evaluated(x, t)

    def evaluated(x: Frames, t: float) -> Frames:
        x.settle(scratch)
        n_done = (n_begun - 1) * course.n_groups

        def compute(windows: tuple[Window, ...]) -> Tensor:
            nonlocal n_done
            on_share(n_done / n_batches)
            n_done += 1
            return velocity(windows, _stacked(x, windows), t)

        return Frames.stored(joined(course.windows, course.n_at_once, compute), scratch)

    latents = _solved(course.sampling, field, noise)
    latents.settle(scratch)
    return latents


def _resident(
    velocity: WindowVelocity,
    noise: Frames,
    course: Course,
    scratch: Scratch,
    on_share: Callable[[float], None],
    first: First,
    device: torch.device,
) -> Frames:
    """`_diffused`, with the state on the device."""

    def first_there(make: Callable[[], Tensor]) -> Tensor:
        made: list[Tensor] = []

        def stored() -> Frames:
            made.append(make())
            return Frames.stored([made[0]], scratch)

        known = first(stored)
        return made[0] if made else known.whole().to(device)

    latents = solved_on_device(
        velocity,
        noise.whole().to(device),
        course.sampling,
        course.windows,
        course.n_at_once,
        on_share,
        first_there,
    )
    return Frames.stored([latents], scratch)


def _crossfaded(
    velocity: WindowVelocity, noise: Frames, course: Course, on_share: Callable[[float], None]
) -> Iterator[Tensor]:
    n_batches = course.sampling.n_steps * course.n_groups
    n_done = 0

    def on_step(_step: Step) -> None:
        nonlocal n_done
        n_done += 1
        on_share(n_done / n_batches)

    def compute(windows: tuple[Window, ...]) -> Tensor:
        return course.sampling.solve(
            lambda x, t: velocity(windows, x, t), _stacked(noise, windows), on_step
        )

    return joined(course.windows, course.n_at_once, compute)


def _solved(
    sampling: Sampling,
    field: Callable[[Frames, float], Frames],
    noise: Frames,
    on_step: OnStep | None = None,
) -> Frames:
    """The solvers are written for tensors; all that they ask of x is to be added and scaled."""
    solve = cast(Callable[..., Frames], sampling.solve)
    return solve(field, noise, on_step)


def _stacked(frames: Frames, windows: tuple[Window, ...]) -> Tensor:
    """[W, K, n, C]."""
    return torch.stack([frames.read(window.start, window.stop) for window in windows])
