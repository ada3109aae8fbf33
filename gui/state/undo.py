"""A history of values: every edit is the value before and after, with a name for the menu."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

Value = TypeVar("Value")
DEPTH = 1000


@dataclass(frozen=True, slots=True)
class Edit(Generic[Value]):
    """One step. merge: edits with the same non-empty key that follow each other become one."""

    label: str
    before: Value
    after: Value
    merge: str = ""


class History(Generic[Value]):
    """Undo and redo. Holds values only; the owner takes what `undo` and `redo` give."""

    def __init__(self) -> None:
        self._done: list[Edit[Value]] = []
        self._undone: list[Edit[Value]] = []

    @property
    def undo_label(self) -> str:
        """What would be taken back, empty when nothing."""
        return self._done[-1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        """What would be done again, empty when nothing."""
        return self._undone[-1].label if self._undone else ""

    def add(self, edit: Edit[Value]) -> None:
        """Note an edit; what had been undone is gone."""
        self._undone.clear()
        last = self._done[-1] if self._done else None
        if last is not None and edit.merge and edit.merge == last.merge:
            self._done[-1] = replace(last, after=edit.after)
            return
        self._done.append(edit)
        del self._done[:-DEPTH]

    def undo(self) -> Value | None:
        """The value before the last edit, `None` when there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1].before

    def redo(self) -> Value | None:
        """The value after the edit that was undone last, `None` when there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1].after

    def seal(self) -> None:
        """Let the next edit begin a step of its own even if its key is the last one's."""
        if self._done:
            self._done[-1] = replace(self._done[-1], merge="")
