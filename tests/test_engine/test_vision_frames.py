"""Which frame of a video each latent frame shows, from files and from arrays."""

import gc
import struct
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import PromptError
from engine.model.video_frames import (
    DecodedFrame,
    SelectedFrame,
    count_frames,
    nearest_in_time,
    nearest_index,
    select_frames,
)

from .video_makers import HEIGHT, WIDTH, number_of, numbered, write_sound, write_video


def shown(frames: Iterator[SelectedFrame]) -> list[int]:
    """The source frame of every latent frame."""
    return [frame.number for frame in frames for _ in range(frame.n_repeats)]


def nearest(times_s: list[float], n_latent: int) -> list[int]:
    """The definition: for each latent frame the first of the nearest frames."""
    return [
        int(np.argmin([abs(Fraction(k, 25) - Fraction(round(t * 1000), 1000)) for t in times_s]))
        for k in range(n_latent)
    ]


@pytest.mark.parametrize("fps", [10, 24, 25, 30, 50, 60])
def test_a_steady_video_shows_the_nearest_frame(tmp_path: Path, fps: int) -> None:
    video = write_video(tmp_path / "steady.mkv", numbered(30), fps=fps)
    n_latent = 30 * 25 // fps
    assert shown(select_frames(video, n_latent)) == nearest([n / fps for n in range(30)], n_latent)


def test_a_video_of_varying_rate_goes_by_its_times(tmp_path: Path) -> None:
    gaps = np.random.default_rng(3).integers(5, 200, 39)
    times_s = [0.0, *(np.cumsum(gaps) / 1000).tolist()]
    video = write_video(tmp_path / "varying.mkv", numbered(40), times_s)

    frames = list(select_frames(video, 100))

    assert shown(iter(frames)) == nearest(times_s, 100)
    assert [number_of(frame.image) for frame in frames] == [f.number % 32 for f in frames]


def test_times_decide_although_the_file_stores_frames_in_another_order(tmp_path: Path) -> None:
    options = {"bf": "3", "x264-params": "b-adapt=0:keyint=12"}
    video = write_video(tmp_path / "b.mp4", numbered(24), codec="libx264", options=options)

    frames = list(select_frames(video, 24))

    assert shown(iter(frames)) == list(range(24))
    assert [number_of(frame.image) for frame in frames] == list(range(24))


def test_of_two_equally_near_frames_the_earlier_is_taken(tmp_path: Path) -> None:
    video = write_video(tmp_path / "slow.mkv", numbered(4), [0, 0.08, 0.16, 0.24])
    assert shown(select_frames(video, 7)) == [0, 0, 1, 1, 2, 2, 3]


