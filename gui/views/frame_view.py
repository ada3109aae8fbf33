"""A frame of the film, and the mask that the user draws on it."""

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PyQt6.QtWidgets import QWidget

from gui.state.masks import MaskKey, Point, rasterised
from gui.theme import DARK, Theme
from gui.video.frames import Image

TOOLS = ("box", "polygon", "brush")
BRUSH_RADIUS = 0.04
DAB_STEP = 0.012
LEAST_SIDE = 0.01
LEAST_CORNERS = 3


class FrameView(QWidget):
    """Draw a box by dragging, a polygon by clicking its corners, a brush by painting."""

    drawn = pyqtSignal(object)
    """A `MaskKey` for the frame that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Frame of the video, to mark the object on")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(240, 150)
        self.setMouseTracking(True)
        self.tool = "box"
        self.shape: MaskKey | None = None
        self.is_key = False
        self.is_masked = False
        self._theme = DARK
        self._frame: Image | None = None
        self._imported: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None = None
        self._time_s = 0.0
        self._points: list[Point] = []
        self._pointer: Point | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def show_frame(self, frame: Image | None, time_s: float, imported: object = None) -> None:
        """Show a frame [H, W, 3] and, if there is one, an imported mask of its size."""
        self._frame, self._time_s = frame, time_s
        self._imported = imported if isinstance(imported, np.ndarray) else None
        self.update()

    def show_shape(self, shape: MaskKey | None, is_key: bool) -> None:
        """Show the mask here; is_key: drawn on this very frame, not interpolated."""
        self.shape, self.is_key = shape, is_key
        self.update()

    def picture_box(self) -> QRectF:
        """Where the frame is within the widget."""
        if self._frame is None:
            return QRectF(self.rect())
        height, width = self._frame.shape[:2]
        scale = min(self.width() / width, self.height() / height)
        size_x, size_y = width * scale, height * scale
        return QRectF((self.width() - size_x) / 2, (self.height() - size_y) / 2, size_x, size_y)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a shape, or set the next corner."""
        assert event is not None
        if self._frame is None or event.button() != Qt.MouseButton.LeftButton:
            return
        point = self._point(event.position())
        if self.tool == "polygon":
            self._points.append(point)
        else:
            self._points = [point]
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go on with the shape."""
        assert event is not None
        self._pointer = self._point(event.position())
        if not self._points or not event.buttons() & Qt.MouseButton.LeftButton:
            self.update()
            return
        if self.tool == "box":
            self._points = [self._points[0], self._pointer]
        elif self.tool == "brush":
            last = self._points[-1]
            if np.hypot(last[0] - self._pointer[0], last[1] - self._pointer[1]) >= DAB_STEP:
                self._points.append(self._pointer)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """A box or a stroke is done."""
        if self.tool != "polygon":
            self._finish()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """A polygon is closed."""
        if self.tool == "polygon":
            self._finish()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter closes a polygon, Escape gives it up."""
        assert event is not None
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish()
        elif event.key() == Qt.Key.Key_Escape:
            self._points = []
            self.update()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw frame and mask."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.canvas))
        if self._frame is None:
            painter.setPen(QColor("#8d99a8"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "decoding…")
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.picture_box()
        image = np.ascontiguousarray(self._seen())
        height, width = image.shape[:2]
        bits = image.tobytes()
        painter.drawImage(box, QImage(bits, width, height, 3 * width, QImage.Format.Format_RGB888))
        if not self.is_masked and self.shape is not None and not self._points:
            style = Qt.PenStyle.SolidLine if self.is_key else Qt.PenStyle.DashLine
            self._paint_shape(painter, self.shape.kind, self.shape.points, style)
        if self._points:
            points = list(self._points)
            if self.tool == "polygon" and self._pointer is not None:
                points.append(self._pointer)
            self._paint_shape(painter, self.tool, tuple(points), Qt.PenStyle.SolidLine)

    def _seen(self) -> Image:
        """The frame, or what the model sees of it: everything black but the object."""
        assert self._frame is not None
        if not self.is_masked:
            return self._frame
        height, width = self._frame.shape[:2]
        if self._imported is not None:
            mask = self._imported
        elif self.shape is not None:
            mask = rasterised(self.shape, height, width)
        else:
            return self._frame
        return np.where(mask[..., None], self._frame, np.uint8(0))

    def _paint_shape(
        self, painter: QPainter, kind: str, points: tuple[Point, ...], style: Qt.PenStyle
    ) -> None:
        box = self.picture_box()
        places = [QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in points]
        colour = QColor(self._theme.plus)
        fill = QColor(colour)
        fill.setAlpha(60)
        painter.setPen(QPen(colour, 2, style))
        painter.setBrush(fill)
        if kind == "box" and len(places) > 1:
            painter.drawRect(QRectF(places[0], places[1]).normalized())
        elif kind == "polygon":
            painter.drawPolygon(QPolygonF(places))
        elif kind == "brush":
            painter.setPen(Qt.PenStyle.NoPen)
            radius = BRUSH_RADIUS * box.width()
            for place in places:
                painter.drawEllipse(place, radius, radius)

    def _point(self, position: QPointF) -> Point:
        box = self.picture_box()
        x = (position.x() - box.x()) / max(box.width(), 1)
        y = (position.y() - box.y()) / max(box.height(), 1)
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def _finish(self) -> None:
        points, self._points = self._points, []
        self.update()
        if self.tool == "box":
            if len(points) < 2:
                return
            (x0, y0), (x1, y1) = points
            if min(abs(x1 - x0), abs(y1 - y0)) < LEAST_SIDE:
                return
        elif self.tool == "polygon" and len(points) < LEAST_CORNERS:
            return
        if points:
            radius = BRUSH_RADIUS if self.tool == "brush" else 0.0
            self.drawn.emit(MaskKey(self._time_s, self.tool, tuple(points), radius))
