"""The big view: ruler, waveform and spectrogram on one time axis, with spans drawn over them."""

import pyqtgraph
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)

from gui.audio.sound import ShownSound
from gui.state.document import Document
from gui.state.time_window import TimeWindow
from gui.theme import DARK, Theme

from .gestures import DragSpan, DrawSpan, Gesture, SelectTime, Stage
from .ruler import Ruler
from .span_layer import Hit, SpanLayer
from .tracks import SpectrogramTrack, WaveTrack

RULER_PX = 24
WAVE_SHARE = 0.42
CLICK_PX = 3
ZOOM_PER_NOTCH = 0.82
_EDGES = ("start", "end")


class TimelineView(pyqtgraph.GraphicsView):
    """Draws the mixture and lets the user draw on it.

    Left drag: a “+” span; with Alt, or with the right button: a “−” span. In the ruler, or with
    Shift: a selection. Wheel: zoom at the pointer; with Shift, or sideways: scroll.
    """

    menu_wanted = pyqtSignal(int, QPointF)
    playhead_wanted = pyqtSignal(float)

    def __init__(self, document: Document, time: TimeWindow) -> None:
        super().__init__(background=None)
        self.setObjectName("timeline")
        self.setAccessibleName("Waveform and spectrogram of the mixture")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.document = document
        self.time = time
        self.is_snapping = True
        self.onsets: list[float] = []
        self.hint = ""
        self.ruler = Ruler(time)
        self.wave = WaveTrack(time)
        self.spectrogram = SpectrogramTrack(time)
        self.layer = SpanLayer(time)
        self.tracks = (self.wave, self.spectrogram, self.layer)
        for item in (self.ruler, *self.tracks):
            self.addItem(item)
        self._stage = Stage(document, time, self.layer, self._targets)
        self._gesture: Gesture | None = None
        self._press: tuple[QPointF, Qt.MouseButton] | None = None
        self._sound: ShownSound | None = None
        time.changed.connect(self._redraw)
        time.playhead_changed.connect(self.layer.update)
        time.selection_changed.connect(self.layer.update)
        document.draft_changed.connect(self._show_spans)
        document.selected_changed.connect(self._show_spans)
        self.set_theme(DARK)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.setBackground(QColor(theme.panel))
        self.ruler.set_theme(theme)
        for track in self.tracks:
            track.set_theme(theme)

    def set_sound(self, sound: ShownSound | None) -> None:
        """Show another sound. Its owner closes it."""
        self._sound = sound
        self.wave.set_sound(sound)
        self.spectrogram.set_sound(sound)
        if sound is not None:
            sound.changed.connect(self._on_news)

    def time_at(self, x: float) -> float:
        """The time under a pixel."""
        window = self.time.window
        return float(window.start_s + x / max(self.width(), 1) * window.length_s)

    def x_of(self, time_s: float) -> float:
        """The pixel of a time."""
        return self.layer.x_of(time_s)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Lay the strips out. Called by pyqtgraph's constructor too, before they are there."""
        super().resizeEvent(event)
        if not hasattr(self, "layer"):
            return
        width, height = self.width(), self.height()
        below = max(height - RULER_PX, 2)
        wave = round(below * WAVE_SHARE)
        self.ruler.setGeometry(QRectF(0, 0, width, RULER_PX))
        self.wave.setGeometry(QRectF(0, RULER_PX, width, wave - 1))
        self.spectrogram.setGeometry(QRectF(0, RULER_PX + wave, width, below - wave))
        self.layer.setGeometry(QRectF(0, RULER_PX, width, below))
        self.layer.hatched_box = QRectF(0, 0, width, wave)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a gesture, which is only one once the pointer has moved."""
        assert event is not None
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._sound is None or self._gesture is not None:
            return
        self._press = (event.position(), event.button())
        hit = self._hit(event.position())
        if event.button() != Qt.MouseButton.MiddleButton:
            self.document.select(hit.index if hit else -1)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go on with the gesture, or show what the pointer would take hold of."""
        assert event is not None
        if self._press is None:
            self._hover(event.position())
            return
        start, button = self._press
        if self._gesture is None:
            if abs(event.position().x() - start.x()) < CLICK_PX:
                return
            self._gesture = self._begin(start, button, event.modifiers())
        self._gesture.move(self.time_at(event.position().x()), self._snaps(event.modifiers()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End the gesture; without one it was a click."""
        assert event is not None
        press, self._press = self._press, None
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.finish()
        elif press is not None:
            self._click(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Select the time of a span, to listen to it in a loop."""
        assert event is not None
        hit = self._hit(event.position())
        if hit is not None:
            span = self.document.draft.spans[hit.index]
            self.time.select((span.start_s, span.end_s))

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom at the pointer, or scroll."""
        assert event is not None
        delta = event.angleDelta()
        sideways = delta.x() or (
            delta.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        )
        if sideways:
            self.time.scroll(-sideways / 120 * 0.08)
        elif delta.y():
            factor = ZOOM_PER_NOTCH ** (delta.y() / 120)
            self.time.zoom(factor, self.time_at(event.position().x()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape gives a gesture up; other keys are the window's."""
        assert event is not None
        if event.key() == Qt.Key.Key_Escape and self._gesture is not None:
            self._gesture.cancel()
            self._gesture, self._press = None, None
            return
        event.ignore()

    def viewportEvent(self, event: object) -> bool:
        """Pinch on a touchpad zooms as the wheel does."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            spread = max(1 + event.value(), 0.1)
            self.time.zoom(1 / spread, self.time_at(event.position().x()))
            return True
        return bool(super().viewportEvent(event))

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """A word over the tracks when there is something to say, such as that it is loading."""
        if self.hint:
            painter.setPen(QColor(self.layer.theme.dim))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self.hint)

    def _begin(
        self, start: QPointF, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier
    ) -> Gesture:
        start_s, snap = self.time_at(start.x()), self._snaps(modifiers)
        if button == Qt.MouseButton.MiddleButton:
            return _Pan(self._stage, start_s)
        if start.y() < RULER_PX or modifiers & Qt.KeyboardModifier.ShiftModifier:
            return SelectTime(self._stage, start_s, snap)
        hit = self._hit(start)
        wants_minus = bool(
            button == Qt.MouseButton.RightButton or modifiers & Qt.KeyboardModifier.AltModifier
        )
        if hit is not None and not wants_minus:
            return DragSpan(self._stage, start_s, hit)
        return DrawSpan(self._stage, start_s, "-" if wants_minus else "+", snap)

    def _click(self, event: QMouseEvent) -> None:
        hit = self._hit(event.position())
        if event.button() == Qt.MouseButton.RightButton and hit is not None:
            self.menu_wanted.emit(hit.index, event.globalPosition())
        elif event.button() == Qt.MouseButton.LeftButton:
            if event.position().y() < RULER_PX:
                self.time.select(None)
            self.playhead_wanted.emit(self.time_at(event.position().x()))

    def _hit(self, position: QPointF) -> Hit | None:
        return self.layer.hit(position.x()) if position.y() >= RULER_PX else None

    def _hover(self, position: QPointF) -> None:
        hit = self._hit(position)
        index = hit.index if hit else -1
        if index != self.layer.hovered:
            self.layer.hovered = index
            self.layer.update()
        if hit is None:
            shape = Qt.CursorShape.IBeamCursor
        elif hit.part in _EDGES:
            shape = Qt.CursorShape.SizeHorCursor
        else:
            shape = Qt.CursorShape.OpenHandCursor
        self.setCursor(shape)

    def _snaps(self, modifiers: Qt.KeyboardModifier) -> bool:
        """Control turns snapping off while it is on, and on while it is off."""
        return self.is_snapping != bool(modifiers & Qt.KeyboardModifier.ControlModifier)

    def _targets(self, but: int) -> list[float]:
        """Times that edges snap to: other spans, selection, playhead, the clip's ends, onsets."""
        spans = [span for i, span in enumerate(self.document.draft.spans) if i != but]
        edges = [time_s for span in spans for time_s in (span.start_s, span.end_s)]
        window = self.time.window
        onsets = [each for each in self.onsets if window.start_s <= each <= window.end_s]
        ends = [0.0, window.duration_s, self.time.playhead_s]
        return [*edges, *(self.time.selection or ()), *ends, *onsets]

    def _show_spans(self) -> None:
        self.layer.show_spans(self.document.draft.spans, self.document.selected)

    def _redraw(self) -> None:
        for track in self.tracks:
            track.update()

    def _on_news(self) -> None:
        self.wave.update()
        self.spectrogram.update()


class _Pan(Gesture):
    """Drags the clip along under the pointer."""

    def __init__(self, stage: Stage, start_s: float) -> None:
        super().__init__(stage, start_s)

    def move(self, time_s: float, snap: bool) -> None:
        """Keep the time that was taken hold of under the pointer."""
        self.stage.time.set(self.stage.time.window.scrolled(self.start_s - time_s))
