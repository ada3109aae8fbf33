"""“Find it”: spans before a run, from a real server; accepted, edited, refused, and undone."""

import os
import signal
import sys
from pathlib import Path

import pytest
import soundfile
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from bridge.protocol.searches import FoundSpan, SpanSearch
from bridge.protocol.values import JobProgress, Problem
from gui.panels.finding import in_words
from gui.state.spans import SpanMark, hidden, with_predicted
from gui.window import Window
from tests.test_engine.builtin_scenes import SAMPLE_RATE, drum_hits, stereo, tone

from .conftest import OpenPanel, until
from .mouse import CTRL, SHIFT, click, drag

DRUMS_S = ((1.0, 3.0), (5.0, 7.0))


@pytest.fixture
def panel(open_panel: OpenPanel, tmp_path: Path) -> Window:
    """A panel with two drum solos over a tone, and “Drums” typed."""
    scene = tone(8.0)
    for start_s, end_s in DRUMS_S:
        scene[round(start_s) * SAMPLE_RATE : round(end_s) * SAMPLE_RATE] += drum_hits(2.0)
    path = tmp_path / "solos.wav"
    soundfile.write(path, stereo(scene), SAMPLE_RATE)
    window = open_panel(path)
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    QTest.keyClicks(window.prompt.edit, "Drums")
    window.prompt._close_completions()
    window.activateWindow()
    until(window.isActiveWindow, "the window is active again")
    return window


def marks(window: Window) -> tuple[SpanMark, ...]:
    return window.bench.document.draft.spans


def find(window: Window) -> None:
    """Press the keys and wait until both solos lie there."""
    QTest.keyClick(window, Qt.Key.Key_F, CTRL)
    until(lambda: len(marks(window)) == 2, "two places are found")


def test_what_is_found_is_shown_apart_and_not_sent(panel: Window) -> None:
    find(panel)
    for mark, (start_s, end_s) in zip(marks(panel), DRUMS_S, strict=True):
        assert mark.is_predicted
        assert mark.start_s == pytest.approx(start_s + 0.1, abs=0.2)
        assert mark.end_s == pytest.approx(end_s - 0.3, abs=0.4)
        assert 0 < mark.score <= 1
    bar, document = panel.prompt.finding, panel.bench.document
    until(lambda: not panel.bench.finder.is_busy, "the search is over")
    assert bar.said.text().startswith("builtin found 2 places of “drums”. ")
    assert bar.unsettled.text() == "2 predicted places, not sent unless accepted."
    assert document.draft.prompt().spans == ()
    assert document.history.undo_label == "Find “drums”"
    QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
    assert marks(panel) == ()
    assert not bar.accept.isVisible()
    QTest.keyClick(panel, Qt.Key.Key_Z, CTRL | SHIFT)
    assert len(marks(panel)) == 2
    assert bar.said.isVisible()
    QTest.keyClicks(panel.prompt.edit, " and bass")
    assert not bar.said.isVisible()


def test_each_is_accepted_edited_or_refused_and_only_those_taken_are_sent(panel: Window) -> None:
    find(panel)
    panel.timeline.setFocus()
    click(panel.timeline, 2.0)
    QTest.keyClick(panel, Qt.Key.Key_Y)
    assert [mark.is_predicted for mark in marks(panel)] == [False, True]
    assert panel.bench.document.selected == 1  # the next one to settle
    QTest.keyClick(panel, Qt.Key.Key_N)
    assert len(marks(panel)) == 1
    panel.bench.run()
    until(lambda: panel.bench.shown_job, "the stems are there")
    job = panel.bench.shown_job
    assert job is not None
    (sent,) = job.prompt.spans
    assert (sent.start_s, sent.end_s) == (marks(panel)[0].start_s, marks(panel)[0].end_s)


def test_moving_one_makes_it_the_users_own_and_a_click_does_not(panel: Window) -> None:
    find(panel)
    panel.bar.tools["snap"].setChecked(False)
    click(panel.timeline, 2.0)
    assert marks(panel)[0].is_predicted
    drag(panel.timeline, 2.0, 2.4)
    assert not marks(panel)[0].is_predicted
    assert marks(panel)[0].score == 0
    assert marks(panel)[1].is_predicted
    model = panel.prompt.table.model()
    assert model is not None
    assert model.setData(model.index(1, 2), "6.5")
    assert not marks(panel)[1].is_predicted


