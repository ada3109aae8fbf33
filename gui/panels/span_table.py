"""The spans as numbers: a small table to read, type into, and delete from."""

from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from gui.state.document import Document
from gui.state.spans import accepted, changed, cut, flipped, hidden, removed, taken_over
from gui.theme import DARK, Theme, span_colour

COLUMNS = ("", "start", "end", "length")
ROWS_SHOWN = 5
_Index = QModelIndex


class SpanModel(QAbstractTableModel):
    """Rows are spans. Signs flip when they are edited, times are seconds."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.theme = DARK
        document.draft_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show what the document has now."""
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: _Index = _Index()) -> int:  # noqa: B008 - Qt's own signature
        """One row a span."""
        return 0 if parent.isValid() else len(self._document.draft.spans)

    def columnCount(self, parent: _Index = _Index()) -> int:  # noqa: B008 - Qt's own signature
        """Sign, start, end, length."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, colour and explanation of a cell."""
        spans = self._document.draft.spans
        span = spans[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            if index.column() == 0:
                return "?" if span.is_predicted else "+" if span.sign == "+" else "−"
            value = (span.start_s, span.end_s, span.end_s - span.start_s)[index.column() - 1]
            return f"{value:.3f}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 0:
            return span_colour(self.theme, span)
        if role == Qt.ItemDataRole.ToolTipRole:
            if span.is_predicted:
                sure = f", {span.score:.0%} sure" if span.score else ""
                return f"Predicted{sure}: not sent unless you accept it. Y accepts, N refuses."
            if index.row() in hidden(spans):
                return "Later spans cover this one: it will not be heard."
            return "Double-click to type a time in seconds, or to change the sign."
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Times are typed; a sign is changed with a double click."""
        base = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return base | Qt.ItemFlag.ItemIsEditable if index.column() else base

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a typed time; what is no number or leaves nothing of the span is refused."""
        try:
            number_s = float(str(value).replace(",", "."))
        except ValueError:
            return False
        spans = self._document.draft.spans
        span = spans[index.row()]
        if index.column() == 1:
            span = replace(span, start_s=number_s)
        else:
            end_s = number_s if index.column() == 2 else span.start_s + number_s
            span = replace(span, end_s=end_s)
        kept = cut(span, self._document.duration_s)
        kept = taken_over(spans[index.row()], kept) if kept is not None else None
        if kept is None or role != Qt.ItemDataRole.EditRole:
            return False
        self._document.edit_spans("Edit span", changed(spans, index.row(), kept))
        return True


class SpanTable(QTableView):
    """Selecting a row selects the span; Delete removes it."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._model = SpanModel(document)
        self.setModel(self._model)
        self.setObjectName("spans")
        self.setAccessibleName("Spans")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None
        assert columns is not None
        rows.hide()
        rows.setDefaultSectionSize(24)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        columns.setHighlightSections(False)
        self.setColumnWidth(0, 34)
        selection = self.selectionModel()
        assert selection is not None
        selection.currentRowChanged.connect(lambda now, _: self._on_row(now.row()))
        self.doubleClicked.connect(self._on_double)
        document.selected_changed.connect(self._follow)
        document.draft_changed.connect(self._fit)
        self._fit()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._model.theme = theme
        self._model.refresh()
        self._follow()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete removes the span."""
        assert event is not None
        row = self.currentIndex().row()
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and row >= 0:
            self._document.edit_spans("Delete span", removed(self._document.draft.spans, row))
            return
        super().keyPressEvent(event)

    def _on_row(self, row: int) -> None:
        if row >= 0:
            self._document.select(row)

    def _on_double(self, index: _Index) -> None:
        if index.column() == 0:
            spans = self._document.draft.spans
            mark = spans[index.row()]
            label = "Accept span" if mark.is_predicted else "Change sign"
            mark = accepted(mark) if mark.is_predicted else flipped(mark)
            self._document.edit_spans(label, changed(spans, index.row(), mark))

    def _follow(self) -> None:
        if self._document.selected >= 0:
            self.selectRow(self._document.selected)
        else:
            self.clearSelection()

    def _fit(self) -> None:
        n_rows = min(max(len(self._document.draft.spans), 2), ROWS_SHOWN)
        self.setFixedHeight(30 + 24 * n_rows)
        self._follow()
