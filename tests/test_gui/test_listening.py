"""Playback sample by sample: switches, loops, seeks and ends without a click; levels; files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PyQt6.QtWidgets import QApplication

from gui.audio.files import SoundUnreadable
from gui.audio.lane_reader import SEAM_SAMPLES, LaneReader
from gui.audio.measure import Levels, measure
from gui.audio.mixer import FADE_SAMPLES
from gui.audio.player import BLOCK_SAMPLES, Player
from gui.audio.save import save_copy, save_mix
from gui.audio.streams import NoSoundDevice, StreamSpec, open_device
from gui.panels.lanes import mime_of
from gui.state.audition import Audition, Lane

from .sounds import RATE, mixture, write_mixture
from .step_stream import Stage

N = 60_000


@pytest.fixture
def lanes(tmp_path: Path) -> list[Path]:
    """Three lanes of a slow sine: at one, a half and minus a quarter."""
    sine = np.sin(2 * np.pi * 50 * np.arange(N) / RATE)
    paths = []
    for name, factor in (("mixture", 1.0), ("target", 0.5), ("residual", -0.25)):
        paths.append(tmp_path / f"{name}.wav")
        samples = 0.8 * factor * np.stack([sine, sine], axis=1)
        soundfile.write(paths[-1], samples, RATE, "FLOAT")
    return paths


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def player(qt: QApplication, lanes: list[Path], stage: Stage) -> Iterator[Player]:
    made = Player(stage.open)
    made.set_lanes(lanes, RATE)
    made.set_gains([1, 0, 0])
    yield made
    made.close()


def lane(path: Path) -> NDArray[np.float32]:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def steepest(samples: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(samples, axis=0)).max())


SINE_STEP = 0.8 * 2 * np.pi * 50 / RATE
"""The steepest step of the loudest lane."""


def test_playing_gives_the_lane_as_it_is(player: Player, lanes: list[Path], stage: Stage) -> None:
    player.play()
    heard = stage.advance(player, 20)
    expected = lane(lanes[0])[: 20 * BLOCK_SAMPLES]
    assert np.array_equal(heard[FADE_SAMPLES:], expected[FADE_SAMPLES:])
    assert player.position == 19 * BLOCK_SAMPLES


def test_a_switch_is_done_within_one_block_at_the_same_place_without_a_click(
    player: Player, lanes: list[Path], stage: Stage
) -> None:
    player.play()
    stage.advance(player, 5)
    player.set_gains([0, 1, 0])
    heard = stage.advance(player, 3)
    start = 5 * BLOCK_SAMPLES
    expected = lane(lanes[1])[start : start + 3 * BLOCK_SAMPLES]
    assert np.array_equal(heard[FADE_SAMPLES:], expected[FADE_SAMPLES:])
    before, after = lane(lanes[0])[start:], lane(lanes[1])[start:]
    share = ((np.arange(FADE_SAMPLES) + 1) / FADE_SAMPLES)[:, None]
    crossfade = before[:FADE_SAMPLES] * (1 - share) + after[:FADE_SAMPLES] * share
    assert np.abs(heard[:FADE_SAMPLES] - crossfade).max() < 1e-6
    assert steepest(heard) < SINE_STEP + 0.8 / FADE_SAMPLES


def test_many_switches_never_click(player: Player, stage: Stage) -> None:
    player.play()
    rng = np.random.default_rng(3)
    parts = []
    for _ in range(60):
        player.set_gains(rng.choice([0.0, 0.5, 1.0], 3).tolist())
        parts.append(stage.advance(player, 1))
    assert steepest(np.concatenate(parts)) < 1.75 * (SINE_STEP + 0.8 / FADE_SAMPLES)


def test_pausing_fades_out_and_playing_goes_on_where_it_was(player: Player, stage: Stage) -> None:
    player.play()
    heard = stage.advance(player, 7)
    where = player.position
    player.pause()
    assert stage.stream is not None
    tail = stage.stream.advance(3)
    assert steepest(np.concatenate([heard, tail])) < SINE_STEP + 0.8 / FADE_SAMPLES
    assert not tail[BLOCK_SAMPLES:].any()
    player.play()
    stage.advance(player, 1)
    assert player.position == where


def test_a_seek_never_clicks(player: Player, lanes: list[Path], stage: Stage) -> None:
    player.play()
    parts = [stage.advance(player, 4)]
    player.seek(30_000)
    parts.append(stage.advance(player, 4))
    heard = np.concatenate(parts)
    assert steepest(heard) < SINE_STEP + 0.8 / FADE_SAMPLES
    assert 30_000 <= player.position < 30_000 + 4 * BLOCK_SAMPLES
    end = player.position + BLOCK_SAMPLES
    assert np.array_equal(heard[-BLOCK_SAMPLES:], lane(lanes[0])[end - BLOCK_SAMPLES : end])


def test_a_loop_repeats_exactly_and_its_seam_does_not_click(
    player: Player, lanes: list[Path], stage: Stage
) -> None:
    start, end = 10_111, 13_456
    player.set_loop((start, end))
    player.seek(start)
    player.play()
    heard = stage.advance(player, 30)
    source = lane(lanes[0])
    length = end - start
    for turn in range(3):
        first = turn * length + (FADE_SAMPLES if turn == 0 else 0)
        last = (turn + 1) * length - SEAM_SAMPLES
        expected = source[start + first - turn * length : end - SEAM_SAMPLES]
        assert np.array_equal(heard[first:last], expected)
    assert steepest(heard) < SINE_STEP + 2 * 0.8 / SEAM_SAMPLES


def test_at_the_end_it_stops_at_the_start(player: Player, stage: Stage) -> None:
    player.seek(N - 3 * BLOCK_SAMPLES)
    player.play()
    stage.advance(player, 8)
    player._on_follow()
    assert not player.is_playing
    assert player.position == 0
    assert player.n_underruns == 0


def test_reading_over_a_loop_in_any_block_size_is_the_same(lanes: list[Path]) -> None:
    reader = LaneReader(lanes)
    loop = (1000, 1900)
    whole, _ = reader.read(900, 6000, loop)
    parts, position = [], 900
    for size in (1, 7, 900, 901, 333, 3858):
        block, position = reader.read(position, size, loop)
        parts.append(block)
    reader.close()
    assert np.allclose(np.concatenate(parts, axis=1), whole, atol=1e-7)


def test_mono_is_heard_on_both_sides(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "m.wav", np.full(1000, 0.5), RATE, "FLOAT")
    reader = LaneReader([tmp_path / "m.wav"])
    block, _ = reader.read(-10, 1100, None)
    reader.close()
    assert not block[0, :10].any()
    assert (block[0, 10:1010] == 0.5).all()
    assert not block[0, 1010:].any()


def test_matched_lanes_are_as_loud_as_the_mixture_and_never_clip() -> None:
    lanes = [Lane(name, name, Path()) for name in ("mixture", "target", "residual")]
    levels = Levels(None, (0.2, 0.05, 0.001), (0.8, 0.2, 0.5))
    audition = Audition(solo=("target",), is_matched=True)
    assert audition.factors(lanes, {}, levels) == [0.0, 4.0, 0.0]
    assert replace(audition, solo=("residual",)).factors(lanes, {}, levels)[2] == 0.98 / 0.5
    assert replace(audition, is_matched=False).factors(lanes, {"target": -6.0}, levels)[
        1
    ] == pytest.approx(0.501, abs=1e-3)
    assert audition.with_solo("residual", True).factors(lanes, {}, levels) == [0.0, 1.0, 1.0]
    assert audition.with_mute("target", True).factors(lanes, {}, levels) == [0.0, 0.0, 0.0]
    assert audition.hear("mixture").switched().solo == ("target",)


def split(tmp_path: Path, subtype: str, error: float = 0.0) -> list[Path]:
    """Mixture, target and residual that add up but for an error in one sample."""
    whole = write_mixture(tmp_path / "whole.wav", 2.0, subtype)
    samples = soundfile.read(whole, dtype="int32")[0]
    target = (samples // 3) >> 16 << 16
    rest = samples - target
    rest[777, 0] += round(error * 2**31)
    for name, part in (("target", target), ("rest", rest)):
        soundfile.write(tmp_path / f"{name}.wav", part.astype(np.int32), RATE, subtype)
    return [whole, tmp_path / "target.wav", tmp_path / "rest.wav"]


def test_the_null_is_measured_to_the_last_bit(tmp_path: Path) -> None:
    assert measure(split(tmp_path, "PCM_24")).null_db is None
    off_by_one = measure(split(tmp_path, "PCM_24", 2**-23)).null_db
    assert off_by_one == pytest.approx(-138.5, abs=0.1)
    assert measure(split(tmp_path, "PCM_16", 0.01)).null_db == pytest.approx(-40, abs=0.1)
    levels = measure(split(tmp_path, "PCM_16"))
    assert levels.rms[0] == pytest.approx(np.sqrt((mixture(2.0) ** 2).mean()), rel=0.01)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_stem_is_saved_without_changing_a_bit(tmp_path: Path, suffix: str, subtype: str) -> None:
    source = write_mixture(tmp_path / "a.wav", 1.0, subtype)
    saved = save_copy(source, tmp_path / f"b{suffix}")
    assert soundfile.info(saved).subtype == subtype
    assert soundfile.info(saved).samplerate == RATE
    before, after = (soundfile.read(path, dtype="int32")[0] for path in (source, saved))
    assert np.array_equal(before, after)


def test_a_remix_is_the_sum_with_its_gains(tmp_path: Path) -> None:
    paths = split(tmp_path, "PCM_24")
    saved = save_mix(paths[1:], [0.5, 1.0], tmp_path / "remix.wav")
    target, rest = lane(paths[1]), lane(paths[2])
    assert np.abs(lane(saved) - (0.5 * target + rest)).max() < 2**-22


def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", np.full((100, 2), 1.5), RATE, "FLOAT")
    with pytest.raises(SoundUnreadable, match="full scale"):
        save_copy(tmp_path / "loud.wav", tmp_path / "loud.flac")
    with pytest.raises(SoundUnreadable, match=r"\.flac"):
        save_copy(tmp_path / "loud.wav", tmp_path / "loud.mp3")
    with pytest.raises(SoundUnreadable):
        save_copy(tmp_path / "loud.wav", tmp_path / "nowhere" / "loud.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["loud.wav"]


def test_a_drag_carries_the_file(tmp_path: Path) -> None:
    data = mime_of(tmp_path / "song - snare.wav")
    assert [url.toLocalFile() for url in data.urls()] == [str(tmp_path / "song - snare.wav")]


def test_a_device_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(NoSoundDevice, match="no such device"):
        open_device(StreamSpec(RATE, 512, 2, "no such device"), print)
