"""Joins lanes, transport and player: what buttons ask for, what is shown of it."""

from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from .panels.lanes import HEADER_PX, LaneHeader, LaneList, asked
from .panels.parts import label
from .panels.transport import Transport
from .state.audition import MIXTURE, Lane
from .theme import DARK, Theme
from .views.overview import HEIGHT_PX
from .views.timeline import RULER_PX
from .work.listening import Listening
from .work.workbench import Workbench

FORMATS = "WAV (*.wav);;FLAC (*.flac);;AIFF (*.aiff)"


class ListeningView:
    """The widgets below and beside the big view. Not a widget itself."""

    def __init__(self, bench: Workbench, listening: Listening) -> None:
        self._bench = bench
        self._listening = listening
        self._theme = DARK
        self.lanes = LaneList()
        self.transport = Transport()
        self.gutter = QFrame()
        self.gutter.setObjectName("bar")
        self.gutter.setFixedWidth(HEADER_PX)
        self._gutter_rows = QVBoxLayout(self.gutter)
        self._gutter_rows.setContentsMargins(0, 0, 0, 0)
        self.above = QWidget()
        self._gutter_rows.addWidget(self.above)
        self.leave_above(0)
        self.mixture = LaneHeader(Lane(MIXTURE, "Mixture", Path()), 1)
        self._gutter_rows.addWidget(self.mixture)
        self._gutter_rows.addStretch(2)
        hint = label("Drag: the sound is here.\nAlt+drag: it is not.", "dim", wrap=True)
        hint.setContentsMargins(12, 0, 8, 12)
        self._gutter_rows.addWidget(hint)
        self._connect_header(self.mixture)
        self._connect()

    def beside(self, views: QWidget) -> QHBoxLayout:
        """The big view with the mixture's header on its left."""
        line = QHBoxLayout()
        line.setSpacing(0)
        line.addWidget(self.gutter)
        line.addWidget(views, 1)
        return line

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        for part in (self.lanes, self.transport, self.mixture):
            part.set_theme(theme)

    def leave_above(self, strip_px: int) -> None:
        """Keep the mixture's header beside its waveform. strip_px: of what is above the ruler."""
        self.above.setFixedHeight(HEIGHT_PX + RULER_PX + 1 + strip_px)

    def hear(self, number: int) -> None:
        """Hear the lane of a number, counted from 1, alone."""
        lanes = self._listening.lanes
        if 0 < number <= len(lanes):
            name = lanes[number - 1].name
            self._listening.hear(asked(self._listening.audition, name, False))

    def switch(self) -> None:
        """A/B."""
        names = [lane.name for lane in self._listening.lanes]
        audition = self._listening.audition
        if audition.before in names:
            self._listening.hear(audition.switched())

    def ask_remix(self) -> None:
        """Save target and residual with their gains."""
        if len(self._listening.lanes) < 3:
            return
        base = self._listening.lanes[1].path
        start = str(base.with_name(f"{base.stem} - remix.wav").name)
        name, _ = QFileDialog.getSaveFileName(self.transport, "Save the remix", start, FORMATS)
        if name:
            self._listening.save_remix(Path(name))

    def ask_save_all(self) -> None:
        """Save every stem into a folder."""
        if len(self._listening.lanes) < 2:
            return
        folder = QFileDialog.getExistingDirectory(self.transport, "Save every stem in")
        if folder:
            suffix = f".{self._bench.settings.values.format or 'wav'}"
            self._listening.save_all(Path(folder), suffix)

    def ask_save(self, name: str) -> None:
        """Save one lane."""
        lane = next((each for each in self._listening.lanes if each.name == name), None)
        if lane is None:
            return
        to, _ = QFileDialog.getSaveFileName(
            self.transport, f"Save {lane.title}", lane.path.name, FORMATS
        )
        if to:
            self._listening.save(lane, Path(to))

    def _connect(self) -> None:
        listening, transport, time = self._listening, self.transport, self._bench.time
        listening.lanes_changed.connect(self._on_lanes)
        listening.audition_changed.connect(self._show_audition)
        listening.levels_changed.connect(lambda: transport.show_levels(listening.levels))
        self._bench.document.draft_changed.connect(self._show_audition)
        listening.player.state_changed.connect(
            lambda: transport.show_playing(listening.player.is_playing)
        )
        listening.player.device_missing.connect(
            lambda why: self._show_output(f"no sound device: {why}")
        )
        transport.play.clicked.connect(listening.toggle_play)
        transport.to_start.clicked.connect(lambda: listening.seek(0.0))
        transport.loop.clicked.connect(time.loop)
        transport.ab.clicked.connect(self.switch)
        transport.match.clicked.connect(
            lambda is_on: self._bench.settings.set(is_level_matched=is_on)
        )
        time.playhead_changed.connect(self._on_playhead)
        time.selection_changed.connect(lambda: transport.loop.setChecked(time.is_looping))
        transport.show_levels(None)
        transport.match.setChecked(listening.audition.is_matched)

    def _connect_header(self, header: LaneHeader) -> None:
        listening = self._listening
        header.solo_wanted.connect(
            lambda name, as_well: listening.hear(asked(listening.audition, name, as_well))
        )
        header.mute_wanted.connect(
            lambda name, is_on: listening.hear(listening.audition.with_mute(name, is_on))
        )
        header.gain_wanted.connect(listening.set_gain)
        header.save_wanted.connect(self.ask_save)

    def _on_lanes(self) -> None:
        sound = self._bench.sound
        if sound is None:
            return
        listening = self._listening
        self.lanes.show_lanes(listening.lanes, listening.sounds, sound, self._bench.time)
        for header in self.lanes.headers.values():
            self._connect_header(header)
        for wave in self.lanes.waves.values():
            wave.seek_wanted.connect(listening.seek)
        for strip in self.lanes.strips.values():
            strip.seek_wanted.connect(listening.seek)

    def _on_playhead(self) -> None:
        time = self._bench.time
        self.transport.show_time(time.playhead_s)
        window = time.window
        is_outside = not window.start_s <= time.playhead_s <= window.end_s
        follows = self._bench.settings.values.follows_playhead
        if self._listening.player.is_playing and follows and is_outside:
            time.set(window.scrolled(time.playhead_s - window.start_s - 0.05 * window.length_s))

    def _show_audition(self) -> None:
        audition = self._listening.audition
        gains = dict(self._bench.document.draft.gains_db)
        for header in (self.mixture, *self.lanes.headers.values()):
            header.show_state(audition, gains.get(header.lane.name, 0.0))
        for name, wave in self.lanes.waves.items():
            wave.set_heard(name in audition.solo and name not in audition.muted)
        titles = [each.title for each in self._listening.lanes if each.name in audition.solo]
        self.transport.heard.setText("hearing " + " + ".join(titles) if titles else "")
        self.transport.ab.setEnabled(len(self._listening.lanes) > 1)

    def _show_output(self, text: str) -> None:
        self.transport.output.setText(text if len(text) < 60 else f"{text[:59]}…")
        self.transport.output.setToolTip(text)
