"""Stems that add up: every format, rate and channel count, read back from what was written."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.audio_files import clip_from_array, open_clip
from engine.data import AudioClip, AudioFormat, Estimate, Monitor
from engine.render import RenderPlan, render

from .clips import (
    BITS,
    blocks_of,
    close_all,
    estimate_of,
    integers,
    noise,
    read_back,
    rendered,
    write_integers,
)

FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_24"),
    ("RF64", "FLOAT"),
    ("W64", "PCM_24"),
    ("AIFF", "PCM_16"),
    ("AIFF", "PCM_24"),
    ("AIFF", "FLOAT"),
    ("CAF", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
]
RATES = [8_000, 44_100, 48_000, 96_000, 192_000]
CHANNELS = [1, 2, 6, 32]
MATRIX = [
    (container, subtype, sample_rate, n_channels)
    for container, subtype in FORMATS
    for sample_rate in RATES
    for n_channels in CHANNELS
    if container != "FLAC" or n_channels <= 8
]


@pytest.mark.parametrize(("container", "subtype", "sample_rate", "n_channels"), MATRIX)
def test_stems_have_the_mixtures_format_and_add_up(
    tmp_path: Path, container: str, subtype: str, sample_rate: int, n_channels: int
) -> None:
    samples = noise(2_345, n_channels, peak=0.8)
    path = tmp_path / "mix.audio"
    soundfile.write(path, samples, sample_rate, subtype, format=container)
    mixture = open_clip(path)

    made = rendered(tmp_path / "out", mixture, noise(2_345, n_channels, peak=0.1, seed=1))

    for stem in (made.target, made.residual):
        assert stem is not None
        assert stem.path is not None
        assert (stem.n_samples, stem.n_channels, stem.sample_rate) == (*samples.shape, sample_rate)
        info = soundfile.info(str(stem.path))
        assert (info.format, info.subtype) == (container, subtype)
        assert (info.frames, info.samplerate, info.channels) == (2_345, sample_rate, n_channels)
    left = read_back(mixture) - read_back(made.target) - read_back(made.residual)
    if subtype in BITS:
        assert not left.any()
        assert made.null_db == -math.inf
    else:
        assert np.abs(left).max() < 1e-7
        assert made.null_db < -140
    assert made.notices == ()
    close_all(mixture, made.target, made.residual)


def test_the_matrix_is_not_empty() -> None:
    assert len(MATRIX) > 300


SIGNALS = st.sampled_from(["silence", "full scale", "constant", "noise", "ends", "clicks"])


def signal(kind: str, n_samples: int, n_channels: int, bits: int, seed: int) -> NDArray[np.int64]:
    """Whole numbers [N, C] in the range of `bits`."""
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    rng = np.random.default_rng(seed)
    shape = (n_samples, n_channels)
    if kind == "silence":
        return np.zeros(shape, np.int64)
    if kind == "full scale":
        return np.where(rng.random(shape) < 0.5, low, high)
    if kind == "constant":
        return np.full(shape, rng.integers(low, high + 1))
    if kind == "ends":
        return rng.choice(np.array([low, low + 1, -1, 0, 1, high - 1, high]), shape)
    if kind == "clicks":
        return np.where(rng.random(shape) < 0.05, rng.choice([low, high], shape), 0)
    return rng.integers(low, high + 1, shape)


@settings(max_examples=150, deadline=None)
@given(
    dtype=st.sampled_from(["int16", "int32"]),
    mixture_kind=SIGNALS,
    target_kind=SIGNALS,
    gain=st.sampled_from([0.0, 0.3, 1.0, 1.0 + 2.0**-15, 3.7]),
    n_samples=st.integers(1, 400),
    n_channels=st.integers(1, 4),
    block=st.integers(1, 500),
    seed=st.integers(0, 1000),
)
def test_integer_arrays_add_up_to_the_last_bit(
    dtype: str,
    mixture_kind: str,
    target_kind: str,
    gain: float,
    n_samples: int,
    n_channels: int,
    block: int,
    seed: int,
) -> None:
    bits = np.iinfo(np.dtype(dtype)).bits
    numbers = signal(mixture_kind, n_samples, n_channels, bits, seed)
    wanted = signal(target_kind, n_samples, n_channels, bits, seed + 1) / 2.0 ** (bits - 1) * gain
    mixture = clip_from_array(numbers.astype(dtype), 48_000)

    made = render(mixture, estimate_of(wanted, block=block), RenderPlan(), Monitor())

    assert made.residual is not None
    target, residual = in_units(made.target, bits), in_units(made.residual, bits)
    np.testing.assert_array_equal(target, np.rint(wanted * 2.0 ** (bits - 1)))
    np.testing.assert_array_equal(target + residual, numbers)
    assert made.null_db == -math.inf
    wider = {stem.name for stem in (made.target, made.residual) if stem.samples.dtype != dtype}
    assert len(made.notices) == len(wider)


def in_units(stem: AudioClip, bits: int) -> NDArray[np.float64]:
    """The samples of a stem counted in steps of the mixture's integers; exact in float64."""
    if stem.samples.dtype.kind == "i":
        return stem.samples.astype(np.float64)
    return np.asarray(stem.samples.astype(np.float64) * 2.0 ** (bits - 1))


