"""Spectrograms for pictures: where the energy is, and how large the picture gets."""

import numpy as np
import pytest

from engine.eval.spectrogram import N_BANDS, N_COLUMNS, spectrogram

RATE = 48_000


@pytest.mark.parametrize("tone_hz", [60.0, 440.0, 5000.0, 15_000.0])
def test_a_tone_is_loudest_in_its_band(tone_hz: float) -> None:
    time_s = np.arange(2 * RATE) / RATE
    samples = np.sin(2 * np.pi * tone_hz * time_s)[:, None] * [0.5, 0.25]
    shown = spectrogram(samples, RATE)
    band = int(shown.levels_db[:, 200].argmax())
    width_hz = RATE / 4096
    assert shown.band_edges_hz[band] - width_hz < tone_hz < shown.band_edges_hz[band + 1] + width_hz


def test_a_burst_is_where_it_was() -> None:
    samples = np.zeros((4 * RATE, 1))
    samples[2 * RATE : 3 * RATE] = np.random.default_rng(0).standard_normal((RATE, 1)) * 0.1
    shown = spectrogram(samples, RATE)
    loud = shown.levels_db.max(axis=0) > -60
    columns = np.flatnonzero(loud) / len(loud) * 4
    assert columns[0] == pytest.approx(2, abs=0.06)
    assert columns[-1] == pytest.approx(3, abs=0.06)


@pytest.mark.parametrize("n_samples", [1, 100, 48_000, 48_000 * 60])
def test_the_picture_keeps_its_size_whatever_the_length(n_samples: int) -> None:
    shown = spectrogram(np.full((n_samples, 2), 0.1), RATE)
    assert shown.levels_db.shape[0] == N_BANDS
    assert 1 <= shown.levels_db.shape[1] <= N_COLUMNS
    assert np.isfinite(shown.levels_db).all()


def test_silence_is_the_floor() -> None:
    assert (spectrogram(np.zeros((RATE, 1)), RATE).levels_db == -140).all()