def test_a_short_video_rests_on_its_last_frame_and_a_long_one_is_cut(tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mkv", numbered(5))
    assert shown(select_frames(video, 9)) == [0, 1, 2, 3, 4, 4, 4, 4, 4]
    assert shown(select_frames(video, 3)) == [0, 1, 2]
    assert shown(select_frames(video, 1)) == [0]


def test_a_broadcast_clock_counts_from_its_start(tmp_path: Path) -> None:
    times_s = [10 + n / 25 for n in range(10)]
    video = write_video(tmp_path / "live.ts", numbered(10), times_s, codec="libx264")
    assert shown(select_frames(video, 10)) == list(range(10))


def test_a_turned_video_is_set_upright(tmp_path: Path) -> None:
    frames = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    frames[:, :10, :10] = 255  # the sensor's top left is the picture's top right
    video = write_video(tmp_path / "portrait.mp4", frames, codec="libx264")
    content = bytearray(video.read_bytes())
    matrix = content.index(b"tkhd") + 44
    content[matrix : matrix + 20] = struct.pack(">5i", 0, 1 << 16, 0, -(1 << 16), 0)
    video.write_bytes(content)

    image = next(select_frames(video, 2)).image

    assert image.shape == (3, WIDTH, HEIGHT)
    assert image[:, :6, -6:].min() > 230
    assert image[:, :6, :6].max() < 25


@pytest.mark.parametrize("n_frames", [1, 2, 7, 9, 40])
def test_an_array_is_spread_evenly(n_frames: int) -> None:
    video = numbered(n_frames).transpose(0, 3, 1, 2)
    places = np.linspace(0, n_frames - 1, 11, dtype=np.float32)

    frames = list(select_frames(video, 11))

    assert shown(iter(frames)) == np.round(places).astype(int).tolist()
    assert all(np.array_equal(frame.image, video[frame.number]) for frame in frames)


def test_halves_go_to_the_even_frame() -> None:
    assert nearest_index(3, 2).tolist() == [0, 0, 1]
    assert nearest_index(3, 4).tolist() == [0, 2, 3]


def test_frames_are_counted_without_decoding(tmp_path: Path) -> None:
    assert count_frames(write_video(tmp_path / "a.mkv", numbered(13))) == 13
    assert count_frames(write_video(tmp_path / "b.mp4", numbered(7), codec="libx264")) == 7


class Picture:
    """Stands for a decoder's buffer."""


def test_only_two_decoded_frames_are_alive_at_any_time() -> None:
    alive: weakref.WeakSet[Picture] = weakref.WeakSet()

    def decoder() -> Iterator[DecodedFrame]:
        for number in range(500):
            picture: Any = Picture()
            alive.add(picture)
            yield DecodedFrame(number, Fraction(number, 60), picture, True)

    most = 0
    for _ in nearest_in_time(decoder(), 150):
        gc.collect(0)
        most = max(most, len(alive))
    assert 1 <= most <= 3


def test_a_damaged_stretch_is_passed_over(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, HEIGHT, WIDTH, 3), np.uint8)
    options = {"x264-params": "keyint=5"}
    video = write_video(tmp_path / "video.mkv", noise, codec="libx264", options=options)
    content = bytearray(video.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5_000] = bytes(5_000)
    video.write_bytes(content)

    frames = list(select_frames(video, 40))

    assert sum(frame.n_repeats for frame in frames) == 40
    assert 20 < len(frames) < 40


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"this is no video at all " * 50, "cannot be read .*allowed is whatever FFmpeg reads"),
    ],
)
def test_a_file_that_is_no_video_is_refused(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    video = tmp_path / "video.mp4"
    if content is not None:
        video.write_bytes(content)
    with pytest.raises(PromptError, match=complaint):
        list(select_frames(video, 5))
    with pytest.raises(PromptError, match=complaint):
        count_frames(video)


def test_a_truncated_video_is_refused(tmp_path: Path) -> None:
    video = write_video(tmp_path / "cut.mp4", numbered(10), codec="libx264")
    video.write_bytes(video.read_bytes()[:300])
    with pytest.raises(PromptError, match=r"cut\.mp4"):
        list(select_frames(video, 5))


def test_sound_without_a_picture_is_refused(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "sound.mkv")
    with pytest.raises(PromptError, match="no moving picture, only audio"):
        list(select_frames(sound, 5))


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        (np.zeros((4, 20, 30, 3), np.uint8), r"shape \(4, 20, 30, 3\).*transpose\(0, 3, 1, 2\)"),
        (np.zeros((3, 20, 30), np.uint8), r"allowed is \[frames, 3, height, width\]"),
        (np.zeros((4, 3, 20, 30), np.float32), "type float32: allowed is uint8"),
        (np.zeros((0, 3, 20, 30), np.uint8), "is empty"),
    ],
)
def test_an_array_of_another_kind_is_refused(frames: Any, complaint: str) -> None:
    with pytest.raises(PromptError, match=complaint):
        list(select_frames(frames, 5))


def test_without_pyav_the_user_is_told_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"x")
    program = textwrap.dedent(
        """
        import sys
        sys.modules["av"] = None
        from pathlib import Path
        from engine.errors import BackendUnavailable
        from engine.model.video_frames import select_frames
        try:
            next(select_frames(Path(sys.argv[1]), 5))
        except BackendUnavailable as error:
            print(error)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "video.mp4")],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2], timeout=200,
    )  # fmt: skip
    assert 'pip install "stemlasso[video]"' in done.stdout
