"""The ways to go on from a draft that `bench_quality.py` compares do what they are said to do."""

from collections.abc import Iterator

import pytest

from engine.sam_audio.device import computing
from engine.samplers import Sampling
from tests.benchmarks.continuations import (
    COARSE,
    DRAFT,
    Continuation,
    Counting,
    Drafted,
    corrected,
    picard,
    richardson,
    shared,
    sweeps,
)

from .known_flows import FLOWS, error_db

FLOW = FLOWS["gentle"]
WAYS: dict[str, tuple[Sampling, Continuation, int, int, float]] = {
    # the draft, the way, a size, its new evaluations, and how near it comes in dB
    "shared": (DRAFT, shared("midpoint", 1.0), 16, 31, -58),
    "corrected": (DRAFT, corrected, 12, 23, -55),
    "richardson": (COARSE, richardson, 8, 15, -48),
    "sweeps": (DRAFT, sweeps(8), 3, 27, -40),
    "picard": (DRAFT, picard(16), 7, 105, -40),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with computing(1):
        yield


@pytest.mark.parametrize("name", WAYS)
def test_a_way_on_comes_nearer_than_its_draft_with_the_evaluations_it_says(name: str) -> None:
    draft, way, size, n_new, within_db = WAYS[name]
    drafted = Drafted.of(FLOW.velocity, FLOW.noise, draft)
    counted = Counting(FLOW.velocity)
    found, n_said = way(counted, drafted, size)
    assert error_db(found, FLOW.end()) < within_db < error_db(drafted.end, FLOW.end())
    n_asked_for_nothing = {"shared": 1, "richardson": 1, "sweeps": 1}.get(name, 0)
    assert len(counted.times) - n_asked_for_nothing == n_said == n_new


def test_the_path_of_a_draft_has_its_velocities_where_they_were_found() -> None:
    drafted = Drafted.of(FLOW.velocity, FLOW.noise, DRAFT)
    for t, velocity in zip(drafted.times, drafted.velocities, strict=True):
        assert error_db(drafted.velocity(t), velocity) < -200
    slope = (drafted.at(0.5 + 1e-6) - drafted.at(0.5 - 1e-6)) / 2e-6
    assert error_db(slope, drafted.velocity(0.5)) < -120
    assert float((drafted.at(0.0) - FLOW.noise).abs().max()) == 0
