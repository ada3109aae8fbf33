"""Stems kept as files: every take saved at once, the remix with its gains, the gain's way back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

from bridge.protocol.messages import JobReply
from bridge.protocol.values import Stem
from gui.window import Window

from .conftest import OpenPanel, until
from .mouse import CTRL, SHIFT, drag
from .sounds import BURSTS_S, write_mixture


@pytest.fixture
def panel(open_panel: OpenPanel, tmp_path: Path) -> Window:
    """A panel with a result."""
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    window.bar.tools["snap"].click()
    for start_s, end_s in BURSTS_S:
        drag(window.timeline, start_s, end_s)
    window.prompt.run.click()
    until(lambda: len(window.listening.lanes) > 1, "the stems are there")
    return window


def arrives_with_takes(window: Window, tmp_path: Path) -> None:
    """The server tells of the job on the screen as of one with two more takes, as models make."""
    shown = window.bench.shown_job
    assert shown is not None
    assert shown.result is not None
    takes = tuple(
        Stem("candidate", f"take {n}", str(write_mixture(tmp_path / f"take {n}.wav")), index=n)
        for n in (1, 2)
    )
    result = replace(shown.result, stems=(*shown.result.stems, *takes))
    job = replace(shown, job_id="takes", result=result, created_s=shown.created_s + 1)
    window.bench.book.on_event("job.done", JobReply(job))
    until(lambda: len(window.listening.lanes) == 5, "the takes are there")


def test_every_take_is_saved_as_it_is(
    panel: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrives_with_takes(panel, tmp_path)
    lanes = panel.listening.lanes[1:]
    assert [lane.name for lane in lanes] == ["target", "residual", "take 2", "take 3"]
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    QTest.keyClick(panel, Qt.Key.Key_S, CTRL | SHIFT)
    names = {f"{lane.path.stem}.wav" for lane in lanes}
    until(lambda: {path.name for path in folder.iterdir()} == names, "all are saved")
    assert len(names) == 4
    until(lambda: panel.notice.isVisible(), "it is said")
    for lane in lanes:
        kept, stem = (
            soundfile.read(path, dtype="int32")[0]
            for path in (folder / f"{lane.path.stem}.wav", lane.path)
        )
        assert np.array_equal(kept, stem)


def test_the_remix_is_kept_with_its_gains_and_a_double_click_takes_one_back(
    panel: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = panel.listen.lanes.headers["target"]
    header.gain.setValue(-12)
    assert header.gain_text.text() == "-6.0"
    remix = tmp_path / "remix.wav"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(remix), ""))
    QTest.keyClick(panel, Qt.Key.Key_R, CTRL | SHIFT)
    until(remix.is_file, "the remix is saved")
    target, residual, summed = (
        soundfile.read(path)[0]
        for path in (*(lane.path for lane in panel.listening.lanes[1:3]), remix)
    )
    assert np.abs(summed - (10 ** (-6 / 20) * target + residual)).max() < 2**-22
    QTest.mouseDClick(header.gain, Qt.MouseButton.LeftButton)
    assert panel.bench.document.draft.gains_db == ()
    assert header.gain_text.text() == "0.0"
