"""What keys and menus do with the selected span."""

from dataclasses import replace

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtWidgets import QMenu, QWidget

from .state.spans import added, changed, drawn, flipped, removed
from .work.workbench import Workbench


class SpanEdits:
    """Each is one undoable step of the document."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        self._bench = bench
        self._parent = parent

    def delete_selected(self) -> None:
        """Remove the selected span."""
        document = self._bench.document
        if document.selected >= 0:
            document.edit_spans("Delete span", removed(document.draft.spans, document.selected))

    def flip_selected(self) -> None:
        """Change the sign of the selected span, or accept a predicted one."""
        document = self._bench.document
        if document.selected >= 0:
            mark = flipped(document.draft.spans[document.selected])
            spans = changed(document.draft.spans, document.selected, mark)
            document.edit_spans("Change sign", spans)

    def accept_predicted(self) -> None:
        """Make the selected predicted span, or all of them, the user's own."""
        document = self._bench.document
        chosen = document.draft.spans[document.selected] if document.selected >= 0 else None
        spans = tuple(
            replace(span, origin="drawn")
            if span.origin == "predicted" and chosen in (None, span)
            else span
            for span in document.draft.spans
        )
        document.edit_spans("Accept spans", spans)

    def step_selected(self, by: int) -> None:
        """Select the next or previous span."""
        document = self._bench.document
        n_spans = len(document.draft.spans)
        if n_spans:
            document.select((document.selected + by) % n_spans if document.selected >= 0 else 0)

    def add_span(self, sign: str) -> None:
        """A span over the selection."""
        document, selection = self._bench.document, self._bench.time.selection
        mark = drawn(*selection, sign, document.duration_s) if selection else None
        if mark is not None:
            spans = added(document.draft.spans, mark)
            document.edit_spans(f"Draw “{'+' if sign == '+' else '−'}” span", spans)
            document.select(len(spans) - 1)

    def show_menu(self, index: int, where: QPointF) -> None:
        """What can be done with a span, at a place on the screen."""
        document = self._bench.document
        document.select(index)
        span = document.draft.spans[index]
        menu = QMenu(self._parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if span.origin == "predicted":
            menu.addAction("Accept", self.accept_predicted)
        menu.addAction("Change sign", self.flip_selected)
        menu.addAction("Loop this", lambda: self._bench.time.select((span.start_s, span.end_s)))
        menu.addSeparator()
        menu.addAction("Delete", self.delete_selected)
        menu.popup(where.toPoint())
