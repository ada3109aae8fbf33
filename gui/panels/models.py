"""Separators and models: what is ready, what is missing, how to get it and under which licence."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from bridge.protocol.messages import ModelProgress, Status
from bridge.protocol.values import ModelState
from gui.views.clock import size

from .parts import label, line, row

ABOUT = (
    "builtin is always there: it needs no weights, knows common instruments by name, and takes out "
    "any sound that you draw spans for. SAM-Audio follows any description. Its weights are Meta's, "
    "under Meta's SAM License, and are not part of StemLasso: ask for access on the page of the "
    "model, accept the licence there, and log in with your access token before you download."
)


ASKING = "Asking the engine…"


class ModelCard(QFrame):
    """One model: state, size, licence, download with progress, remove."""

    download_wanted = pyqtSignal(str)
    cancel_wanted = pyqtSignal(str)
    remove_wanted = pyqtSignal(str)

    def __init__(self, model: ModelState) -> None:
        super().__init__()
        self.model = model
        self._is_running = False
        self.setObjectName("card")
        self.state = label("", "dim")
        self.problem = label("", "error", wrap=True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Download of {model.name}")
        self.accept = QCheckBox(f"I have accepted: {model.licence or 'no licence is stated'}")
        self.download = QPushButton("Download")
        self.download.setAccessibleName(f"Download {model.name}")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName(f"Cancel the download of {model.name}")
        self.cancel.setToolTip("Stop; what arrived is kept, and the next download goes on from it")
        self.cancel.clicked.connect(lambda: self.cancel_wanted.emit(model.name))
        self.remove = QPushButton("Remove")
        self.remove.setAccessibleName(f"Remove {model.name}")
        self.accept.toggled.connect(self.download.setEnabled)
        self.download.clicked.connect(lambda: self.download_wanted.emit(model.name))
        self.remove.clicked.connect(lambda: self.remove_wanted.emit(model.name))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(4)
        buttons = (self.remove, self.cancel, self.download)
        column.addLayout(row(label(model.name, "name"), self.state, 1, *buttons))
        column.addWidget(label(model.summary, "dim", wrap=True))
        column.addWidget(self.accept)
        column.addWidget(self.bar)
        column.addWidget(self.problem)
        self.show_model(model)

    def show_model(self, model: ModelState) -> None:
        """Show whether it is there."""
        self.model = model
        self.state.setText(f"{size(model.n_bytes)}  ·  {'installed' if model.installed else ''}")
        if not model.installed:
            self.state.setText(size(model.n_bytes) if model.n_bytes else "not installed")
        self.accept.setVisible(not model.installed)
        self.download.setVisible(not model.installed)
        self.download.setEnabled(self.accept.isChecked())
        self.remove.setVisible(model.installed)
        if model.installed or not self._is_running:
            self._is_running = False
            self.bar.hide()
            self.cancel.hide()
            self.problem.hide()

    def show_progress(self, progress: ModelProgress) -> None:
        """Show a download under way, or why it failed."""
        self._is_running = is_running = progress.state == "running"
        for widget in (self.bar, self.cancel):
            widget.setVisible(is_running)
        self.bar.setRange(0, 1000 if progress.fraction else 0)
        self.bar.setValue(round(1000 * progress.fraction))
        self.download.setVisible(not is_running and not self.model.installed)
        self.download.setEnabled(not is_running and self.accept.isChecked())
        if is_running:
            total = f" of {size(progress.total_bytes)}" if progress.total_bytes else ""
            self.state.setText(f"{size(progress.done_bytes)}{total}")
        elif progress.state == "cancelled":
            self.state.setText("stopped; what arrived is kept")
        self.problem.setVisible(progress.error is not None)
        if progress.error is not None:
            self.problem.setText(progress.error.message)
            self.state.setText("")


class ModelsDialog(QDialog):
    """Cards of all models below a summary of the separators."""

    download_wanted = pyqtSignal(str)
    cancel_wanted = pyqtSignal(str)
    remove_wanted = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Separators and models")
        self.resize(640, 620)
        self.cards: dict[str, ModelCard] = {}
        self.summary = label(ASKING, "name", wrap=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        content = QWidget()
        content.setObjectName("panel")
        inner = QVBoxLayout(content)
        inner.addLayout(self._list)
        inner.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 18)
        column.setSpacing(10)
        column.addWidget(label("Separators and models", "title"))
        column.addWidget(self.summary)
        column.addWidget(label(ABOUT, "dim", wrap=True))
        column.addWidget(line())
        column.addWidget(area, 1)

    def show_status(self, status: Status) -> None:
        """Say which separators are ready."""
        self.summary.setText(separators_in_words(status))

    def show_models(self, models: list[ModelState]) -> None:
        """Show what the server knows."""
        for model in models:
            card = self.cards.get(model.name)
            if card is not None:
                card.show_model(model)
                continue
            card = ModelCard(model)
            card.download_wanted.connect(self.download_wanted)
            card.cancel_wanted.connect(self.cancel_wanted)
            card.remove_wanted.connect(self.remove_wanted)
            self.cards[model.name] = card
            self._list.addWidget(card)

    def show_progress(self, progress: ModelProgress) -> None:
        """Show how far a download is."""
        card = self.cards.get(progress.name)
        if card is not None:
            card.show_progress(progress)


def separators_in_words(status: Status) -> str:
    """Which separators are ready, in one sentence."""
    if not status.separators:  # the server is finding out
        return ASKING
    ready = [each.name for each in status.separators if each.available]
    missing = [each for each in status.separators if not each.available]
    text = f"Ready: {', '.join(ready) or 'none'}."
    if missing:
        text += f" Not installed: {len(missing)} kinds of SAM-Audio."
    return text
