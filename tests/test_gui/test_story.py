"""The whole story with mouse and keys, against a real server and the builtin separator."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

from gui.audio.mixer import FADE_SAMPLES
from gui.audio.player import BLOCK_SAMPLES
from gui.state.spans import SpanMark
from gui.window import Window

from .conftest import OpenPanel, until
from .mouse import ALT, CTRL, RIGHT, SHIFT, click, drag, pinch, wheel
from .sounds import BURSTS_S, RATE, write_mixture
from .step_stream import Stage


@pytest.fixture
def panel(open_panel: OpenPanel, tmp_path: Path) -> Window:
    """A panel with a clip on the screen and known to the server."""
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    until(lambda: window.timeline.onsets, "the peaks are there")
    window.bar.tools["snap"].click()
    return window


def spans(window: Window) -> tuple[SpanMark, ...]:
    return window.bench.document.draft.spans


def test_drag_type_enter_hear(panel: Window, tmp_path: Path) -> None:
    """Draw over both bursts, say what it is, press Enter: the stems are the bursts and the rest."""
    for start_s, end_s in BURSTS_S:
        drag(panel.timeline, start_s, end_s)
    drag(panel.timeline, 0.1, 0.8, button=RIGHT)
    drag(panel.timeline, 1.6, 2.4, keys=ALT)
    assert [span.sign for span in spans(panel)] == ["+", "+", "-", "-"]
    assert spans(panel)[0].start_s == pytest.approx(1.0, abs=0.01)
    QTest.keyClicks(panel.prompt.edit, "Dog Barking")
    assert panel.prompt.sent.text() == "sent as “dog barking”"
    until(lambda: "memory" in panel.prompt.cost.text(), "the cost is known")
    QTest.keyClick(panel.prompt.edit, Qt.Key.Key_Return)
    until(lambda: panel.bench.shown_job, "the stems are there")

    job = panel.bench.shown_job
    assert job is not None
    assert job.result is not None
    assert job.prompt.description == "dog barking"
    stems = {stem.role: soundfile.read(stem.path, dtype="int32")[0] for stem in job.result.stems}
    whole = soundfile.read(tmp_path / "mixture.wav", dtype="int32")[0]
    assert np.array_equal(stems["target"] + stems["residual"], whole)
    power = (stems["target"].astype(float) ** 2).mean(axis=1)
    inside = np.concatenate([power[round(s * RATE) : round(e * RATE)] for s, e in BURSTS_S])
    outside = power[round(1.7 * RATE) : round(2.3 * RATE)]
    assert inside.mean() > 1000 * outside.mean()
    assert panel.bench.settings.values.descriptions[0] == "dog barking"
    card = panel.jobs.card(job.job_id)
    assert card is not None
    assert "builtin" in card.state.text()


def test_hear_it_alone_compare_and_keep_it(
    open_panel: OpenPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the run: the target alone, the mixture at the same playhead, gain, undo, the file."""
    stage = Stage()
    window = open_panel(write_mixture(tmp_path / "mixture.wav"), open_stream=stage.open)
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    for start_s, end_s in BURSTS_S:
        drag(window.timeline, start_s, end_s)
    QTest.keyClicks(window.prompt.edit, "dog barking")
    QTest.keyClick(window.prompt.edit, Qt.Key.Key_Return)
    until(lambda: window.listening.levels and len(window.listening.lanes) == 3, "three lanes")
    badge = window.listen.transport.null
    assert badge.text() == "null −∞ dB"
    assert badge.isVisible()
    assert window.listen.transport.heard.text() == "hearing Target"

    window.activateWindow()  # offscreen nobody else does when the completions close
    until(window.isActiveWindow, "the window is active again")
    window.timeline.setFocus()
    window.listen.transport.match.click()
    click(window.timeline, 1.1)
    QTest.keyClick(window, Qt.Key.Key_Space)
    player = window.listening.player
    heard = [stage.advance(player, 4)]
    QTest.keyClick(window, Qt.Key.Key_B)
    heard.append(stage.advance(player, 4))
    target, whole = (
        soundfile.read(window.listening.lanes[lane].path, dtype="float32")[0] for lane in (1, 0)
    )
    at = player.position - 7 * BLOCK_SAMPLES
    n = 4 * BLOCK_SAMPLES
    assert np.array_equal(heard[0][FADE_SAMPLES:], target[at + FADE_SAMPLES : at + n])
    assert np.array_equal(heard[1][FADE_SAMPLES:], whole[at + n + FADE_SAMPLES : at + 2 * n])
    QTest.keyClick(window, Qt.Key.Key_2)
    window.listen.lanes.headers["target"].gain.setValue(-12)
    quieter = stage.advance(player, 2)[BLOCK_SAMPLES:]
    now = player.position
    assert np.allclose(quieter, target[now : now + BLOCK_SAMPLES] * 10 ** (-6 / 20), atol=1e-7)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert window.listen.lanes.headers["target"].gain.value() == 0
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert not player.is_playing

    saved = tmp_path / "kept.flac"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(saved), ""))
    window.listen.lanes.headers["target"].save.click()
    until(saved.is_file, "the stem is saved")
    kept = soundfile.read(saved, dtype="float32")[0]
    assert np.array_equal(kept, target)


