"""Samplers by name, with what they cost, and a choice of one with its schedule.

What a run costs is said without loading torch: it is not imported here, nor by the solvers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import PromptError

from .schedule import Schedule, shifted
from .solvers import OnStep, VectorField, adams, euler, heun, midpoint, ralston, rk4

if TYPE_CHECKING:
    from torch import Tensor

Solve = Callable[[VectorField, "Tensor", Schedule, OnStep | None], "Tensor"]


@dataclass(frozen=True, slots=True)
class Sampler:
    """A solver with its cost. order: of convergence.   n_extra: evaluations beside the steps'."""

    name: str
    solve: Solve
    order: int
    evaluations_per_step: int
    n_extra: int = 0

    def n_evaluations(self, n_steps: int) -> int:
        """How often the network runs for `n_steps` steps."""
        return n_steps * self.evaluations_per_step + self.n_extra


SAMPLERS = {
    sampler.name: sampler
    for sampler in (
        Sampler("midpoint", midpoint, 2, 2),
        Sampler("euler", euler, 1, 1),
        Sampler("heun", heun, 2, 2),
        Sampler("ralston", ralston, 2, 2),
        Sampler("adams", adams, 3, 1, n_extra=1),
        Sampler("rk4", rk4, 4, 4),
    )
}
"""Solvers by name; the first is the default."""


def sampler_named(name: str) -> Sampler:
    """The sampler `name`. Raises PromptError and lists the names that there are."""
    if name not in SAMPLERS:
        raise PromptError(f"sampler {name!r}: there are {', '.join(SAMPLERS)}")
    return SAMPLERS[name]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How noise becomes sound. The default is the original's: 32 evaluations of the network.

    n_steps, shift: of the schedule, see `shifted`.
    Raises PromptError for an unknown sampler and for a schedule that is none.
    """

    sampler: str = "midpoint"
    n_steps: int = 16
    shift: float = 1.0

    def __post_init__(self) -> None:
        sampler_named(self.sampler)
        shifted(self.n_steps, self.shift)

    @property
    def n_evaluations(self) -> int:
        """How often the network runs."""
        return sampler_named(self.sampler).n_evaluations(self.n_steps)

    @property
    def times(self) -> tuple[float, ...]:
        """When the network runs, in order and to the last bit, so that it can be prepared."""
        import torch

        times = []

        def velocity(x: Tensor, t: float) -> Tensor:
            times.append(t)
            return x

        self.solve(velocity, torch.zeros(()))
        return tuple(times)

    def solve(self, v: VectorField, x: Tensor, on_step: OnStep | None = None) -> Tensor:
        """x at time 1, from x at time 0."""
        return sampler_named(self.sampler).solve(v, x, shifted(self.n_steps, self.shift), on_step)
