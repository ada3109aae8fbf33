"""Spans that a model found: shown apart, not sent until they are accepted."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from bridge.protocol.values import DONE, Job, JobResult, WirePrompt, WireSpan
from gui.state.spans import SpanMark
from gui.work.results import predicted_spans

from .conftest import OpenPanel, until
from .mouse import CTRL, click
from .sounds import write_mixture

JOB = Job(
    "j1",
    "c1",
    WirePrompt("dog", (WireSpan(0.5, 1.0),)),
    state=DONE,
    result=JobResult(spans=(WireSpan(0.5, 1.0), WireSpan(2.0, 2.5), WireSpan(3.0, 3.5, "-"))),
)


def test_only_spans_that_the_user_did_not_draw_are_predicted() -> None:
    drawn = (SpanMark(0.5, 1.0), SpanMark(3.0, 3.5, "-"))
    assert predicted_spans(JOB, drawn) == (SpanMark(2.0, 2.5, "+", "predicted"),)
    assert predicted_spans(replace(JOB, result=None), drawn) == ()


def test_predicted_spans_are_accepted_or_refused_with_keys(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: window.bench.document.clip, "the clip is open")
    document = window.bench.document
    document.edit_spans("Predicted spans", predicted_spans(JOB, ()))
    assert document.draft.prompt().spans == ()
    window.timeline.setFocus()
    click(window.timeline, 2.25)
    QTest.keyClick(window, Qt.Key.Key_Y)
    assert document.draft.prompt().spans == (WireSpan(2.0, 2.5, "+"),)
    click(window.timeline, 3.25)
    QTest.keyClick(window, Qt.Key.Key_Delete)
    assert len(document.draft.spans) == 1
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert [span.origin for span in document.draft.spans] == ["predicted", "predicted"]
