import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import engine.samplers
from engine.data import Monitor, Progress
from engine.errors import Cancelled, PromptError
from engine.samplers import (
    SAMPLERS,
    Sampler,
    Sampling,
    Step,
    VectorField,
    heun,
    midpoint,
    rk4,
    sampler_named,
    shifted,
    uniform,
)

ALL = list(SAMPLERS.values())


def names(sampler: Sampler) -> str:
    return sampler.name


def test_there_are_samplers_and_midpoint_is_the_default() -> None:
    assert next(iter(SAMPLERS)) == "midpoint"
    assert {"euler", "heun", "adams"} <= set(SAMPLERS)
    assert engine.samplers.__all__ == sorted(engine.samplers.__all__)
    assert all(hasattr(engine.samplers, name) for name in engine.samplers.__all__)


def error(sampler: Sampler, n_steps: int, shift: float = 1.0) -> float:
    """Of dx/dt = x with x(0) = 1, whose answer at 1 is e."""
    x = sampler.solve(
        lambda x, _: x, torch.ones(1, dtype=torch.float64), shifted(n_steps, shift), None
    )
    return abs(float(x) - math.e)


@pytest.mark.parametrize("sampler", ALL, ids=names)
@pytest.mark.parametrize("shift", [1.0, 2.5])
def test_doubling_the_steps_divides_the_error_by_two_to_the_order(
    sampler: Sampler, shift: float
) -> None:
    order = math.log2(error(sampler, 32, shift) / error(sampler, 64, shift))
    assert order == pytest.approx(sampler.order, abs=0.15)


@pytest.mark.parametrize("sampler", ALL, ids=names)
@pytest.mark.parametrize("times", [uniform(1), uniform(5), shifted(4, 3.0)], ids=len)
def test_polynomials_below_the_order_are_solved_exactly(
    sampler: Sampler, times: tuple[float, ...]
) -> None:
    degree = 2 if sampler.name == "adams" else sampler.order  # its first step is a midpoint

    def velocity(x: Tensor, t: float) -> Tensor:
        return torch.full_like(x, degree * t ** (degree - 1))

    x = sampler.solve(velocity, torch.full((2, 3), 5.0, dtype=torch.float64), times, None)
    torch.testing.assert_close(x, torch.full_like(x, 6.0))


def test_the_known_error_of_the_midpoint_rule_on_three_t_squared() -> None:
    """Its integral over [0, 1] is 1 - h²/4: one step gives 3/4, two give 15/16."""
    start = torch.zeros(1, dtype=torch.float64)
    results = [float(midpoint(lambda x, t: 3 * t**2 + 0 * x, start, uniform(n))) for n in (1, 2)]
    assert results == pytest.approx([3 / 4, 15 / 16], abs=1e-15)


def test_the_default_evaluates_where_the_original_does() -> None:
    seen: list[float] = []

    def velocity(x: Tensor, t: float) -> Tensor:
        seen.append(t)
        return x

    midpoint(velocity, torch.zeros(1), uniform(16))
    assert seen == [index / 32 for index in range(32)]


@pytest.mark.parametrize("sampler", ALL, ids=names)
def test_the_network_runs_as_often_as_promised(sampler: Sampler) -> None:
    n_runs = 0

    def velocity(x: Tensor, t: float) -> Tensor:
        nonlocal n_runs
        n_runs += 1
        assert 0 <= t <= 1
        return x

    sampler.solve(velocity, torch.zeros(1), uniform(7), None)
    assert n_runs == sampler.n_evaluations(7)


def flow(spread: float) -> VectorField:
    """The exact flow from standard noise to three normal distributions of width `spread`.

    On straight paths, (1-t) noise + t data, each of them alone makes the velocity
    mean + s'/s (x - t mean) with s² = (1-t)² + t² spread²; they mix by how likely x is.
    """
    means = torch.tensor([-1.0, 0.3, 1.2], dtype=torch.float64)
    shares = torch.tensor([0.3, 0.5, 0.2], dtype=torch.float64)

    def velocity(x: Tensor, t: float) -> Tensor:
        variance = (1 - t) ** 2 + t**2 * spread**2
        away = x[:, None] - t * means
        likely = (shares.log() - away**2 / (2 * variance)).softmax(dim=-1)
        return (likely * (means + (t * spread**2 - (1 - t)) / variance * away)).sum(dim=-1)

    return velocity


