"""Jobs of this clip and what waits: progress, cancel, retry, errors with advice, history."""

from PyQt6.QtCore import Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QFrame, QProgressBar, QPushButton, QVBoxLayout, QWidget

from bridge.protocol.values import DONE, FAILED, RUNNING, Job
from gui.link.jobs import JobBook, advice, summary, title

from .parts import label, row

N_SHOWN = 30


class JobCard(QFrame):
    """One job. Clicked when it is done: shown again."""

    cancel_wanted = pyqtSignal(str)
    retry_wanted = pyqtSignal(str)
    chosen = pyqtSignal(str)
    reuse_wanted = pyqtSignal(str)

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self.job_id = job_id
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.name = label("", "name")
        self.state = label("", "dim", wrap=True)
        self.help = label("", "warning", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress")
        self.cancel = self._button("Cancel", "Stop this job", self.cancel_wanted)
        self.retry = self._button("Retry", "Do it again as it was", self.retry_wanted)
        self.reuse = self._button("Reuse", "Take over its prompt and options", self.reuse_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(4)
        column.addLayout(row(self.name, 1, self.reuse, self.retry, self.cancel))
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addWidget(self.help)

    def show_job(self, job: Job, *, is_shown: bool) -> None:
        """Show how it is now. is_shown: its result is on the screen."""
        words = title(job)
        self.name.setText(
            ("● " if is_shown else "") + (words if len(words) < 26 else words[:25] + "…")
        )
        self.setAccessibleName(f"Job {words}: {summary(job)}")
        self.state.setText(summary(job))
        self.state.setObjectName("error" if job.state == FAILED else "dim")
        style = self.state.style()
        assert style is not None
        style.polish(self.state)
        help_text = advice(job.error.code) if job.error else ""
        notices = job.result.notices if job.result else ()
        self.help.setText("\n".join([help_text, *(each.message for each in notices)]).strip())
        self.help.setVisible(bool(self.help.text()))
        self.bar.setVisible(not job.is_final)
        self.bar.setRange(0, 1000 if job.state == RUNNING and job.progress.fraction else 0)
        self.bar.setValue(round(1000 * job.progress.fraction))
        self.cancel.setVisible(not job.is_final)
        self.retry.setVisible(job.is_final and job.state != DONE)
        self.reuse.setVisible(job.is_final)
        self.setToolTip("Click to hear it again" if job.state == DONE else "")

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Choose it."""
        self.chosen.emit(self.job_id)

    def _button(self, text: str, tip: str, signal: pyqtBoundSignal) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(f"{text} job")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: signal.emit(self.job_id))
        return button


class JobsPanel(QWidget):
    """Cards of the clip's jobs, newest first, and a line about others that wait."""

    cancel_wanted = pyqtSignal(str)
    retry_wanted = pyqtSignal(str)
    chosen = pyqtSignal(str)
    reuse_wanted = pyqtSignal(str)

    def __init__(self, book: JobBook) -> None:
        super().__init__()
        self._book = book
        self._cards: dict[str, JobCard] = {}
        self._clip_id = ""
        self._shown_id = ""
        self.empty = label("What you separate appears here and stays.", "dim", wrap=True)
        self.others = label("", "dim", wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(label("JOBS", "heading"))
        self._column.addWidget(self.others)
        self._column.addWidget(self.empty)
        self._column.addStretch(1)
        book.changed.connect(self.refresh)
        self.refresh()

    def set_clip(self, clip_id: str) -> None:
        """Show the jobs of another clip."""
        self._clip_id = clip_id
        self.refresh()

    def set_shown(self, job_id: str) -> None:
        """Mark the job whose result is on the screen."""
        self._shown_id = job_id
        self.refresh()

    def card(self, job_id: str) -> JobCard | None:
        """The card of a job."""
        return self._cards.get(job_id)

    def refresh(self) -> None:
        """Show what the book has."""
        jobs = self._book.of_clip(self._clip_id)[:N_SHOWN]
        kept = {job.job_id for job in jobs}
        for job_id in [each for each in self._cards if each not in kept]:
            card = self._cards.pop(job_id)
            self._column.removeWidget(card)
            card.deleteLater()
        for place, job in enumerate(jobs):
            made = self._cards.get(job.job_id) or self._make(job.job_id)
            if self._column.indexOf(made) != place + 3:
                self._column.removeWidget(made)
                self._column.insertWidget(place + 3, made)
                # Qt shows what comes into a layout in its next turn; a job may be over by then.
                made.show()
            made.show_job(job, is_shown=job.job_id == self._shown_id)
        self.empty.setVisible(not jobs)
        n_others = sum(job.clip_id != self._clip_id for job in self._book.waiting())
        self.others.setText(f"{n_others} of other clips wait or run" if n_others else "")
        self.others.setVisible(bool(n_others))

    def _make(self, job_id: str) -> JobCard:
        card = JobCard(job_id)
        card.cancel_wanted.connect(self.cancel_wanted)
        card.retry_wanted.connect(self.retry_wanted)
        card.chosen.connect(self.chosen)
        card.reuse_wanted.connect(self.reuse_wanted)
        self._cards[job_id] = card
        return card