def test_without_a_sound_device_the_playhead_moves_and_the_panel_says_so(panel: Window) -> None:
    panel.timeline.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Space)
    until(lambda: panel.bench.time.playhead_s > 0.05, "the playhead moves")
    assert "no sound device" in panel.listen.transport.output.text()
    panel.listen.transport.play.click()
    assert not panel.listening.player.is_playing


def test_spans_are_moved_resized_flipped_and_deleted(panel: Window) -> None:
    drag(panel.timeline, 1.0, 2.0)
    drag(panel.timeline, 1.5, 2.0)
    assert spans(panel)[0].start_s == pytest.approx(1.5, abs=0.02)
    drag(panel.timeline, 2.5, 3.5)
    assert spans(panel)[0].end_s == pytest.approx(3.5, abs=0.02)
    click(panel.timeline, 2.0)
    assert panel.bench.document.selected == 0
    panel.timeline.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_X)
    assert spans(panel)[0].sign == "-"
    QTest.keyClick(panel, Qt.Key.Key_Delete)
    assert spans(panel) == ()
    for expected in ("-", "+"):
        QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
        assert spans(panel)[0].sign == expected
    QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
    QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
    assert spans(panel)[0].end_s == pytest.approx(2.0, abs=0.02)
    assert spans(panel)[0].start_s == pytest.approx(1.0, abs=0.02)
    QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
    assert spans(panel) == ()


def test_escape_gives_a_drag_up(panel: Window) -> None:
    from PyQt6.QtCore import QPoint

    from .mouse import LEFT, NONE, move

    target = panel.timeline.viewport()
    assert target is not None
    QTest.mousePress(target, LEFT, NONE, QPoint(200, 120))
    move(target, QPoint(300, 120), LEFT)
    assert panel.timeline.layer.preview is not None
    QTest.keyClick(panel.timeline, Qt.Key.Key_Escape)
    QTest.mouseRelease(target, LEFT, NONE, QPoint(300, 120))
    assert panel.timeline.layer.preview is None
    assert spans(panel) == ()


def test_the_table_edits_numbers(panel: Window) -> None:
    drag(panel.timeline, 1.0, 2.0)
    model = panel.prompt.table.model()
    assert model is not None
    assert model.setData(model.index(0, 1), "1,25")
    assert model.setData(model.index(0, 3), "0.5")
    assert (spans(panel)[0].start_s, spans(panel)[0].end_s) == (1.25, 1.75)
    assert not model.setData(model.index(0, 1), "soon")
    assert not model.setData(model.index(0, 2), "1.0")
    panel.prompt.table.selectRow(0)
    QTest.keyClick(panel.prompt.table, Qt.Key.Key_Delete)
    assert spans(panel) == ()


def test_edges_snap_to_onsets_unless_control_is_held(panel: Window) -> None:
    panel.bar.tools["snap"].click()
    panel.timeline.onsets = [1.0]
    drag(panel.timeline, 1.012, 1.7)
    assert spans(panel)[0].start_s == 1.0
    drag(panel.timeline, 3.0, 2.0)
    drag(panel.timeline, 1.012 + 1.5, 3.4, keys=ALT | CTRL)
    assert spans(panel)[2].start_s != 1.0


def test_a_pinch_zooms_at_the_pointer(panel: Window) -> None:
    before, length_s = panel.timeline.x_of(3.0), panel.bench.time.window.length_s
    for _ in range(5):
        pinch(panel.timeline, 3.0, 0.1)
    assert panel.bench.time.window.length_s == pytest.approx(length_s / 1.1**5, rel=1e-3)
    assert panel.timeline.x_of(3.0) == pytest.approx(before, abs=2)
    for _ in range(20):
        pinch(panel.timeline, 3.0, -0.2)
    assert panel.bench.time.window.length_s == panel.bench.document.duration_s


def test_zoom_at_the_pointer_scroll_and_select(panel: Window) -> None:
    before = panel.timeline.x_of(3.0)
    wheel(panel.timeline, 3.0, 6)
    assert panel.bench.time.window.length_s < 2
    assert panel.timeline.x_of(3.0) == pytest.approx(before, abs=2)
    start_s = panel.bench.time.window.start_s
    wheel(panel.timeline, 3.0, 3, SHIFT)
    assert panel.bench.time.window.start_s < start_s
    panel.show_whole()
    drag(panel.timeline, 1.0, 3.0, y=10)
    selection = panel.bench.time.selection
    assert selection == pytest.approx((1.0, 3.0), abs=0.02)
    assert spans(panel) == ()
    panel.timeline.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_A)
    QTest.keyClick(panel, Qt.Key.Key_E)
    assert spans(panel)[0].start_s == selection[0]
    assert panel.bench.time.window.start_s == pytest.approx(1.0, abs=0.02)
