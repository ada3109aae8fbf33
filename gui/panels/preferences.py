"""Settings: look, ruler, sound output, saving, and what the store keeps."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bridge.protocol.messages import Status
from gui.state.settings import SettingsStore
from gui.views.clock import size

from .parts import chooser, label, line, row, show_choice

THEMES = {"system": "As the system", "dark": "Dark", "light": "Light"}
UNITS = {"seconds": "Seconds", "samples": "Samples", "bars": "Bars and beats"}
FORMATS = {"": "WAV", "flac": "FLAC", "aiff": "AIFF"}
OLD_DAYS = 30


class Preferences(QDialog):
    """Every change is in force at once."""

    clean_wanted = pyqtSignal(float)
    """Remove finished jobs older than so many seconds."""

    models_wanted = pyqtSignal()

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        values = settings.values
        self.theme = chooser(THEMES, "Theme", "Colours", lambda name: settings.set(theme=name))
        self.unit = chooser(UNITS, "Ruler", "What the ruler shows", lambda u: settings.set(ruler=u))
        self.format = chooser(
            FORMATS, "Format", "Of “Save every stem”", lambda name: settings.set(format=name)
        )
        for box, value in (
            (self.theme, values.theme),
            (self.unit, values.ruler),
            (self.format, values.format),
        ):
            show_choice(box, value)
        self.tempo = QDoubleSpinBox()
        self.tempo.setRange(0, 400)
        self.tempo.setSuffix(" bpm")
        self.tempo.setSpecialValueText("not known")
        self.tempo.setAccessibleName("Tempo for bars and beats")
        self.tempo.setValue(values.tempo_bpm)
        self.tempo.valueChanged.connect(lambda bpm: settings.set(tempo_bpm=bpm))
        self.output = QComboBox()
        self.output.setAccessibleName("Sound output")
        self.output.addItem("The system's output", "")
        self.output.activated.connect(
            lambda index: settings.set(output=str(self.output.itemData(index)))
        )
        self.follow = QCheckBox("Scroll along while playing")
        self.follow.setChecked(values.follows_playhead)
        self.follow.toggled.connect(lambda is_on: settings.set(follows_playhead=is_on))
        self.store = label("", "dim", wrap=True)
        self.clean = QPushButton(f"Remove jobs older than {OLD_DAYS} days")
        self.clean.clicked.connect(lambda: self.clean_wanted.emit(OLD_DAYS * 86_400.0))
        self.models = QPushButton("Separators and models…")
        self.models.clicked.connect(self.models_wanted)
        self._lay_out()

    def show_outputs(self, names: list[str], chosen: str) -> None:
        """Offer these sound devices."""
        for name in names:
            self.output.addItem(name, name)
        show_choice(self.output, chosen)
        if not names:
            self.output.setItemText(0, "No sound device was found")

    def show_status(self, status: Status) -> None:
        """Say what the store holds."""
        store = status.store
        self.store.setText(
            f"{store.n_jobs} jobs and {store.n_clips} clips, {size(store.n_bytes)}, "
            f"in {store.folder}"
        )

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        for name, widget in (
            ("Theme", self.theme),
            ("Ruler", self.unit),
            ("Tempo", self.tempo),
            ("Sound output", self.output),
            ("", self.follow),
            ("Save stems as", self.format),
        ):
            form.addRow(label(name, "dim"), widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 20)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(line())
        column.addWidget(label("KEPT ON DISK", "heading"))
        column.addWidget(self.store)
        column.addLayout(row(self.clean, self.models, 1))