@settings(max_examples=100, deadline=None)
@given(
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from([0.0, 1e-6, 0.5, 1.0]),
    target_level=st.sampled_from([0.0, 1e-6, 0.5, 1.0]),
    n_samples=st.integers(1, 400),
    n_channels=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_float_arrays_add_up_to_rounding(
    dtype: str, level: float, target_level: float, n_samples: int, n_channels: int, seed: int
) -> None:
    samples = (noise(n_samples, n_channels, 1.0, seed) * level).astype(dtype)
    wanted = noise(n_samples, n_channels, 1.0, seed + 1) * target_level
    made = rendered(None, clip_from_array(samples, 48_000), wanted)
    assert made.residual is not None
    assert made.target.samples.dtype == made.residual.samples.dtype == dtype
    left = samples.astype(np.float64) - made.target.samples - made.residual.samples
    assert np.abs(left).max() <= (2.0**-24 if dtype == "float32" else 2.0**-52)
    assert made.null_db < (-140 if dtype == "float32" else -300)
    np.testing.assert_allclose(made.target.samples, wanted, atol=2.0**-23)


def test_hot_floats_add_up_exactly_where_the_target_is_small() -> None:
    samples = noise(10_000, 2, peak=8.0).astype(np.float32)
    made = rendered(None, clip_from_array(samples, 48_000), noise(10_000, 2, peak=0.2, seed=1))
    assert made.null_db < -140
    assert made.residual is not None
    assert np.abs(made.residual.samples).max() > 7.0


@settings(max_examples=25, deadline=None)
@given(
    stored=st.sampled_from([("WAV", "PCM_16"), ("WAV", "PCM_24"), ("FLAC", "PCM_24")]),
    n_samples=st.integers(1, 3_000),
    n_channels=st.integers(1, 3),
    overflow_at=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_stems_that_leave_the_range_are_written_wider_and_still_add_up(
    stored: tuple[str, str], n_samples: int, n_channels: int, overflow_at: float, seed: int
) -> None:
    container, subtype = stored
    bits = BITS[subtype]
    numbers = signal("noise", n_samples, n_channels, bits, seed)
    wanted = 0.1 * numbers / 2.0 ** (bits - 1)
    # From here on the target is the mixture's opposite: the residual reaches twice full scale.
    start = min(int(overflow_at * n_samples), n_samples - 1)
    numbers[start, 0] = -(1 << (bits - 1))
    wanted[start, 0] = 1 - 2.0 ** (1 - bits)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_integers(folder / "mix.audio", numbers, subtype, container)
        mixture = open_clip(folder / "mix.audio")

        made = rendered(folder / "out", mixture, wanted)

        assert made.residual is not None
        assert made.target.format.subtype == subtype
        assert made.residual.format == AudioFormat("WAV", "FLOAT")
        left = read_back(mixture) - read_back(made.target) - read_back(made.residual)
        assert not left.any()
        assert made.null_db == -math.inf
        assert [notice.code for notice in made.notices] == ["stem_wider"]
        close_all(mixture, made.target, made.residual)


def test_32_bit_overflow_needs_doubles(tmp_path: Path) -> None:
    numbers = integers(4_000, 2, 32)
    write_integers(tmp_path / "mix.wav", numbers, "PCM_32", "WAV")
    mixture = open_clip(tmp_path / "mix.wav")
    made = rendered(tmp_path / "out", mixture, -numbers / 2.0**31)
    assert made.residual is not None
    assert made.residual.format == AudioFormat("WAV", "DOUBLE")
    assert not (read_back(mixture) - read_back(made.target) - read_back(made.residual)).any()
    close_all(mixture, made.target, made.residual)


def test_numbers_beyond_what_float32_counts_need_doubles() -> None:
    numbers = np.array([[-(1 << 23)], [3]], np.int64)
    with tempfile.TemporaryDirectory() as name:
        write_integers(Path(name) / "mix.wav", numbers, "PCM_24", "WAV")
        mixture = open_clip(Path(name) / "mix.wav")
        # 2**24 itself still fits into a float32, 2**24 + 1 does not.
        for target, subtype in (((1 << 23), "FLOAT"), ((1 << 23) + 1, "DOUBLE")):
            made = rendered(None, mixture, np.array([[target], [0]]) / 2.0**23)
            assert made.residual is not None
            assert made.residual.format.subtype == subtype
            assert made.null_db == -math.inf
        close_all(mixture)


def test_a_silent_target_is_digital_silence_and_the_residual_the_mixture(tmp_path: Path) -> None:
    for subtype in ("PCM_24", "FLOAT"):
        soundfile.write(tmp_path / "mix.wav", noise(5_000, 2), 48_000, subtype)
        mixture = open_clip(tmp_path / "mix.wav")
        made = rendered(tmp_path / subtype, mixture, np.zeros((5_000, 2)))
        assert not read_back(made.target).any()
        np.testing.assert_array_equal(read_back(made.residual), read_back(mixture))
        close_all(mixture, made.target, made.residual)


def test_doubles_keep_their_precision(tmp_path: Path) -> None:
    samples = noise(3_000, 2)
    soundfile.write(tmp_path / "mix.wav", samples, 48_000, "DOUBLE")
    mixture = open_clip(tmp_path / "mix.wav")
    made = rendered(tmp_path / "out", mixture, noise(3_000, 2, peak=0.3, seed=1))
    assert made.target.format == AudioFormat("WAV", "DOUBLE")
    assert made.null_db < -300
    close_all(mixture, made.target, made.residual)


def test_every_candidate_is_written_and_the_residual_belongs_to_the_first(tmp_path: Path) -> None:
    samples = noise(4_000, 2)
    soundfile.write(tmp_path / "mix.wav", samples, 48_000, "PCM_24")
    mixture = open_clip(tmp_path / "mix.wav")
    targets = [noise(4_000, 2, 0.1, seed) for seed in (1, 2, 3)]

    made = rendered(tmp_path / "out", mixture, *targets, target_name="dog", residual_name="rest")

    names = [clip.path.name for clip in made.candidates if clip.path is not None]
    assert names == ["dog.wav", "dog-2.wav", "dog-3.wav"]
    assert made.candidates[0] is made.target
    assert made.residual is not None
    assert made.residual.name == "rest"
    for candidate, target in zip(made.candidates, targets, strict=True):
        np.testing.assert_allclose(read_back(candidate), target, atol=2.0**-23)
    assert not (read_back(mixture) - read_back(made.target) - read_back(made.residual)).any()
    close_all(mixture, made.residual, *made.candidates)


def test_the_residual_may_be_left_out(tmp_path: Path) -> None:
    mixture = clip_from_array(noise(1_000, 1).astype(np.float32), 48_000)
    made = rendered(tmp_path, mixture, noise(1_000, 1, 0.1), with_residual=False)
    assert made.residual is None
    assert [path.name for path in tmp_path.iterdir()] == ["target.wav"]
    assert made.null_db < -140
    close_all(made.target)


def test_the_mixtures_suffix_is_kept_where_it_fits(tmp_path: Path) -> None:
    for name, container, suffix in (
        ("a.aif", "AIFF", ".aif"),
        ("a.bwf", "WAV", ".bwf"),
        ("a.rf64", "RF64", ".rf64"),
        ("a.wav", "FLAC", ".flac"),
    ):
        soundfile.write(tmp_path / name, noise(100, 1), 48_000, "PCM_16", format=container)
        mixture = open_clip(tmp_path / name)
        made = rendered(tmp_path / container, mixture, noise(100, 1, 0.1))
        assert made.target.path is not None
        assert made.target.path.suffix == suffix
        close_all(mixture, made.target, made.residual)


def test_the_same_stems_are_the_same_bytes(tmp_path: Path) -> None:
    mixture = clip_from_array(noise(1_000, 2).astype(np.float32), 48_000)
    for name in ("a", "b"):
        close_all(*rendered(tmp_path / name, mixture, noise(1_000, 2, 0.1)).candidates)
    for name in ("target.wav", "residual.wav"):
        first, second = ((tmp_path / folder / name).read_bytes() for folder in "ab")
        assert first == second
        assert b"PEAK" not in first


@pytest.mark.parametrize("n_samples", [99, 101])
def test_an_estimate_of_another_length_is_our_own_fault(tmp_path: Path, n_samples: int) -> None:
    mixture = clip_from_array(noise(100, 1), 48_000)
    with pytest.raises(AssertionError, match="samples"):
        rendered(tmp_path, mixture, noise(n_samples, 1))
    assert list(tmp_path.iterdir()) == []


def test_an_overflow_in_the_very_first_sample_is_written_wider(tmp_path: Path) -> None:
    for container in ("WAV", "FLAC", "AIFF"):
        numbers = integers(10, 1, 16)
        write_integers(tmp_path / "mix.audio", numbers, "PCM_16", container)
        mixture = open_clip(tmp_path / "mix.audio")
        made = rendered(tmp_path / container, mixture, np.full((10, 1), 0.5))
        assert made.residual is not None
        assert made.residual.format.subtype == "FLOAT"
        assert made.null_db == -math.inf
        close_all(mixture, made.target, made.residual)


def test_large_blocks_and_empty_blocks_are_taken(tmp_path: Path) -> None:
    target = noise(150_000, 1, 0.1)[None]
    blocks = iter([target[:, :0], target, target[:, :0]])
    mixture = clip_from_array(integers(150_000, 1, 16).astype(np.int16), 48_000)
    made = render(mixture, Estimate(blocks), RenderPlan(tmp_path), Monitor())
    assert made.null_db == -math.inf
    close_all(made.target, made.residual)


def test_a_residual_of_its_own_is_kept_and_what_is_missing_is_said(tmp_path: Path) -> None:
    samples = noise(3_000, 2, peak=0.5)
    soundfile.write(tmp_path / "mix.wav", samples, 48_000, "PCM_16")
    mixture = open_clip(tmp_path / "mix.wav")
    target, other, residual = 0.25 * samples, 0.5 * samples, 0.5 * samples
    stacked = np.stack([target, other, residual])
    estimate = Estimate(blocks_of(stacked, 700), n_candidates=2, with_residual=True)
    made = render(mixture, estimate, RenderPlan(folder=tmp_path / "out"), Monitor())
    assert len(made.candidates) == 2
    assert np.abs(read_back(made.residual) - residual).max() < 2**-15
    assert made.null_db == pytest.approx(20 * np.log10(0.125), abs=0.01)
    (notice,) = made.notices
    assert notice.code == "residual_generated"
    assert f"{made.null_db:.1f} dBFS" in notice.message
    close_all(mixture, *made.candidates, made.residual)


def test_a_residual_of_its_own_that_fits_is_said_too() -> None:
    mixture = clip_from_array(np.full((100, 1), 1 << 14, np.int16), 48_000)
    halves = np.full((2, 100, 1), 0.25)
    made = render(mixture, Estimate(iter([halves]), with_residual=True), RenderPlan(), Monitor())
    assert made.null_db == -math.inf
    assert "by nothing" in made.notices[0].message
