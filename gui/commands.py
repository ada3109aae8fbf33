"""Every key and menu entry: one table, from which shortcuts, menus and the cheat sheet are made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QDialog, QGridLayout, QLineEdit, QVBoxLayout

from .panels.parts import label

if TYPE_CHECKING:
    from .window import Window


@dataclass(frozen=True, slots=True)
class Command:
    """menu: where it is listed. keys: the first is shown. is_plain: text fields keep the key."""

    menu: str
    text: str
    keys: tuple[str, ...]
    act: Callable[[], object]
    is_plain: bool = False


MOUSE = (
    ("Drag", "draw a “+” span: the sound is here"),
    ("Alt+drag, right drag", "draw a “−” span: the sound is not here"),
    ("Drag a span or its edge", "move it, resize it"),
    ("Shift+drag, drag in the ruler", "select time for the loop"),
    ("Click", "put the playhead"),
    ("Double-click a span", "select its time"),
    ("Wheel, pinch", "zoom at the pointer"),
    ("Shift+wheel, sideways wheel", "scroll"),
    ("Middle drag", "pan"),
    ("Ctrl while dragging", "snap the other way"),
)
NUDGE_SHARE = 0.01


class Commands:
    """The window's commands."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self.all = _table(window)
        self.actions: dict[str, QAction] = {}
        self._fill_menus()
        window.bench.document.history_changed.connect(self._name_undo)
        self._name_undo()

    def show_keys(self) -> None:
        """The cheat sheet."""
        sheet = KeySheet(self)
        sheet.setParent(self._window, Qt.WindowType.Dialog)
        sheet.show()

    def _fill_menus(self) -> None:
        bar = self._window.menuBar()
        assert bar is not None
        menus = {}
        for command in self.all:
            if command.menu not in menus:
                menus[command.menu] = bar.addMenu(command.menu)
            action = QAction(command.text, self._window)
            action.setShortcuts([QKeySequence(key) for key in command.keys])
            action.triggered.connect(lambda _, command=command: self._do(command))
            menu = menus[command.menu]
            assert menu is not None
            menu.addAction(action)
            self.actions[command.text] = action

    def _do(self, command: Command) -> None:
        focused = self._window.focusWidget()
        if command.is_plain and isinstance(focused, QLineEdit) and not focused.isReadOnly():
            return
        command.act()

    def _name_undo(self) -> None:
        history = self._window.bench.document.history
        for name, what in (("Undo", history.undo_label), ("Redo", history.redo_label)):
            action = self.actions[name]
            action.setText(f"{name} {what}".strip())
            action.setEnabled(bool(what))


class KeySheet(QDialog):
    """All keys and what the mouse does."""

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        self.setWindowTitle("Keys and mouse")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(3)
        keys = [(_shown(each), each.text) for each in commands.all if each.keys]
        half = (len(keys) + 1) // 2
        for place, rows in enumerate((keys[:half], keys[half:], MOUSE)):
            for number, (what, does) in enumerate(rows):
                grid.addWidget(label(what, "name"), number, 2 * place)
                grid.addWidget(label(does, "dim"), number, 2 * place + 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 20)
        column.addWidget(label("KEYS AND MOUSE", "heading"))
        column.addLayout(grid)


def _shown(command: Command) -> str:
    return QKeySequence(command.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)


def _table(window: "Window") -> tuple[Command, ...]:
    bench = window.bench
    time, document, listen = bench.time, bench.document, window.listen
    opening = window.opening
    return (
        Command("File", "Open…", ("Ctrl+O",), opening.ask_for_file),
        Command("File", "Add the video of this sound…", ("Ctrl+Shift+O",), opening.ask_for_video),
        Command("File", "Settings…", ("Ctrl+,",), window.dialogs.show_preferences),
        Command("File", "Separators and models…", ("Ctrl+M",), window.dialogs.show_models),
        Command("File", "Close the panel", ("Ctrl+Q",), window.close),
        Command("Edit", "Undo", ("Ctrl+Z",), document.undo),
        Command("Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), document.redo),
        Command("Edit", "Delete span", ("Del", "Backspace"), window.edits.delete_selected, True),
        Command("Edit", "Change sign of span", ("X",), window.edits.flip_selected, True),
        Command("Edit", "Next span", ("]",), lambda: window.edits.step_selected(1), True),
        Command("Edit", "Previous span", ("[",), lambda: window.edits.step_selected(-1), True),
        Command(
            "Edit", "Add “+” span from selection", ("A",), lambda: window.edits.add_span("+"), True
        ),
        Command(
            "Edit", "Add “−” span from selection", ("D",), lambda: window.edits.add_span("-"), True
        ),
        Command("Edit", "Describe the sound", ("Ctrl+L",), window.prompt.edit.setFocus),
        Command("Edit", "Find the sound, or stop looking", ("Ctrl+F",), bench.finder.toggle),
        Command("Edit", "Accept predicted span", ("Y",), window.edits.accept_predicted, True),
        Command("Edit", "Refuse predicted span", ("N",), window.edits.refuse_predicted, True),
        Command("Edit", "Accept all predicted", ("Shift+Y",), window.edits.accept_all, True),
        Command("Edit", "Refuse all predicted", ("Shift+N",), window.edits.refuse_all, True),
        Command("File", "Save every stem…", ("Ctrl+Shift+S",), listen.ask_save_all),
        Command("File", "Save the remix…", ("Ctrl+Shift+R",), listen.ask_remix),
        Command("File", "Send to timeline", ("Ctrl+Shift+T",), window.result_bar.send_on),
        Command("File", "Copy the path of the timeline", ("Ctrl+Shift+C",), window.copy_manifest),
        Command("Listen", "Play or pause", ("Space",), window.listening.toggle_play, True),
        Command("Listen", "Repeat the selection", ("L",), window.toggle_loop, True),
        Command("Listen", "Compare (A/B)", ("B",), listen.switch, True),
        Command("Listen", "To the start", ("Home",), lambda: window.listening.seek(0.0), True),
        *(
            Command("Listen", f"Hear lane {n}", (str(n),), partial(listen.hear, n), True)
            for n in range(1, 10)
        ),
        Command("Run", "Separate", ("Ctrl+Return", "Ctrl+Enter"), bench.run),
        Command("Run", "Refine the draft", ("Ctrl+R",), window.result_bar.refine_on),
        Command("Run", "Redo the selection", ("Ctrl+Shift+E",), window.result_bar.redo_on),
        Command("Run", "Cancel the running job", ("Ctrl+.",), window.cancel_current),
        Command("View", "Zoom in", ("+", "="), lambda: time.zoom(0.7), True),
        Command("View", "Zoom out", ("-",), lambda: time.zoom(1 / 0.7), True),
        Command("View", "Show the whole clip", ("F",), window.show_whole, True),
        Command("View", "Show the selection", ("E",), window.show_selection, True),
        Command("View", "Scroll left", ("Left",), lambda: time.scroll(-0.1), True),
        Command("View", "Scroll right", ("Right",), lambda: time.scroll(0.1), True),
        Command("View", "Snap", ("S",), window.tools_snap, True),
        Command("View", "Dark or light", ("Ctrl+T",), window.switch_theme),
        Command("Help", "Keys and mouse", ("F1", "?"), lambda: window.commands.show_keys()),
    )
