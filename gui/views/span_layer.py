"""Spans, selection and playhead over the tracks: drawing, and what lies under the pointer."""

from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QFont, QPainter, QPen

from gui.state.spans import SpanMark, hidden
from gui.state.time_window import TimeWindow
from gui.theme import span_colour

from .tracks import Track

GRIP_PX = 6
TAG_PX = 18


@dataclass(frozen=True, slots=True)
class Hit:
    """What is under the pointer: span `index`; part: `body`, `start` or `end`."""

    index: int
    part: str


class SpanLayer(Track):
    """Draws the document's spans and the one that is being drawn. No mouse events of its own."""

    def __init__(self, time: TimeWindow) -> None:
        super().__init__(time)
        self.spans: tuple[SpanMark, ...] = ()
        self.preview: SpanMark | None = None
        self.selected = -1
        self.hovered = -1
        self.hatched_box = QRectF()
        self._covered: set[int] = set()
        self.setZValue(10)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_spans(self, spans: tuple[SpanMark, ...], selected: int) -> None:
        """Draw these."""
        if spans != self.spans:
            self.spans = spans
            self._covered = set(hidden(spans))
        self.selected = selected
        self.update()

    def hit(self, x: float) -> Hit | None:
        """The topmost span at `x`; its edges reach a few pixels outwards. Selected ones first."""
        order = [index for index in (self.selected,) if index >= 0]
        order += [index for index in reversed(range(len(self.spans))) if index != self.selected]
        for index in order:
            span = self.spans[index]
            left, right = self.x_of(span.start_s), self.x_of(span.end_s)
            grip = min(GRIP_PX, max((right - left) / 4, 1))
            if left - GRIP_PX <= x <= left + grip:
                return Hit(index, "start")
            if right - grip <= x <= right + GRIP_PX:
                return Hit(index, "end")
            if left <= x <= right:
                return Hit(index, "body")
        return None

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw spans, then what is being drawn, selection and playhead."""
        window = self.time.window
        for index, span in enumerate(self.spans):
            if span.end_s >= window.start_s and span.start_s <= window.end_s:
                self._paint_span(painter, span, index)
        if self.preview is not None:
            self._paint_span(painter, self.preview, -2)
        self._paint_selection(painter)
        x = self.x_of(self.time.playhead_s)
        painter.setPen(QPen(QColor(self.theme.playhead), 1.2))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.size().height()))

    def _colour(self, span: SpanMark) -> QColor:
        return span_colour(self.theme, span)

    def _paint_span(self, painter: QPainter, span: SpanMark, index: int) -> None:
        left, right = self.x_of(span.start_s), self.x_of(span.end_s)
        box = QRectF(left, 0, max(right - left, 1), self.size().height())
        is_marked = index in (self.selected, self.hovered, -2) and index != -1
        colour = self._colour(span)
        fill = QColor(colour)
        fill.setAlpha(10 if index in self._covered else 52 if is_marked else 26)
        painter.fillRect(box, fill)
        if span.sign == "-":
            # Not over the spectrogram, which has to stay readable.
            hatch = QColor(colour)
            hatch.setAlpha(60)
            painter.fillRect(box.intersected(self.hatched_box), _hatched(hatch))
        line = QPen(colour, 2 if index == self.selected else 1)
        if index in self._covered:
            line.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(line)
        painter.drawLine(box.topLeft(), box.bottomLeft())
        painter.drawLine(box.topRight(), box.bottomRight())
        self._paint_tag(painter, box, span, colour, index in self._covered)

    def _paint_tag(
        self, painter: QPainter, box: QRectF, span: SpanMark, colour: QColor, is_covered: bool
    ) -> None:
        """A flag with the sign, so that the meaning does not rest on the colour alone."""
        if box.width() < TAG_PX:
            return
        tag = QRectF(max(box.left(), 0), 0, TAG_PX, TAG_PX)
        fill = QColor(colour)
        fill.setAlpha(110 if is_covered else 235)
        painter.fillRect(tag, fill)
        font = QFont(painter.font())
        font.setPixelSize(14)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("#0b0e13" if self.theme.name == "dark" else "#ffffff"))
        sign = "?" if span.is_predicted else "+" if span.sign == "+" else "−"
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, sign)

    def _paint_selection(self, painter: QPainter) -> None:
        if self.time.selection is None:
            return
        left, right = (self.x_of(time_s) for time_s in self.time.selection)
        colour = QColor(self.theme.selection)
        fill = QColor(colour)
        fill.setAlpha(22)
        painter.fillRect(QRectF(left, 0, right - left, self.size().height()), fill)
        style = Qt.PenStyle.SolidLine if self.time.is_looping else Qt.PenStyle.DotLine
        painter.setPen(QPen(colour, 1.2, style))
        for x in (left, right):
            painter.drawLine(QPointF(x, 0), QPointF(x, self.size().height()))


def _hatched(colour: QColor) -> QBrush:
    return QBrush(colour, Qt.BrushStyle.BDiagPattern)
