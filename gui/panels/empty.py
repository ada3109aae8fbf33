"""What is there before a clip is: says what to do first."""

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QPushButton, QVBoxLayout, QWidget

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

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ground")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self.button = QPushButton("Open a file…")
        self.button.setObjectName("primary")
        self.button.setAccessibleName("Open a file")
        self.button.clicked.connect(self.open_wanted)
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
