"""Jobs on a real desk with real workers: from a clip to stems that add up, once."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from bridge.errors import BridgeError
from bridge.estimates import forecast
from bridge.lane import LaneRules
from bridge.protocol.limits import Limits
from bridge.protocol.messages import (
    EstimateAsk,
    JobSubmit,
)
from bridge.protocol.transfers import (
    ClipPut,
)
from bridge.protocol.values import ClipOrigin, JobOptions, WirePrompt, WireSpan

from .clips import WAIT_S, clicks, stem_sum, write_clip
from .desk_driver import BUILTIN, SPANS, Driver, driving


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    # A worker that is slow to listen, as on a busy computer, is not ended for it.
    rules = LaneRules(cancel_s=WAIT_S)
    with driving(tmp_path_factory.mktemp("desk") / "store", rules=rules) as driver:
        yield driver


def test_a_job_gives_stems_that_add_up(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "loop.wav"))
    done = desk.result(desk.submit(clip))
    assert done.state == "done", done.error
    assert done.result is not None
    assert [stem.role for stem in done.result.stems] == ["target", "residual"]
    assert [stem.name for stem in done.result.stems] == [
        "loop - clicks.wav",
        "loop - clicks - residual.wav",
    ]
    assert np.abs(stem_sum(done) - clicks(1.0)).max() < 1e-7
    receipt = json.loads(Path(done.result.receipt_path).read_text("utf-8"))
    assert receipt["job"]["job_id"] == done.job_id
    assert receipt["engine"]["separator"] == "builtin"
    assert receipt["engine"]["versions"]["stemlasso"]


def test_a_job_passes_through_its_states_in_order(desk: Driver, tmp_path: Path) -> None:
    job = desk.submit(desk.put(write_clip(tmp_path / "a.wav", seed=1)))
    desk.result(job)
    told = [
        name
        for name, body in desk.events
        if name.startswith("job.")
        and (getattr(body, "job_id", "") or body.job.job_id) == job.job_id
        and name != "job.progress"
    ]
    assert told == ["job.queued", "job.started", "job.done"]


def test_the_same_work_is_answered_from_the_store(desk: Driver, tmp_path: Path) -> None:
    first = desk.result(desk.submit(desk.put(write_clip(tmp_path / "b.wav", seed=2))))
    # the same audio under another name and in another place
    again = desk.put(Path(shutil.copy(tmp_path / "b.wav", tmp_path / "take 7.wav")))
    second = desk.result(desk.submit(again))
    other = desk.result(desk.submit(again, options=replace(BUILTIN, seed=1)))
    assert first.result is not None
    assert second.result is not None
    assert other.result is not None
    assert (first.result.from_store, second.result.from_store) == (False, True)
    assert not other.result.from_store
    assert second.attempt == 0
    assert [s.sha256 for s in first.result.stems] == [s.sha256 for s in second.result.stems]
    assert second.result.stems[0].name == "take 7 - clicks.wav"
    assert Path(second.result.stems[0].path).is_file()


def test_stems_that_were_damaged_are_not_answered_with(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "c.wav", seed=3))
    first = desk.result(desk.submit(clip))
    assert first.result is not None
    Path(first.result.stems[1].path).unlink()
    second = desk.result(desk.submit(clip))
    assert second.result is not None
    assert not second.result.from_store
    assert Path(second.result.stems[1].path).is_file()


def test_stems_are_copied_where_the_client_wants_them(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "d.wav", seed=4))
    folder = tmp_path / "project" / "stems"
    options = replace(BUILTIN, output_folder=str(folder))
    done = desk.result(desk.submit(clip, options=options))
    assert done.state == "done", done.error
    assert sorted(path.name for path in folder.iterdir()) == [
        "d - clicks - residual.wav",
        "d - clicks.wav",
    ]
    assert done.result is not None
    assert {Path(stem.path).parent for stem in done.result.stems} == {folder}


def test_a_file_that_is_there_is_never_overwritten(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "e.wav", seed=5))
    there = tmp_path / "e - clicks - residual.wav"
    there.write_bytes(b"precious")
    options = replace(BUILTIN, output_folder=str(tmp_path))
    failed = desk.result(desk.submit(clip, options=options))
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.code == "output_exists"
    assert there.read_bytes() == b"precious"
    assert {path.name for path in tmp_path.iterdir()} == {"e - clicks - residual.wav", "e.wav"}

    # the work was not lost: with a free folder it is answered from the store
    there.unlink()
    again = desk.ask(lambda each: each.retry(failed.job_id))
    done = desk.result(again)
    assert done.state == "done", done.error
    assert done.retry_of == failed.job_id
    assert done.result is not None
    assert done.result.from_store


def test_overwriting_has_to_be_allowed(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "f.wav", seed=6))
    (tmp_path / "f - clicks.wav").write_bytes(b"old")
    options = replace(BUILTIN, output_folder=str(tmp_path), allow_overwrite=True)
    done = desk.result(desk.submit(clip, options=options))
    assert done.state == "done", done.error
    assert soundfile.info(tmp_path / "f - clicks.wav").frames == 48_000


def test_interactive_jobs_go_before_batch_jobs(desk: Driver, tmp_path: Path) -> None:
    _, worker = desk.meet(desk.put(write_clip(tmp_path / "long.wav", 20.0, seed=7)))
    clip = desk.put(write_clip(tmp_path / "g.wav", seed=8))
    jobs = [
        desk.submit(clip, options=replace(BUILTIN, seed=seed, priority=priority))
        for seed, priority in ((1, "batch"), (2, "batch"), (3, "interactive"))
    ]
    desk.wait_for(lambda: desk.ask(lambda each: each._probe.is_free))
    worker.resume()
    for job in jobs:
        assert desk.result(job).state == "done"
    started = [body.job.job_id for body in desk.bodies("job.started")][-3:]
    assert started == [jobs[2].job_id, jobs[0].job_id, jobs[1].job_id]


def test_a_waiting_job_is_cancelled_at_once(desk: Driver, tmp_path: Path) -> None:
    long, worker = desk.meet(desk.put(write_clip(tmp_path / "long.wav", 20.0, seed=9)))
    waiting = desk.submit(desk.put(write_clip(tmp_path / "h.wav", seed=10)))
    assert desk.cancel(waiting).state == "cancelled"
    worker.resume()
    assert desk.result(long).state == "done"
    assert desk.finals(waiting) == ["cancelled"]


def test_a_running_job_is_cancelled_and_leaves_nothing(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "long.wav", 60.0, seed=11))
    job, worker = desk.meet(clip, replace(BUILTIN, output_folder=str(tmp_path / "out")))
    desk.cancel(job)
    worker.resume()
    cancelled = desk.result(job)
    assert cancelled.state == "cancelled"
    assert not (tmp_path / "out").exists()
    store = Path(desk.status().store.folder)
    assert not (store / "jobs" / job.job_id).exists()
    # the worker is still good: it listened, and keeps what it has loaded
    assert desk.status().engine.pid == worker.pid
    assert desk.cancel(job).state == "cancelled"


def test_a_job_that_ended_badly_can_be_tried_again_and_a_done_one_not(
    desk: Driver, tmp_path: Path
) -> None:
    clip = desk.put(write_clip(tmp_path / "i.wav", seed=12))
    unknown = WirePrompt("zorp")
    failed = desk.result(desk.submit(clip, unknown))
    assert failed.error is not None
    assert failed.error.code == "prompt_needs_spans"
    again = desk.ask(lambda each: each.retry(failed.job_id))
    assert again.job_id != failed.job_id
    assert desk.result(again).state == "failed"
    done = desk.result(desk.submit(clip))
    with pytest.raises(BridgeError) as refused:
        desk.ask(lambda each: each.retry(done.job_id))
    assert refused.value.code == "job_not_retryable"


def test_a_submission_sent_twice_is_one_job(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "j.wav", seed=13))
    request = JobSubmit(clip_id=clip.clip_id, prompt=SPANS, options=BUILTIN, submission_id="s-1")
    first = desk.ask(lambda each: each.submit(request, True))
    second = desk.ask(lambda each: each.submit(request, True))
    desk.result(first)
    third = desk.ask(lambda each: each.submit(request, True))
    assert first.job_id == second.job_id == third.job_id
    assert third.state == "done"


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        (WirePrompt(""), "prompt_invalid"),
        (WirePrompt("  "), "prompt_invalid"),
        (WirePrompt("snare", (WireSpan(0.5, 0.2),)), "prompt_invalid"),
        (WirePrompt("snare", (WireSpan(7.0, 8.0),)), "prompt_invalid"),
        (WirePrompt("snare", mask_path="/tmp/mask.npy"), "prompt_invalid"),
        (WirePrompt("snare", video_path="/no/such/video.mp4"), "path_refused"),
        (WirePrompt("snare", video_path="video.mp4"), "path_refused"),
    ],
)
def test_a_prompt_that_means_nothing_is_refused(
    desk: Driver, tmp_path: Path, prompt: WirePrompt, code: str
) -> None:
    clip = desk.put(write_clip(tmp_path / "k.wav", 0.2))
    with pytest.raises(BridgeError) as refused:
        desk.submit(clip, prompt)
    assert refused.value.code == code


def test_stems_go_only_where_they_may(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "l.wav", 0.2))
    root = Path(desk.status().store.folder)
    for folder in ("stems", str(root), str(root / "jobs"), str(root.parent), f"{tmp_path}/a/../b"):
        with pytest.raises(BridgeError) as refused:
            desk.submit(clip, options=replace(BUILTIN, output_folder=folder))
        assert refused.value.code == "path_refused", folder


def test_a_client_elsewhere_names_no_paths(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "m.wav", 0.2))
    put = ClipPut(path=str(tmp_path / "m.wav"))
    with pytest.raises(BridgeError) as refused:
        desk.later(lambda each, answer: each.put_clip(put, False, answer))
    assert refused.value.code == "paths_not_for_remote"
    for prompt, folder in (
        (SPANS, str(tmp_path)),
        (replace(SPANS, video_path=str(tmp_path / "m.wav")), ""),
    ):
        options = replace(BUILTIN, output_folder=folder)
        request = JobSubmit(clip_id=clip.clip_id, prompt=prompt, options=options)
        with pytest.raises(BridgeError) as refused:
            desk.ask(lambda each, request=request: each.submit(request, False))
        assert refused.value.code == "paths_not_for_remote"


def test_what_does_not_exist_is_said_to_be_missing(desk: Driver) -> None:
    for work, code in (
        (lambda each: each.job("j0"), "job_not_found"),
        (lambda each: each.cancel("j0"), "job_not_found"),
        (lambda each: each.retry("j0"), "job_not_found"),
        (lambda each: each.clip("c0"), "clip_not_found"),
        (lambda each: each.remove_clip("c0"), "clip_not_found"),
        (lambda each: each.submit(JobSubmit("c0", SPANS), True), "clip_not_found"),
        (lambda each: each.estimate(EstimateAsk(clip_id="c0")), "clip_not_found"),
    ):
        with pytest.raises(BridgeError) as missing:
            desk.ask(work)
        assert missing.value.code == code


def test_a_clip_is_kept_while_a_job_needs_it(desk: Driver, tmp_path: Path) -> None:
    clip = desk.put(write_clip(tmp_path / "long.wav", 20.0, seed=14))
    job, worker = desk.meet(clip)
    with pytest.raises(BridgeError) as refused:
        desk.ask(lambda each: each.remove_clip(clip.clip_id))
    assert refused.value.code == "clip_in_use"
    desk.cancel(job)
    worker.resume()
    desk.result(job)
    desk.ask(lambda each: each.remove_clip(clip.clip_id))
    assert (tmp_path / "long.wav").is_file()
    assert desk.bodies("clip.removed")[-1].clip.clip_id == clip.clip_id


def test_an_estimate_learns_from_finished_jobs(tmp_path: Path) -> None:
    with driving(tmp_path / "store") as desk:
        clip = desk.put(write_clip(tmp_path / "n.wav", 2.0))
        ask = EstimateAsk(clip_id=clip.clip_id, options=BUILTIN)
        before = desk.estimate(ask)
        done = desk.result(desk.submit(clip))
        after = desk.estimate(ask)
        twice = desk.estimate(EstimateAsk(duration_s=4.0, n_channels=2, options=BUILTIN))
    assert before.n_measured == 0
    assert before.seconds > 0
    assert after.n_measured == 1
    assert done.result is not None
    assert after.seconds == pytest.approx(done.result.took_s, rel=0.01)
    assert twice.seconds == pytest.approx(2 * after.seconds, rel=0.01)
    assert after.disk_bytes == 2 * 2 * 4 * 96_000


def test_an_estimate_without_jobs_is_the_engines_own(tmp_path: Path) -> None:
    ask = EstimateAsk(duration_s=600.0, n_channels=2, options=BUILTIN)
    with driving(tmp_path / "store") as desk:
        guess = desk.estimate(ask)
        deadline_s = time.monotonic() + WAIT_S
        while (told := desk.estimate(ask)).seconds == guess.seconds:
            assert time.monotonic() < deadline_s, "no worker was asked"
            time.sleep(0.05)
        longer = desk.estimate(EstimateAsk(duration_s=6000.0, n_channels=2, options=BUILTIN))
    assert told.memory_bytes == longer.memory_bytes == 300_000_000
    assert longer.seconds > 5 * told.seconds


def test_an_estimate_names_what_auto_stands_for_and_the_memory_for_it(tmp_path: Path) -> None:
    with driving(tmp_path / "store") as desk:
        auto = EstimateAsk(duration_s=6.0, n_channels=2)
        desk.wait_for(lambda: desk.estimate(auto).separator == "builtin")
        told = desk.estimate(replace(auto, options=JobOptions(separator="sam-audio-base")))
        free_bytes = desk.estimate(auto).memory_free_bytes
    assert told.separator == "sam-audio-base"
    if sys.platform != "darwin":
        assert free_bytes is not None
        assert 0 < free_bytes < psutil.virtual_memory().total


def test_a_first_guess_grows_with_the_evaluations_of_the_model() -> None:
    def seconds(**how: Any) -> float:
        options = JobOptions(separator="sam-audio-base", **how)
        return forecast("sam-audio-base", options, 1e6, (), {}).seconds

    assert seconds(quality="draft") == pytest.approx(4 / 32 * seconds(), rel=1e-4)
    assert seconds(quality="best", n_candidates=2) == pytest.approx(3 * seconds(), rel=1e-4)
    builtin = [
        forecast("builtin", JobOptions(quality=quality), 1e6, (), {}).seconds
        for quality in ("draft", "best")
    ]
    assert builtin[0] == builtin[1]


def test_limits_have_codes_of_their_own(tmp_path: Path) -> None:
    limits = Limits(clips=2, queued_jobs=1, clip_s=3, clip_bytes=1_000_000)
    with driving(tmp_path / "store", limits=limits) as desk:
        for seconds, n_channels, code in ((4.0, 1, "clip_too_long"), (2.0, 4, "clip_too_large")):
            with pytest.raises(BridgeError) as refused:
                desk.put(write_clip(tmp_path / "big.wav", seconds, n_channels))
            assert refused.value.code == code
        clip = desk.put(write_clip(tmp_path / "o.wav", 2.0))
        desk.put(tmp_path / "o.wav")
        with pytest.raises(BridgeError) as refused:
            desk.put(tmp_path / "o.wav")
        assert refused.value.code == "too_many_clips"
        request = JobSubmit(clip_id=clip.clip_id, prompt=SPANS, options=BUILTIN)
        with pytest.raises(BridgeError) as refused:
            # in one turn, so that the first cannot be over before the second
            desk.ask(lambda each: [each.submit(request, True) for _ in range(2)])
        assert refused.value.code == "too_many_jobs"
        (job,) = desk.jobs()
        assert desk.result(job).state == "done"
        assert desk.result(desk.submit(clip)).state == "done"


def test_the_worker_ends_when_it_is_idle_and_comes_back(tmp_path: Path) -> None:
    with driving(tmp_path / "store", rules=LaneRules(idle_s=0.5)) as desk:
        clip = desk.put(write_clip(tmp_path / "p.wav"))
        assert desk.result(desk.submit(clip)).state == "done"
        desk.wait_for(lambda: desk.status().engine.state == "stopped")
        again = desk.result(desk.submit(clip, options=replace(BUILTIN, seed=5)))
        assert again.state == "done"
        assert desk.status().engine.restarts == 0
        assert not desk.bodies("engine.restarted")


def test_a_clip_from_a_host_is_seen_by_all(desk: Driver, tmp_path: Path) -> None:
    origin = ClipOrigin(host="REAPER", project="Song", track="Drums", position_samples=96_000)
    clip = desk.put(write_clip(tmp_path / "q.wav"), origin, name="Loop 3")
    assert clip.name == "Loop 3"
    assert desk.ask(lambda each: each.clip(clip.clip_id)) == clip
    assert desk.bodies("clip.added")[-1].clip == clip
    assert JobOptions().separator == "auto"
    done = desk.result(desk.submit(clip, options=JobOptions(n_threads=1)))
    assert done.origin == origin
    assert done.result is not None
    assert done.result.separator == "builtin"
