import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.data import SeparationOptions, StereoMode
from engine.errors import PromptError
from engine.eval.metrics import si_sdr
from engine.stereo import (
    MODES,
    Placement,
    downmix,
    downmix_weights,
    heard_hz,
    needs_residual,
    place,
)
from engine.stereo_frames import CHUNK_HOPS, analyse, n_fft_for, resized, through_frames

RATE = 16_000
Samples = NDArray[np.float64]


def coloured(n_samples: int, seed: int, low_hz: float, high_hz: float) -> Samples:
    """Noise bursts in a band, loud and soft in turns."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hz = np.fft.rfftfreq(n_samples, 1 / RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] *= 0.05
    swell = 1 + np.sin(2 * np.pi * 1.3 * np.arange(n_samples) / RATE + seed)
    noise = np.fft.irfft(spectrum, n_samples)
    return np.asarray(0.1 * swell * noise / noise.std())


def placed(
    mixture: Samples,
    target: Samples,
    residual: Samples | None,
    mode: StereoMode = "project",
    weights: tuple[float, ...] | None = None,
    block: int = 10_000,
) -> Samples:
    n_channels = mixture.shape[1]
    weights = weights or (1 / n_channels,) * n_channels
    voices = target[:, None] if residual is None else np.column_stack([target, residual])
    return stems(mixture, voices, Placement(RATE, weights, mode), block)[0]


def stems(
    mixture: Samples, voices: Samples, placement: Placement, block: int = 10_000
) -> NDArray[np.float64]:
    """[R, N, C]; the voices come in blocks of another size."""
    starts = range(0, len(mixture), block)
    blocks = place(
        (mixture[start : start + block] for start in starts), [voices[:7], voices[7:]], placement
    )
    return np.concatenate(list(blocks), axis=1).astype(np.float64)


def error_db(estimate: Samples, wanted: Samples) -> float:
    return float(20 * np.log10(np.abs(estimate - wanted).max() / np.abs(wanted).max() + 1e-12))


def scene(pan_target: tuple[float, ...], pan_rest: tuple[float, ...]) -> tuple[Samples, Samples]:
    n_samples = 6 * RATE
    target = coloured(n_samples, 1, 300, 3000)
    rest = coloured(n_samples, 2, 1000, 6000)
    return target[:, None] * pan_target, rest[:, None] * pan_rest


def test_modes_and_an_unknown_one() -> None:
    assert MODES == ("project", "generated", "mono")
    with pytest.raises(PromptError, match="project, generated, mono"):
        Placement(RATE, (1.0,), "wide")  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 192_000])
def test_frames_give_the_stream_back(rate: int) -> None:
    n_fft = n_fft_for(rate)
    rows = np.random.default_rng(0).standard_normal((40_001, 2)).astype(np.float32)
    chunks = resized([rows[:7], rows[7:30_000], rows[30_000:]], CHUNK_HOPS * n_fft // 4)
    back = np.concatenate(list(through_frames(chunks, n_fft, 5, lambda spectra: spectra)))
    assert back.shape == rows.shape
    assert np.abs(back - rows).max() < 5e-6


@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_a_model_that_returns_its_input_gives_the_mixture(n_channels: int) -> None:
    rng = np.random.default_rng(3)
    mixture = 0.1 * rng.standard_normal((RATE, n_channels))
    mono = mixture.mean(axis=1)
    assert error_db(placed(mixture, mono, None), mixture) < -120
    assert error_db(placed(mixture, mono, np.zeros(RATE)), mixture) < -120


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n_samples", [1, 2, 511, 4097])
def test_every_length_and_zeros(mode: StereoMode, n_samples: int) -> None:
    mixture = np.ones((n_samples, 2)) * [0.5, -0.25]
    silence = np.zeros(n_samples)
    given = placed(mixture, mixture.mean(axis=1), None, mode)
    assert given.shape == mixture.shape
    assert np.isfinite(given).all()
    assert not placed(mixture, silence, mixture.mean(axis=1), mode).any()
    assert not placed(0 * mixture, silence, silence, mode).any()


def test_thirty_two_channels() -> None:
    mixture = np.random.default_rng(0).standard_normal((5_000, 32))
    assert placed(mixture, mixture.mean(axis=1), None).shape == (5_000, 32)


@pytest.mark.parametrize("mode", MODES)
def test_block_sizes_do_not_matter(mode: StereoMode) -> None:
    target, rest = scene((1.0, 0.3), (0.4, 0.9))
    given = (target + rest, target.mean(axis=1), rest.mean(axis=1), mode)
    whole = placed(*given, block=len(target))
    assert np.array_equal(placed(*given, block=997), whole)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("heard", [None, 3000.0])
def test_where_the_stream_is_cut_does_not_matter(mode: StereoMode, heard: float | None) -> None:
    """Silence before it moves every cut; what a window lacks around it would show."""
    target, rest = scene((1.0, 0.3), (0.4, 0.9))
    rows = np.concatenate([target + rest, target[:, :1], rest[:, :1]], axis=1)
    n_before = 40 * n_fft_for(RATE) // 4
    later = np.concatenate([np.zeros((n_before, 4)), rows])
    placement = Placement(RATE, (0.5, 0.5), mode, heard, with_residual=True)
    here, there = (stems(each[:, :2], each[:, 2:], placement) for each in (rows, later))
    assert len(rows) > CHUNK_HOPS * n_fft_for(RATE) // 4
    assert error_db(there[:, n_before:], here) < -100
    if mode != "mono":
        assert np.abs(there[:, n_before:] - here).max() > 0


@pytest.mark.parametrize("n_threads", [2, 5])
def test_threads_change_nothing(n_threads: int) -> None:
    target, rest = (np.tile(each, (4, 1)) for each in scene((1.0, 0.3), (0.4, 0.9)))
    voices = [np.column_stack([target[:, 0], rest[:, 1]])]
    placement = Placement(RATE, (0.5, 0.5), with_residual=True)
    one = list(place([target + rest], voices, placement))
    several = list(place([target + rest], voices, placement, n_threads))
    assert len(one) > n_threads
    assert all(np.array_equal(*pair) for pair in zip(one, several, strict=True))


def test_a_fault_among_threads_comes_through_and_leaves_none_behind() -> None:
    def blocks() -> Iterator[Samples]:
        yield np.zeros((5 * CHUNK_HOPS * n_fft_for(RATE), 1))
        raise PromptError("the disk is gone")

    made = place(blocks(), [np.zeros((10**7, 1))], Placement(RATE, (1.0,)), 3)
    with pytest.raises(PromptError, match="gone"):
        list(made)
    stopped = place([np.zeros((10**6, 1))], [np.zeros((10**6, 1))], Placement(RATE, (1.0,)), 3)
    assert next(iter(stopped)).shape[0] == 1
    stopped.close()  # type: ignore[attr-defined]
    assert not [each for each in threading.enumerate() if each.name.startswith("in-order")]


@pytest.mark.parametrize("mode", MODES)
def test_takes_do_not_know_of_each_other(mode: StereoMode) -> None:
    target, rest = scene((1.0, 0.3), (0.4, 0.9))
    mixture, mono = target + rest, np.column_stack([target.mean(axis=1), rest.mean(axis=1)])
    placement = Placement(RATE, (0.5, 0.5), mode, n_takes=2)
    both = stems(mixture, np.concatenate([mono, mono[:, ::-1]], axis=1), placement)
    for take, (first, second) in zip(both, (mono.T, mono.T[::-1]), strict=True):
        assert np.array_equal(take, placed(mixture, first, second, mode))
    assert np.abs(both[0] - both[1]).max() > 0.01


@pytest.mark.parametrize("mode", MODES)
def test_the_models_own_residual_is_placed_beside_its_target(mode: StereoMode) -> None:
    target, rest = scene((1.0, 0.25), (0.4, 0.9))
    mono = np.column_stack([target.mean(axis=1), 0.8 * rest.mean(axis=1)])
    plain = Placement(RATE, (0.5, 0.5), mode)
    (alone,) = stems(target + rest, mono, plain)
    made, residual = stems(target + rest, mono, replace(plain, with_residual=True))
    assert error_db(made, alone) < -120
    # It is the model's own sound, too soft as it may be, and not what the target leaves.
    assert error_db(residual.mean(axis=1), mono[:, 1]) < -20
    if mode != "mono":
        assert si_sdr(residual, rest) > 20


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (SeparationOptions(), True),
        (SeparationOptions(stereo="generated"), True),
        (SeparationOptions(stereo="mono"), False),
        (SeparationOptions(quality="draft"), False),
        (SeparationOptions(stereo="mono", residual="generated"), True),
        (SeparationOptions(quality="draft", residual="generated"), True),
    ],
)
def test_the_residual_is_decoded_where_it_helps(options: SeparationOptions, needed: bool) -> None:
    assert needs_residual(options) == needed


def test_panned_sources_are_told_apart_by_a_true_estimate() -> None:
    target, rest = scene((1.0, 0.2), (0.3, 0.9))
    estimate = placed(target + rest, target.mean(axis=1), rest.mean(axis=1))
    assert si_sdr(estimate, target) > si_sdr(target + rest, target) + 20


def phaseless(samples: Samples, seed: int) -> Samples:
    """The sound with a random phase in every bin."""
    rng = np.random.default_rng(seed)
    chunks = resized([samples[:, None]], CHUNK_HOPS * n_fft_for(RATE) // 4)
    return np.concatenate(
        list(
            through_frames(
                chunks,
                n_fft_for(RATE),
                0,
                lambda spectra: (spectra * np.exp(2j * np.pi * rng.random(spectra.shape))).astype(
                    np.complex64
                ),
            )
        )
    )[:, 0].astype(np.float64)


@pytest.mark.parametrize("pans", [((1.0, 0.8), (0.7, 0.9)), ((1.0, 0.0), (0.3, 0.9))])
def test_without_phases_it_is_no_worse_than_the_mono_mask(
    pans: tuple[tuple[float, ...], tuple[float, ...]],
) -> None:
    target, rest = scene(*pans)
    mono = [phaseless(target.mean(axis=1), 1), phaseless(rest.mean(axis=1), 2)]
    estimate = placed(target + rest, mono[0], mono[1])

    def mask(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
        powers = np.abs(spectra[2:]) ** 2
        return np.asarray(spectra[:2] * powers[0] / (powers.sum(axis=0) + 1e-18), np.complex64)

    rows = np.column_stack([target + rest, *mono])
    chunks = resized([rows], CHUNK_HOPS * n_fft_for(RATE) // 4)
    masked = np.concatenate(list(through_frames(chunks, n_fft_for(RATE), 0, mask)))
    assert si_sdr(estimate, target) > si_sdr(masked.astype(np.float64), target) - 0.2


def test_level_and_delay_of_the_estimate_hardly_matter() -> None:
    target, rest = scene((1.0, 0.2), (0.3, 0.9))
    late = 0.5 * np.concatenate([np.zeros(RATE // 1000), target.mean(axis=1)])[: len(target)]
    estimate = placed(target + rest, late, rest.mean(axis=1))
    assert si_sdr(estimate, target) > si_sdr(target + rest, target) + 10


def test_opposite_channels_are_heard_and_placed() -> None:
    target, rest = scene((1.0, -1.0), (0.8, -0.8))
    mixture = target + rest
    weights = downmix_weights([mixture[:9_000], mixture[9_000:]])
    assert sorted(weights) == [-0.5, 0.5]
    estimate = placed(mixture, downmix(target, weights), downmix(rest, weights), "project", weights)
    assert si_sdr(estimate, target) > si_sdr(mixture, target) + 20


def test_hard_panned_and_unrelated_channels_keep_the_mean() -> None:
    target, rest = scene((1.0, 0.0), (0.0, 1.0))
    assert downmix_weights([target]) == (0.5, 0.5)
    assert downmix_weights([target + rest]) == (0.5, 0.5)
    assert downmix_weights([np.zeros((10, 3))]) == (1 / 3,) * 3


def test_generated_is_the_models_sound_with_the_mixtures_panorama() -> None:
    target, rest = scene((1.0, 0.25), (0.4, 0.9))
    mono = target.mean(axis=1)
    estimate = placed(target + rest, mono, rest.mean(axis=1), "generated")
    assert si_sdr(estimate, target) > 20
    assert error_db(estimate.mean(axis=1), mono) < -20


def test_the_band_that_the_model_does_not_hear_follows_the_octave_below() -> None:
    assert heard_hz(48_000, 48_000) is None
    assert heard_hz(96_000, 48_000) == pytest.approx(21_600)
    assert heard_hz(44_100, 48_000) == pytest.approx(19_845)
    mixture = np.repeat(0.1 * np.random.default_rng(5).standard_normal((20_000, 1)), 2, axis=1)
    spectrum = np.fft.rfft(mixture.mean(axis=1))
    spectrum[len(spectrum) // 2 :] = 0
    heard = np.fft.irfft(spectrum, len(mixture))
    for share in (1.0, 0.5):
        placement = Placement(RATE, (0.5, 0.5), heard_hz=0.9 * RATE / 4)
        target, rest = share * heard, (1 - share) * heard
        estimate = stems(mixture, np.column_stack([target, rest]), placement)[0]
        power = np.abs(analyse(estimate.astype(np.float32), 512)[:, 4:-4]) ** 2
        whole = np.abs(analyse(mixture.astype(np.float32), 512)[:, 4:-4]) ** 2
        found = power[:, :, 160:].sum() / whole[:, :, 160:].sum()
        assert found == pytest.approx(share**2, rel=0.1)
