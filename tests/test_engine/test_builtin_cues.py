"""What the weight-free separator goes by: undrawn target, stereo, evidence, factorisation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.builtin import BuiltinSeparator
from engine.builtin.bands import BandMap
from engine.builtin.evidence import evidence_for, find_cues
from engine.builtin.nmf import activate, extend_dictionary, learn_dictionary, normalised
from engine.builtin.spatial import beams, stereo_gains
from engine.builtin.stft import FrameGrid, analyse, n_fft_for, synthesise
from engine.builtin.undrawn import describe_frames, without_target
from engine.builtin.vocabulary import Sound
from engine.data import Monitor, Prompt, SeparationOptions, Span
from tests.test_engine.builtin_scenes import (
    SAMPLE_RATE,
    clip,
    drum_hits,
    melody,
    si_sdr,
    stereo,
    sweeps,
    tone,
)


def separated(mixture: NDArray[np.float32], prompt: Prompt) -> NDArray[np.float32]:
    options = SeparationOptions(n_threads=1)
    estimate = BuiltinSeparator().estimate(clip(mixture), prompt, options, Monitor())
    return np.concatenate(list(estimate.blocks), axis=1)[0]


def spectra_of(samples: NDArray[np.float32]) -> tuple[FrameGrid, BandMap, NDArray[np.complex64]]:
    grid = FrameGrid.over(SAMPLE_RATE, len(samples))
    return grid, BandMap.over(grid), analyse(samples, grid, 0, grid.n_frames)


@pytest.mark.parametrize(
    ("sample_rate", "n_fft"),
    [(8_000, 512), (16_000, 1024), (44_100, 2048), (48_000, 2048), (96_000, 4096), (192_000, 8192)],
)
def test_windows_last_about_as_long_at_any_rate(sample_rate: int, n_fft: int) -> None:
    assert n_fft_for(sample_rate) == n_fft
    assert 0.04 < n_fft / sample_rate < 0.07


def test_frames_rebuild_the_samples() -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((5_000, 2)).astype(np.float32)
    grid, _, spectra = spectra_of(samples)
    assert np.abs(synthesise(spectra, grid.n_fft)[:5_000] - samples).max() < 1e-5


@pytest.mark.parametrize("level", [1e-20, 1.0, 1e12])
def test_bands_hold_the_power_at_any_level(level: float) -> None:
    samples = stereo(tone(0.5)) * np.float32(level)
    _, bands, spectra = spectra_of(samples)
    pooled = (bands.pool(spectra).astype(np.float64) ** 2 * bands.n_bins_in).sum()
    power = (np.abs(spectra.astype(np.complex128)) ** 2).sum()
    assert pooled == pytest.approx(power, rel=1e-3)


def test_undrawn_target_is_not_learned_as_background() -> None:
    target = stereo(sweeps(8.0, 4.05), 0.4)
    mixture = target + stereo(melody(8.0), 0.6)
    grid, bands, spectra = spectra_of(mixture)
    V = beams(spectra, bands, bands.pool(spectra))
    labels = np.zeros(grid.n_frames, np.int8)
    second = grid.frames_per_s
    # drawn from 4 to 6.5 s, going on to 8 s
    labels[int(4.1 * second) : int(6.5 * second)] = 1
    background = without_target(describe_frames(V, bands, grid.frames_per_s), labels)
    assert background[: int(3.7 * second)].mean() > 0.9
    assert background[int(6.7 * second) : int(7.3 * second)].mean() < 0.2
    assert not background[labels == 1].any()


def test_few_or_like_frames_stay_background() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((200, 8)).astype(np.float32)
    labels = np.zeros(200, np.int8)
    labels[::4] = 1
    assert np.array_equal(without_target(features, labels), labels == 0)
    assert np.array_equal(without_target(features[:6], labels[:6]), labels[:6] == 0)
    assert np.array_equal(without_target(features * 0, labels), labels == 0)


def test_half_drawn_events_come_out_whole() -> None:
    target = stereo(sweeps(8.0, 4.05), 0.4)
    mixture = target + stereo(melody(8.0), 0.6)
    found = separated(mixture, Prompt("", (Span.present(4, 6.5),)))
    rest = slice(int(6.6 * SAMPLE_RATE), None)
    assert si_sdr(found[rest], target[rest]) > si_sdr(mixture[rest], target[rest]) + 6


def test_the_stereo_filter_parts_sounds_that_share_every_band() -> None:
    rng = np.random.default_rng(1)
    noises = rng.standard_normal((2, SAMPLE_RATE))
    target, other = stereo(noises[0], 0.2), stereo(noises[1], 0.9)
    grid, bands, spectra = spectra_of(target + other)
    models = []
    for part in (target, other):
        own = spectra_of(part)[2]
        V = beams(own, bands, bands.pool(own))
        # no detail at all: only where it sits
        models.append(np.broadcast_to(np.sqrt((V**2).mean(axis=(0, 2), keepdims=True)), V.shape))
    found = synthesise(stereo_gains(*models).apply(spectra, bands), grid.n_fft)[: len(target)]
    assert si_sdr(found, target) > si_sdr(target + other, target) + 10


def test_stereo_gains_add_up_to_the_mixture() -> None:
    rng = np.random.default_rng(2)
    V = np.abs(rng.standard_normal((2, 5, 4, 9))).astype(np.float32)
    ours, theirs = stereo_gains(V[0], V[1]), stereo_gains(V[1], V[0])
    assert ours.other is not None
    assert theirs.other is not None
    assert np.isfinite(ours.own).all()
    # a little is lost where both channels are alike
    assert np.abs(ours.other + theirs.other).max() < 1e-3
    assert np.abs(ours.own + theirs.own - 1).max() < 0.1


def evidence(sound: Sound, mono: NDArray[np.float64]) -> float:
    grid, bands, spectra = spectra_of(stereo(mono))
    V = bands.pool(spectra).mean(axis=1)
    cues = find_cues(V, 0, slice(0, len(V)), bands.centres_hz, grid.frames_per_s)
    E = evidence_for(sound, cues)
    assert np.isfinite(E).all()
    assert E.min() >= 0
    assert E.max() <= 0.99
    return float((V * E).sum() / V.sum())


@pytest.mark.parametrize(
    ("sound", "like", "unlike"),
    [
        (Sound("drums"), drum_hits(3), tone(3)),
        (Sound("hihat"), drum_hits(3), melody(3)),
        (Sound("bass"), tone(3, 60, 2), melody(3)),
        (Sound("speech"), melody(3), tone(3)),
        (Sound("pitched"), tone(3), drum_hits(3)),
        (Sound("pitched", melodic=True), melody(3), tone(3)),
    ],
)
def test_evidence_speaks_for_its_own_kind(
    sound: Sound, like: NDArray[np.float64], unlike: NDArray[np.float64]
) -> None:
    assert evidence(sound, like) > 3 * evidence(sound, unlike)


@pytest.mark.parametrize(
    ("description", "mono"),
    [
        ("drums", tone(2)),
        ("drums", tone(2, 80, 1)),
        ("kick", tone(2)),
        ("hi-hat", tone(2)),
        ("bass", melody(2, 1000)),
        ("speech", tone(2)),
        ("flute", tone(2)),
        ("piano", drum_hits(2)),
    ],
)
def test_what_nothing_speaks_for_is_silent(description: str, mono: NDArray[np.float64]) -> None:
    options = SeparationOptions(n_threads=1)
    mixture = clip(stereo(mono))
    result = BuiltinSeparator().estimate(mixture, Prompt(description), options, Monitor())
    assert [notice.code for notice in result.notices] == ["target_absent"]
    assert not np.concatenate(list(result.blocks), axis=1).any()


def test_voice_like_movement_comes_out_of_chords_by_text_alone() -> None:
    time_s = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    pitch_hz = 180 + 60 * np.sin(2 * np.pi * 1.3 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE
    voice = sum(0.2 / k * np.sin(k * phase) for k in range(1, 12))
    voice *= np.sin(2 * np.pi * 0.6 * time_s) > 0
    target = stereo(voice)
    mixture = target + stereo(tone(4, 220) + tone(4, 277) + tone(4, 330), 0.3)
    found = separated(mixture, Prompt("a man speaking"))
    assert si_sdr(found, target) > si_sdr(mixture, target) + 6


def test_factorisation_finds_what_is_new() -> None:
    rng = np.random.default_rng(0)
    dictionary = normalised(rng.random((3, 40), np.float32) ** 4)
    known, new = dictionary[:2], dictionary[2:]
    V = rng.random((300, 3), np.float32) @ dictionary
    found = extend_dictionary(V, known, 1, 200, rng)
    assert np.corrcoef(found[0], new[0])[0, 1] > 0.9
    W = learn_dictionary(V, 3, 200, rng)
    H = activate(V, W, 100)
    assert np.abs(H @ W - V).mean() < 0.05 * V.mean()
    assert W.sum(axis=1) == pytest.approx(np.ones(3), rel=1e-3)
