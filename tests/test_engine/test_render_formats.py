"""The format of stems: kept, widened where they overflow, chosen, and changed beyond 4 GiB."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio_files import array_clip, clip_from_array, open_clip
from engine.data import AudioClip, AudioFormat, Monitor
from engine.errors import OutputError
from engine.render import RenderPlan, check_outputs, render
from engine.stem_format import sized_for, stem_format
from engine.stem_writer import StemSpec

from .clips import (
    BITS,
    close_all,
    estimate_of,
    integers,
    names_in,
    noise,
    read_back,
    rendered,
    write_integers,
)

OVERFLOWS = [
    ("WAV", "PCM_U8", "WAV", "FLOAT"),
    ("WAV", "PCM_16", "WAV", "FLOAT"),
    ("WAV", "PCM_24", "WAV", "FLOAT"),
    ("WAV", "PCM_32", "WAV", "DOUBLE"),
    ("RF64", "PCM_24", "RF64", "FLOAT"),
    ("W64", "PCM_24", "W64", "FLOAT"),
    ("AIFF", "PCM_16", "AIFF", "FLOAT"),
    ("AIFF", "PCM_24", "AIFF", "FLOAT"),
    ("AIFF", "PCM_32", "AIFF", "DOUBLE"),
    ("CAF", "PCM_24", "CAF", "FLOAT"),
    ("FLAC", "PCM_16", "WAV", "FLOAT"),
    ("FLAC", "PCM_24", "WAV", "FLOAT"),
]
FOUR_GIB = 1 << 32


def integer_mixture(folder: Path, container: str, subtype: str, n_samples: int) -> AudioClip:
    path = folder / f"mix.{container.lower()}"
    numbers = integers(n_samples, 2, BITS[subtype])
    numbers[-2] = numbers[0]  # the lowest number, whose opposite is too high, is late as well
    write_integers(path, numbers, subtype, container)
    return open_clip(path)


@pytest.mark.parametrize("where", ["from the start", "late"])
@pytest.mark.parametrize(("container", "subtype", "wide_container", "wide_subtype"), OVERFLOWS)
def test_stems_that_overflow_are_written_wider_and_still_add_up(
    tmp_path: Path,
    container: str,
    subtype: str,
    wide_container: str,
    wide_subtype: str,
    where: str,
) -> None:
    mixture = integer_mixture(tmp_path, container, subtype, 5_000)
    samples = read_back(mixture)
    target = -samples
    if where == "late":
        target[:-1_500] = 0.1 * samples[:-1_500]

    made = render(mixture, estimate_of(target), RenderPlan(folder=tmp_path / "out"), Monitor())

    assert made.residual is not None
    for stem in (made.target, made.residual):
        info = soundfile.info(str(stem.path))
        assert (info.format, info.subtype) == (wide_container, wide_subtype)
        assert stem.format == AudioFormat(wide_container, wide_subtype)
    assert not (samples - read_back(made.target) - read_back(made.residual)).any()
    assert made.null_db == -math.inf
    assert np.abs(read_back(made.residual)).max() > 1.9
    assert [notice.code for notice in made.notices] == ["stem_wider", "stem_wider"]
    assert len(names_in(tmp_path / "out")) == 2
    close_all(mixture, made.target, made.residual)


def test_only_the_stem_that_overflows_is_written_wider(tmp_path: Path) -> None:
    mixture = integer_mixture(tmp_path, "FLAC", "PCM_16", 3_000)
    target = -0.5 * read_back(mixture)
    made = render(mixture, estimate_of(target), RenderPlan(folder=tmp_path / "out"), Monitor())
    assert names_in(tmp_path / "out") == ["residual.wav", "target.flac"]
    assert [notice.code for notice in made.notices] == ["stem_wider"]
    assert not (read_back(mixture) - read_back(made.target) - read_back(made.residual)).any()
    close_all(mixture, made.target, made.residual)


def test_floats_are_never_clamped(tmp_path: Path) -> None:
    path = tmp_path / "mix.wav"
    soundfile.write(path, noise(3_000, 2, peak=50.0), 48_000, "FLOAT")
    mixture = open_clip(path)
    target = noise(3_000, 2, peak=90.0, seed=1)
    made = render(mixture, estimate_of(target), RenderPlan(folder=tmp_path / "out"), Monitor())
    assert made.target.format == AudioFormat("WAV", "FLOAT")
    assert np.abs(read_back(made.target) - target).max() < 140 * 2.0**-23
    left = read_back(mixture) - read_back(made.target) - read_back(made.residual)
    assert np.abs(left).max() < 90 * 2.0**-23
    close_all(mixture, made.target, made.residual)


@pytest.mark.parametrize("container", ["WAV", "AIFF", "FLAC"])
@pytest.mark.parametrize("own", ["PCM_24", "PCM_32", "FLOAT"])
def test_a_chosen_format_of_fewer_bits_holds_the_rounded_mixture(
    tmp_path: Path, own: str, container: str
) -> None:
    path = tmp_path / "mix.wav"
    soundfile.write(path, noise(4_000, 2), 48_000, own)
    mixture = open_clip(path)
    plan = RenderPlan(folder=tmp_path / "out", format=AudioFormat(container, "PCM_16"))

    made = render(mixture, estimate_of(0.3 * read_back(mixture)), plan, Monitor())

    rounded = np.rint(read_back(mixture) * 2**15) / 2**15
    assert not (rounded - read_back(made.target) - read_back(made.residual)).any()
    assert soundfile.info(str(made.target.path)).subtype == "PCM_16"
    assert [notice.code for notice in made.notices] == ["mixture_rounded"]
    # Measured against the mixture itself, so the half unit that rounding took shows.
    assert -101 < made.null_db < -95
    close_all(mixture, made.target, made.residual)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("n_channels", [1, 2, 3, 5])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE"])
def test_the_shortest_aiff_stems_have_the_right_length(
    tmp_path: Path, subtype: str, n_channels: int, n_samples: int
) -> None:
    samples = noise(n_samples, n_channels).astype(np.float32)
    samples = np.rint(samples * 128) / 128
    mixture = array_clip(samples, AudioFormat("AIFF", "FLOAT"), 48_000, "mix")
    plan = RenderPlan(folder=tmp_path / "out", format=AudioFormat("AIFF", subtype))
    made = render(mixture, estimate_of(-samples), plan, Monitor())
    assert np.array_equal(read_back(made.target), -samples)
    assert np.array_equal(read_back(made.residual), 2 * samples)
    close_all(made.target, made.residual)


def test_rates_that_flac_cannot_hold_are_refused(tmp_path: Path) -> None:
    plan = RenderPlan(folder=tmp_path, format=AudioFormat("FLAC", "PCM_24"))
    with pytest.raises(OutputError, match="the mixture has 65537 Hz; use WAV"):
        check_outputs(clip_from_array(noise(10, 1), 65_537), plan)
    check_outputs(clip_from_array(noise(10, 1), 176_400), plan)
    check_outputs(clip_from_array(noise(10, 1), 11_127), plan)


def test_the_list_of_overflows_is_not_empty() -> None:
    assert OVERFLOWS


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "AIFF"])
@pytest.mark.parametrize(
    ("subtype", "n_channels"), [("PCM_16", 1), ("PCM_24", 2), ("FLOAT", 6), ("DOUBLE", 32)]
)
def test_sizes_of_32_bits_never_wrap_around(container: str, subtype: str, n_channels: int) -> None:
    row_bytes = n_channels * {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4, "DOUBLE": 8}[subtype]
    most = max(
        n_samples
        for n_samples in range(FOUR_GIB // row_bytes - (1 << 17), FOUR_GIB // row_bytes + 1)
        if sized_for(AudioFormat(container, subtype), n_samples, n_channels).container == container
    )
    # Room for the largest header there can be: a bext chunk with 8 KiB of history, and the rest.
    assert most * row_bytes + 16_384 < FOUR_GIB
    assert most * row_bytes > 0.999 * FOUR_GIB


def sparse_rf64(path: Path, n_samples: int) -> None:
    """Stereo 16-bit silence that takes no room on disk."""
    soundfile.write(path, np.zeros((4, 2)), 48_000, "PCM_16", format="RF64")
    data = bytearray(path.read_bytes())
    assert data[12:16] == b"ds64"
    start = data.index(b"data") + 8
    data[20:44] = struct.pack("<QQQ", start - 8 + 4 * n_samples, 4 * n_samples, n_samples)
    path.write_bytes(data[:start])
    with path.open("r+b") as file:
        file.truncate(start + 4 * n_samples)


def test_mixtures_beyond_4_gib_are_read_and_their_stems_are_rf64(tmp_path: Path) -> None:
    n_samples = (FOUR_GIB >> 2) + 1_000
    sparse_rf64(tmp_path / "mix.wav", n_samples)
    mixture = open_clip(tmp_path / "mix.wav")
    assert mixture.n_samples == n_samples
    assert not mixture.source.read_native(n_samples - 5, n_samples).any()

    own, own_notices = stem_format(mixture, None, to_file=True)
    chosen, notices = stem_format(mixture, AudioFormat("WAV", "PCM_16"), to_file=True)

    assert own == chosen == AudioFormat("RF64", "PCM_16")
    assert own_notices == ()
    assert [notice.code for notice in notices] == ["container_changed"]
    assert "over 4 GiB" in notices[0].message
    mixture.source.close()


def test_a_stem_that_outgrows_its_container_when_widened_has_its_name_checked(
    tmp_path: Path,
) -> None:
    spec = StemSpec(
        name="target",
        folder=tmp_path,
        format=AudioFormat("AIFF", "PCM_16"),
        sample_rate=48_000,
        n_samples=3 << 28,
        n_channels=2,
        on_grid=True,
    )
    assert spec.possible_paths() == (tmp_path / "target.aiff", tmp_path / "target.wav")


def test_arrays_keep_their_type_and_widen_like_files() -> None:
    mixture = array_clip(
        np.full((9, 2), -32_768, dtype=np.int16), AudioFormat("ARRAY", "PCM_16"), 48_000, "mix"
    )
    plan = RenderPlan()
    check_outputs(mixture, plan)
    kept = render(mixture, estimate_of(np.full((9, 2), -0.25)), plan, Monitor())
    wide = render(mixture, estimate_of(np.full((9, 2), 1.0)), plan, Monitor())
    assert kept.target.samples.dtype == np.int16
    assert wide.residual is not None
    assert (wide.target.format.subtype, wide.residual.format.subtype) == ("FLOAT", "FLOAT")
    assert (wide.target.samples == 1.0).all()
    assert (wide.residual.samples == -2.0).all()
    assert kept.null_db == wide.null_db == -math.inf


@pytest.mark.parametrize(
    ("container", "subtype", "written"),
    [
        ("OGG", "VORBIS", AudioFormat("WAV", "FLOAT")),
        ("MP3", "MPEG_LAYER_III", AudioFormat("WAV", "FLOAT")),
        ("CAF", "ALAC_16", AudioFormat("WAV", "PCM_16")),
        ("AIFF", "PCM_S8", AudioFormat("WAV", "PCM_U8")),
        ("AU", "PCM_16", AudioFormat("WAV", "PCM_16")),
        ("WAV", "ULAW", AudioFormat("WAV", "FLOAT")),
    ],
)
def test_formats_that_stems_cannot_have_become_wav(
    tmp_path: Path, container: str, subtype: str, written: AudioFormat
) -> None:
    path = tmp_path / "mix.audio"
    soundfile.write(path, noise(20_000, 2, 0.3), 48_000, subtype, format=container)
    mixture = open_clip(path)
    made = rendered(tmp_path / "out", mixture, noise(20_000, 2, 0.1, seed=1))
    assert made.target.format == written
    assert made.target.n_samples == mixture.n_samples
    assert made.null_db < -140
    if container != "WAV":
        assert [notice.code for notice in made.notices] == ["container_changed"]
    close_all(mixture, made.target, made.residual)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_a_narrower_format_adds_up_to_the_rounded_mixture(tmp_path: Path, dtype: str) -> None:
    scale = 2.0**31 if dtype == "int32" else 1.0
    stored = (noise(5_000, 2) * scale).astype(dtype)
    mixture = clip_from_array(stored, 48_000)
    made = rendered(
        tmp_path, mixture, noise(5_000, 2, 0.1, seed=1), format=AudioFormat("WAV", "PCM_16")
    )
    total = read_back(made.target) + read_back(made.residual)
    np.testing.assert_array_equal(total, np.rint(stored * (2.0**15 / scale)) / 2.0**15)
    half_a_step_db = 20 * math.log10(2.0**-16)
    assert half_a_step_db - 0.1 < made.null_db <= half_a_step_db
    assert [notice.code for notice in made.notices] == ["mixture_rounded"]
    close_all(made.target, made.residual)


@pytest.mark.parametrize(
    ("form", "null_db"),
    [
        (AudioFormat("WAV", "PCM_24"), -math.inf),
        (AudioFormat("AIFF", "PCM_32"), -math.inf),
        (AudioFormat("FLAC", "PCM_16"), -math.inf),
        (AudioFormat("WAV", "FLOAT"), -140),
    ],
)
def test_a_format_that_holds_the_mixture_may_be_chosen(
    tmp_path: Path, form: AudioFormat, null_db: float
) -> None:
    mixture = clip_from_array(integers(3_000, 2, 15).astype(np.int16), 48_000)
    made = rendered(tmp_path, mixture, noise(3_000, 2, 0.01), format=form)
    assert made.target.format == form
    assert made.null_db <= null_db
    assert "mixture_rounded" not in [notice.code for notice in made.notices]
    close_all(made.target, made.residual)


@pytest.mark.parametrize(
    ("form", "n_channels", "words"),
    [
        (AudioFormat("OGG", "VORBIS"), 2, "cannot be written as OGG VORBIS"),
        (AudioFormat("WAV", "ULAW"), 2, "cannot be written"),
        (AudioFormat("ARRAY", "FLOAT"), 2, "cannot be written"),
        (AudioFormat("FLAC", "FLOAT"), 2, "FLAC files cannot hold FLOAT"),
        (AudioFormat("FLAC", "PCM_24"), 9, "at most 8 channels"),
        (AudioFormat("AIFF", "PCM_S8"), 1, "AIFF files cannot hold"),
    ],
)
def test_formats_that_cannot_hold_stems_are_refused(
    tmp_path: Path, form: AudioFormat, n_channels: int, words: str
) -> None:
    mixture = clip_from_array(noise(100, n_channels), 48_000)
    with pytest.raises(OutputError, match=words):
        rendered(tmp_path / "out", mixture, noise(100, n_channels), format=form)
    assert not (tmp_path / "out").exists()
