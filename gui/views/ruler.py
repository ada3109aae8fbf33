"""The time axis: seconds, samples, or bars and beats when the clip has a tempo."""

import math
from typing import Any

import pyqtgraph
from PyQt6.QtGui import QColor

from gui.state.time_window import TimeWindow
from gui.theme import Theme

from .clock import clock, seconds_step, step_for

UNITS = ("seconds", "samples", "bars")
LABEL_PX = 105
BEATS_PER_BAR = 4


class Ruler(pyqtgraph.AxisItem):
    """Ticks for the stretch on the screen. tempo_bpm: 0 when it is not known."""

    def __init__(self, time: TimeWindow) -> None:
        super().__init__("top", maxTickLength=6)
        self._time = time
        self.unit = "seconds"
        self.tempo_bpm = 0.0
        self.setStyle(tickTextOffset=3, autoExpandTextSpace=False)
        self.setHeight(24)
        time.changed.connect(self._follow)
        self._follow()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.setPen(QColor(theme.line))
        self.setTextPen(QColor(theme.dim))

    def set_unit(self, unit: str) -> None:
        """Show `seconds`, `samples` or `bars`; bars need a tempo and are seconds without one."""
        self.unit = unit
        self.picture = None
        self.update()

    @property
    def beat_s(self) -> float:
        """Length of a beat, 0 without a tempo."""
        return 60 / self.tempo_bpm if self.tempo_bpm > 0 else 0.0

    def tickValues(self, low: float, high: float, size: float) -> list[Any]:
        """Two levels of ticks: labelled ones and four or five between them."""
        most = max(int(size // LABEL_PX), 1)
        step = self._step(high - low, most)
        minor = step / 5
        return [(step, _multiples(low, high, step)), (minor, _multiples(low, high, minor))]

    def tickStrings(self, values: list[float], _scale: float, spacing: float) -> list[str]:
        """Labels for labelled ticks only."""
        window = self._time.window
        most = max(int(self.size().width() // LABEL_PX), 1)
        if spacing < 0.99 * self._step(window.length_s, most):
            return ["" for _ in values]
        return [self._label(value, spacing) for value in values]

    def _step(self, span_s: float, most: int) -> float:
        if self.unit == "samples":
            rate = self._time.window.sample_rate
            return max(step_for(span_s * rate, most), 1) / rate
        if self.unit == "bars" and self.beat_s:
            beats = span_s / self.beat_s / most
            if beats <= 1:
                return self.beat_s
            bars = 2.0 ** math.ceil(math.log2(max(beats / BEATS_PER_BAR, 1)))
            return BEATS_PER_BAR * bars * self.beat_s
        return seconds_step(span_s, most)

    def _label(self, time_s: float, spacing: float) -> str:
        if self.unit == "samples":
            return f"{round(time_s * self._time.window.sample_rate):,}".replace(",", "\u202f")
        if self.unit == "bars" and self.beat_s:
            bar, beat = divmod(round(time_s / self.beat_s), BEATS_PER_BAR)
            return (
                f"{bar + 1}" if spacing >= BEATS_PER_BAR * self.beat_s else f"{bar + 1}.{beat + 1}"
            )
        return clock(time_s, max(0, min(6, math.ceil(-math.log10(spacing) - 1e-9))))

    def _follow(self) -> None:
        window = self._time.window
        self.setRange(window.start_s, window.end_s)


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
