"""Lanes: the mixture and every stem with solo, mute, gain and a handle to drag the file out by."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QMimeData, QPoint, QRectF, QSize, Qt, QUrl, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QDrag,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.audio.sound import ShownSound
from gui.icons import icon
from gui.state.audition import MIXTURE, RESIDUAL, TARGET, Audition, Lane
from gui.state.time_window import TimeWindow
from gui.theme import DARK, Theme
from gui.views.presence_strip import STRIP_PX, PresenceStrip
from gui.views.wave_paint import height_gain, paint_wave

from .parts import label, row

HEADER_PX = 204
LANE_PX = 62
NAME_PX = 28
N_SHOWN = 4
LEAST_DB, MOST_DB = -24, 12


def lane_colour(theme: Theme, name: str) -> str:
    """The colour of a lane."""
    fixed = {MIXTURE: theme.mixture, TARGET: theme.target, RESIDUAL: theme.residual}
    return fixed.get(name, theme.take)


def mime_of(path: Path) -> QMimeData:
    """A file as other programs take it from a drag."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    data.setText(str(path))
    return data


def _carried(name: str) -> QPixmap:
    """What hangs on the pointer during a drag: the file's name."""
    shown = label(name, "badge")
    shown.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
    shown.adjustSize()
    return shown.grab()


class DragHandle(QToolButton):
    """Dragged, it carries the lane's file away."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._pressed: QPoint | None = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip("Drag the file into your DAW or a folder")
        self.setAccessibleName("Drag the file out")

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Note where."""
        assert event is not None
        self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Begin the drag once the pointer has moved far enough."""
        assert event is not None
        if self._pressed is None:
            return
        away = (event.position().toPoint() - self._pressed).manhattanLength()
        if away >= QApplication.startDragDistance():
            self._pressed = None
            drag = QDrag(self)
            drag.setMimeData(mime_of(self._path))
            drag.setPixmap(_carried(self._path.name))
            drag.setHotSpot(QPoint(-12, -12))
            drag.exec(Qt.DropAction.CopyAction)


class GainSlider(QSlider):
    """In half decibels; a double click takes it back to 0."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(LEAST_DB * 2, MOST_DB * 2)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Back to 0 dB."""
        self.setValue(0)


