"""Undo through a whole session, back to the clip as it was opened, and forth again."""

from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from gui.state.draft import Draft
from gui.window import Window

from .conftest import OpenPanel, until
from .mouse import ALT, CTRL, RIGHT, SHIFT, click, drag
from .sounds import BURSTS_S, write_mixture


def test_everything_drawn_typed_and_set_goes_and_comes_back(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    document = window.bench.document
    states: list[Draft] = []
    document.draft_changed.connect(lambda: states.append(document.draft))
    opened = document.draft
    work(window)
    last = document.draft
    assert len(set(states)) > 12
    window.timeline.setFocus()

    n_undone = 0
    while document.history.undo_label:
        QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
        n_undone += 1
        assert n_undone < 100
    assert document.draft == opened
    assert window.prompt.edit.text() == ""
    assert window.prompt.options.seed.value() == 0
    assert n_undone >= 9

    n_redone = 0
    while document.history.redo_label:
        QTest.keyClick(window, Qt.Key.Key_Z, CTRL | SHIFT)
        n_redone += 1
        assert n_redone <= n_undone
    assert n_redone == n_undone
    assert document.draft == last
    assert window.prompt.edit.text() == "dog barking"
    assert window.prompt.options.seed.value() == 7
    assert window.listen.lanes.headers["target"].gain.value() == -12


def work(window: Window) -> None:
    """Draw, move, resize, flip, delete, type, set, run, change a gain, reuse an earlier job."""
    window.bar.tools["snap"].click()
    for start_s, end_s in BURSTS_S:
        drag(window.timeline, start_s, end_s)
    drag(window.timeline, 1.6, 2.2, button=RIGHT)
    drag(window.timeline, 0.2, 0.6, keys=ALT)
    drag(window.timeline, 0.4, 0.5)  # moves it
    drag(window.timeline, 2.2, 2.4)  # resizes the one before
    window.prompt.run.click()
    until(lambda: window.listen.lanes.headers, "the stems are there")
    window.listen.lanes.headers["target"].gain.setValue(-12)
    first = window.bench.shown_job
    assert first is not None
    window.timeline.setFocus()
    click(window.timeline, 1.2)
    QTest.keyClick(window, Qt.Key.Key_X)
    QTest.keyClick(window, Qt.Key.Key_Delete)
    QTest.keyClicks(window.prompt.edit, "cat")
    window.prompt.options.seed.setValue(7)
    card = window.jobs.card(first.job_id)
    assert card is not None
    card.reuse.click()
    window.prompt.edit.selectAll()
    QTest.keyClicks(window.prompt.edit, "dog barking")
    window.prompt.options.seed.setValue(7)
