"""The stretch of time on the screen: zoom and scroll that never leave the clip."""

from dataclasses import dataclass, replace

from PyQt6.QtCore import QObject, pyqtSignal

SHORTEST_SAMPLES = 16
"""Least number of samples on the screen."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_s` to `end_s` of a clip of `duration_s` and `sample_rate`."""

    start_s: float = 0.0
    end_s: float = 1.0
    duration_s: float = 1.0
    sample_rate: int = 48_000

    @property
    def length_s(self) -> float:
        """Seconds on the screen."""
        return self.end_s - self.start_s

    def zoomed(self, factor: float, at_s: float) -> "Window":
        """Longer (factor > 1) or shorter, what lies at `at_s` staying where it is."""
        least_s = min(SHORTEST_SAMPLES / self.sample_rate, self.duration_s)
        length_s = min(max(self.length_s * factor, least_s), self.duration_s)
        share = (at_s - self.start_s) / self.length_s
        return self._from(at_s - share * length_s, length_s)

    def scrolled(self, by_s: float) -> "Window":
        """Moved along the clip."""
        return self._from(self.start_s + by_s, self.length_s)

    def shown(self, start_s: float, end_s: float) -> "Window":
        """Exactly this stretch, as far as the clip has it."""
        return self._from(start_s, end_s - start_s)

    def whole(self) -> "Window":
        """All of the clip."""
        return replace(self, start_s=0.0, end_s=self.duration_s)

    def _from(self, start_s: float, length_s: float) -> "Window":
        least_s = min(SHORTEST_SAMPLES / self.sample_rate, self.duration_s)
        length_s = min(max(length_s, least_s), self.duration_s)
        start_s = min(max(start_s, 0.0), self.duration_s - length_s)
        return replace(self, start_s=start_s, end_s=start_s + length_s)


class TimeWindow(QObject):
    """The window that all views share, with the playhead, the selection and the loop."""

    changed = pyqtSignal()
    playhead_changed = pyqtSignal()
    selection_changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.window = Window()
        self.playhead_s = 0.0
        self.selection: tuple[float, float] | None = None
        self.is_looping = False

    def set(self, window: Window) -> None:
        """Show another stretch."""
        if window != self.window:
            self.window = window
            self.changed.emit()

    def open(self, duration_s: float, sample_rate: int) -> None:
        """Show the whole of a new clip."""
        self.playhead_s, self.selection = 0.0, None
        self.set(Window(0.0, duration_s, duration_s, sample_rate))
        self.selection_changed.emit()
        self.playhead_changed.emit()

    def zoom(self, factor: float, at_s: float | None = None) -> None:
        """Zoom around a time, or around the playhead when it is on the screen."""
        window = self.window
        if at_s is None:
            on_screen = window.start_s <= self.playhead_s <= window.end_s
            at_s = self.playhead_s if on_screen else (window.start_s + window.end_s) / 2
        self.set(window.zoomed(factor, at_s))

    def scroll(self, screens: float) -> None:
        """Scroll by a share of the screen."""
        self.set(self.window.scrolled(screens * self.window.length_s))

    def put_playhead(self, time_s: float) -> None:
        """Move the playhead."""
        time_s = min(max(time_s, 0.0), self.window.duration_s)
        if time_s != self.playhead_s:
            self.playhead_s = time_s
            self.playhead_changed.emit()

    def select(self, selection: tuple[float, float] | None) -> None:
        """Select a stretch, or nothing."""
        if selection is not None:
            start_s, end_s = sorted(selection)
            selection = (max(start_s, 0.0), min(end_s, self.window.duration_s))
            if selection[1] <= selection[0]:
                selection = None
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    def loop(self, is_looping: bool) -> None:
        """Repeat the selection, or go on."""
        if is_looping != self.is_looping:
            self.is_looping = is_looping
            self.selection_changed.emit()