def test_all_are_settled_at_once_by_button_or_key(panel: Window) -> None:
    drag(panel.timeline, 3.6, 4.4)
    own = marks(panel)
    QTest.keyClick(panel, Qt.Key.Key_F, CTRL)
    until(lambda: len(marks(panel)) == 3, "two more places are found")
    assert marks(panel)[:1] == own
    panel.timeline.setFocus()
    panel.bench.document.select(-1)
    panel.prompt.finding.refuse.click()
    assert marks(panel) == own
    QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
    QTest.keyClick(panel, Qt.Key.Key_Y, SHIFT)
    assert [mark.is_predicted for mark in marks(panel)] == [False, False, False]


def test_looking_again_replaces_what_was_not_settled(panel: Window) -> None:
    find(panel)
    before = marks(panel)
    until(lambda: not panel.bench.finder.is_busy, "the search is over")
    QTest.keyClick(panel, Qt.Key.Key_F, CTRL)
    assert panel.bench.finder.is_busy
    until(lambda: not panel.bench.finder.is_busy, "the second search is over")
    assert marks(panel) == before


def test_a_sound_that_cannot_be_found_is_said_beside_the_button(panel: Window) -> None:
    panel.prompt.edit.selectAll()
    QTest.keyClicks(panel.prompt.edit, "dog barking")
    panel.prompt.finding.button.click()
    bar = panel.prompt.finding
    until(lambda: bar.said.objectName() == "warning", "the reason")
    assert "Draw the places yourself" in bar.said.text()
    assert not panel.bench.finder.is_busy
    assert bar.button.text() == "Find it"
    assert marks(panel) == ()
    QTest.keyClicks(panel.prompt.edit, "s")
    assert not bar.said.isVisible()  # it was said of other words


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_it_is_stopped_by_the_same_button_and_by_a_run(panel: Window) -> None:
    """The worker stands still meanwhile, so that the search cannot end by itself."""
    bench, bar = panel.bench, panel.prompt.finding
    find(panel)
    until(lambda: not bench.finder.is_busy, "the search is over")
    bench.status = None
    bench.refresh_status()
    until(lambda: bench.status is not None and bench.status.engine.pid, "a worker")
    assert bench.status is not None
    pid = bench.status.engine.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        bar.button.click()
        until(lambda: bench.finder.search is not None, "a search under way")
        assert bar.button.text() == "Stop"
        assert bar.bar.isVisible()
        bar.button.click()
        assert not bench.finder.is_busy
        assert bar.button.text() == "Find it"
        bar.button.click()
        until(lambda: bench.finder.search is not None, "another search")
        bench.run()
        assert not bench.finder.is_busy
        # a worker that does not answer is ended, and the job gets another one
        until(lambda: bench.shown_job, "the stems are there")
    finally:
        if _is_there(pid):
            os.kill(pid, signal.SIGCONT)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_is_looked_for_without_words(open_panel: OpenPanel) -> None:
    window = open_panel()
    assert not window.prompt.finding.button.isEnabled()
    window.bench.finder.toggle()
    assert not window.bench.finder.is_busy


def test_a_search_in_words() -> None:
    search = SpanSearch("s1", "c1", "drums")
    assert in_words(search) == "Looks for “drums” when the job that runs is over."
    running = SpanSearch("s1", "c1", "drums", "running", "", JobProgress("encode", 0.5, 12.0))
    assert in_words(running) == "“drums”: listening · 12 s left"
    done = SpanSearch("s1", "c1", "drums", "done", "builtin", spans=(FoundSpan(0, 1),))
    assert in_words(done) == "builtin found 1 place of “drums”."
    notices = (Problem("target_absent", "Draw."),)
    nothing = SpanSearch("s1", "c1", "drums", "done", "builtin", notices=notices)
    assert in_words(nothing) == "builtin found no place of “drums”. Draw."


def test_predicted_spans_cover_nothing_and_stay_within_what_the_wire_takes() -> None:
    own = tuple(SpanMark(k, k + 0.5) for k in range(200))
    found = [SpanMark(k, k + 1.0, "+", "predicted", 0.5) for k in range(100)]
    both = with_predicted(own, found)
    assert len(both) == 256
    assert with_predicted(both, found[:3]) == (*own, *found[:3])
    assert hidden(both) == []
    assert hidden((own[0], SpanMark(0, 1))) == [0]
