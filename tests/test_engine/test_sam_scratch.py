"""Temporary files of long jobs: exact, gone in any case, and a full disk is a typed error."""

import gc
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Prompt, separate
from engine.data import Progress, SeparationOptions
from engine.errors import Cancelled, DiskFull, OutputError
from engine.model import SAMAudio
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.frames import Frames
from engine.sam_audio.sampling import _FRAME_FILES, Course, sampled_latents
from engine.sam_audio.scratch import _IN_MEMORY_BYTES, FrameFile, Scratch
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.windows import Window, noise_field, plan_windows
from engine.samplers import SAMPLERS, Draw, Sampling

from .tiny_model import write_checkpoint


@given(
    n_rows=st.integers(1, 3),
    n_channels=st.integers(1, 5),
    pieces=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_what_is_appended_is_read_back(
    n_rows: int, n_channels: int, pieces: list[int], data: st.DataObject
) -> None:
    whole = torch.randn(n_rows, sum(pieces), n_channels)
    file = Scratch().file(n_rows, n_channels)
    for piece in whole.split(pieces, dim=1):
        file.append(piece)
    start = data.draw(st.integers(0, sum(pieces)))
    stop = data.draw(st.integers(start, sum(pieces)))
    assert torch.equal(file.read(start, stop), whole[:, start:stop])


def test_large_ones_go_to_disk_and_come_back(tmp_path: Path) -> None:
    n_frames = _IN_MEMORY_BYTES // 1000
    whole = torch.randn(2, n_frames, 256)
    scratch = Scratch(tmp_path)
    frames = Frames.stored(whole.split(999, dim=1), scratch)
    assert torch.equal(frames.whole(), whole)
    assert torch.equal(frames.read(1234, 2500), whole[:, 1234:2500])
    assert scratch.peak_bytes == whole.numel() * 4
    if os.name == "posix":
        assert not list(tmp_path.iterdir())  # no name, so nothing to leave behind


def test_frames_add_up_piece_by_piece() -> None:
    a, b = torch.randn(2, 9, 4), torch.randn(2, 9, 4)
    x, y = Frames.of(a), Frames.of(b)
    assert torch.equal((x + 0.3 * y).whole(), a + 0.3 * b)
    assert torch.equal((x / 3 - y).read(2, 5), (a / 3 - b)[:, 2:5])
    assert torch.equal(x.beside(y).channels(3, 6).whole(), torch.cat((a, b), -1)[..., 3:6])
    assert torch.equal(x.over(y).rows([3, 0]).whole(), torch.cat((a, b))[[3, 0]])
    assert torch.equal(x.between(2, 8).between(1, 4).whole(), a[:, 3:6])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_sampler_needs_more_files_than_room_was_asked_for(sampler: str) -> None:
    scratch = Scratch()
    noise = noise_field([Draw(0)], 300, 4)
    course = Course(Sampling(sampler, 4), plan_windows(300, 100, 20))

    def velocity(_windows: tuple[Window, ...], x: torch.Tensor, _t: float) -> torch.Tensor:
        return -x

    latents = sampled_latents(velocity, noise, course, scratch)
    assert latents.whole().isfinite().all()
    assert 3 * 300 * 4 * 4 <= scratch.peak_bytes <= _FRAME_FILES * 300 * 4 * 4
    gc.collect()
    assert sum(file.n_bytes for file in scratch._files) <= 2 * 300 * 4 * 4  # result and noise
    scratch.close()
    assert sum(file.n_bytes for file in scratch._files) == 0


def test_a_disk_that_is_too_small_is_known_before(tmp_path: Path) -> None:
    course = Course(Sampling(), (Window(0, 10),))
    years = Frames(lambda start, stop: torch.zeros(1, stop - start, 256), (1, 1 << 40, 256))
    with pytest.raises(DiskFull, match="MB are free"):
        sampled_latents(lambda _w, x, _t: x, years, course, Scratch(tmp_path))
    with pytest.raises(OutputError):
        Scratch(tmp_path / "nowhere").require(1)


FILLS_UP = """
import resource, sys, torch
from engine.errors import DiskFull
from engine.sam_audio.frames import Frames
from engine.sam_audio.scratch import Scratch
resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, 6 << 20))
scratch = Scratch()
try:
    Frames.stored((torch.zeros(1, 500, 256) for _ in range(100)), scratch)
except DiskFull as error:
    print("typed:", error)
scratch.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit on the size of files")
def test_a_disk_that_fills_up_meanwhile_is_a_typed_error(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FILLS_UP],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("typed:")
    assert not done.stderr


@pytest.mark.parametrize("stage", ["encode", "sample", "decode", "rank", None])
def test_nothing_is_left_after_cancelling_or_a_result(tmp_path: Path, stage: str | None) -> None:
    others = files_in_use()  # what other tests still hold
    folder = write_checkpoint(tmp_path / "model")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    config = SamAudioConfig(device="cpu", sampling=Sampling("euler", 2), scratch=scratch)
    separator = SamAudioSeparator("tiny", lambda: SAMAudio.from_pretrained(folder), config)
    mixture = np.zeros((24_000, 1), np.float32)
    mixture[::7] = 0.1
    stages: list[str] = []
    held: list[int] = []

    def own_files() -> list[FrameFile]:
        """Of this run, beside those that are kept for the next prompt."""
        known = [*others, *separator._recall.scratch._files]
        return [file for file in files_in_use() if not any(file is each for each in known)]

    def on_progress(progress: Progress) -> None:
        stages.append(progress.stage)
        held.append(len(own_files()))

    with pytest.raises(Cancelled) if stage else nullcontext():
        separate(
            mixture,
            Prompt("dog"),
            sample_rate=48_000,
            separator=separator,
            options=SeparationOptions(n_candidates=2, n_threads=1),
            on_progress=on_progress,
            is_cancelled=lambda: stage in stages and (stage == "encode" or held[-1] > 0),
        )
    assert stage in stages or stage is None
    assert stage == "encode" or max(held) > 0
    assert not own_files()
    assert not list(scratch.iterdir())


def files_in_use() -> list[FrameFile]:
    """All that take room in this process."""
    files = [each for each in gc.get_objects() if type(each) is FrameFile]
    return [each for each in files if each.n_bytes]
