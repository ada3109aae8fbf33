"""Small drawings for buttons, made of lines so that they are sharp on every screen."""

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

SIDE = 24
SCALE = 3


def icon(name: str, colour: str, accent: str = "") -> QIcon:
    """A drawing by name; accent: the colour while a button is checked."""
    made = QIcon()
    made.addPixmap(_pixmap(name, colour))
    if accent:
        made.addPixmap(_pixmap(name, accent), QIcon.Mode.Normal, QIcon.State.On)
    return made


def _pixmap(name: str, colour: str) -> QPixmap:
    pixmap = QPixmap(SIDE * SCALE, SIDE * SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(SCALE, SCALE)
    pen = QPen(QColor(colour), 1.8)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    _DRAWINGS[name](painter, QColor(colour))
    painter.end()
    return pixmap


def _lines(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(*point) for point in points]))


def _filled(painter: QPainter, colour: QColor, *points: tuple[float, float]) -> None:
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _play(painter: QPainter, colour: QColor) -> None:
    _filled(painter, colour, (8, 5), (19, 12), (8, 19))


def _pause(painter: QPainter, colour: QColor) -> None:
    painter.fillRect(QRectF(7, 5, 3.6, 14), colour)
    painter.fillRect(QRectF(13.4, 5, 3.6, 14), colour)


def _start(painter: QPainter, colour: QColor) -> None:
    _lines(painter, (6, 6), (6, 18))
    _filled(painter, colour, (18, 6), (10, 12), (18, 18))


def _loop(painter: QPainter, _: QColor) -> None:
    path = QPainterPath()
    path.arcMoveTo(QRectF(5, 7, 14, 10), 60)
    path.arcTo(QRectF(5, 7, 14, 10), 60, 320)
    painter.drawPath(path)
    _lines(painter, (13, 4.5), (16.2, 7.6), (12.6, 10))


def _open(painter: QPainter, _: QColor) -> None:
    _lines(painter, (4, 18), (4, 6), (10, 6), (12, 8.5), (20, 8.5), (20, 18), (4, 18))


def _snap(painter: QPainter, _: QColor) -> None:
    path = QPainterPath(QPointF(6, 4.5))
    path.lineTo(6, 12)
    path.arcTo(QRectF(6, 6.5, 12, 12), 180, 180)
    path.lineTo(18, 4.5)
    painter.drawPath(path)
    _lines(painter, (6, 8), (9.5, 8))
    _lines(painter, (14.5, 8), (18, 8))


def _gear(painter: QPainter, _: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 3, 3)
    painter.save()
    painter.translate(12, 12)
    for _step in range(8):
        painter.drawLine(QPointF(0, 5.6), QPointF(0, 8.4))
        painter.rotate(45)
    painter.restore()
    painter.drawEllipse(QPointF(12, 12), 5.8, 5.8)


def _help(painter: QPainter, colour: QColor) -> None:
    path = QPainterPath(QPointF(8.4, 9))
    path.cubicTo(8.4, 3.8, 15.6, 3.8, 15.6, 9)
    path.cubicTo(15.6, 12, 12, 11.6, 12, 15)
    painter.drawPath(path)
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(12, 18.6), 0.6, 0.6)


def _fit(painter: QPainter, _: QColor) -> None:
    _lines(painter, (4, 12), (20, 12))
    _lines(painter, (7.5, 8.5), (4, 12), (7.5, 15.5))
    _lines(painter, (16.5, 8.5), (20, 12), (16.5, 15.5))


def _save(painter: QPainter, _: QColor) -> None:
    _lines(painter, (12, 4), (12, 14.5))
    _lines(painter, (7.5, 10.5), (12, 14.8), (16.5, 10.5))
    _lines(painter, (5, 16), (5, 19.5), (19, 19.5), (19, 16))


def _drag(painter: QPainter, colour: QColor) -> None:
    painter.setBrush(colour)
    painter.setPen(Qt.PenStyle.NoPen)
    for x in (9, 15):
        for y in (6.5, 12, 17.5):
            painter.drawEllipse(QPointF(x, y), 1.5, 1.5)


def _theme(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 7, 7)
    path = QPainterPath(QPointF(12, 5))
    path.arcTo(QRectF(5, 5, 14, 14), 90, 180)
    path.closeSubpath()
    painter.fillPath(path, colour)


def _film(painter: QPainter, _: QColor) -> None:
    painter.drawRoundedRect(QRectF(4, 5.5, 16, 13), 1.5, 1.5)
    for x in (8, 16):
        _lines(painter, (x, 5.5), (x, 18.5))
    for y in (9.8, 14.2):
        _lines(painter, (4, y), (8, y))
        _lines(painter, (16, y), (20, y))


_DRAWINGS: dict[str, Callable[[QPainter, QColor], None]] = {
    "drag": _drag,
    "film": _film,
    "fit": _fit,
    "gear": _gear,
    "help": _help,
    "loop": _loop,
    "open": _open,
    "pause": _pause,
    "play": _play,
    "save": _save,
    "snap": _snap,
    "start": _start,
    "theme": _theme,
}
NAMES = tuple(_DRAWINGS)
