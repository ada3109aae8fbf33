"""Opening audio: every stored sample arrives exactly, from files and from arrays."""

import gc
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from engine.audio_files import clip_from_array, open_clip
from engine.data import AudioFormat
from engine.errors import AudioError, AudioUnreadable

from .clips import BITS, integers, noise, write_integers

INTEGER_FILES = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("RF64", "PCM_24"),
    ("W64", "PCM_24"),
    ("AIFF", "PCM_S8"),
    ("AIFF", "PCM_16"),
    ("AIFF", "PCM_24"),
    ("AIFF", "PCM_32"),
    ("CAF", "PCM_24"),
    ("AU", "PCM_16"),
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("CAF", "ALAC_16"),
    ("CAF", "ALAC_24"),
    ("CAF", "ALAC_32"),
]
FLOAT_FILES = [
    (container, subtype)
    for container in ("WAV", "RF64", "W64", "AIFF", "CAF")
    for subtype in ("FLOAT", "DOUBLE")
]
LOSSY_FILES = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "ULAW")]


@pytest.mark.parametrize(("container", "subtype"), INTEGER_FILES)
def test_integers_are_read_exactly(tmp_path: Path, container: str, subtype: str) -> None:
    bits = BITS.get(subtype) or int(subtype[-2:])
    numbers = integers(5_000, 2, bits)
    if subtype.startswith("ALAC"):
        numbers //= 4  # libsndfile itself writes incompressible ALAC wrongly
    path = tmp_path / "mix.audio"
    soundfile.write(
        path, (numbers << (32 - bits)).astype(np.int32), 44_100, subtype, format=container
    )

    clip = open_clip(path)

    assert (clip.n_samples, clip.n_channels, clip.sample_rate) == (5_000, 2, 44_100)
    assert (clip.name, clip.path) == ("mix", path)
    assert clip.format == AudioFormat(container, subtype)
    assert clip.samples.dtype == clip.source.native_dtype == (np.int16 if bits <= 16 else np.int32)
    np.testing.assert_array_equal(clip.samples, numbers)
    np.testing.assert_array_equal(
        clip.source.read(1_234, 2_000),
        (numbers[1_234:2_000] / 2.0 ** (bits - 1)).astype(np.float32),
    )
    clip.source.close()


@pytest.mark.parametrize(("container", "subtype"), FLOAT_FILES)
def test_floats_are_read_exactly_and_never_clamped(
    tmp_path: Path, container: str, subtype: str
) -> None:
    dtype = np.float32 if subtype == "FLOAT" else np.float64
    samples = noise(3_000, 3, peak=7.0).astype(dtype)
    soundfile.write(tmp_path / "mix.audio", samples, 96_000, subtype, format=container)

    clip = open_clip(tmp_path / "mix.audio")

    assert clip.samples.dtype == dtype
    np.testing.assert_array_equal(clip.samples, samples)
    np.testing.assert_array_equal(clip.source.read(0, 3_000), samples.astype(np.float32))
    clip.source.close()


@pytest.mark.parametrize(("container", "subtype"), LOSSY_FILES)
def test_lossy_files_are_the_same_in_every_pass(
    tmp_path: Path, container: str, subtype: str
) -> None:
    path = tmp_path / "mix.audio"
    soundfile.write(path, noise(200_000, 2, peak=0.3), 48_000, subtype, format=container)

    clip = open_clip(path)

    assert clip.format == AudioFormat(container, subtype)
    assert clip.n_samples == 200_000
    assert clip.source.native_dtype == np.float32
    whole = clip.source.read(0, clip.n_samples)
    parts = [clip.source.read(start, start + 7_000) for start in range(0, 196_000, 7_000)]
    np.testing.assert_array_equal(np.concatenate(parts), whole[:196_000])
    np.testing.assert_allclose(whole, soundfile.read(path, always_2d=True)[0], atol=1e-6)
    clip.source.close()


def test_the_parametrised_lists_are_not_empty() -> None:
    assert INTEGER_FILES
    assert FLOAT_FILES
    assert LOSSY_FILES


