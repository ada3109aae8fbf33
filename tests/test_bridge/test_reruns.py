"""A selection done anew over the wire: all around it the earlier target stays, to the last bit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import BridgeError
from bridge.protocol.messages import EstimateAsk
from bridge.protocol.values import Job, JobRerun, WirePrompt, WireSpan

from .clips import clicks, stem_sum, write_clip
from .desk_driver import BUILTIN, Driver, driving

OTHER = WirePrompt("noise", (WireSpan(0.3, 0.9, "+"), WireSpan(0.0, 0.1, "-")))
RATE = 48_000
FADE_S = 0.02


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with driving(tmp_path_factory.mktemp("desk") / "store") as driver:
        yield driver


def target_of(job: Job) -> np.ndarray:
    assert job.result is not None
    return soundfile.read(job.result.stems[0].path, always_2d=True)[0]


def test_only_the_selection_changes(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "loop.wav", 2.0))
    base = desk.result(desk.submit(clip))
    ask = EstimateAsk(clip_id=clip.clip_id, options=BUILTIN)
    n_measured = desk.estimate(ask).n_measured
    part = replace(BUILTIN, rerun=JobRerun(base.job_id, 0.5, 1.25))
    done = desk.result(desk.submit(clip, OTHER, part))
    assert done.state == "done", done.error
    assert done.options.rerun == part.rerun
    before, after = target_of(base), target_of(done)
    times_s = np.arange(len(before)) / RATE
    around = (times_s < 0.5 - FADE_S) | (times_s > 1.25 + FADE_S)
    inside = (times_s >= 0.5) & (times_s < 1.25)
    assert np.array_equal(before[around], after[around])
    assert np.abs(before - after)[inside].max() > 0.01
    whole = target_of(desk.result(desk.submit(clip, OTHER)))
    assert np.array_equal(after[inside], whole[inside])
    assert np.abs(stem_sum(done) - clicks(2.0)).max() < 1e-7
    assert done.result is not None
    assert done.result.stems[0].name == "loop - noise - rerun 0.5-1.25.wav"
    # the part was not taken for a measure of a whole clip; the whole one after it was
    assert desk.estimate(ask).n_measured == n_measured + 1
    again = desk.result(desk.submit(clip, OTHER, part))
    assert again.result is not None
    assert again.result.from_store


def test_what_cannot_be_done_anew_is_refused_at_once(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "a.wav", 1.0, seed=1))
    other = desk.put(write_clip(tmp_path / "b.wav", 1.0, seed=2))
    base = desk.result(desk.submit(clip))
    n_jobs = len(desk.jobs())
    for at, rerun, code, words in (
        (clip, JobRerun("nothing", 0.1, 0.2), "job_not_found", "nothing"),
        (clip, JobRerun(base.job_id, 0.2, 0.2), "prompt_invalid", "after the start"),
        (clip, JobRerun(base.job_id, 1.0, 1.5), "prompt_invalid", "outside the clip"),
        (other, JobRerun(base.job_id, 0.1, 0.2), "prompt_invalid", "another clip"),
    ):
        with pytest.raises(BridgeError, match=words) as refused:
            desk.submit(at, OTHER, replace(BUILTIN, rerun=rerun))
        assert refused.value.code == code
    assert len(desk.jobs()) == n_jobs


def test_a_target_that_is_gone_is_said_to_be_so(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "c.wav", 1.0, seed=3))
    base = desk.result(desk.submit(clip))
    assert base.result is not None
    Path(base.result.stems[0].path).unlink()
    with pytest.raises(BridgeError, match="whole clip first") as refused:
        desk.submit(clip, OTHER, replace(BUILTIN, rerun=JobRerun(base.job_id, 0.1, 0.2)))
    assert refused.value.code == "stem_not_found"
