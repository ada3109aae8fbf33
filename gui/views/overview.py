"""The strip with the whole clip: shows which part is on the screen, and moves it."""

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.audio.sound import ShownSound
from gui.state.document import Document
from gui.state.time_window import TimeWindow
from gui.theme import DARK, Theme, span_colour

from .wave_paint import height_gain, paint_wave

HEIGHT_PX = 44


class Overview(QWidget):
    """Click or drag to look somewhere else; the wheel zooms."""

    def __init__(self, time: TimeWindow, document: Document) -> None:
        super().__init__()
        self.setObjectName("overview")
        self.setAccessibleName("Overview of the whole clip")
        self.setToolTip("The whole clip. Drag to move along it, turn the wheel to zoom.")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._time = time
        self._document = document
        self._sound: ShownSound | None = None
        self._theme = DARK
        self._pixmap = QPixmap()
        self._key: tuple[object, ...] = ()
        for signal in (time.changed, time.playhead_changed, time.selection_changed):
            signal.connect(self.update)
        document.draft_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A thin strip."""
        return QSize(400, HEIGHT_PX)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def set_sound(self, sound: ShownSound | None) -> None:
        """Show another sound."""
        self._sound = sound
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Look at what is under the pointer."""
        self._look(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go along with the pointer."""
        self._look(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom in the middle of the screen."""
        assert event is not None
        window = self._time.window
        middle_s = (window.start_s + window.end_s) / 2
        self._time.zoom(0.85 ** (event.angleDelta().y() / 120), middle_s)

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the whole clip, its spans, and a frame around what is on the screen."""
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, QColor(self._theme.canvas))
        if self._sound is None:
            return
        duration_s = self._time.window.duration_s
        painter.drawPixmap(0, 0, self._picture())
        for span in self._document.draft.spans:
            colour = span_colour(self._theme, span)
            left, right = (
                time_s / duration_s * box.width() for time_s in (span.start_s, span.end_s)
            )
            painter.fillRect(QRectF(left, box.bottom() - 4, max(right - left, 2), 4), colour)
        window = self._time.window
        left, right = (
            time_s / duration_s * box.width() for time_s in (window.start_s, window.end_s)
        )
        shade = QColor(self._theme.ground)
        shade.setAlpha(150)
        painter.fillRect(QRectF(0, 0, left, box.height()), shade)
        painter.fillRect(QRectF(right, 0, box.width() - right, box.height()), shade)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.accent), 1.5))
        painter.drawRoundedRect(
            QRectF(left + 0.5, 0.5, max(right - left - 1, 3), box.height() - 1), 3, 3
        )
        x = self._time.playhead_s / duration_s * box.width()
        painter.setPen(QPen(QColor(self._theme.playhead), 1))
        painter.drawLine(QPointF(x, 0), QPointF(x, box.height()))

    def _picture(self) -> QPixmap:
        """The waveform, drawn anew only when there is more of it."""
        assert self._sound is not None
        peaks = self._sound.peaks
        key = (id(peaks), peaks.n_ready, len(peaks.sketch), self.size(), self._theme.name)
        if key != self._key:
            self._key = key
            self._pixmap = QPixmap(self.size() * self.devicePixelRatioF())
            self._pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            self._pixmap.fill(QColor(self._theme.canvas))
            painter = QPainter(self._pixmap)
            stretch = (0, self._sound.info.n_samples)
            gain, colour = height_gain(self._sound), self._theme.residual
            paint_wave(painter, QRectF(self.rect()), self._sound, stretch, colour, gain)
            painter.end()
        return self._pixmap

    def _look(self, event: QMouseEvent | None) -> None:
        assert event is not None
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        window = self._time.window
        at_s = event.position().x() / max(self.width(), 1) * window.duration_s
        self._time.set(window.scrolled(at_s - (window.start_s + window.end_s) / 2))
