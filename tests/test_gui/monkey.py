"""Random mouse, wheel and keys, the same for the same seed; states must make sense after each.

Keys that open a dialog of the system or end the panel are left out.
"""

import random

from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from gui.window import Window

from .mouse import ALT, CTRL, LEFT, MIDDLE, NONE, RIGHT, SHIFT, move, wheel

KEYS = "XADYFELBS[]+-123456789 "
SPECIAL = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_Delete, Qt.Key.Key_Escape),
    *(Qt.Key.Key_Tab, Qt.Key.Key_Backspace),
)
LETTERS = "dog barking snare Ä漢 \u200b🐕.'\""


class Monkey:
    """Plays with a window."""

    def __init__(self, window: Window, seed: int) -> None:
        self._window = window
        self._random = random.Random(seed)

    def play(self, n_events: int) -> None:
        """Do so many things; after each the state is looked at."""
        acts = (self._drag, self._drag, self._wheel, self._wheel, self._key, self._special)
        acts += (self._undo, self._type, self._click_button, self._half_drag)
        for number in range(n_events):
            self._random.choice(acts)()
            if number % 20 == 0:
                # A running loop would delete by itself what waits to be deleted, such as menus.
                QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
                QApplication.processEvents()
            self._close_popups()
            check(self._window)

    def _point(self) -> QPoint:
        view = self._window.timeline
        return QPoint(
            self._random.randint(-20, view.width() + 20), self._random.randint(0, view.height() - 1)
        )

    def _drag(self) -> None:
        target = self._window.timeline.viewport()
        assert target is not None
        button = self._random.choice((LEFT, LEFT, LEFT, RIGHT, MIDDLE))
        keys = self._random.choice((NONE, NONE, NONE, ALT, CTRL, SHIFT))
        start, end = self._point(), self._point()
        QTest.mousePress(target, button, keys, start)
        for _ in range(2):
            move(target, self._point(), button, keys)
        move(target, end, button, keys)
        QTest.mouseRelease(target, button, keys, end)

    def _half_drag(self) -> None:
        """A press without a release, or the other way round, as a lost grab leaves it."""
        target = self._window.timeline.viewport()
        assert target is not None
        if self._random.random() < 0.5:
            QTest.mousePress(target, LEFT, NONE, self._point())
            move(target, self._point(), LEFT)
        else:
            QTest.mouseRelease(target, LEFT, NONE, self._point())

    def _wheel(self) -> None:
        window = self._window.bench.time.window
        at_s = window.start_s + self._random.random() * window.length_s
        notches = self._random.choice((-5, -2, -1, 1, 2, 5))
        wheel(self._window.timeline, at_s, notches, self._random.choice((NONE, SHIFT)))

    def _key(self) -> None:
        self._window.timeline.setFocus()
        QTest.keyClicks(self._window, self._random.choice(KEYS))

    def _special(self) -> None:
        QTest.keyClick(self._window, self._random.choice(SPECIAL))

    def _undo(self) -> None:
        for _ in range(self._random.randint(1, 4)):
            key = self._random.choice((Qt.Key.Key_Z, Qt.Key.Key_Z, Qt.Key.Key_Y))
            QTest.keyClick(self._window, key, CTRL)

    def _type(self) -> None:
        edit = self._window.prompt.edit
        edit.setFocus()
        letter = self._random.choice(LETTERS)
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            # QTest types ASCII only.
            QApplication.sendEvent(edit, QKeyEvent(kind, 0, NONE, letter))

    def _click_button(self) -> None:
        window = self._window
        listen = window.listen
        buttons = (
            *(listen.transport.play, listen.transport.loop, listen.transport.to_start),
            *(listen.transport.ab, listen.transport.match, listen.mixture.solo),
            *(listen.mixture.mute, window.bar.tools["snap"], window.bar.tools["fit"]),
            window.prompt.options.fold.button,
        )
        self._random.choice(buttons).click()

    def _close_popups(self) -> None:
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()


def check(window: Window) -> None:
    """What always holds."""
    document, time = window.bench.document, window.bench.time
    for span in document.draft.spans:
        assert 0 <= span.start_s < span.end_s <= document.duration_s + 1e-9
    assert -1 <= document.selected < len(document.draft.spans)
    shown = time.window
    assert 0 <= shown.start_s < shown.end_s <= shown.duration_s + 1e-9
    assert 0 <= time.playhead_s <= shown.duration_s
    if time.selection is not None:
        assert 0 <= time.selection[0] < time.selection[1] <= shown.duration_s
