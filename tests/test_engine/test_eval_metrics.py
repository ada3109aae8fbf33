"""Metrics against closed forms, and against formulae that go another way."""

import importlib.util
import math
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.eval.metrics import (
    Seconds,
    Truth,
    active_mask,
    leakage_db,
    null_db,
    score,
    sdr,
    si_sdr,
)

RATE = 8000
BENCH = Path(
    os.environ.get("STEMLASSO_BENCH", Path(__file__).parents[2].parent / "shared/bench/public")
)


def noise(seed: int, n_samples: int = RATE, n_channels: int = 2) -> NDArray[np.float64]:
    return 0.1 * np.random.default_rng(seed).standard_normal((n_samples, n_channels))


def si_sdr_by_correlation(estimate: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """SI-SDR from the correlation coefficient alone: 10 log10(rho^2 / (1 - rho^2))."""
    rho = np.corrcoef(estimate.ravel(), reference.ravel())[0, 1]
    return float(10 * np.log10(rho**2 / (1 - rho**2)))


@pytest.mark.parametrize("seed", range(5))
def test_si_sdr_is_that_of_the_correlation_coefficient(seed: int) -> None:
    reference = noise(seed)
    estimate = 0.7 * reference + 0.3 * noise(100 + seed) + 0.05
    expected = si_sdr_by_correlation(estimate, reference)
    assert si_sdr(estimate, reference) == pytest.approx(expected, abs=1e-6)


def test_si_sdr_is_that_of_a_least_squares_fit() -> None:
    """The projection solved as a linear system with a free constant, as fast_bss_eval does it."""
    reference, estimate = noise(1), 0.4 * noise(1) + noise(2) - 0.2
    columns = np.stack([reference.ravel(), np.ones(reference.size)], axis=1)
    solution, _, _, _ = np.linalg.lstsq(columns, estimate.ravel(), rcond=None)
    error = estimate.ravel() - columns @ solution
    target = solution[0] * (reference.ravel() - reference.mean())
    expected = 10 * math.log10((target @ target) / (error @ error))
    assert si_sdr(estimate, reference) == pytest.approx(expected, abs=1e-6)


def test_si_sdr_ignores_level_and_offset_and_sdr_does_not() -> None:
    reference = noise(3)
    estimate = reference + 0.1 * noise(4)
    changed = 0.25 * estimate + 0.3
    assert si_sdr(changed, reference) == pytest.approx(si_sdr(estimate, reference), abs=1e-4)
    assert sdr(changed, reference) < sdr(estimate, reference) - 10


def test_orthogonal_error_gives_the_power_ratio() -> None:
    time_s = np.arange(RATE) / RATE
    reference = np.sin(2 * np.pi * 100 * time_s)[:, None]
    error = 0.1 * np.cos(2 * np.pi * 100 * time_s)[:, None]
    assert si_sdr(reference + error, reference) == pytest.approx(20, abs=1e-6)
    assert sdr(reference + error, reference) == pytest.approx(20, abs=1e-6)


def test_a_level_error_alone_gives_its_sdr() -> None:
    reference = noise(5)
    assert sdr(0.5 * reference, reference) == pytest.approx(20 * math.log10(2), abs=1e-6)


def test_stereo_is_one_vector_so_a_wrong_panorama_costs() -> None:
    reference = noise(6, n_channels=1) * [1.0, 0.5]
    panned = reference * [0.5, 2.0]
    left_only = reference[:, :1]
    assert si_sdr(panned[:, :1], left_only) > 60
    assert si_sdr(panned, reference) < 10


def test_a_silent_estimate_scores_zero_and_silent_stems_stay_finite() -> None:
    silence = np.zeros((RATE, 2))
    assert si_sdr(silence, noise(7)) == 0
    assert sdr(silence, noise(7)) == pytest.approx(0)
    assert math.isfinite(si_sdr(noise(7), silence))


def test_active_mask_marks_the_spans_in_samples() -> None:
    active = active_mask([(0.25, 0.5), (0.75, 9.0)], RATE, RATE)
    expected = np.zeros(RATE, dtype=bool)
    expected[2000:4000] = expected[6000:] = True
    np.testing.assert_array_equal(active, expected)


def test_leakage_is_the_level_outside_the_active_time() -> None:
    mixture = noise(8)
    active = active_mask([(0.5, 1.0)], RATE, RATE)
    estimate = np.where(active[:, None], 5 * mixture, 0.1 * mixture)
    assert leakage_db(estimate, mixture, active, RATE) == pytest.approx(-20, abs=1e-4)
    assert leakage_db(mixture, mixture, active, RATE) == pytest.approx(0)


def test_leakage_needs_a_fifth_of_a_second_of_silence() -> None:
    active = active_mask([(0.0, 0.85)], RATE, RATE)
    assert leakage_db(noise(9), noise(9), active, RATE) is None


def test_null_is_the_peak_of_what_is_missing() -> None:
    mixture = np.array([[100.0, -7.0], [3.0, 32767.0]]) / 32768
    target = np.array([[60.0, 1.0], [-2.0, 30000.0]]) / 32768
    assert null_db(mixture, target, mixture - target) == -math.inf
    off_by_one = mixture - target + np.array([[0, 0], [1, 0]]) / 32768
    assert null_db(mixture, target, off_by_one) == pytest.approx(20 * math.log10(1 / 32768))


def test_scores_of_the_truth_and_of_the_mixture() -> None:
    target, rest = noise(10), 2 * noise(11)
    active = active_mask([(0.0, 0.5)], RATE, RATE)
    target[~active] = 0
    truth = Truth(target + rest, target, rest, active, RATE)

    perfect = score(truth, target, rest, Seconds(wall_s=0.5, cpu_s=0.25))
    assert perfect.si_sdri > 50
    assert perfect.leakage_db is not None
    assert perfect.leakage_db < -80
    assert (perfect.rtf, perfect.rtf_cpu) == (0.5, 0.25)

    mixture = score(truth, truth.mixture, np.zeros_like(rest), Seconds(1, 1))
    assert mixture.si_sdri == mixture.sdri == mixture.active_si_sdri == 0
    assert mixture.leakage_db == pytest.approx(0)
    assert mixture.null_exact
    assert mixture.null_db is None
    assert not mixture.silent


def test_equal_to_the_metrics_beside_the_bench() -> None:
    """Only where a folder of mixtures lies beside the repository together with its metrics.py."""
    path = BENCH.parent / "metrics.py"
    if not path.is_file():
        pytest.skip(f"{path} is not here; STEMLASSO_BENCH names the folder beside it")
    spec = importlib.util.spec_from_file_location("bench_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    bench_metrics = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench_metrics)

    target, rest = noise(12, 3 * RATE), noise(13, 3 * RATE)
    spans = [(0.5, 1.25), (2.0, 2.5)]
    active = active_mask(spans, len(target), RATE)
    target[~active] = 0
    estimate = 0.6 * target + 0.2 * rest
    truth = Truth(target + rest, target, rest, active, RATE)
    ours = score(truth, estimate, truth.mixture - estimate, Seconds(1, 1))
    theirs = bench_metrics.evaluate(estimate, target, rest, spans, RATE)
    pairs = {
        "si_sdri": "sisdri",
        "active_si_sdri": "act_sisdri",
        "residual_si_sdri": "res_sisdri",
        "sdri": "sdri",
        "leakage_db": "leak_db",
    }
    for own_name, their_name in pairs.items():
        assert getattr(ours, own_name) == pytest.approx(theirs[their_name], abs=1e-9), own_name
