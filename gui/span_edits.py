"""What keys and menus do with the selected span."""

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtWidgets import QMenu, QWidget

from .state.spans import (
    accepted,
    added,
    all_accepted,
    all_refused,
    changed,
    drawn,
    flipped,
    removed,
)
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
        """Change the sign of the selected span."""
        document = self._bench.document
        if document.selected >= 0:
            mark = flipped(document.draft.spans[document.selected])
            spans = changed(document.draft.spans, document.selected, mark)
            document.edit_spans("Change sign", spans)

    def accept_predicted(self) -> None:
        """Make the selected predicted span the user's own; all of them when none is selected."""
        document = self._bench.document
        spans, index = document.draft.spans, document.selected
        if index >= 0 and spans[index].is_predicted:
            document.edit_spans("Accept span", changed(spans, index, accepted(spans[index])))
            self._to_next_predicted(index + 1)
        elif index < 0:
            self.accept_all()

    def refuse_predicted(self) -> None:
        """Remove the selected predicted span; all of them when none is selected."""
        document = self._bench.document
        spans, index = document.draft.spans, document.selected
        if index >= 0 and spans[index].is_predicted:
            document.edit_spans("Refuse span", removed(spans, index))
            self._to_next_predicted(index)
        elif index < 0:
            self.refuse_all()

    def accept_all(self) -> None:
        """Make every predicted span the user's own."""
        document = self._bench.document
        document.edit_spans("Accept spans", all_accepted(document.draft.spans))

    def refuse_all(self) -> None:
        """Remove every predicted span."""
        document = self._bench.document
        document.edit_spans("Refuse spans", all_refused(document.draft.spans))

    def _to_next_predicted(self, first: int) -> None:
        """Select the next predicted span, so that one key after the other goes through them."""
        document = self._bench.document
        spans = document.draft.spans
        order = [*range(first, len(spans)), *range(min(first, len(spans)))]
        left = [index for index in order if spans[index].is_predicted]
        document.select(left[0] if left else -1)

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
        if span.is_predicted:
            menu.addAction("Accept", self.accept_predicted)
            menu.addAction("Refuse", self.refuse_predicted)
        menu.addAction("Change sign", self.flip_selected)
        menu.addAction("Loop this", lambda: self._bench.time.select((span.start_s, span.end_s)))
        menu.addSeparator()
        menu.addAction("Delete", self.delete_selected)
        menu.popup(where.toPoint())