@pytest.mark.parametrize("n_channels", [1, 32])
@pytest.mark.parametrize("sample_rate", [8_000, 192_000])
def test_the_limits_themselves_are_accepted(
    tmp_path: Path, sample_rate: int, n_channels: int
) -> None:
    write_integers(tmp_path / "a.wav", integers(10, n_channels, 16), "PCM_16", "WAV", sample_rate)
    clip = open_clip(tmp_path / "a.wav")
    assert (clip.sample_rate, clip.n_channels) == (sample_rate, n_channels)
    clip.source.close()


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_arrays_keep_their_type(dtype: str) -> None:
    samples = (noise(500, 2) * (1000 if dtype.startswith("i") else 1)).astype(dtype)
    clip = clip_from_array(samples, 44_100, "loop")
    assert clip.samples.dtype == dtype
    assert (clip.name, clip.path, clip.format.container) == ("loop", None, "ARRAY")
    np.testing.assert_array_equal(clip.samples, samples)
    scale = 1.0 if dtype.startswith("f") else float(np.iinfo(dtype).max) + 1
    np.testing.assert_array_equal(
        clip.source.read(100, 200), (samples[100:200] / scale).astype(np.float32)
    )


def test_one_dimension_is_one_channel() -> None:
    clip = clip_from_array(np.zeros(7, np.float32), 48_000.0)
    assert (clip.n_samples, clip.n_channels, clip.sample_rate) == (7, 1, 48_000)
    assert isinstance(clip.sample_rate, int)


def test_big_endian_arrays_are_read_as_what_they_mean() -> None:
    samples = np.array([[1], [-2], [300]], dtype=">i2")
    assert clip_from_array(samples, 48_000).samples.tolist() == samples.tolist()


def test_what_is_handed_out_does_not_change_the_callers_array() -> None:
    samples = np.zeros((5, 1), np.float32)
    clip = clip_from_array(samples, 48_000)
    with pytest.raises(ValueError, match="read-only"):
        clip.samples[0] = 1.0
    samples[0] = 1.0
    assert clip.samples[0] == 1.0


@pytest.mark.parametrize(
    ("samples", "sample_rate", "words"),
    [
        (np.zeros((2, 48_000), np.float32), 48_000, "transpose"),
        (np.zeros((2, 3, 4), np.float32), 48_000, "shape"),
        (np.float32(1.0), 48_000, "shape"),
        (np.zeros(5, np.int64), 48_000, "int64"),
        (np.zeros(5, np.uint8), 48_000, "uint8"),
        (np.zeros(5, np.complex64), 48_000, "complex64"),
        (np.array(["a"]), 48_000, "convert"),
        (np.zeros(0, np.float32), 48_000, "no samples"),
        (np.zeros((0, 2), np.float32), 48_000, "no samples"),
        (np.zeros((5, 0), np.float32), 48_000, "no samples"),
        (np.zeros(5, np.float32), 7_999, "7999"),
        (np.zeros(5, np.float32), 192_001, "192001"),
        (np.zeros(5, np.float32), 0, "its rate is 0"),
        (np.zeros(5, np.float32), 44_100.5, "whole number"),
        (np.zeros(5, np.float32), float("nan"), "whole number"),
    ],
)
def test_unusable_arrays_are_refused(samples: np.ndarray, sample_rate: float, words: str) -> None:
    with pytest.raises(AudioError, match=words) as caught:
        clip_from_array(samples, sample_rate)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused_with_their_time(tmp_path: Path, bad: float) -> None:
    samples = noise(48_000, 2).astype(np.float32)
    samples[12_000, 1] = bad
    with pytest.raises(AudioUnreadable, match=r"sample 12000 of channel 2, at 0\.25"):
        clip_from_array(samples, 48_000)

    soundfile.write(tmp_path / "bad.wav", samples, 48_000, "FLOAT")
    clip = open_clip(tmp_path / "bad.wav")
    assert len(clip.source.read(0, 12_000)) == 12_000
    with pytest.raises(AudioUnreadable, match=r"sample 12000 of channel 2, at 0\.25"):
        clip.source.read(10_000, 20_000)
    clip.source.close()


def test_doubles_beyond_float32_are_refused() -> None:
    with pytest.raises(AudioUnreadable, match=r"1e\+300"):
        clip_from_array(np.array([0.0, 1e300]), 48_000)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_24"), ("OGG", "VORBIS")])
def test_files_are_let_go_when_closed_and_when_forgotten(
    tmp_path: Path, container: str, subtype: str
) -> None:
    path = tmp_path / "mix.audio"
    soundfile.write(path, noise(5_000, 1), 48_000, subtype, format=container)
    n_open = _n_open_files()

    clip = open_clip(path)
    assert _n_open_files() == n_open + 1
    clip.source.close()
    assert _n_open_files() == n_open
    clip.source.close()
    with pytest.raises(AudioError, match="closed"):
        clip.source.read(0, 1)

    forgotten = open_clip(path)
    del forgotten
    gc.collect()
    assert _n_open_files() == n_open


def _n_open_files() -> int:
    process = psutil.Process()
    return process.num_handles() if psutil.WINDOWS else process.num_fds()
