"""Play, loop, time, A/B, level matching, null badge, output."""

from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton

from gui.audio.measure import Levels
from gui.icons import icon
from gui.theme import DARK, Theme
from gui.views.clock import clock

from .parts import label

GOOD_NULL_DB = -90.0


class Transport(QFrame):
    """Buttons only; the window connects them."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._theme = DARK
        self._is_playing = False
        self.to_start = self._button("To the start (Home)")
        self.play = self._button("Play or pause (Space)")
        self.play.setIconSize(QSize(24, 24))
        self.loop = self._button("Repeat the selection (L)")
        self.loop.setCheckable(True)
        self.clock = label("0:00.000", "clock")
        self.clock.setAccessibleName("Playhead")
        self.ab = QPushButton("A/B")
        self.ab.setToolTip("Compare with what was heard before, at the same playhead (B)")
        self.ab.setAccessibleName("Compare")
        self.heard = label("", "dim")
        self.match = QToolButton()
        self.match.setText("Match levels")
        self.match.setCheckable(True)
        self.match.setToolTip("Make every lane as loud as the mixture: louder is not better")
        self.match.setAccessibleName("Match levels")
        self.null = label("", "badge")
        self.null.setAccessibleName("Null test")
        self.output = label("", "dim")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 6, 12, 6)
        line.setSpacing(8)
        for button in (self.to_start, self.play, self.loop):
            line.addWidget(button)
        line.addSpacing(6)
        line.addWidget(self.clock)
        line.addSpacing(14)
        for widget in (self.ab, self.match, self.heard):
            line.addWidget(widget)
        line.addStretch(1)
        line.addWidget(self.output)
        line.addWidget(self.null)
        self.null.setFixedHeight(24)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.to_start.setIcon(icon("start", theme.text))
        self.loop.setIcon(icon("loop", theme.text, theme.accent))
        self.show_playing(self._is_playing)

    def show_playing(self, is_playing: bool) -> None:
        """Show what a click would do."""
        self._is_playing = is_playing
        self.play.setIcon(icon("pause" if is_playing else "play", self._theme.text))

    def show_time(self, time_s: float) -> None:
        """Show the playhead."""
        self.clock.setText(clock(time_s))

    def show_levels(self, levels: Levels | None) -> None:
        """Show the null that was measured."""
        self.null.setVisible(levels is not None and levels.has_null)
        if levels is None or not levels.has_null:
            return
        is_exact = levels.null_db is None
        is_good = levels.null_db is None or levels.null_db < GOOD_NULL_DB
        value = "−∞" if levels.null_db is None else f"{levels.null_db:.0f}".replace("-", "−")
        self.null.setText(f"null {value} dB")
        self.null.setToolTip(
            "Measured here: mixture − target − residual is zero at every sample."
            if is_exact
            else "Measured here: the loudest sample of mixture − target − residual."
        )
        self.null.setProperty("state", "good" if is_good else "bad")
        style = self.null.style()
        assert style is not None
        style.polish(self.null)

    def _button(self, tip: str) -> QToolButton:
        button = QToolButton()
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setIconSize(QSize(20, 20))
        return button
