"""How sure a result is, over time: a thin strip of bars under the target's waveform."""

from PyQt6.QtCore import QEvent, QRectF, QSize, pyqtSignal
from PyQt6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from bridge.protocol.values import PresenceLane
from gui.state.time_window import TimeWindow
from gui.theme import DARK, Theme

from .clock import clock

STRIP_PX = 18
_WHAT = "How sure it is that the sound is there, over time"


class PresenceStrip(QWidget):
    """Bars from 0, absent, to as high as the strip, sure; nothing where the lane says nothing."""

    seek_wanted = pyqtSignal(float)

    def __init__(self, lane: PresenceLane, time: TimeWindow) -> None:
        super().__init__()
        self._lane, self._time = lane, time
        self._theme = DARK
        self.setAccessibleName("Confidence over time")
        self.setAccessibleDescription(described(lane))
        self.setToolTip(_WHAT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for signal in (time.changed, time.playhead_changed):
            signal.connect(self.update)

    def sizeHint(self) -> QSize:
        """Thin."""
        return QSize(400, STRIP_PX)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def event(self, event: QEvent | None) -> bool:
        """A tip says the value under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self.setToolTip(self.tip_at(self._time_at(event.pos().x())))
        return super().event(event)

    def tip_at(self, time_s: float) -> str:
        """What the tip says at a time."""
        percent = self._lane.at(time_s)
        if percent is None:
            return _WHAT
        return f"{clock(time_s, 1)}: {percent} % sure that the sound is there"

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Put the playhead."""
        assert event is not None
        self.seek_wanted.emit(self._time_at(event.position().x()))

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the bars that are on the screen."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.canvas))
        lane, window = self._lane, self._time.window
        for index, percent in enumerate(lane.percent):
            start_s = lane.start_s + index * lane.period_s
            if start_s + lane.period_s > window.start_s and start_s < window.end_s:
                painter.fillRect(self._bar(start_s, percent), self._colour(percent))
        x = round(self._x_of(self._time.playhead_s - window.start_s))
        painter.setPen(QPen(QColor(self._theme.playhead), 1))
        painter.drawLine(x, 0, x, self.height())
        painter.setPen(QPen(QColor(self._theme.line), 1))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _bar(self, start_s: float, percent: int) -> QRectF:
        """From one whole pixel to the next bar's, so that no seam shows between equal bars."""
        window_s = start_s - self._time.window.start_s
        left = round(self._x_of(window_s))
        right = round(self._x_of(window_s + self._lane.period_s))
        height = (self.height() - 3) * percent / 100
        return QRectF(left, self.height() - 1 - height, max(right - left, 1), height)

    def _colour(self, percent: int) -> QColor:
        """Paler where it is rather not there than there."""
        colour = QColor(self._theme.target)
        colour.setAlphaF(0.9 if percent >= 50 else 0.45)
        return colour

    def _x_of(self, window_s: float) -> float:
        return window_s / self._time.window.length_s * self.width()

    def _time_at(self, x: float) -> float:
        window = self._time.window
        return float(window.start_s + x / max(self.width(), 1) * window.length_s)


def described(lane: PresenceLane) -> str:
    """The lane in words, for who does not see it."""
    if not lane.percent:
        return "It says nothing."
    surest = max(lane.percent)
    at_s = lane.start_s + lane.percent.index(surest) * lane.period_s
    n_there = sum(percent >= 50 for percent in lane.percent)
    return (
        f"Surest at {clock(at_s, 1)} with {surest} %; "
        f"more sure than not in {n_there / len(lane.percent):.0%} of the time."
    )
