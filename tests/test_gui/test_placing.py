"""“Send to timeline”, with a real bridge: what is offered to which DAW, and what is said."""

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QObject, Qt, QUrl, pyqtSlot
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtTest import QTest

from bridge.client import connect
from bridge.protocol.offers import TimelineOffer
from bridge.protocol.values import DONE, ClipOrigin, Job, JobResult, Stem, WirePrompt
from gui.window import Window
from gui.work.placing import placement

from .conftest import OpenPanel, until
from .mouse import CTRL, SHIFT, drag
from .sounds import BURSTS_S, write_mixture

JOB = Job(
    "j1",
    "c1",
    WirePrompt("snare"),
    state=DONE,
    clip_name="Loop 3",
    origin=ClipOrigin("REAPER", "/songs/Nocturne.rpp", "Drums", 12.5),
    result=JobResult(stems=(Stem("target", "a.wav", "/store/j1/stems/a.wav"),)),
)


class Browser(QObject):
    """Takes what would be shown in a file manager."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    @pyqtSlot(QUrl)
    def show(self, url: QUrl) -> None:
        self.shown.append(url.toLocalFile())


def separated(window: Window) -> Job:
    """The job of both bursts, once its lanes are there."""
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    for start_s, end_s in BURSTS_S:
        drag(window.timeline, start_s, end_s)
    window.bench.run()
    until(lambda: len(window.listening.lanes) == 3, "the lanes")
    assert window.bench.shown_job is not None
    return window.bench.shown_job


def test_a_clip_from_reaper_goes_back_to_its_project(
    open_panel: OpenPanel, tmp_path: Path, server_home: Path
) -> None:
    """It arrives as from REAPER's script, and its stems are offered to that project again."""
    window = open_panel()
    sound = write_mixture(tmp_path / "loop.wav")
    with connect(server_home, start=False) as reaper:
        clip = reaper.put_file(sound, "Loop 3", ClipOrigin("REAPER", "song.rpp", "Drums", 12.5))
    window.bench.open_clip(clip)
    job = separated(window)
    manifest = server_home / "store" / "outbox" / f"{job.job_id}.timeline.json"
    manifest.unlink()  # as when it was placed, and then undone
    window.notice.hide()
    QTest.keyClick(window, Qt.Key.Key_T, CTRL | SHIFT)
    until(window.notice.isVisible, "it is said what to do")
    assert window.notice.text.text() == (
        "The stems wait for the project “song” in REAPER: run the action “StemLasso - insert "
        "finished stems” there. They go below the track “Drums”, at 0:12.500."
    )
    assert manifest.is_file()


def test_a_file_of_no_daw_is_explained_and_shown(open_panel: OpenPanel, tmp_path: Path) -> None:
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    job = separated(window)
    assert job.result is not None
    window.notice.hide()
    window.result_bar.send.click()
    until(window.notice.isVisible, "it is said what to do")
    assert window.notice.text.text().startswith("This clip was opened as a file")
    browser = Browser()
    QDesktopServices.setUrlHandler("file", browser, "show")
    try:
        window.notice.action.click()
    finally:
        QDesktopServices.unsetUrlHandler("file")
    assert browser.shown == [str(Path(job.result.stems[0].path).parent)]


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (TimelineOffer("Live", True, "host", 2.0), "Live inserts the stems below “Loop 3”"),
        (TimelineOffer("Live", False, "host", 2.0), "Live did not answer. Is it running"),
        (TimelineOffer("REAPER", False, "host", 12.5), "“Nocturne” in REAPER: run the action"),
        (TimelineOffer("Ardour", False, "host", 12.5), "in Ardour: run “StemLasso: insert"),
        (TimelineOffer("Cubase", False, "host", 12.5), "Cubase has no script of StemLasso"),
        (TimelineOffer("", False, "time_reference", 60.0), ", at 1:00.000, or use the DAW's “move"),
        (TimelineOffer("", False, "nobody"), "to where the clip itself starts"),
    ],
)
def test_every_origin_has_its_words(offer: TimelineOffer, said: str) -> None:
    told = placement(JOB, offer)
    assert said in told.text
    is_done = offer.is_taken
    assert told.folder == (None if is_done else Path("/store/j1/stems"))


def test_only_files_that_carry_their_place_are_said_to() -> None:
    flac = replace(JOB, result=JobResult(stems=(Stem("target", "a.flac", "/store/a.flac"),)))
    told = placement(flac, TimelineOffer("Cubase", False, "host", 12.5))
    assert "original position" not in told.text
    assert "at 0:12.500" in told.text
