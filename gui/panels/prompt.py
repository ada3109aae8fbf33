"""What to take out: words with completion, spans as a table, options, cost, and the button."""

from dataclasses import replace

from PyQt6.QtCore import QStringListModel, Qt, pyqtSignal
from PyQt6.QtWidgets import QCompleter, QLineEdit, QPushButton, QVBoxLayout, QWidget

from bridge.protocol.messages import EstimateReply, Status
from gui.state.document import Document
from gui.state.draft import sent_text
from gui.theme import Theme

from .finding import FindBar
from .options import OptionsPanel
from .parts import label, named, row
from .preflight import ignores_mask, lacks_memory, preflight
from .span_table import SpanTable
from .words import EXAMPLES, KNOWN

BLIND = (
    "builtin does not look at the video: the mark in it says nothing to it. Describe the sound or "
    "draw where it is, or install SAM-Audio (Ctrl+M)."
)
SECTION_PX = 6
EMPTY = "Describe the sound, or drag over a place where it is."


class PromptPanel(QWidget):
    """Edits the document's description; tells when the user wants it run."""

    run_wanted = pyqtSignal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._status: Status | None = None
        self.edit = QLineEdit()
        self.edit.setObjectName("prompt")
        self.edit.setPlaceholderText(f"{EXAMPLES[0]}, {EXAMPLES[1]}…")
        self.edit.setAccessibleName("Description of the sound")
        self.edit.setToolTip("A few plain words, such as “dog barking”. Enter starts.")
        self.edit.setClearButtonEnabled(True)
        self.edit.textEdited.connect(self._on_text)
        self.edit.editingFinished.connect(document.history.seal)
        self.edit.returnPressed.connect(self._on_return)
        self._words = QStringListModel(list(KNOWN))
        completer = QCompleter(self._words)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.activated.connect(self._on_text)
        self.edit.setCompleter(completer)
        self.sent = label("", "dim")
        self.finding = FindBar(document)
        self.table = SpanTable(document)
        self.empty_spans = label(
            "No spans yet. Drag over the waveform where the sound is; hold Alt where it is not. "
            "Or describe it and let it be found.",
            "dim",
            wrap=True,
        )
        self.options = OptionsPanel(document)
        self.cost = label("", "dim", wrap=True)
        self.cost.setAccessibleName("What it will cost")
        self.run = QPushButton("Separate")
        self.run.setObjectName("primary")
        self.run.setToolTip("Start (Ctrl+Enter)")
        self.run.setAccessibleName("Separate")
        self.run.clicked.connect(self.run_wanted)
        self._lay_out()
        document.draft_changed.connect(self._show)
        document.clip_changed.connect(self._show)
        self._show()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.table.set_theme(theme)

    def set_history(self, descriptions: list[str]) -> None:
        """Complete with what the user asked for before, first, and with the known sounds."""
        self._words.setStringList(list(dict.fromkeys([*descriptions, *KNOWN])))
        self._close_completions()

    def _close_completions(self) -> None:
        completer = self.edit.completer()
        popup = completer.popup() if completer is not None else None
        if popup is not None:
            popup.hide()

    def show_status(self, status: Status) -> None:
        """Note what the server has."""
        self._status = status
        self.options.show_status(status)

    def show_cost(self, cost: EstimateReply | None, problem: str = "") -> None:
        """Say what a run would take, or why that is not known."""
        if cost is None:
            self.cost.setText(problem)
            named(self.cost, "dim")
            return
        chosen = self._document.draft.options.separator
        text = preflight(cost, chosen, self._status)
        is_blind = ignores_mask(cost, chosen, self._document.draft.has_mask)
        self.cost.setText(f"{text}. {BLIND}" if is_blind else text)
        named(self.cost, "warning" if is_blind or lacks_memory(cost) else "dim")

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(label("TAKE OUT", "heading"))
        column.addWidget(self.edit)
        column.addWidget(self.sent)
        column.addSpacing(SECTION_PX)
        column.addWidget(self.finding)
        column.addWidget(self.empty_spans)
        column.addWidget(self.table)
        column.addSpacing(SECTION_PX)
        column.addWidget(label("HOW", "heading"))
        column.addWidget(self.options)
        column.addWidget(self.cost)
        column.addLayout(row(self.run))

    def _on_text(self, text: str) -> None:
        draft = replace(self._document.draft, description=text)
        self._document.edit("Typing", draft, merge="typing")

    def _on_return(self) -> None:
        self._close_completions()
        if self.run.isEnabled():
            self.run_wanted.emit()

    def _show(self) -> None:
        draft = self._document.draft
        if self.edit.text() != draft.description:
            self.edit.setText(draft.description)
        sent = sent_text(draft.description)
        self.sent.setText(f"sent as “{sent}”" if sent and sent != draft.description else "")
        self.sent.setVisible(bool(self.sent.text()))
        self.table.setVisible(bool(draft.spans))
        self.empty_spans.setVisible(not draft.spans)
        has_clip = self._document.clip is not None
        self.run.setEnabled(has_clip and not draft.is_empty)
        if has_clip and draft.is_empty:
            self.cost.setText(EMPTY)
            named(self.cost, "dim")