def flow_error(name: str, n_evaluations: int, spread: float, shift: float) -> float:
    sampler, start = SAMPLERS[name], torch.linspace(-3, 3, 201, dtype=torch.float64)
    n_steps = (n_evaluations - sampler.n_extra) // sampler.evaluations_per_step
    end = sampler.solve(flow(spread), start, shifted(n_steps, shift), None)
    exact = rk4(flow(spread), start, uniform(400))
    return float(((end - exact).square() * torch.exp(-(start**2) / 2)).mean().sqrt())


@pytest.mark.parametrize("spread", [0.2, 0.4])
@pytest.mark.parametrize("n_evaluations", [9, 13, 17])
def test_with_few_evaluations_adams_makes_the_most_of_each(
    spread: float, n_evaluations: int
) -> None:
    adams = flow_error("adams", n_evaluations, spread, 0.7)
    assert adams < flow_error("adams", n_evaluations, spread, 1.0)  # finer towards the end
    assert adams < flow_error("euler", n_evaluations, spread, 0.7)
    assert adams < flow_error("midpoint", n_evaluations, spread, 0.7)


@pytest.mark.parametrize("sampler", ALL, ids=names)
def test_every_step_is_told_and_can_end_the_solution(sampler: Sampler) -> None:
    told: list[Step] = []
    end = sampler.solve(lambda x, _: x, torch.ones(1), uniform(4), told.append)
    assert [(step.n_done, step.n_steps, step.time) for step in told] == [
        (1, 4, 0.25),
        (2, 4, 0.5),
        (3, 4, 0.75),
        (4, 4, 1.0),
    ]
    assert torch.equal(told[-1].x, end)

    seen: list[Progress] = []
    monitor = Monitor(on_progress=seen.append, is_cancelled=lambda: len(seen) == 2)
    with pytest.raises(Cancelled):
        sampler.solve(
            lambda x, _: x,
            torch.ones(1),
            uniform(4),
            lambda step: monitor.report("sample", step.n_done / step.n_steps),
        )
    assert [progress.fraction for progress in seen] == [0.25, 0.5]


@given(n_steps=st.integers(1, 40), shift=st.floats(0.05, 20))
def test_schedules_rise_from_zero_to_one(n_steps: int, shift: float) -> None:
    times = shifted(n_steps, shift)
    assert len(times) == n_steps + 1
    assert (times[0], times[-1]) == (0.0, 1.0)
    assert all(a < b for a, b in pairwise(times))


def test_a_shift_below_one_makes_the_last_steps_finer() -> None:
    assert shifted(8, 1.0) == uniform(8)
    lengths = [end - start for start, end in pairwise(shifted(8, 0.5))]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] == pytest.approx(0.5 / 8, rel=0.1)
    assert lengths[0] == pytest.approx(2 / 8, rel=0.2)


def test_impossible_schedules_and_names_are_refused() -> None:
    with pytest.raises(PromptError, match="0 steps: at least 1"):
        uniform(0)
    with pytest.raises(PromptError, match="shift 0: it must be above 0"):
        shifted(4, 0)
    with pytest.raises(PromptError, match="'dopri5': there are midpoint, euler"):
        sampler_named("dopri5")
    assert sampler_named("heun").order == 2


def test_a_choice_of_sampler_solves_over_its_schedule() -> None:
    default = Sampling()
    assert (default.sampler, default.n_evaluations) == ("midpoint", 32)
    start = torch.ones(1, dtype=torch.float64)
    chosen = Sampling("heun", n_steps=5, shift=0.7).solve(lambda x, _: x, start)
    assert torch.equal(chosen, heun(lambda x, _: x, start, shifted(5, 0.7)))
    for wrong in ({"sampler": "dopri5"}, {"n_steps": 0}, {"shift": -1.0}):
        with pytest.raises(PromptError):
            Sampling(**wrong)  # type: ignore[arg-type]
