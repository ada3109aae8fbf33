"""Peaks and spectrogram tiles against the samples that they stand for."""

from pathlib import Path

import numpy as np
import soundfile

from gui.audio import peaks as peaks_module
from gui.audio.files import SoundReader, sound_info
from gui.audio.onsets import onsets_s
from gui.audio.peaks import BASE, CHUNK, Peaks, build, columns_of, pairs_of
from gui.audio.spectra import FLOOR_DB, N_ROWS, TOP_DB, TileKey, hop_for, keys_between, row_of, tile

from .sounds import BURSTS_S, RATE, write_mixture


def filled(path: Path, cache: Path | None = None) -> Peaks:
    peaks = Peaks(sound_info(path))
    build(peaks, cache, lambda: None, lambda: False)
    return peaks


def test_every_level_holds_the_true_extremes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    samples = rng.uniform(-0.9, 0.9, (3 * CHUNK + 12_345, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, "FLOAT")
    peaks = filled(tmp_path / "a.wav")
    assert peaks.is_whole
    for level, pairs in enumerate(peaks.levels):
        step = BASE * peaks_module.FACTOR**level
        for index in (0, len(pairs) // 2, len(pairs) - 1):
            part = samples[index * step : (index + 1) * step]
            assert np.array_equal(pairs[index, 0], part.min(axis=0))
            assert np.array_equal(pairs[index, 1], part.max(axis=0))


def test_columns_never_lose_a_peak(tmp_path: Path) -> None:
    """A single click is in the picture at every zoom and scroll."""
    samples = np.zeros((400_000, 1), np.float32)
    samples[123_456] = 0.75
    soundfile.write(tmp_path / "a.wav", samples, RATE, "FLOAT")
    peaks = filled(tmp_path / "a.wav")
    for start, end, n_columns in (
        (0, 400_000, 900),
        (100_000, 130_000, 640),
        (123_000, 124_000, 3),
    ):
        columns = peaks.columns(start, end, n_columns)
        assert columns.shape == (n_columns, 2, 1)
        place = int((123_456 - start) / (end - start) * n_columns)
        assert columns[max(place - 1, 0) : place + 2, 1].max() == 0.75
        assert columns[:, 0].max() == 0


def test_columns_of_samples_are_their_extremes() -> None:
    samples = np.random.default_rng(2).standard_normal((1000, 2)).astype(np.float32)
    columns = columns_of(np.stack([samples, samples], axis=1), 100, 900, 80, 1)
    for index in range(80):
        part = samples[100 + 10 * index : 110 + 10 * index]
        assert np.array_equal(columns[index], [part.min(axis=0), part.max(axis=0)])


def test_columns_outside_the_file_are_silent() -> None:
    pairs = pairs_of(np.ones((1000, 1), np.float32))
    columns = columns_of(pairs, -2000, 3000, 50, BASE)
    assert columns[:15].max() == 0
    assert columns[-10:].max() == 0
    assert columns[22, 1] == 1


def test_the_cache_gives_the_same_picture_and_notices_a_new_file(tmp_path: Path) -> None:
    path = write_mixture(tmp_path / "a.wav")
    first = filled(path, tmp_path / "cache").columns(0, 4 * RATE, 200)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    again = filled(path, tmp_path / "cache").columns(0, 4 * RATE, 200)
    assert np.abs(first - again).max() < 1e-3
    write_mixture(path, 3.0)
    assert filled(path, tmp_path / "cache").info.n_samples == 3 * RATE
    (tmp_path / "cache" / f"{sound_info(path).key}.npy").write_bytes(b"spoilt")
    assert filled(path, tmp_path / "cache").is_whole


def test_a_sketch_of_a_long_file_comes_before_the_whole(tmp_path: Path) -> None:
    samples = np.full((4 * CHUNK, 1), 0.5, np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, "PCM_16")
    peaks = Peaks(sound_info(tmp_path / "a.wav"))
    seen: list[tuple[int, float]] = []

    def note() -> None:
        seen.append((peaks.n_ready, float(peaks.columns(0, len(samples), 100)[:, 1].mean())))

    build(peaks, None, note, lambda: False)
    assert seen[0][0] == 0
    assert all(abs(mean - 0.5) < 0.01 for _, mean in seen)
    assert seen[-1][0] == len(samples)


def test_a_tone_is_at_its_row_with_its_level(tmp_path: Path) -> None:
    times_s = np.arange(RATE) / RATE
    soundfile.write(tmp_path / "a.wav", 0.1 * np.sin(2 * np.pi * 1000 * times_s), RATE, "FLOAT")
    with SoundReader(tmp_path / "a.wav") as reader:
        levels = tile(reader, TileKey(256, 0))
    column = levels[:, 60]
    row = N_ROWS * (1 - row_of(1000, RATE))
    assert abs(int(column.argmax()) - row) <= 2
    decibels = FLOOR_DB + column.max() / 255 * (TOP_DB - FLOOR_DB)
    assert -27 < decibels < -19


def test_tiles_of_every_hop_cover_the_screen_and_beyond_the_file_is_silence(tmp_path: Path) -> None:
    path = write_mixture(tmp_path / "a.wav", 1.0)
    for per_pixel in (1, 50, 3000, 200_000):
        hop = hop_for(per_pixel)
        keys = keys_between(10_000, 40_000, hop)
        assert keys[0].start <= 10_000
        assert keys[-1].end >= 40_000
        with SoundReader(path) as reader:
            assert tile(reader, keys[-1]).shape[0] == N_ROWS
            assert tile(reader, TileKey(hop, 10_000)).max() == 0


def test_onsets_are_where_the_bursts_begin(tmp_path: Path) -> None:
    peaks = filled(write_mixture(tmp_path / "a.wav"))
    found = onsets_s(peaks.levels[0], RATE)
    for start_s, _ in BURSTS_S:
        assert np.abs(found - start_s).min() < 0.12
    assert len(found) < 8
