"""Every stem says where it belongs on the timeline, in a way that any DAW reads."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.protocol.values import ClipOrigin, Job, JobOptions
from bridge.time_reference import read_time_reference, write_time_reference
from engine.audio_files import open_clip

from .clips import clicks, stem_sum, write_clip
from .desk_driver import SPANS, driving


def references(job: Job) -> list[int]:
    """As our own reader of Broadcast Wave files, which is libsndfile's, sees them."""
    assert job.result is not None
    found = []
    for stem in job.result.stems:
        clip = open_clip(stem.path)
        clip.source.close()
        assert clip.broadcast is not None
        assert hashlib.sha256(Path(stem.path).read_bytes()).hexdigest() == stem.sha256
        found.append(clip.broadcast.time_reference_samples)
    return found


def test_stems_begin_where_the_host_said(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "loop.wav")
    with driving(tmp_path / "store") as desk:
        done = desk.result(desk.submit(desk.put(path, ClipOrigin(position_s=3.5))))
        # the same loop once more on the timeline: not computed again, but placed elsewhere
        far = ClipOrigin(position_samples=2**32 + 5)
        moved = desk.result(desk.submit(desk.put(path, far)))
        unknown = desk.result(desk.submit(desk.put(path)))
        early = desk.result(desk.submit(desk.put(path, ClipOrigin(position_s=-1.0))))
    assert references(done) == [168_000, 168_000]
    assert references(moved) == [2**32 + 5] * 2
    assert references(unknown) == references(early) == [0, 0]
    for job in (done, moved, unknown, early):
        assert np.abs(stem_sum(job) - clicks(1.0)).max() < 1e-7
    assert moved.result is not None
    assert moved.result.from_store


def test_other_formats_have_no_place_for_it(tmp_path: Path) -> None:
    path = tmp_path / "loop.flac"
    soundfile.write(path, clicks(1.0) / 2, 48_000, "PCM_16")
    options = JobOptions(separator="builtin", n_threads=1)
    with driving(tmp_path / "store") as desk:
        clip = desk.put(path, ClipOrigin(position_s=3.5))
        first = desk.result(desk.submit(clip, SPANS, options))
        again = desk.result(desk.submit(desk.put(path, ClipOrigin(position_s=5.0)), SPANS, options))
    assert first.result is not None
    assert again.result is not None
    assert again.result.from_store
    assert [read_time_reference(Path(stem.path)) for stem in first.result.stems] == [None, None]


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEbext\1\0\0\0a", b"fLaC" * 9]
)
def test_what_has_no_reference_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert read_time_reference(path) is None
    write_time_reference(path, 7)
    assert path.read_bytes() == content
