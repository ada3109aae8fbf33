"""A draft is refined in place: it plays on, and the better stems take its lanes over."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from bridge.protocol.values import DONE, Job, JobOptions, JobRerun, JobResult, WirePrompt, WireSpan
from gui.audio.mixer import FADE_SAMPLES
from gui.audio.player import BLOCK_SAMPLES, Player
from gui.state.refinement import better_qualities, is_draft, is_refined, successor_of
from gui.window import Window
from tests.test_engine.tiny_model import write_store

from .conftest import OpenPanel, serving, until
from .mouse import CTRL
from .sounds import RATE, write_mixture
from .step_stream import Stage

MODEL = "sam-audio-small"
DRAFT = Job(
    "j1",
    "c1",
    WirePrompt("dog", (WireSpan(0.5, 1.0),)),
    JobOptions(separator=MODEL, quality="draft", seed=7),
    state=DONE,
    result=JobResult(separator=MODEL),
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")


def with_options(job: Job, **options: object) -> Job:
    return replace(job, options=replace(job.options, **options))  # type: ignore[arg-type]


def test_the_same_take_in_a_better_quality_is_a_refinement() -> None:
    better = with_options(DRAFT, quality="standard")
    assert is_refined(better, DRAFT)
    assert is_refined(with_options(better, n_threads=1), DRAFT)
    assert not is_refined(DRAFT, better)
    assert not is_refined(DRAFT, DRAFT)
    assert not is_refined(better, None)
    assert not is_refined(with_options(better, seed=8), DRAFT)
    assert not is_refined(replace(better, prompt=WirePrompt("cat")), DRAFT)
    assert not is_refined(replace(better, clip_id="c2"), DRAFT)
    waiting = (with_options(better, seed=8), better)
    assert successor_of(DRAFT, waiting) is better
    assert successor_of(None, waiting) is None


def test_only_what_can_become_better_is_offered() -> None:
    assert better_qualities(DRAFT) == ("standard", "best")
    assert better_qualities(with_options(DRAFT, quality="best")) == ()
    assert better_qualities(replace(DRAFT, result=JobResult(separator="builtin"))) == ()
    assert better_qualities(with_options(DRAFT, rerun=JobRerun("j0", 0, 1))) == ()
    assert is_draft(DRAFT)
    assert not is_draft(with_options(DRAFT, quality="standard"))


def test_files_are_replaced_while_they_play_without_a_click(
    qt: QApplication, tmp_path: Path
) -> None:
    times_s = np.arange(4 * RATE) / RATE
    paths = []
    for name, level in (("draft", 0.3), ("better", 0.4)):
        tone = level * np.sin(2 * np.pi * 110 * times_s)
        paths.append(tmp_path / f"{name}.wav")
        soundfile.write(paths[-1], np.stack([tone, tone], axis=1), RATE, "FLOAT")
    stage, player = Stage(), None
    try:
        player = Player(stage.open)
        player.set_lanes([paths[0]], RATE)
        player.set_gains([1.0])
        player.play()
        stage.advance(player, 6)
        before = player.position
        player.replace_lanes([paths[1]])
        heard = stage.advance(player, 8)
        better = soundfile.read(paths[1], dtype="float32")[0]
        at = player.position + BLOCK_SAMPLES
        assert 0 < at - before <= 12 * BLOCK_SAMPLES
        last = heard[-4 * BLOCK_SAMPLES :]
        assert np.array_equal(last, better[at - len(last) : at])
        steps = np.abs(np.diff(heard, axis=0)).max()
        assert steps < 0.4 * 2 * np.pi * 110 / RATE + 1.2 * 0.4 / FADE_SAMPLES
    finally:
        if player is not None:
            player.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server with a tiny model."""
    folder = tmp_path_factory.mktemp("models")
    store = write_store(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEMLASSO_MODELS", str(store.root))
        made = tmp_path_factory.mktemp("home")
        with serving(made):
            yield made


def drafted(window: Window) -> Job:
    """Make a draft and wait for its lanes."""
    document = window.bench.document
    until(lambda: document.clip and document.clip.clip, "the clip is known")
    options = JobOptions(separator=MODEL, quality="draft", seed=7, n_threads=1, presence_gate=0)
    document.edit("Ask", replace(document.draft, description="dog", options=options))
    window.bench.run()
    until(lambda: len(window.listening.lanes) == 3, "the lanes of the draft")
    assert window.bench.shown_job is not None
    return window.bench.shown_job


@posix
def test_the_draft_stays_until_the_better_one_takes_its_lanes(
    open_panel: OpenPanel, tmp_path: Path, home: Path
) -> None:
    stage = Stage()
    sound = write_mixture(tmp_path / "mixture.wav", 2.0)
    window = open_panel(sound, home=home, open_stream=stage.open)
    draft = drafted(window)
    listening, bench, bar = window.listening, window.bench, window.result_bar
    assert bar.said.text() == "This is a draft."
    headers = window.listen.lanes.headers
    assert {header.note.text() for header in headers.values()} == {"draft"}

    as_it_is = replace(listening.audition, solo=("residual",), is_matched=False)
    listening.hear(replace(as_it_is, before="target"))
    listening.set_gain("target", -6.0)
    listening.seek(0.5)
    listening.toggle_play()
    stage.advance(listening.player, 4)
    audition = listening.audition
    bench.status = None
    bench.refresh_status()
    until(lambda: bench.status is not None and bench.status.engine.pid, "a worker")
    assert bench.status is not None
    pid = bench.status.engine.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        bar.refine["standard"].click()
        until(lambda: bar.cancel.isVisible(), "it says that it is being refined")
        assert bar.said.text().startswith("This draft plays on. Refining to standard: ")
        assert bench.shown_job == draft
        assert [lane.note for lane in listening.lanes] == ["", "draft", "draft"]
        assert np.abs(stage.advance(listening.player, 2)).max() > 0
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: bench.shown_job != draft and listening.levels, "the better stems are there")

    better = bench.shown_job
    assert better is not None
    assert better.options == replace(draft.options, quality="standard")
    assert better.prompt == draft.prompt
    until(lambda: [lane.note for lane in listening.lanes] == ["", "", ""], "their lanes")
    assert listening.audition == audition
    assert listening.player.is_playing
    assert dict(bench.document.draft.gains_db) == {"target": -6.0}
    assert bar.said.text() == ""
    assert bar.refine["best"].isHidden()
    residual = soundfile.read(listening.lanes[2].path, dtype="float32")[0]
    heard = stage.advance(listening.player, 6)[-2 * BLOCK_SAMPLES :]
    at = listening.player.position + BLOCK_SAMPLES
    assert np.array_equal(heard, residual[at - len(heard) : at])
    listening.toggle_play()


def test_a_refinement_can_be_cancelled_and_begun_with_a_key(
    open_panel: OpenPanel, tmp_path: Path, home: Path
) -> None:
    window = open_panel(write_mixture(tmp_path / "other.wav", 2.5), home=home)
    draft = drafted(window)
    QTest.keyClick(window, Qt.Key.Key_R, CTRL)
    jobs = window.bench.book
    until(lambda: len(jobs.of_clip(draft.clip_id)) == 2, "the refinement is asked for")
    (better,) = (job for job in jobs.of_clip(draft.clip_id) if job.job_id != draft.job_id)
    assert better.options.quality == "standard"
    window.result_bar.cancel_wanted.emit(better.job_id)

    def state() -> str:
        job = jobs.job(better.job_id)
        return job.state if job is not None else ""

    until(lambda: state() in ("cancelled", "done"), "its end")
    if state() == "cancelled":
        assert window.bench.shown_job == draft
        assert window.result_bar.said.text() == "This is a draft."
