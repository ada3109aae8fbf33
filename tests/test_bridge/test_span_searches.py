"""Where a sound is, asked of a real desk with a real worker, before any job."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.errors import BridgeError
from bridge.lane import LaneRules
from bridge.protocol.searches import SpanAsk, SpanSearch
from bridge.protocol.values import Clip, JobOptions, WirePrompt, WireSpan
from engine.checkpoints.intake import import_model
from tests.test_engine.builtin_scenes import SAMPLE_RATE, drum_hits, stereo, tone
from tests.test_engine.tiny_listeners import write_span_predictor
from tests.test_engine.tiny_model import write_store

from .clips import write_clip
from .desk_driver import BUILTIN, Driver, driving

PATIENT = LaneRules(hung_s=600.0)
"""Workers are stopped in these tests, and that is not to be noticed."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with driving(tmp_path_factory.mktemp("desk") / "store", rules=PATIENT) as driver:
        yield driver


@pytest.fixture(scope="module")
def clip(desk: Driver, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Drums from 2 to 5 s over a chord of 7 s."""
    scene = tone(7.0)
    scene[2 * SAMPLE_RATE : 5 * SAMPLE_RATE] += drum_hits(3.0)
    path = tmp_path_factory.mktemp("clips") / "drums.wav"
    soundfile.write(path, stereo(scene), SAMPLE_RATE)
    return desk.put(path)


def begin(desk: Driver, clip: Clip, description: str = "drums", **how: Any) -> SpanSearch:
    ask = SpanAsk(clip.clip_id, description, **{"separator": "builtin", "n_threads": 1, **how})
    found = desk.ask(lambda each: each.predict_spans(ask))
    assert isinstance(found, SpanSearch)
    return found


def now(desk: Driver, search: SpanSearch) -> SpanSearch:
    found = desk.ask(lambda each: each.span_search(search.search_id))
    assert isinstance(found, SpanSearch)
    return found


def over(desk: Driver, search: SpanSearch) -> SpanSearch:
    """The search in its final state, which was told once."""
    desk.wait_for(lambda: now(desk, search).is_final)
    told = [
        body.search
        for body in desk.bodies("clip.spans")
        if body.search.search_id == search.search_id and body.search.is_final
    ]
    assert told == [now(desk, search)]
    return told[0]


class stopped:  # noqa: N801 - reads as a state
    """The worker that separates, started and standing still, so that what runs stays running."""

    def __init__(self, desk: Driver, clip: Clip) -> None:
        self._desk, self._clip = desk, clip

    def __enter__(self) -> int:
        over(self._desk, begin(self._desk, self._clip))
        self.pid = self._desk.status().engine.pid
        os.kill(self.pid, signal.SIGSTOP)
        return self.pid

    def __exit__(self, *_: object) -> None:
        if self._desk.status().engine.pid == self.pid:
            os.kill(self.pid, signal.SIGCONT)


def test_the_sound_is_found_without_a_job(desk: Driver, clip: Clip) -> None:
    found = over(desk, begin(desk, clip, spans=(WireSpan(4.0, 4.2, "-"),)))
    assert (found.state, found.separator, found.error) == ("done", "builtin", None)
    assert [each.sign for each in found.spans] == ["+", "+"]
    assert found.spans[0].start_s == pytest.approx(2.1, abs=0.2)
    assert (found.spans[0].end_s, found.spans[1].start_s) == (4.0, 4.2)
    assert found.spans[1].end_s == pytest.approx(4.8, abs=0.4)
    assert all(0 < each.score <= 1 for each in found.spans)
    assert [notice.code for notice in found.notices] == ["rough_text_only"]
    assert desk.jobs() == ()
    states = [body.search.state for body in desk.bodies("clip.spans")]
    assert states[0] == "running"


def test_automatic_is_what_a_job_would_use(desk: Driver, clip: Clip) -> None:
    search = begin(desk, clip, separator="auto")
    assert search.separator == ""
    assert over(desk, search).separator == "builtin"


def test_what_cannot_be_found_is_said(desk: Driver, clip: Clip) -> None:
    found = over(desk, begin(desk, clip, "dog barking"))
    assert found.state == "failed"
    assert found.error is not None
    assert found.error.code == "prompt_needs_spans"
    assert "Draw the places yourself" in found.error.message


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"description": " "}, "prompt_invalid"),
        ({"description": "drums", "spans": (WireSpan(8.0, 9.0),)}, "prompt_invalid"),
    ],
)
def test_questions_without_sense_are_refused(
    desk: Driver, clip: Clip, how: dict[str, Any], code: str
) -> None:
    with pytest.raises(BridgeError) as refused:
        begin(desk, clip, **how)
    assert refused.value.code == code


def test_what_is_not_there_is_not_found(desk: Driver, clip: Clip) -> None:
    with pytest.raises(BridgeError) as refused:
        begin(desk, replace(clip, clip_id="c0"))
    assert refused.value.code == "clip_not_found"
    with pytest.raises(BridgeError) as refused:
        desk.ask(lambda each: each.span_search("s0"))
    assert refused.value.code == "search_not_found"


def test_the_same_submission_is_one_search(desk: Driver, clip: Clip) -> None:
    first = begin(desk, clip, submission_id="again")
    assert begin(desk, clip, submission_id="again").search_id == first.search_id
    done = over(desk, first)
    assert begin(desk, clip, submission_id="again") == done
    assert begin(desk, clip).search_id != first.search_id


@posix
def test_a_search_waits_for_a_job_and_is_cancelled_at_once(desk: Driver, clip: Clip) -> None:
    with stopped(desk, clip):
        job = desk.submit(clip, WirePrompt("drums"), replace(BUILTIN, seed=1))
        desk.wait_for(lambda: desk.job(job.job_id).state == "running")
        waits, dropped = begin(desk, clip), begin(desk, clip)
        assert (waits.state, dropped.state) == ("queued", "queued")
        assert desk.ask(lambda each: each.cancel_search(dropped.search_id)).state == "cancelled"
    assert desk.result(job).state == "done"
    assert over(desk, waits).state == "done"
    assert over(desk, dropped).state == "cancelled"


@posix
def test_interactive_jobs_go_before_a_search_that_waits_and_batch_jobs_after(
    desk: Driver, clip: Clip
) -> None:
    n_before = len(desk.events)
    with stopped(desk, clip):
        running, waits = begin(desk, clip), begin(desk, clip)
        assert (running.state, waits.state) == ("running", "queued")
        prompt = WirePrompt("drums")
        batch = desk.submit(clip, prompt, replace(BUILTIN, seed=2, priority="batch"))
        interactive = desk.submit(clip, prompt, replace(BUILTIN, seed=3))
        assert desk.job(batch.job_id).state == desk.job(interactive.job_id).state == "queued"
    assert over(desk, running).state == over(desk, waits).state == "done"
    assert desk.result(batch).state == desk.result(interactive).state == "done"
    order = []
    for name, body in desk.events[n_before:]:
        if name == "job.done":
            order.append(body.job.job_id)
        elif name == "clip.spans" and body.search.is_final:
            order.append(body.search.search_id)
    wanted = [running.search_id, interactive.job_id, waits.search_id, batch.job_id]
    assert [each for each in order if each in wanted] == wanted


@posix
def test_a_search_that_runs_is_cancelled_within_a_second_or_so(desk: Driver, clip: Clip) -> None:
    with stopped(desk, clip):
        search = begin(desk, clip)
        assert desk.ask(lambda each: each.cancel_search(search.search_id)).state == "running"
        assert over(desk, search).state == "cancelled"
    assert over(desk, begin(desk, clip)).state == "done"


@posix
def test_when_the_worker_dies_the_search_says_so_and_the_next_one_works(
    desk: Driver, clip: Clip, tmp_path: Path
) -> None:
    path = tmp_path / "half an hour.flac"
    soundfile.write(path, np.zeros(1800 * 44_100, np.int16), 44_100)
    long = desk.put(path)
    search = begin(desk, long)
    desk.wait_for(lambda: now(desk, search).progress.fraction > 0)
    os.kill(desk.status().engine.pid, signal.SIGKILL)
    lost = over(desk, search)
    assert lost.state == "failed"
    assert lost.error is not None
    assert lost.error.code == "worker_died"
    assert over(desk, begin(desk, clip)).state == "done"


@posix
def test_what_a_worker_had_not_begun_another_one_does(desk: Driver, clip: Clip) -> None:
    with stopped(desk, clip) as pid:
        search = begin(desk, clip)
        os.kill(pid, signal.SIGKILL)
        assert over(desk, search).state == "done"


@posix
def test_too_many_are_refused_and_a_removed_clip_takes_its_searches_along(
    desk: Driver, clip: Clip, tmp_path: Path
) -> None:
    other = desk.put(write_clip(tmp_path / "other.wav", 1.0))
    with stopped(desk, clip):
        first = begin(desk, clip)
        waiting = [begin(desk, other) for _ in range(31)]
        with pytest.raises(BridgeError) as refused:
            begin(desk, other)
        assert refused.value.code == "server_busy"
        desk.ask(lambda each: each.remove_clip(other.clip_id))
        assert {over(desk, each).state for each in waiting} == {"cancelled"}
    assert over(desk, first).state == "done"


def test_a_model_looks_with_its_span_predictor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says what it lacks before that is there; the spans are those that a job would use."""
    store = write_store(tmp_path / "models")
    monkeypatch.setenv("STEMLASSO_MODELS", str(store.root))
    options = JobOptions(separator="sam-audio-small", n_threads=1, quality="draft")
    with driving(tmp_path / "store") as desk:
        clip = desk.put(write_clip(tmp_path / "a.wav", 1.0))
        lacking = over(desk, begin(desk, clip, "dog", separator="auto"))
        assert lacking.error is not None
        assert lacking.error.code == "checkpoint_not_found"
        assert "pe-a-frame-large" in lacking.error.message
        import_model(store, write_span_predictor(tmp_path / "spans"), "pe-a-frame-large")
        found = over(desk, begin(desk, clip, "dog", separator="sam-audio-small"))
        assert found.state == "done", found.error
        done = desk.result(desk.submit(clip, WirePrompt("dog"), options))
        assert done.result is not None
        told = [(each.start_s, each.end_s, each.sign) for each in found.spans]
        assert told == [(each.start_s, each.end_s, each.sign) for each in done.result.spans]
    assert np.isfinite([each.score for each in found.spans]).all()
