"""A selection of a finished job done anew, from the panel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from bridge.protocol.values import Job, JobOptions, JobRerun, WirePrompt
from bridge.protocol.version import speaks
from gui.link.jobs import title
from gui.state.refinement import is_redone, takes_over
from gui.window import Window

from .conftest import OpenPanel, until
from .mouse import CTRL, SHIFT, drag
from .sounds import BURSTS_S, RATE, write_mixture

PART_S = (2.5, 3.1)


@pytest.fixture
def panel(open_panel: OpenPanel, tmp_path: Path) -> Window:
    """A panel with a result of both bursts."""
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    window.bar.tools["snap"].setChecked(False)
    for start_s, end_s in BURSTS_S:
        drag(window.timeline, start_s, end_s)
    window.bench.run()
    until(lambda: len(window.listening.lanes) == 3, "the lanes")
    return window


def target(window: Window) -> NDArray[np.int32]:
    return soundfile.read(window.listening.lanes[1].path, dtype="int32")[0]


def test_only_the_selection_becomes_another_take(panel: Window) -> None:
    bar, bench = panel.result_bar, panel.bench
    base = bench.shown_job
    assert base is not None
    assert bar.redo.isVisible()
    assert not bar.redo.isEnabled()
    assert bar.redo.toolTip().startswith("Select a stretch first")
    bench.time.select(PART_S)
    before = target(panel)
    panel.listening.hear(replace(panel.listening.audition, solo=("residual",), before="target"))
    audition = panel.listening.audition
    bar.redo.click()
    until(lambda: bench.shown_job != base, "the other take is shown")
    done = bench.shown_job
    assert done is not None
    assert done.options.rerun == JobRerun(base.job_id, *PART_S)
    assert done.options.seed == base.options.seed + 1
    assert done.prompt == base.prompt
    until(lambda: str(done.job_id) in str(panel.listening.lanes[1].path), "its lanes")
    assert panel.listening.audition == audition
    after = target(panel)
    n_fade = round(0.03 * RATE)
    first, last = (round(time_s * RATE) for time_s in PART_S)
    assert np.array_equal(before[: first - n_fade], after[: first - n_fade])
    assert np.array_equal(before[last + n_fade :], after[last + n_fade :])
    card = panel.jobs.card(done.job_id)
    assert card is not None
    assert "0:02.5 to 0:03.1" in title(done)


def test_what_was_drawn_since_is_what_it_is_done_by(panel: Window) -> None:
    base = panel.bench.shown_job
    assert base is not None
    panel.bench.time.select(PART_S)
    QTest.keyClicks(panel.prompt.edit, "clap")
    panel.prompt._close_completions()
    panel.activateWindow()
    until(panel.isActiveWindow, "the window is active again")
    panel.timeline.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_E, CTRL | SHIFT)
    until(lambda: panel.bench.shown_job != base, "the other take is shown")
    done = panel.bench.shown_job
    assert done is not None
    assert done.prompt.description == "clap"
    assert done.options.seed == base.options.seed


def test_a_part_takes_over_the_lanes_of_the_job_it_was_done_of() -> None:
    base = Job("j1", "c1", WirePrompt("dog"))
    part = replace(base, job_id="j2", options=JobOptions(rerun=JobRerun("j1", 0, 1)))
    assert is_redone(part, base)
    assert takes_over(part, base)
    assert not is_redone(part, replace(base, job_id="j3"))
    assert not takes_over(base, part)
    assert not is_redone(part, None)


@pytest.mark.parametrize(
    ("protocol", "knows"), [("1.0", False), ("1.1", True), ("1.12", True), ("1.x", False)]
)
def test_an_older_server_is_known_by_its_minor(protocol: str, knows: bool) -> None:
    assert speaks(protocol, 1) is knows
