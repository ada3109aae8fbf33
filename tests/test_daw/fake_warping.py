"""Warp markers as Live keeps them: those of the user, and a hidden last one of Live's own.

The hidden one says how fast the clip goes on after the last marker that can be seen. Live's
documents do not say what becomes of that speed when a marker is added behind all others, so that
scripts have to be right either way (`keeps_speed`).
"""

from itertools import pairwise

SLOWEST_BPM, FASTEST_BPM = 5.0, 999.0
HIDDEN_BEATS = 1 / 32


class WarpMarker:
    """A value, as in Live."""

    def __init__(self, sample_time: float, beat_time: float) -> None:
        self.sample_time, self.beat_time = sample_time, beat_time


class Warping:
    """The markers of one clip. pins: (seconds, beats), those that can be seen."""

    def __init__(self, pins: list[tuple[float, float]], bpm: float, end_s: float) -> None:
        self.pins, self.bpm, self.end_s = list(pins), bpm, end_s
        self.keeps_speed = True
        self.refuses = False

    def copy(self) -> "Warping":
        made = Warping(self.pins, self.bpm, self.end_s)
        made.keeps_speed, made.refuses = self.keeps_speed, self.refuses
        return made

    def markers(self) -> list[WarpMarker]:
        seconds, beats = self.pins[-1]
        hidden = (seconds + HIDDEN_BEATS * 60 / self.bpm, beats + HIDDEN_BEATS)
        return [WarpMarker(*pin) for pin in (*self.pins, hidden)]

    def seconds_at(self, beat: float) -> float:
        pairs = [(marker.beat_time, marker.sample_time) for marker in self.markers()]
        segment = max(sum(pair[0] <= beat for pair in pairs) - 1, 0)
        (b0, s0), (b1, s1) = pairs[min(segment, len(pairs) - 2) :][:2]
        return s0 + (beat - b0) * (s1 - s0) / (b1 - b0)

    def add(self, marker: WarpMarker) -> None:
        pin = (marker.sample_time, marker.beat_time)
        if not -1e-9 <= pin[0] <= self.end_s + 1e-9:
            raise RuntimeError("outside of the sample")
        is_last = pin > self.pins[-1]
        if is_last and not self.keeps_speed:
            seconds, beats = self.pins[-1]
            self.bpm = 60 * (pin[1] - beats) / (pin[0] - seconds)
        self._become(sorted([*self.pins, pin]))

    def move(self, beat: float, distance: float) -> None:
        pins = [(s, b + distance if abs(b - beat) < 1e-9 else b) for s, b in self.pins]
        if pins == self.pins:
            raise RuntimeError("no marker there")
        self._become(pins)

    def remove(self, beat: float) -> None:
        left = [pin for pin in self.pins if abs(pin[1] - beat) > 1e-9]
        if len(left) == len(self.pins) or not left:
            raise RuntimeError("the last marker is Live's own")
        self._become(left)

    def _become(self, pins: list[tuple[float, float]]) -> None:
        if self.refuses:
            raise RuntimeError("not possible")
        for (s0, b0), (s1, b1) in pairwise(pins):
            if s1 <= s0 or not SLOWEST_BPM <= 60 * (b1 - b0) / (s1 - s0) <= FASTEST_BPM:
                raise RuntimeError("not possible between its neighbours")
        self.pins = pins
