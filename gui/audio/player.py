"""Plays lanes of one mixture in step: switches within a block, loops, never clicks.

    files -> feeder thread -> blocks of all lanes -> audio callback (gains) -> stream

The feeder reads every lane, heard or not, so that a switch needs nothing that is not there. The
callback takes the next block from a deque, which needs no lock, and mixes it.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from .files import SoundUnreadable
from .lane_reader import N_OUT, LaneReader, Loop
from .mixer import Mixer
from .streams import ClockStream, NoSoundDevice, OpenStream, Stream, StreamSpec

BLOCK_SAMPLES = 512
N_AHEAD = 24
"""Blocks read ahead: a quarter of a second at 48 kHz."""

FEED_S = 0.01
FOLLOW_MS = 30
JOIN_S = 10.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block of all lanes. turn: of the seek that it was read after. is_end: nothing follows."""

    samples: NDArray[np.float32]
    start: int
    turn: int
    is_end: bool = False


class Player(QObject):
    """Plays and stops. Only the Qt thread calls it; only the callback takes blocks."""

    moved = pyqtSignal(int)
    """Sample under the playhead."""

    state_changed = pyqtSignal()
    device_missing = pyqtSignal(str)

    def __init__(self, open_stream: OpenStream) -> None:
        super().__init__()
        self._open_stream = open_stream
        self._stream: Stream | None = None
        self._feeder: threading.Thread | None = None
        self._paths: tuple[Path, ...] = ()
        self._rate = 48_000
        self._targets = np.zeros(0, np.float32)
        self._silence = np.zeros(0, np.float32)
        self._mixer = Mixer(0, BLOCK_SAMPLES, N_OUT)
        self._ready: deque[_Piece] = deque()
        self._turn = 0
        self._start = 0
        self._loop: Loop = None
        self._position = 0
        self._heard_turn = 0
        self._is_stopped = False
        self._is_finished = False
        self._is_pausing = False
        self.is_playing = False
        self.n_underruns = 0
        self.device = ""
        self._follow = QTimer(self)
        self._follow.setInterval(FOLLOW_MS)
        self._follow.timeout.connect(self._on_follow)

    @property
    def n_lanes(self) -> int:
        """How many lanes there are."""
        return len(self._paths)

    @property
    def position(self) -> int:
        """Sample that is heard now."""
        return self._position if self._heard_turn == self._turn else self._start

    def set_lanes(self, paths: Sequence[Path], sample_rate: int) -> None:
        """Play other files, all of one rate, from where the playhead is."""
        was_playing, position = self.is_playing, self.position
        self.close()
        self._paths, self._rate = tuple(paths), sample_rate
        self._targets = np.zeros(len(paths), np.float32)
        self._silence = np.zeros(len(paths), np.float32)
        self._mixer = Mixer(len(paths), BLOCK_SAMPLES, N_OUT)
        self._start = position
        if was_playing and paths:
            self.play()

    def replace_lanes(self, paths: Sequence[Path]) -> None:
        """Play other files of as many lanes as there are, of the same length, without a stop.

        What is heard fades out and in again within a block or two, at the same playhead.
        """
        assert len(paths) == self.n_lanes
        self._paths = tuple(paths)
        position = self.position
        if self.is_playing:
            position += 2 * BLOCK_SAMPLES  # what is heard until then fades out
            if self._loop is not None and position >= self._loop[1]:
                position = self._loop[0] + position - self._loop[1]
        self._seek(position)

    def set_gains(self, gains: Sequence[float]) -> None:
        """Factors by lane, in force from the next block on."""
        self._targets = np.array(gains, np.float32)

    def play(self) -> None:
        """Go on from the playhead."""
        if self.is_playing or not self._paths:
            return
        self.is_playing, self._is_pausing, self._is_finished = True, False, False
        self._seek(self._start)
        if self._feeder is None:
            self._is_stopped = False
            self._feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
            self._feeder.start()
        if self._stream is None:
            spec = StreamSpec(self._rate, BLOCK_SAMPLES, N_OUT, self.device)
            try:
                self._stream = self._open_stream(spec, self.fill)
            except NoSoundDevice as error:
                self._stream = ClockStream(spec, self.fill)
                self.device_missing.emit(str(error))
        self._follow.start()
        self.state_changed.emit()

    def pause(self) -> None:
        """Fade out and stay where the playhead is."""
        if not self.is_playing:
            return
        self._start = self.position
        self.is_playing, self._is_pausing = False, True
        self._follow.stop()
        self.state_changed.emit()

    def seek(self, sample: int) -> None:
        """Go on from another place."""
        self._is_finished = False
        self._seek(max(sample, 0))

    def set_loop(self, loop: Loop) -> None:
        """Repeat a stretch in samples; `None` plays on."""
        if loop == self._loop:
            return
        self._loop = loop
        if self.is_playing:
            # What was read ahead knew nothing of the new loop.
            position = self.position
            inside = loop is None or position < loop[1]
            self.seek(position if inside or loop is None else loop[0])

    def set_device(self, name: str) -> None:
        """Play on another device."""
        self.device = name
        was_playing = self.is_playing
        self.pause()
        self._close_stream()
        if was_playing:
            self.play()

    def close(self) -> None:
        """Stop and close stream and files."""
        self.pause()
        self._close_stream()
        self._is_stopped = True
        if self._feeder is not None:
            self._feeder.join(JOIN_S)
            self._feeder = None
        self._ready.clear()

    def fill(self, out: NDArray[np.float32]) -> None:
        """The audio callback: the next block, mixed."""
        if self._is_pausing and self._mixer.is_silent:
            out.fill(0)
            return
        try:
            piece = self._ready.popleft()
            has_turned = piece.turn != self._turn
            if has_turned and self._mixer.is_silent:
                # Blocks of before a seek that nobody hears any more.
                while piece.turn != self._turn:
                    piece = self._ready.popleft()
                has_turned = False
        except IndexError:
            out.fill(0)
            if not (self._is_pausing or self._is_finished):
                self.n_underruns += 1
            self._mixer.gains.fill(0)
            return
        if has_turned or self._is_pausing:
            self._mixer.mix(piece.samples, self._silence, out)
            return
        self._mixer.mix(piece.samples, self._targets, out)
        self._position, self._heard_turn = piece.start, piece.turn
        self._is_finished = piece.is_end

    def _seek(self, sample: int) -> None:
        self._start = sample
        self._turn += 1

    def _feed(self) -> None:
        """Keep blocks ready; runs in a thread of its own."""
        reader: LaneReader | None = None
        opened: tuple[Path, ...] = ()
        try:
            turn, position, is_over = -1, 0, False
            wake = threading.Event()
            while not self._is_stopped:
                if turn != self._turn:
                    turn, position, is_over = self._turn, self._start, False
                if reader is None or opened != self._paths:
                    if reader is not None:
                        reader.close()
                    opened = self._paths
                    reader = LaneReader(opened)
                n_ready = sum(piece.turn == turn for piece in tuple(self._ready))
                if is_over or n_ready >= N_AHEAD:
                    wake.wait(FEED_S)
                    continue
                samples, following = reader.read(position, BLOCK_SAMPLES, self._loop)
                is_over = following >= reader.n_samples
                self._ready.append(_Piece(samples, position, turn, is_over))
                position = following
        except (SoundUnreadable, OSError):
            self._is_finished = True
        finally:
            if reader is not None:
                reader.close()

    def _on_follow(self) -> None:
        latency = round(self._stream.latency_s * self._rate) if self._stream else 0
        floor = self._loop[0] if self._loop else 0
        self.moved.emit(max(self.position - latency, min(floor, self.position)))
        if self._is_finished:
            self.pause()
            self._seek(0)
            self.moved.emit(0)

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.stop()
            self._stream = None
