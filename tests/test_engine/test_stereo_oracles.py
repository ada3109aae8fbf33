"""With oracles in the model's place, `project` holds its own against the ideal ratio mask.

Small scenes of the kinds that are hard in `tests/benchmarks/bench_stereo.py`, which has the figures
on whole mixtures: one channel alone, opposite channels, a faint target in unrelated noise.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from engine.data import StereoMode
from engine.eval.metrics import si_sdr
from engine.stereo import Placement, downmix, downmix_weights, place
from engine.stereo_frames import Spectra, analyse, n_fft_for, synthesise

RATE = 8_000
N_FFT = n_fft_for(RATE)
N_SAMPLES = 4 * RATE

Samples = NDArray[np.float64]
Oracle = Callable[[Spectra, np.random.Generator], Spectra]


def through(rows: Samples, change: Callable[[Spectra], Spectra]) -> Samples:
    """Rows [N, C] after a change of their spectra [C, T, F]."""
    padded = np.pad(rows, ((N_FFT, 2 * N_FFT), (0, 0))).astype(np.float32)
    made = synthesise(np.asarray(change(analyse(padded, N_FFT)), np.complex64), N_FFT)
    start = N_FFT - 3 * N_FFT // 4
    return made[start : start + len(rows)].astype(np.float64)


def melody(low_hz: float, high_hz: float, seed: int) -> Samples:
    """Notes with overtones, one after the other [N]."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(N_SAMPLES) / RATE
    notes = np.zeros(N_SAMPLES)
    for start_s in np.arange(0, 4, 0.25):
        hz, since_s = rng.uniform(low_hz, high_hz), time_s - start_s
        rings = np.exp(-4 * since_s) * (since_s >= 0)
        notes += rings * sum(np.sin(2 * np.pi * n * hz * since_s) / n for n in range(1, 6))
    return 0.1 * notes


def wide_noise(level: float) -> Samples:
    """Noise of which most is opposite in two channels, so that it cancels in mono [N, 2]."""
    noise = level * np.random.default_rng(9).standard_normal((2, N_SAMPLES))
    return np.stack([noise[0] + 0.4 * noise[1], -noise[0] + 0.4 * noise[1]], axis=1)


ONE, OTHER = melody(200, 500, 1), melody(150, 700, 2)
SCENES = {
    "panned": (ONE[:, None] * (1.0, 0.4), OTHER[:, None] * (0.5, 0.9)),
    "one channel alone": (ONE[:, None] * (1.0, 0.0), OTHER[:, None] * (0.7, 0.7)),
    "opposite": (ONE[:, None] * (1.0, -1.0), OTHER[:, None] * (0.9, -0.5)),
    "six channels": (ONE[:, None] * np.linspace(1, 0, 6), OTHER[:, None] * np.linspace(0.2, 1, 6)),
    "faint in wide noise": (ONE[:, None] * (0.5, 0.2), wide_noise(0.1)),
}


def _true(spectra: Spectra, _rng: np.random.Generator) -> Spectra:
    return spectra


def _lossy(spectra: Spectra, rng: np.random.Generator) -> Spectra:
    nearby = np.maximum(uniform_filter(np.abs(spectra) ** 2, (1, 5, 9), mode="constant"), 0)
    noise = rng.standard_normal((2, *spectra.shape))
    return np.asarray(spectra + np.sqrt(nearby / 20) * (noise[0] + 1j * noise[1]))


def _drifting(spectra: Spectra, rng: np.random.Generator) -> Spectra:
    phase = np.cumsum(0.15 * rng.standard_normal((1, spectra.shape[1], 1)), axis=1)
    return np.asarray(spectra * np.exp(1j * phase))


def _phaseless(spectra: Spectra, rng: np.random.Generator) -> Spectra:
    return np.asarray(spectra * np.exp(2j * np.pi * rng.random(spectra.shape)))


def separated(
    name: str, oracle: Oracle, mode: StereoMode = "project", *, with_residual: bool = True
) -> tuple[Samples, Samples, Samples]:
    """Estimate, truth and rest [N, C] of a scene."""
    truth, rest = SCENES[name]
    mixture = truth + rest
    weights = downmix_weights([mixture])
    mono = np.stack([downmix(each, weights) for each in (truth, rest)], axis=1)
    rng = np.random.default_rng(0)
    voices = through(mono, lambda spectra: oracle(spectra, rng))
    voices = voices if with_residual else voices[:, :1]
    blocks = list(place([mixture], [voices], Placement(RATE, weights, mode)))
    return np.concatenate(blocks, axis=1)[0].astype(np.float64), truth, rest


def masked(truth: Samples, rest: Samples, powers_of: Callable[[Spectra], Spectra]) -> Samples:
    """The mixture through the power mask of what is made of truth and rest."""
    n_channels = truth.shape[1]

    def change(spectra: Spectra) -> Spectra:
        target, other = spectra[:n_channels], spectra[n_channels:]
        powers = [np.abs(powers_of(each)) ** 2 for each in (target, other)]
        return np.asarray((target + other) * powers[0] / (powers[0] + powers[1] + 1e-18))

    return through(np.concatenate([truth, rest], axis=1), change)


def test_through_gives_back_what_is_not_changed() -> None:
    rows = SCENES["panned"][0]
    assert np.abs(through(rows, lambda spectra: spectra) - rows).max() < 1e-6


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("oracle", [_true, _lossy, _drifting])
def test_project_loses_less_than_1_db_to_the_ideal_ratio_mask(name: str, oracle: Oracle) -> None:
    estimate, truth, rest = separated(name, oracle)
    bound = masked(truth, rest, lambda spectra: spectra)
    assert si_sdr(estimate, truth) > si_sdr(bound, truth) - 1


@pytest.mark.parametrize("name", ["panned", "one channel alone", "opposite", "six channels"])
def test_without_any_phase_it_does_not_fall_far_behind_a_mono_mask(name: str) -> None:
    """Pure tones are the worst: few bins say where they lie, and those say something else."""
    assert gain_over_mono_mask(name) > -4.5


def test_without_any_phase_a_faint_target_in_wide_noise_gains_over_a_mono_mask() -> None:
    assert gain_over_mono_mask("faint in wide noise") > 0


def gain_over_mono_mask(name: str) -> float:
    """SI-SDR over that of the true mono mask, in dB, of an oracle with random phases."""
    estimate, truth, rest = separated(name, _phaseless)
    weights = np.array(downmix_weights([truth + rest]), np.float32)[:, None, None]
    mono = masked(truth, rest, lambda spectra: (spectra * weights).sum(axis=0))
    return si_sdr(estimate, truth) - si_sdr(mono, truth)


@pytest.mark.parametrize("name", ["panned", "one channel alone", "opposite", "six channels"])
def test_level_and_phase_between_channels_are_the_targets(name: str) -> None:
    for mode in ("project", "generated"):
        estimate, truth, _ = separated(name, _lossy, mode)
        found, wanted = (each.T @ each / np.trace(each.T @ each) for each in (estimate, truth))
        assert np.abs(found - wanted).max() < 0.03
    flat, truth, _ = separated(name, _lossy, "mono")
    found, wanted = (each.T @ each / np.trace(each.T @ each) for each in (flat, truth))
    assert np.abs(found - wanted).max() > 0.1


def test_the_residual_sharpens_a_lossy_estimate() -> None:
    gains = []
    for with_residual in (True, False):
        estimate, truth, _ = separated("panned", _lossy, with_residual=with_residual)
        gains.append(si_sdr(estimate, truth))
    assert gains[0] > gains[1] + 0.5
