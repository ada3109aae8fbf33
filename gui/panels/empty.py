"""What is there before a clip is: says what to do first."""

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from bridge.protocol.messages import Status

from .models import separators_in_words
from .parts import label, row

N_RECENT = 5
STEPS = (
    "1   Drop a sound or video file here, or open one.",
    "2   Drag over a place where the sound is. Hold Alt where it is not.",
    "3   Say what it is, and press Enter.",
    "4   Listen, compare, and drag the stem into your DAW.",
)


class EmptyPage(QWidget):
    """Steps, the open button, and the files of last time."""

    open_wanted = pyqtSignal()
    file_wanted = pyqtSignal(str)
    models_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ground")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self.button = QPushButton("Open a file…")
        self.button.setObjectName("primary")
        self.button.setAccessibleName("Open a file")
        self.button.clicked.connect(self.open_wanted)
        self.separators = label("", "dim")
        self.models = QPushButton("Separators and models…")
        self.models.setToolTip("What is installed, what is missing, and how to get it")
        self.models.clicked.connect(self.models_wanted)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(3)
        column.addLayout(row(1, label("Hear one sound alone", "title"), 1))
        column.addSpacing(6)
        for step in STEPS:
            text = label(step, "dim")
            text.setFixedWidth(420)
            column.addLayout(row(1, text, 1))
        column.addSpacing(12)
        column.addLayout(row(1, self.button, 1))
        column.addSpacing(14)
        column.addLayout(self._recent)
        column.addStretch(4)
        column.addLayout(row(1, self.separators, self.models, 1, spacing=12))
        column.addSpacing(18)

    def show_status(self, status: Status) -> None:
        """Say which separators are ready."""
        self.separators.setText(separators_in_words(status))

    def show_recent(self, files: tuple[str, ...]) -> None:
        """Offer files that are still there."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for file in [each for each in files if Path(each).is_file()][:N_RECENT]:
            button = QPushButton(Path(file).name)
            button.setFlat(True)
            button.setToolTip(file)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.setAccessibleName(f"Open {Path(file).name} again")
            button.clicked.connect(lambda _, file=file: self.file_wanted.emit(file))
            self._recent.addWidget(button, alignment=Qt.AlignmentFlag.AlignHCenter)
