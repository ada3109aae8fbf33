"""Ways to go on from a draft that was solved already, each with what it costs in new evaluations.

    shared     the velocity of the noise is known; everything else is evaluated   the same result
    corrected  the draft's velocities, as a polynomial in time, are followed exactly, and the solver
               makes up for the difference alone (deferred correction)
    Richardson two midpoint solutions, the draft's and a finer one, cancel their error of order two
    sweeps     the draft's path through fixed nodes is corrected node by node, with the integral of
               the last sweep's velocities (spectral deferred correction)
    Picard     as sweeps, but all nodes of a sweep are evaluated at once, in one batch

Parareal is not among them: every iteration runs the fine solver over all of the time, which is
the whole of what is to be saved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.samplers import SAMPLERS, Sampling, VectorField, shifted

DRAFT = Sampling("adams", 3, shift=0.5)
COARSE = Sampling("midpoint", 2)
"""The draft for Richardson's way, which wants one solver and steps of one kind."""


@dataclass
class Counting:
    """A velocity that counts, and remembers where it was evaluated."""

    velocity: VectorField
    times: list[float] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def __call__(self, x: Tensor, t: float) -> Tensor:
        value = self.velocity(x, t)
        self.times.append(t)
        self.values.append(value)
        return value


@dataclass(frozen=True)
class Drafted:
    """A draft: the noise, where it ended, and the velocities on its way, the first at time 0."""

    noise: Tensor
    end: Tensor
    times: Sequence[float]
    velocities: Sequence[Tensor]

    @classmethod
    def of(cls, velocity: VectorField, noise: Tensor, sampling: Sampling) -> "Drafted":
        counted = Counting(velocity)
        end = sampling.solve(counted, noise)
        return cls(noise, end, counted.times, counted.values)

    def velocity(self, t: float) -> Tensor:
        """Of the path through all velocities."""
        return _combined(_values_at(self.times, t), self.velocities)

    def at(self, t: float) -> Tensor:
        """The path from the noise with that velocity."""
        return self.noise + _combined(_integrals(self.times, 0.0, t), self.velocities)


Continuation = Callable[[VectorField, Drafted, int], tuple[Tensor, int]]
"""The end, and how many evaluations beside the draft's: of size `n`, whatever that is there."""


def shared(sampler: str, shift: float) -> Continuation:
    """`n` steps from the start; the first velocity is the draft's."""

    def solve(velocity: VectorField, draft: Drafted, n: int) -> tuple[Tensor, int]:
        sampling = Sampling(sampler, n, shift)
        return sampling.solve(velocity, draft.noise), sampling.n_evaluations - 1

    return solve


def corrected(velocity: VectorField, draft: Drafted, n: int) -> tuple[Tensor, int]:
    """`n` midpoint steps of what the draft's path is wrong by; at time 0 it is not."""

    def error_velocity(error: Tensor, t: float) -> Tensor:
        if t == 0:
            return torch.zeros_like(error)
        return velocity(draft.at(t) + error, t) - draft.velocity(t)

    times = shifted(n, 0.7)
    error = SAMPLERS["midpoint"].solve(error_velocity, torch.zeros_like(draft.noise), times, None)
    return draft.at(1.0) + error, 2 * n - 1


def richardson(velocity: VectorField, draft: Drafted, n: int) -> tuple[Tensor, int]:
    """`n` midpoint steps, and what they and the draft's two say about the error."""
    fine = Sampling("midpoint", n).solve(velocity, draft.noise)
    coarse = COARSE.n_steps
    return fine + (fine - draft.end) * coarse**2 / (n**2 - coarse**2), 2 * n - 1


def sweeps(n_nodes: int) -> Continuation:
    """`n` sweeps over nodes that are dense at both ends."""

    def solve(velocity: VectorField, draft: Drafted, n: int) -> tuple[Tensor, int]:
        nodes = _nodes(n_nodes)
        known = _along(velocity, draft, nodes)
        x = draft.end
        for _ in range(n):
            x, fresh = draft.noise, [draft.velocities[0]]
            for index, (start, stop) in enumerate(pairwise(nodes)):
                better = (stop - start) * (fresh[index] - known[index])
                x = x + better + _combined(_integrals(nodes, start, stop), known)
                if index < n_nodes - 2:
                    fresh.append(velocity(x, stop))
            # Of the last sweep, this one serves nobody; it is not counted.
            fresh.append(velocity(x, nodes[-1]))
            known = fresh
        return x, (n_nodes - 1) * (1 + n) - 1

    return solve


def picard(n_nodes: int) -> Continuation:
    """`n` rounds, each of which evaluates all nodes at once."""

    def solve(velocity: VectorField, draft: Drafted, n: int) -> tuple[Tensor, int]:
        nodes = _nodes(n_nodes)
        known = _along(velocity, draft, nodes)
        for _ in range(n - 1):
            states = [
                draft.noise + _combined(_integrals(nodes, 0.0, node), known) for node in nodes[1:]
            ]
            later = [velocity(x, t) for x, t in zip(states, nodes[1:], strict=True)]
            known = [draft.velocities[0], *later]
        x = draft.noise + _combined(_integrals(nodes, 0.0, 1.0), known)
        return x, (n_nodes - 1) * n

    return solve


def _along(velocity: VectorField, draft: Drafted, nodes: Sequence[float]) -> list[Tensor]:
    """Velocities at the nodes of the draft's path; the first is known."""
    return [draft.velocities[0], *(velocity(draft.at(node), node) for node in nodes[1:])]


def _nodes(n_nodes: int) -> list[float]:
    """Where Chebyshev's polynomial turns, from 0 to 1."""
    return [(1 - cos(pi * index / (n_nodes - 1))) / 2 for index in range(n_nodes)]


def _combined(weights: NDArray[np.float64], values: Sequence[Tensor]) -> Tensor:
    terms = [float(weight) * value for weight, value in zip(weights, values, strict=True)]
    return torch.stack(terms).sum(dim=0)


def _values_at(times: Sequence[float], t: float) -> NDArray[np.float64]:
    """Weight of the value at each of the `times` in the polynomial through them, at t."""
    powers = float(t) ** np.arange(len(times))
    return np.asarray(powers @ _inverse(times))


def _integrals(times: Sequence[float], start: float, stop: float) -> NDArray[np.float64]:
    """Weights in its integral from start to stop."""
    orders = np.arange(1, len(times) + 1)
    powers = (float(stop) ** orders - float(start) ** orders) / orders
    return np.asarray(powers @ _inverse(times))


def _inverse(times: Sequence[float]) -> NDArray[np.float64]:
    return np.linalg.inv(np.vander(np.asarray(times), increasing=True))
