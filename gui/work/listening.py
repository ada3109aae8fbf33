"""Lanes of the clip and its result, what is heard of them, and what is kept of them as files."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.protocol.values import Job
from gui.audio.files import SoundInfo, SoundUnreadable, sound_info
from gui.audio.measure import Levels, measure
from gui.audio.player import Player
from gui.audio.save import save_copy, save_mix
from gui.audio.sound import ShownSound
from gui.audio.streams import OpenStream
from gui.link.background import Background
from gui.state.audition import MIXTURE, RESIDUAL, TARGET, Audition, Lane
from gui.state.refinement import is_draft, takes_over

from .trouble import Trouble
from .workbench import Workbench


class Listening(QObject):
    """Owner of the player and of the lanes' sounds."""

    lanes_changed = pyqtSignal()
    audition_changed = pyqtSignal()
    levels_changed = pyqtSignal()
    saved = pyqtSignal(str)

    def __init__(self, bench: Workbench, open_stream: OpenStream) -> None:
        super().__init__(bench)
        self._bench = bench
        self.player = Player(open_stream)
        self.player.device = bench.settings.values.output
        self.lanes: tuple[Lane, ...] = ()
        self.sounds: tuple[ShownSound, ...] = ()
        self.levels: Levels | None = None
        self.audition = Audition(is_matched=bench.settings.values.is_level_matched)
        self._work = Background("lanes", (SoundUnreadable, OSError))
        self._job: Job | None = None
        self._is_stopped = False
        self._turn = 0
        bench.sound_changed.connect(self._rebuild)
        bench.result_changed.connect(self._rebuild)
        bench.document.draft_changed.connect(self._set_gains)
        bench.time.selection_changed.connect(self._set_loop)
        self.player.moved.connect(self._on_moved)

    def start(self) -> None:
        """Start the thread that opens, measures and saves."""
        self._work.start()

    def stop(self) -> None:
        """Stop playing and end the threads."""
        self._is_stopped = True
        self.player.close()
        self._work.stop()
        self._close_sounds()

    def hear(self, audition: Audition) -> None:
        """Hear something else, from the next block on."""
        if audition != self.audition:
            self.audition = audition
            self._set_gains()
            self.audition_changed.emit()

    def toggle_play(self) -> None:
        """Play or pause."""
        if self.player.is_playing:
            self.player.pause()
        else:
            self._seek_into_loop()
            self.player.play()

    def seek(self, time_s: float) -> None:
        """Put the playhead, also while playing."""
        self._bench.time.put_playhead(time_s)
        self.player.seek(round(self._bench.time.playhead_s * self._rate))

    def set_gain(self, name: str, gain_db: float) -> None:
        """Change a lane's gain: an edit that undo takes back."""
        document = self._bench.document
        others = [each for each in document.draft.gains_db if each[0] != name]
        gains = (*others, (name, gain_db)) if gain_db else tuple(others)
        draft = replace(document.draft, gains_db=gains)
        document.edit(f"Gain of {name}", draft, merge=f"gain {name}")

    def save(self, lane: Lane, to: Path) -> None:
        """Save a lane in the format of the name."""
        self._work.run(lambda: save_copy(lane.path, to), self._on_saved, self._on_trouble)

    def save_all(self, folder: Path, suffix: str) -> None:
        """Save every lane but the mixture."""
        for lane in self.lanes[1:]:
            self.save(lane, folder / f"{lane.path.stem}{suffix}")

    def save_remix(self, to: Path) -> None:
        """Save target and residual with their gains, summed."""
        parts = [lane for lane in self.lanes if lane.name in (TARGET, RESIDUAL)]
        gains_db = dict(self._bench.document.draft.gains_db)
        gains = [10 ** (gains_db.get(lane.name, 0.0) / 20) for lane in parts]
        paths = [lane.path for lane in parts]
        self._work.run(lambda: save_mix(paths, gains, to), self._on_saved, self._on_trouble)

    @property
    def _rate(self) -> int:
        return self._bench.time.window.sample_rate

    def _rebuild(self) -> None:
        self._turn += 1
        turn = self._turn
        sound = self._bench.sound
        if sound is None:
            return
        job = self._bench.shown_job
        lanes = (Lane(MIXTURE, "Mixture", sound.info.path), *_lanes_of(job))
        self._work.run(
            lambda: [sound_info(lane.path) for lane in lanes[1:]],
            lambda infos: self._show(turn, job, lanes, infos),
            self._on_trouble,
        )

    def _show(
        self, turn: int, job: Job | None, lanes: tuple[Lane, ...], infos: list[SoundInfo]
    ) -> None:
        if turn != self._turn or self._bench.sound is None:
            return
        names = [lane.name for lane in lanes]
        stays = job is not None and takes_over(job, self._job)
        stays = stays and names == [lane.name for lane in self.lanes]
        self._job = job
        self._close_sounds()
        cache = self._bench.places.cache / "peaks"
        self.lanes = lanes
        self.sounds = tuple(ShownSound(info, cache) for info in infos)
        for sound in self.sounds:
            sound.start()
        self.levels = None
        paths = [lane.path for lane in lanes]
        if stays:
            self.player.replace_lanes(paths)
        else:
            self.player.set_lanes(paths, self._rate)
            self.player.seek(round(self._bench.time.playhead_s * self._rate))
            solo = TARGET if TARGET in names else MIXTURE
            if not set(self.audition.solo) <= set(names) or len(lanes) > 1:
                self.audition = replace(self.audition, solo=(solo,), muted=(), before=MIXTURE)
        self._set_gains()
        self._set_loop()
        self.lanes_changed.emit()
        self.audition_changed.emit()
        self.levels_changed.emit()
        self._work.run(
            lambda: measure(paths, lambda: self._is_stopped or turn != self._turn),
            lambda levels: self._on_levels(turn, levels),
            self._on_trouble,
        )

    def _on_levels(self, turn: int, levels: Levels) -> None:
        if turn == self._turn:
            self.levels = levels
            self._set_gains()
            self.levels_changed.emit()

    def _set_gains(self) -> None:
        if self.lanes and self.player.n_lanes == len(self.lanes):
            gains_db = dict(self._bench.document.draft.gains_db)
            self.player.set_gains(self.audition.factors(self.lanes, gains_db, self.levels))

    def _set_loop(self) -> None:
        time = self._bench.time
        loop = None
        if time.is_looping:
            start_s, end_s = time.selection or (0.0, time.window.duration_s)
            loop = (round(start_s * self._rate), round(end_s * self._rate))
        self.player.set_loop(loop if loop and loop[1] > loop[0] else None)

    def _seek_into_loop(self) -> None:
        time = self._bench.time
        if time.is_looping and time.selection is not None:
            start_s, end_s = time.selection
            if not start_s <= time.playhead_s < end_s:
                self.seek(start_s)

    def _on_moved(self, sample: int) -> None:
        self._bench.time.put_playhead(sample / self._rate)

    def _on_saved(self, path: Path) -> None:
        self.saved.emit(str(path))

    def _on_trouble(self, error: Exception) -> None:
        self._bench.troubled.emit(Trouble(str(error)))

    def _close_sounds(self) -> None:
        for sound in self.sounds:
            sound.close()
        self.sounds = ()


def _lanes_of(job: Job | None) -> list[Lane]:
    if job is None or job.result is None:
        return []
    lanes = []
    for stem in job.result.stems:
        name = stem.role if stem.role != "candidate" else f"take {stem.index + 1}"
        title = {TARGET: "Target", RESIDUAL: "Residual"}.get(stem.role, name.capitalize())
        presence = job.result.presence if stem.role == TARGET else None
        note = "draft" if is_draft(job) else ""
        lanes.append(Lane(name, title, Path(stem.path), stem.score, presence, note))
    order = {TARGET: 0, RESIDUAL: 1}
    return sorted(lanes, key=lambda lane: (order.get(lane.name, 2), lane.name))
