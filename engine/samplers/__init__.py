"""Fixed-step solvers of the flow ODE, as plain functions over a schedule, and its noise."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from engine.errors import PromptError

from .noise import Draw, batch_noise, latent_noise
from .schedule import Schedule, shifted, uniform
from .solvers import OnStep, Step, VectorField, adams, euler, heun, midpoint, ralston, rk4

__all__ = [
    "Draw",
    "OnStep",
    "SAMPLERS",
    "Sampler",
    "Schedule",
    "Solve",
    "Step",
    "VectorField",
    "adams",
    "batch_noise",
    "euler",
    "heun",
    "latent_noise",
    "midpoint",
    "ralston",
    "rk4",
    "sampler_named",
    "shifted",
    "uniform",
]

Solve = Callable[[VectorField, Tensor, Schedule, OnStep | None], Tensor]


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
