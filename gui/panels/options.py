"""How to run it: the separator and quality at hand, the rest in a fold-out with sane defaults."""

from dataclasses import replace

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QSpinBox, QVBoxLayout, QWidget

from bridge.protocol.messages import Status
from bridge.protocol.values import MAX_CANDIDATES, JobOptions
from gui.state.document import Document

from .parts import FoldOut, chooser, label, show_choice

QUALITY = {"draft": "Draft – quick look", "standard": "Standard", "best": "Best – slow"}
STEREO = {
    "project": "As in the mixture",
    "generated": "As the model makes it",
    "mono": "Mono",
}
RESIDUAL = {"exact": "Exact: mixture − target", "generated": "As the model makes it"}
SEPARATOR_TIP = (
    "builtin needs no weights and works at once; SAM-Audio follows words of any kind. "
    "Automatic takes the best that is installed."
)


class OptionsPanel(QWidget):
    """Shows and edits the document's options."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.separator = chooser(
            {"auto": "Automatic", "builtin": "builtin"}, "Separator", SEPARATOR_TIP, self._separator
        )
        self.quality = chooser(
            QUALITY,
            "Quality",
            "Begin with a draft; raise it when the prompt is right.",
            lambda value: self._edit("Quality", quality=value),
        )
        self.takes = self._number(1, MAX_CANDIDATES, "Takes", "How many takes to make and compare.")
        self.takes.valueChanged.connect(lambda value: self._edit("Takes", n_candidates=value))
        self.seed = self._number(0, 2**31 - 1, "Seed", "Another seed gives another take.")
        self.seed.valueChanged.connect(lambda value: self._edit("Seed", seed=value))
        self.stereo = chooser(
            STEREO,
            "Stereo",
            "How the stem gets its place between the speakers.",
            lambda value: self._edit("Stereo", stereo=value),
        )
        self.residual = chooser(
            RESIDUAL,
            "Residual",
            "Exact: target and residual add up to the mixture, to the last bit.",
            lambda value: self._edit("Residual", residual=value),
        )
        self.gate = QDoubleSpinBox()
        self.gate.setRange(0, 1)
        self.gate.setSingleStep(0.1)
        self.gate.setAccessibleName("Silence where the sound is absent")
        self.gate.setToolTip("How sure it must be that the sound is there; 0 never silences.")
        self.gate.valueChanged.connect(lambda value: self._edit("Silence", presence_gate=value))
        self._lay_out()
        document.draft_changed.connect(self._show)
        self._show()

    def show_status(self, status: Status) -> None:
        """Offer the separators that the server has; those that lack something say what."""
        chosen = self._document.draft.options.separator
        self.separator.clear()
        self.separator.addItem("Automatic", "auto")
        for state in status.separators:
            self.separator.addItem(
                state.name if state.available else f"{state.name} – not installed"
            )
            row = self.separator.count() - 1
            self.separator.setItemData(row, state.name)
            tip = state.summary if state.available else state.missing
            self.separator.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
            if not state.available:
                self.separator.setItemData(row, 0, Qt.ItemDataRole.UserRole - 1)
        show_choice(self.separator, chosen)

    def _lay_out(self) -> None:
        top = _grid([("Separator", self.separator), ("Quality", self.quality)])
        rest = QWidget()
        rest.setLayout(
            _grid(
                [
                    ("Takes", self.takes),
                    ("Seed", self.seed),
                    ("Stereo", self.stereo),
                    ("Residual", self.residual),
                    ("Silence below", self.gate),
                ]
            )
        )
        self.fold = FoldOut("More options", rest)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.fold)

    @staticmethod
    def _number(least: int, most: int, name: str, tip: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(least, most)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        return box

    def _separator(self, value: str) -> None:
        self._edit("Separator", separator=value)

    def _edit(self, label: str, **values: object) -> None:
        draft = self._document.draft
        options: JobOptions = replace(draft.options, **values)  # type: ignore[arg-type]
        self._document.edit(label, replace(draft, options=options), merge=f"option {label}")

    def _show(self) -> None:
        options = self._document.draft.options
        pairs: list[tuple[QComboBox, str]] = [
            (self.separator, options.separator),
            (self.quality, options.quality),
            (self.stereo, options.stereo),
            (self.residual, options.residual),
        ]
        for box, value in pairs:
            show_choice(box, value)
        self.takes.setValue(options.n_candidates)
        self.seed.setValue(options.seed)
        self.gate.setValue(options.presence_gate)


def _grid(rows: list[tuple[str, QWidget]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(1, 1)
    for number, (text, widget) in enumerate(rows):
        name = label(text, "dim")
        name.setBuddy(widget)
        grid.addWidget(name, number, 0)
        grid.addWidget(widget, number, 1)
    return grid
