"""Above a result's lanes: that it is a draft, and one button that refines it in place."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QFrame, QProgressBar, QPushButton

from bridge.protocol.values import RUNNING, Job
from gui.link.jobs import JobBook, summary
from gui.state.refinement import better_qualities, is_draft, refinement_of

from .parts import label, row

BAR_PX = 120


class RefineBar(QFrame):
    """Hidden where there is nothing to refine."""

    refine_wanted = pyqtSignal(str)
    """The quality."""

    cancel_wanted = pyqtSignal(str)
    """The job."""

    def __init__(self, book: JobBook) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._book = book
        self._shown: Job | None = None
        self._running: Job | None = None
        self.said = label("", "warning")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_PX)
        self.bar.setAccessibleName("Progress of the refinement")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the refinement")
        self.cancel.clicked.connect(self._on_cancel)
        self.buttons = {
            quality: self._button(quality, name)
            for quality, name in (("standard", "Refine to standard"), ("best", "Refine to best"))
        }
        line = row(self.said, self.bar, 1, *self.buttons.values(), self.cancel)
        line.setContentsMargins(12, 5, 12, 5)
        self.setLayout(line)
        book.changed.connect(self.refresh)
        self.refresh()

    def refine(self) -> None:
        """As if the first button that is offered were pressed."""
        for quality, button in self.buttons.items():
            if not button.isHidden() and not self.isHidden():
                self.refine_wanted.emit(quality)
                return

    def show_job(self, job: Job | None) -> None:
        """The job whose lanes are below."""
        self._shown = job
        self.refresh()

    def refresh(self) -> None:
        """Say what the lanes are, what comes in their place, or offer it."""
        shown = self._shown
        better = better_qualities(shown) if shown is not None else ()
        self._running = running = refinement_of(shown, self._book.waiting())
        self.setVisible(shown is not None and (is_draft(shown) or running is not None))
        if shown is None:
            return
        name = "a draft" if is_draft(shown) else f"in {shown.options.quality} quality"
        if running is None:
            self.said.setText(f"This is {name}.")
        else:
            to = running.options.quality
            self.said.setText(f"This is {name}, and plays on. Refining to {to}: {summary(running)}")
            known = running.state == RUNNING and running.progress.fraction
            self.bar.setRange(0, 1000 if known else 0)
            self.bar.setValue(round(1000 * running.progress.fraction))
        self.bar.setVisible(running is not None)
        self.cancel.setVisible(running is not None)
        for quality, button in self.buttons.items():
            button.setVisible(running is None and quality in better)

    def _button(self, quality: str, name: str) -> QPushButton:
        button = QPushButton(name)
        button.setToolTip(
            "The same take with the same seed, worked out further. The lanes, what you hear of "
            "them and the playhead stay as they are."
        )
        button.setAccessibleName(name)
        button.clicked.connect(lambda: self.refine_wanted.emit(quality))
        return button

    def _on_cancel(self) -> None:
        if self._running is not None:
            self.cancel_wanted.emit(self._running.job_id)
