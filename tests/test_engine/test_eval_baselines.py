"""Baselines on sounds whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import median_filter

from engine.data import Span
from engine.eval.baselines import BASELINES, hpss, ideal_ratio_mask, median_along_last, span_gate
from engine.eval.dataset import Stems, load_manifest, read_stems
from engine.eval.metrics import si_sdr

from .mixtures_folder import RATE, write_folder


@pytest.fixture
def stems(tmp_path: Path) -> Stems:
    """Clicks from 1 to 2 s over a chord."""
    return read_stems(load_manifest(write_folder(tmp_path))[0])


def improvement_db(estimate: np.ndarray, stems: Stems, stem: np.ndarray) -> float:
    reference = stem / 32768
    return si_sdr(estimate, reference) - si_sdr(stems.mixture / 32768, reference)


def test_every_baseline_keeps_the_shape(stems: Stems) -> None:
    assert BASELINES
    for baseline in BASELINES:
        assert baseline.estimate(stems, "drums").shape == stems.mixture.shape, baseline.name


@pytest.mark.parametrize("n_samples", [1, 511, 2048, 5000])
def test_the_ideal_mask_gives_back_a_target_that_is_alone(n_samples: int) -> None:
    target = np.random.default_rng(n_samples).integers(-9000, 9000, (n_samples, 2), np.int16)
    alone = Stems(target, np.zeros_like(target), target, RATE)
    np.testing.assert_allclose(ideal_ratio_mask(alone, "event"), target / 32768, atol=1e-9)


def test_hpss_takes_clicks_for_drums_and_the_chord_for_the_rest(stems: Stems) -> None:
    assert improvement_db(hpss(stems, "drums"), stems, stems.target) > 6
    assert improvement_db(hpss(stems, "pitched"), stems, stems.rest) > 6
    both = hpss(stems, "drums") + hpss(stems, "pitched")
    np.testing.assert_allclose(both, stems.mixture / 32768, atol=1e-9)


def test_running_median_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).standard_normal((2, 40, 60))
    np.testing.assert_array_equal(
        median_along_last(values, 31), median_filter(values, size=(1, 1, 31))
    )


def test_gate_opens_in_present_spans_only() -> None:
    gate = span_gate((Span.present(1, 2),), 3 * RATE, RATE)
    assert gate.shape == (3 * RATE, 1)
    assert gate[RATE + 200 : 2 * RATE - 200].min() == 1
    assert gate[: RATE - 200].max() == gate[2 * RATE + 200 :].max() == 0
    assert gate[RATE, 0] == pytest.approx(0.5, abs=0.01)
    assert np.abs(np.diff(gate[:, 0])).max() < 1.1 / (0.02 * RATE)


def test_gate_of_absent_spans_alone_is_open_elsewhere() -> None:
    gate = span_gate((Span.absent(1, 2),), 3 * RATE, RATE)
    assert gate[RATE + 200 : 2 * RATE - 200].max() == 0
    assert gate[: RATE - 200].min() == 1


def test_gate_lets_later_spans_win_and_stays_open_without_any() -> None:
    gate = span_gate((Span.present(0, 3), Span.absent(1, 2)), 3 * RATE, RATE)
    assert gate[RATE + RATE // 2, 0] == 0
    assert gate[0, 0] == gate[-1, 0] == 1
    assert span_gate((), 10, RATE).min() == 1