class LaneHeader(QWidget):
    """Name, solo, mute, gain."""

    solo_wanted = pyqtSignal(str, bool)
    """Name, and whether others stay soloed."""

    mute_wanted = pyqtSignal(str, bool)
    gain_wanted = pyqtSignal(str, float)
    save_wanted = pyqtSignal(str)

    def __init__(self, lane: Lane, number: int) -> None:
        super().__init__()
        self.lane = lane
        self._theme = DARK
        self.setFixedWidth(HEADER_PX)
        self.setObjectName("panel")
        score = f"  {lane.score:.2f}" if lane.score is not None else ""
        self.name = label(f"{lane.title}{score}", "name")
        self.name.setMinimumHeight(NAME_PX)
        self.name.setToolTip(str(lane.path))
        self.key = label(str(number) if number < 10 else "", "dim")
        self.solo = self._toggle("S", "solo", f"Hear {lane.title} (key {number}; Shift: as well)")
        self.mute = self._toggle("M", "mute", f"Mute {lane.title}")
        self.solo.clicked.connect(self._on_solo)
        self.mute.clicked.connect(lambda is_on: self.mute_wanted.emit(lane.name, is_on))
        self.gain = GainSlider()
        self.gain.setAccessibleName(f"Gain of {lane.title}")
        self.gain.setToolTip("Gain; double-click for 0 dB")
        self.gain.valueChanged.connect(self._on_gain)
        self.gain_text = label("0.0", "dim")
        self.gain_text.setFixedWidth(32)
        self.note = label(lane.note, "warning")
        top: list[QWidget | int] = [self.key, self.name, self.note, 1]
        if lane.name != MIXTURE:
            self.handle = DragHandle(lane.path)
            self.save = QToolButton()
            self.save.setToolTip("Save as WAV, FLAC or AIFF…")
            self.save.setAccessibleName(f"Save {lane.title}")
            self.save.clicked.connect(lambda: self.save_wanted.emit(lane.name))
            top += [self.save, self.handle]
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 8, 4)
        column.setSpacing(0)
        column.addLayout(row(*top, spacing=4))
        column.addLayout(row(self.solo, self.mute, self.gain, self.gain_text, spacing=4))

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        if self.lane.name != MIXTURE:
            self.handle.setIcon(icon("drag", theme.dim))
            self.save.setIcon(icon("save", theme.dim))
        self.update()

    def show_state(self, audition: Audition, gain_db: float) -> None:
        """Show whether it is heard, and its gain."""
        self.solo.setChecked(self.lane.name in audition.solo)
        self.mute.setChecked(self.lane.name in audition.muted)
        self.gain.blockSignals(True)
        self.gain.setValue(round(gain_db * 2))
        self.gain.blockSignals(False)
        self.gain_text.setText(f"{gain_db:+.1f}" if gain_db else "0.0")

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """A bar in the lane's colour."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.panel))
        colour = QColor(lane_colour(self._theme, self.lane.name))
        painter.fillRect(QRectF(0, 0, 4, self.height()), colour)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Back to 0 dB."""
        self.gain_wanted.emit(self.lane.name, 0.0)

    def _toggle(self, text: str, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setObjectName(name)
        button.setCheckable(True)
        button.setFixedSize(22, 20)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button

    def _on_solo(self, is_on: bool) -> None:
        keys = QApplication.keyboardModifiers()
        self.solo.setChecked(not is_on)  # the audition decides
        self.solo_wanted.emit(self.lane.name, bool(keys & Qt.KeyboardModifier.ShiftModifier))

    def _on_gain(self, value: int) -> None:
        self.gain_wanted.emit(self.lane.name, value / 2)


class LaneWave(QWidget):
    """The lane's waveform on the shared time axis, at the mixture's scale."""

    seek_wanted = pyqtSignal(float)

    def __init__(self, name: str, sound: ShownSound, mixture: ShownSound, time: TimeWindow) -> None:
        super().__init__()
        self._name, self._sound, self._mixture, self._time = name, sound, mixture, time
        self._theme = DARK
        self._is_heard = False
        self.setAccessibleName(f"Waveform of {name}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        sound.changed.connect(self.update)
        for signal in (time.changed, time.playhead_changed, time.selection_changed):
            signal.connect(self.update)

    def sizeHint(self) -> QSize:
        """As high as its header."""
        return QSize(400, LANE_PX)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def set_heard(self, is_heard: bool) -> None:
        """Draw it bright when it is heard."""
        self._is_heard = is_heard
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Put the playhead."""
        assert event is not None
        window = self._time.window
        share = event.position().x() / max(self.width(), 1)
        self.seek_wanted.emit(window.start_s + share * window.length_s)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom with Control; otherwise the list scrolls."""
        assert event is not None
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._time.zoom(0.82 ** (event.angleDelta().y() / 120))
            event.accept()
        else:
            event.ignore()

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw it."""
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, QColor(self._theme.canvas))
        window = self._time.window
        stretch = (window.start_s * window.sample_rate, window.end_s * window.sample_rate)
        painter.setOpacity(1.0 if self._is_heard else 0.45)
        colour = lane_colour(self._theme, self._name)
        paint_wave(painter, box, self._sound, stretch, colour, height_gain(self._mixture))
        painter.setOpacity(1.0)
        x = (self._time.playhead_s - window.start_s) / window.length_s * box.width()
        painter.setPen(QPen(QColor(self._theme.playhead), 1))
        painter.drawLine(round(x), 0, round(x), self.height())
        painter.setPen(QPen(QColor(self._theme.line), 1))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)


class LaneList(QScrollArea):
    """One row a stem, with how sure it is below where that is known; more than a few scroll."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.headers: dict[str, LaneHeader] = {}
        self.waves: dict[str, LaneWave] = {}
        self.strips: dict[str, PresenceStrip] = {}
        self._theme = DARK
        self.hide()

    def show_lanes(
        self,
        lanes: tuple[Lane, ...],
        sounds: tuple[ShownSound, ...],
        mixture: ShownSound,
        time: TimeWindow,
    ) -> None:
        """Make rows anew for the stems; the mixture has its own place above."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.headers, self.waves, self.strips = {}, {}, {}
        for number, (lane, sound) in enumerate(zip(lanes[1:], sounds, strict=True), start=2):
            header = LaneHeader(lane, number)
            wave = LaneWave(lane.name, sound, mixture, time)
            line = QHBoxLayout()
            line.setSpacing(0)
            line.addWidget(header)
            line.addWidget(wave, 1)
            column.addLayout(line)
            self.headers[lane.name], self.waves[lane.name] = header, wave
            if lane.presence is not None:
                self.strips[lane.name] = strip = PresenceStrip(lane.presence, time)
                column.addLayout(_below(strip))
        column.addStretch(1)
        self.setWidget(content)
        self.set_theme(self._theme)
        n_rows = min(len(lanes) - 1, N_SHOWN)
        self.setFixedHeight(n_rows * LANE_PX + len(self.strips) * STRIP_PX)
        self.setVisible(n_rows > 0)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        for header in self.headers.values():
            header.set_theme(theme)
        for wave in self.waves.values():
            wave.set_theme(theme)
        for strip in self.strips.values():
            strip.set_theme(theme)


def _below(strip: PresenceStrip) -> QHBoxLayout:
    """A strip under its waveform, with what it is in the gutter."""
    name = label("confidence", "dim")
    name.setFixedSize(HEADER_PX, STRIP_PX)
    name.setContentsMargins(28, 0, 0, 0)
    name.setToolTip(strip.toolTip())
    line = QHBoxLayout()
    line.setSpacing(0)
    line.addWidget(name)
    line.addWidget(strip, 1)
    return line


def asked(audition: Audition, name: str, as_well: bool) -> Audition:
    """What a click on solo asks for."""
    if as_well:
        return audition.with_solo(name, name not in audition.solo)
    return replace(audition.hear(name), muted=tuple(m for m in audition.muted if m != name))
