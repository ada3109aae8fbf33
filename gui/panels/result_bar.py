"""Above a result's lanes: what it is, what takes its place soon, and what can be done with it."""

from PyQt6.QtCore import pyqtBoundSignal, pyqtSignal
from PyQt6.QtWidgets import QFrame, QProgressBar, QPushButton

from bridge.protocol.values import RUNNING, Job
from gui.link.jobs import JobBook, summary
from gui.state.refinement import better_qualities, is_draft, successor_of
from gui.state.time_window import TimeWindow
from gui.views.clock import clock

from .parts import label, named, row

BAR_PX = 120


class ResultBar(QFrame):
    """Hidden without a result."""

    refine_wanted = pyqtSignal(str)
    """The quality."""

    redo_wanted = pyqtSignal()
    """The selection."""

    send_wanted = pyqtSignal()
    """To the timeline of the DAW."""

    cancel_wanted = pyqtSignal(str)
    """The job that would take the lanes over."""

    def __init__(self, book: JobBook, time: TimeWindow) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._book, self._time = book, time
        self._shown: Job | None = None
        self._coming: Job | None = None
        self.said = label("", "dim")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_PX)
        self.bar.setAccessibleName("Progress of what takes its place")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel what takes its place")
        self.cancel.clicked.connect(self._on_cancel)
        self.refine = {
            quality: self._refine_button(quality, name)
            for quality, name in (("standard", "Refine to standard"), ("best", "Refine to best"))
        }
        self.redo = self._button("Redo selection", self.redo_wanted)
        self.send = self._button("Send to timeline", self.send_wanted)
        self.send.setToolTip(
            "Offer the stems to the DAW that the clip came from, at its place (Ctrl+Shift+T)"
        )
        buttons = (*self.refine.values(), self.redo, self.cancel, self.send)
        line = row(self.said, self.bar, 1, *buttons, spacing=6)
        line.setContentsMargins(12, 5, 12, 5)
        self.setLayout(line)
        book.changed.connect(self.refresh)
        time.selection_changed.connect(self.refresh)
        self.refresh()

    def show_job(self, job: Job | None) -> None:
        """The job whose lanes are below."""
        self._shown = job
        self.refresh()

    def refresh(self) -> None:
        """Say what the lanes are, what comes in their place, or offer it."""
        shown = self._shown
        self.setVisible(shown is not None)
        if shown is None:
            return
        self._coming = coming = successor_of(shown, self._book.waiting())
        self._say(shown, coming)
        better = better_qualities(shown) if is_draft(shown) and coming is None else ()
        for quality, button in self.refine.items():
            button.setVisible(quality in better)
        self.redo.setVisible(coming is None)
        self.redo.setEnabled(self._time.selection is not None)
        self.redo.setToolTip(
            "Separate only the selection anew, with what is drawn and typed now; everywhere else "
            "this target stays, to the last bit (Ctrl+Shift+E)"
            if self._time.selection is not None
            else "Select a stretch first: Shift+drag over the waveform, or drag in the ruler"
        )
        for widget in (self.bar, self.cancel):
            widget.setVisible(coming is not None)

    def refine_on(self) -> None:
        """As if the first button that refines were pressed."""
        for quality, button in self.refine.items():
            if not (button.isHidden() or self.isHidden()):
                self.refine_wanted.emit(quality)
                return

    def redo_on(self) -> None:
        """As if the button that redoes the selection were pressed."""
        if not (self.isHidden() or self.redo.isHidden()) and self.redo.isEnabled():
            self.redo_wanted.emit()

    def send_on(self) -> None:
        """As if the button that sends were pressed."""
        if not self.isHidden():
            self.send_wanted.emit()

    def _say(self, shown: Job, coming: Job | None) -> None:
        named(self.said, "warning" if is_draft(shown) else "dim")
        if coming is None:
            self.said.setText("This is a draft." if is_draft(shown) else "")
            return
        what = "This draft" if is_draft(shown) else "This result"
        if coming.options.rerun is not None:
            part = coming.options.rerun
            does = f"Redoing {clock(part.start_s, 1)} to {clock(part.end_s, 1)}"
        else:
            does = f"Refining to {coming.options.quality}"
        self.said.setText(f"{what} plays on. {does}: {summary(coming)}")
        known = coming.state == RUNNING and coming.progress.fraction
        self.bar.setRange(0, 1000 if known else 0)
        self.bar.setValue(round(1000 * coming.progress.fraction))

    def _refine_button(self, quality: str, name: str) -> QPushButton:
        button = QPushButton(name)
        button.setToolTip(
            "The same take with the same seed, worked out further. The lanes, what you hear of "
            "them and the playhead stay as they are."
        )
        button.setAccessibleName(name)
        button.clicked.connect(lambda: self.refine_wanted.emit(quality))
        return button

    def _button(self, name: str, signal: pyqtBoundSignal) -> QPushButton:
        button = QPushButton(name)
        button.setAccessibleName(name)
        button.clicked.connect(lambda: signal.emit())
        return button

    def _on_cancel(self) -> None:
        if self._coming is not None:
            self.cancel_wanted.emit(self._coming.job_id)
