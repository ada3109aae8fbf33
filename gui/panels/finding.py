"""“Find it”: where the sound is, before a run; and what to do with what was found."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QProgressBar, QPushButton, QVBoxLayout, QWidget

from bridge.protocol.searches import SpanSearch
from gui.link.jobs import STAGES
from gui.state.document import Document
from gui.state.draft import sent_text
from gui.state.spans import all_accepted, all_refused
from gui.views.clock import short_duration

from .parts import label, named, row

FIND_TIP = (
    "Look for the places of the described sound before separating (Ctrl+F). SAM-Audio looks with "
    "its span predictor, if that is installed; builtin finds drums, bass, voices and pitched "
    "instruments, roughly."
)


class FindBar(QWidget):
    """Starts a search, shows how far it is and why it failed, and settles what was found."""

    wanted = pyqtSignal()
    """Look, or stop looking."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._search: SpanSearch | None = None
        self._is_busy, self._problem = False, ""
        self._asked = ""
        self.button = QPushButton("Find it")
        self.button.setToolTip(FIND_TIP)
        self.button.clicked.connect(self.wanted)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the search")
        self.said = label("", "dim", wrap=True)
        self.accept = QPushButton("Accept all")
        self.accept.setToolTip("Make them your own spans (Shift+Y; Y for the selected one)")
        self.accept.setAccessibleName("Accept all predicted spans")
        self.accept.clicked.connect(
            lambda: document.edit_spans("Accept spans", all_accepted(document.draft.spans))
        )
        self.refuse = QPushButton("Refuse all")
        self.refuse.setToolTip("Remove them (Shift+N; N for the selected one)")
        self.refuse.setAccessibleName("Refuse all predicted spans")
        self.refuse.clicked.connect(
            lambda: document.edit_spans("Refuse spans", all_refused(document.draft.spans))
        )
        self.unsettled = label("", "predicted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row(label("WHERE", "heading"), 1, self.button))
        column.addWidget(self.bar)
        column.addWidget(self.said)
        column.addWidget(self.unsettled)
        column.addLayout(row(self.accept, self.refuse, 1))
        document.draft_changed.connect(self.refresh)
        document.clip_changed.connect(self.refresh)
        self.refresh()

    def show_search(self, search: SpanSearch | None, is_busy: bool, problem: str) -> None:
        """Show what is looked for and how far it is, or why it cannot be."""
        if is_busy and not self._is_busy:
            self._asked = sent_text(self._document.draft.description)
        self._search, self._is_busy, self._problem = search, is_busy, problem
        self.refresh()

    def refresh(self) -> None:
        """Show the search and the spans that are not settled."""
        draft, is_busy, search = self._document.draft, self._is_busy, self._search
        words = sent_text(draft.description)
        self.button.setText("Stop" if is_busy else "Find it")
        self.button.setAccessibleName("Stop looking" if is_busy else "Find the places of the sound")
        self.button.setEnabled(is_busy or bool(words and self._document.clip))
        self.bar.setVisible(is_busy)
        fraction = search.progress.fraction if search is not None else 0.0
        self.bar.setRange(0, 1000 if fraction else 0)
        self.bar.setValue(round(1000 * fraction))
        is_of_old_words = not is_busy and words != self._asked
        self._say(None if is_of_old_words else search, "" if is_of_old_words else self._problem)
        n_open = sum(mark.is_predicted for mark in draft.spans)
        self.unsettled.setText(
            f"{n_open} predicted {'place' if n_open == 1 else 'places'}, not sent unless accepted."
        )
        for widget in (self.unsettled, self.accept, self.refuse):
            widget.setVisible(bool(n_open))

    def _say(self, search: SpanSearch | None, problem: str) -> None:
        text = problem or (in_words(search) if search is not None else "")
        named(self.said, "warning" if problem else "dim")
        self.said.setText(text)
        self.said.setVisible(bool(text))


def in_words(search: SpanSearch) -> str:
    """What a search does or found, in a sentence."""
    what = f"“{search.description}”"
    if search.state == "queued":
        return f"Looks for {what} when the job that runs is over."
    if search.state == "running":
        left = search.progress.seconds_left
        stage = STAGES.get(search.progress.stage, search.progress.stage)
        return f"{what}: {stage}" + (f" · {short_duration(left)} left" if left is not None else "")
    if search.state != "done":
        return ""
    n_found = len(search.spans)
    found = "no place" if not n_found else f"{n_found} place{'s' if n_found > 1 else ''}"
    notices = " ".join(notice.message for notice in search.notices)
    return f"{search.separator} found {found} of {what}. {notices}".strip()
