"""Solvers of dx/dt = v(x, t) over a schedule, as plain functions.

    euler     1 evaluation per step    order 1
    midpoint  2                        order 2   the original's, with 16 uniform steps
    heun      2                        order 2
    ralston   2                        order 2   smallest error bound of its kind
    adams     1, and 1 more at first   order 3   remembers the last two velocities
    rk4       4                        order 4

The order is what doubling the steps buys: the error falls by 2 to that power. An evaluation costs
the same everywhere. On flows whose answer is known (noise to several narrow normal distributions,
`tests/benchmarks/bench_quality.py`) `adams` makes the most of 4 to 32 of them and `rk4` of 48; all
gain from steps that get finer towards the end, `shifted(n, 0.7)`, the stiffer flows the more. Which
of it holds for real weights has to be measured there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

from .schedule import Schedule

VectorField = Callable[["Tensor", float], "Tensor"]
"""Velocity of x at time t, of x's shape and type."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A step that is done. n_done: of n_steps.   time: reached.   x: the state there."""

    n_done: int
    n_steps: int
    time: float
    x: Tensor


OnStep = Callable[[Step], None]
"""Called after every step. What it raises ends the solution, `Cancelled` for instance."""

_Advance = Callable[[VectorField, "Tensor", float, float], "Tensor"]


def euler(v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None = None) -> Tensor:
    """x at the last time, each step along the velocity at its start."""
    return _march(_euler_step, v, x, times, on_step)


def midpoint(v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None = None) -> Tensor:
    """x at the last time, each step along the velocity at its middle."""
    return _march(_midpoint_step, v, x, times, on_step)


def heun(v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None = None) -> Tensor:
    """x at the last time, each step along the mean of the velocities at both ends."""
    return _march(_heun_step, v, x, times, on_step)


def ralston(v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None = None) -> Tensor:
    """x at the last time, each step by the velocities at its start and at two thirds of it."""
    return _march(_ralston_step, v, x, times, on_step)


def rk4(v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None = None) -> Tensor:
    """x at the last time by the classical method of Runge and Kutta."""
    return _march(_rk4_step, v, x, times, on_step)


def adams(v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None = None) -> Tensor:
    """x at the last time by the three-step method of Adams and Bashforth, for uneven steps.

    A parabola through this step's velocity and the last two says how it goes on. The second step
    has a line instead, and the first takes another evaluation, at its middle.
    """
    n_steps = len(times) - 1
    known: list[tuple[float, Tensor]] = []
    for index in range(n_steps):
        start, end = times[index], times[index + 1]
        velocity = v(x, start)
        known = [(start, velocity), *known[:2]]
        if index == 0:
            middle = x + ((end - start) / 2) * velocity
            x = x + (end - start) * v(middle, (start + end) / 2)
        else:
            weights = _adams_weights([time for time, _ in known], start, end)
            for weight, (_, velocity) in zip(weights, known, strict=True):
                x = x + weight * velocity
        _tell(on_step, index, n_steps, end, x)
    return x


def _adams_weights(known: list[float], start: float, end: float) -> list[float]:
    """Share of the velocity at each of the `known` times in the step from `start` to `end`.

    That is the integral of the polynomial that is 1 there and 0 at the others; two points of
    Gauss and Legendre integrate it exactly, for its degree is 2 at most.
    """
    half, middle = (end - start) / 2, (start + end) / 2
    offset = half / 3**0.5
    weights = []
    for time in known:
        others = [other for other in known if other != time]
        values = [
            prod((point - other) / (time - other) for other in others)
            for point in (middle - offset, middle + offset)
        ]
        weights.append(half * sum(values))
    return weights


def _march(
    advance: _Advance, v: VectorField, x: Tensor, times: Schedule, on_step: OnStep | None
) -> Tensor:
    n_steps = len(times) - 1
    for index in range(n_steps):
        x = advance(v, x, times[index], times[index + 1] - times[index])
        _tell(on_step, index, n_steps, times[index + 1], x)
    return x


def _tell(on_step: OnStep | None, index: int, n_steps: int, time: float, x: Tensor) -> None:
    if on_step is not None:
        on_step(Step(index + 1, n_steps, time, x))


def _euler_step(v: VectorField, x: Tensor, t: float, h: float) -> Tensor:
    return x + h * v(x, t)


def _midpoint_step(v: VectorField, x: Tensor, t: float, h: float) -> Tensor:
    middle = x + (h / 2) * v(x, t)
    return x + h * v(middle, t + h / 2)


def _heun_step(v: VectorField, x: Tensor, t: float, h: float) -> Tensor:
    start = v(x, t)
    end = v(x + h * start, t + h)
    return x + (h / 2) * (start + end)


def _ralston_step(v: VectorField, x: Tensor, t: float, h: float) -> Tensor:
    start = v(x, t)
    later = v(x + (2 * h / 3) * start, t + 2 * h / 3)
    return x + h * (start / 4 + 3 * later / 4)


def _rk4_step(v: VectorField, x: Tensor, t: float, h: float) -> Tensor:
    k1 = v(x, t)
    k2 = v(x + (h / 2) * k1, t + h / 2)
    k3 = v(x + (h / 2) * k2, t + h / 2)
    k4 = v(x + h * k3, t + h)
    return x + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)
