"""Small widgets that several panels are made of."""

from collections.abc import Callable

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)


def label(text: str, name: str = "", *, wrap: bool = False) -> QLabel:
    """A text; name: its role in the style sheet, such as `dim` or `heading`."""
    made = QLabel(text)
    made.setObjectName(name)
    made.setWordWrap(wrap)
    if wrap:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def named(widget: QWidget, name: str) -> None:
    """Give a widget another role in the style sheet."""
    if widget.objectName() == name:
        return
    widget.setObjectName(name)
    style = widget.style()
    assert style is not None
    style.polish(widget)


def line() -> QFrame:
    """A thin line across."""
    made = QFrame()
    made.setObjectName("line")
    return made


def row(*widgets: QWidget | int, spacing: int = 6) -> QHBoxLayout:
    """Widgets side by side; a number is a stretch."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for widget in widgets:
        if isinstance(widget, int):
            made.addStretch(widget)
        else:
            made.addWidget(widget)
    return made


def chooser(
    names: dict[str, str], accessible: str, tip: str, on_choice: Callable[[str], None]
) -> QComboBox:
    """A choice among values (the data) by their names; tells what the user chose."""
    box = Chooser()
    for value, name in names.items():
        box.addItem(name, value)
    box.setAccessibleName(accessible)
    box.setToolTip(tip)
    box.setMinimumContentsLength(8)
    box.activated.connect(lambda index: on_choice(str(box.itemData(index))))
    return box


class Chooser(QComboBox):
    """A box with an arrow that style sheets cannot draw."""

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Add the arrow."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().placeholderText().color(), 1.6))
        x, y = self.width() - 16.0, self.height() / 2 - 1.5
        painter.drawPolyline(QPolygonF([QPointF(x, y), QPointF(x + 4, y + 4), QPointF(x + 8, y)]))


def show_choice(box: QComboBox, value: str) -> None:
    """Show a value without telling anybody."""
    index = box.findData(value)
    if index >= 0:
        box.setCurrentIndex(index)


class FoldOut(QWidget):
    """A line that opens and closes what is below it."""

    def __init__(self, title: str, content: QWidget, *, is_open: bool = False) -> None:
        super().__init__()
        self._content = content
        self.button = QToolButton()
        self.button.setObjectName("fold")
        self.button.setText(title)
        self.button.setAccessibleName(title)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setCheckable(True)
        self.button.setChecked(is_open)
        self.button.toggled.connect(self._show)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.button)
        column.addWidget(content)
        self._show(is_open)

    def _show(self, is_open: bool) -> None:
        self._content.setVisible(is_open)
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.button.setArrowType(arrow)
