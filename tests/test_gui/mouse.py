"""Mouse and wheel as a user moves them, on the big view."""

from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget

from gui.views.timeline import TimelineView

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
MIDDLE = Qt.MouseButton.MiddleButton
NONE, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def drag(
    view: TimelineView,
    start_s: float,
    end_s: float,
    *,
    button: Qt.MouseButton = LEFT,
    keys: Qt.KeyboardModifier = NONE,
    y: int = 120,
) -> None:
    """Press at one time, move in steps, release at another."""
    target = view.viewport()
    assert target is not None
    xs = [round(view.x_of(time_s)) for time_s in (start_s, end_s)]
    QTest.mousePress(target, button, keys, QPoint(xs[0], y))
    for share in (0.3, 0.6, 1.0):
        move(target, QPoint(round(xs[0] + share * (xs[1] - xs[0])), y), button, keys)
    QTest.mouseRelease(target, button, keys, QPoint(xs[1], y))


def move(
    target: QWidget, where: QPoint, button: Qt.MouseButton, keys: Qt.KeyboardModifier = NONE
) -> None:
    """A mouse move with a button held, which QTest cannot make."""
    place = QPointF(where)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        QPointF(target.mapToGlobal(where)),
        Qt.MouseButton.NoButton,
        button,
        keys,
    )
    QApplication.sendEvent(target, event)


def click(view: TimelineView, time_s: float, button: Qt.MouseButton = LEFT, y: int = 120) -> None:
    """A click at a time."""
    QTest.mouseClick(view.viewport(), button, NONE, QPoint(round(view.x_of(time_s)), y))


def wheel(
    view: TimelineView, time_s: float, notches: int, keys: Qt.KeyboardModifier = NONE
) -> None:
    """Turn the wheel over a time."""
    target = view.viewport()
    assert target is not None
    where = QPoint(round(view.x_of(time_s)), 120)
    event = QWheelEvent(
        QPointF(where),
        QPointF(target.mapToGlobal(where)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)


def pinch(view: TimelineView, time_s: float, by: float) -> None:
    """Spread two fingers over a time by a share, or draw them together."""
    target = view.viewport()
    assert target is not None
    where = QPoint(round(view.x_of(time_s)), 120)
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        QPointF(where),
        QPointF(where),
        QPointF(target.mapToGlobal(where)),
        by,
        QPointF(),
    )
    QApplication.sendEvent(target, event)
