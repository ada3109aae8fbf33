"""A stand-in for Ableton Live that holds to its rules, stricter than Live itself.

Only the thread that made the Set may touch it; one call that changes its structure per tick; every
change inside an undo step; Warp is switched after the script's turn; nothing on a frozen track can
be changed; attributes that Live lacks do not exist, and those that came later exist only in the
versions that have them. The names are checked against published stubs of Live 12.3.6 by a test.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import soundfile

from .fake_warping import Warping, WarpMarker

LATEST_BEATS = 1_576_800.0
LATER = {
    "file_path of a Set": (11, 0, 5),  # or a little later: not in 11.0.0, there in 11.3.2
    "sample_rate": (11, 0, 5),
    "add_warp_marker": (11, 0, 5),
    "move_warp_marker": (11, 0, 5),
    "remove_warp_marker": (11, 0, 5),
}
"""What the published stubs of 11.0.0 lack, by the version that has it."""


def can_create_clips(version: tuple[int, int, int]) -> bool:
    """As in the published stubs: 11.3.43 and 12.0.5 have it, 11.3.2 and 12.0.0 do not."""
    return (11, 3, 43) <= version < (12, 0, 0) or version >= (12, 0, 5)


class Rules:
    """What every object asks before it acts."""

    def __init__(self, version: tuple[int, int, int]) -> None:
        self.version = version
        self.thread = threading.get_ident()
        self.deferred: list[Callable[[], None]] = []
        self.cut_s = 0.0  # what a clip in the arrangement loses when its Warp is switched off
        self.most_tracks = 100
        self.auto_warp: Callable[[Warping], None] = lambda _: None  # by the user's preferences
        self.is_stepping = False
        self.n_calls = 0
        self.undo: list[str] = []
        self.changes = 0

    def read(self) -> None:
        assert threading.get_ident() == self.thread, "Live may be touched by its own thread only"

    def change(self) -> None:
        self.read()
        assert self.is_stepping, "a change outside an undo step"
        self.changes += 1

    def call(self) -> None:
        self.change()
        self.n_calls += 1
        assert self.n_calls <= 1, "two changes of the Set's structure in one tick"


class LiveObject:
    """An object whose attributes are the declared ones and no others."""

    fields: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()

    def __init__(self, rules: Rules, **values: Any) -> None:
        assert set(values) == {*self.fields, *self.read_only}, set(values) ^ {*self.fields}
        self.__dict__.update(_rules=rules, _values=values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values or not self._has(name):
            raise AttributeError(f"Live's {type(self).__name__} has no {name}")
        self._rules.read()
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.fields:
            raise AttributeError(f"Live's {type(self).__name__} has no {name} to set")
        self._rules.change()
        self._check(name, value)
        self._values[name] = value

    def __getattribute__(self, name: str) -> Any:
        if name in LATER and not name.startswith("_"):
            has = object.__getattribute__(self, "_has")
            if not has(name):
                raise AttributeError(f"this version of Live has no {name}")
        return object.__getattribute__(self, name)

    def _has(self, name: str) -> bool:
        return bool(self._rules.version >= LATER.get(name, (0, 0, 0)))

    def _check(self, name: str, value: Any) -> None:
        pass


class Clip(LiveObject):
    fields = (
        *("name", "color", "muted", "gain", "pitch_coarse", "pitch_fine", "warping", "warp_mode"),
        "looping",
        *("loop_start", "loop_end", "start_marker", "end_marker"),
    )
    read_only = (
        *("is_audio_clip", "is_arrangement_clip", "is_recording", "file_path", "start_time"),
        *("end_time", "sample_length", "sample_rate", "canonical_parent"),
    )

    def __init__(self, rules: Rules, warps: Warping, **values: Any) -> None:
        super().__init__(rules, **values)
        self.__dict__["_warps"] = warps

    @property
    def warp_markers(self) -> list[WarpMarker]:
        self._rules.read()
        markers: list[WarpMarker] = self._warps.markers()
        return markers

    def add_warp_marker(self, marker: WarpMarker, /) -> None:
        self._rules.call()
        assert isinstance(marker, WarpMarker), "no registered converter"
        self._warps.add(marker)

    def move_warp_marker(self, beat_time: float, distance: float, /) -> None:
        self._rules.call()
        self._warps.move(beat_time, distance)

    def remove_warp_marker(self, beat_time: float, /) -> None:
        self._rules.call()
        self._warps.remove(beat_time)

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_frozen(self):
            raise RuntimeError("the track is frozen")
        if name != "warping":
            super().__setattr__(name, value)
            return
        self._rules.change()
        self._rules.deferred.append(lambda: self._switch_warp(value))

    def _switch_warp(self, is_on: bool) -> None:
        """Live does it after the script's turn; all places are in the other unit then."""
        if is_on != self._values["warping"]:
            for name in ("loop_start", "loop_end", "start_marker", "end_marker"):
                place = self._values[name]
                self._values[name] = self._warps.seconds_at(place) if not is_on else place * 2
            self._values.update(warping=is_on, looping=False)
            if not is_on and self.is_arrangement_clip:
                self._values["loop_end"] -= self._rules.cut_s

    def _check(self, name: str, value: Any) -> None:
        pairs = {"start_marker": "end_marker", "loop_start": "loop_end"}
        for start, end in pairs.items():
            after = {**self._values, name: value}
            if name in (start, end) and not after[start] < after[end]:
                raise RuntimeError(f"{start} must be before {end}")
        if name == "looping" and value and not self.warping:
            raise RuntimeError("only warped clips can be looped")


def _is_frozen(clip: Clip) -> bool:
    parent: Any = clip._values["canonical_parent"]
    while parent is not None and "is_frozen" not in parent._values:
        parent = parent._values.get("canonical_parent")
    return parent is not None and bool(parent._values["is_frozen"])


def new_clip(
    rules: Rules,
    path: str,
    parent: Any,
    tempo: float,
    pins: list[tuple[float, float]] | None = None,
    **changes: Any,
) -> Clip:
    """A clip of a whole file, auto-warped as Live's preferences have it by default."""
    info = soundfile.info(path)
    n_beats = info.duration * tempo / 60
    warps = Warping(pins or [(0.0, 0.0)], tempo, info.duration)
    values: dict[str, Any] = {
        "name": Path(path).stem,
        "color": 0x123456,
        "is_recording": False,
        "muted": False,
        "gain": 0.4,
        "pitch_coarse": 0,
        "pitch_fine": 0.0,
        "warping": True,
        "warp_mode": 0,
        "looping": False,
        "loop_start": 0.0,
        "loop_end": n_beats,
        "start_marker": 0.0,
        "end_marker": n_beats,
        "is_audio_clip": True,
        "is_arrangement_clip": False,
        "file_path": path,
        "start_time": 0.0,
        "end_time": n_beats,
        "sample_length": info.frames,
        "sample_rate": float(info.samplerate),
        "canonical_parent": parent,
    }
    return Clip(rules, warps, **{**values, **changes})


class ClipSlot(LiveObject):
    read_only = ("clip", "canonical_parent")

    @property
    def has_clip(self) -> bool:
        self._rules.read()
        return self._values["clip"] is not None

    def delete_clip(self) -> None:
        self._rules.call()
        assert self.has_clip, "the slot is empty"
        self._values["clip"] = None


class NewClipSlot(ClipSlot):
    """With the function that came with 11.3.43 and 12.0.5."""

    def create_audio_clip(self, path: str, /) -> Clip:
        self._rules.call()
        assert not self.has_clip, "the slot is full"
        song = self.canonical_parent.canonical_parent
        clip = new_clip(self._rules, path, self, song.tempo)
        self._rules.auto_warp(clip._warps)
        self._values["clip"] = clip
        return clip


class Track(LiveObject):
    fields = ("name", "color")
    read_only = ("clip_slots", "arrangement_clips", "canonical_parent", "is_frozen")

    def delete_clip(self, clip: Clip, /) -> None:
        self._rules.call()
        self.arrangement_clips.remove(clip)

    def duplicate_clip_to_arrangement(self, clip: Clip, beats: float, /) -> Clip:
        self._rules.call()
        assert 0 <= beats <= LATEST_BEATS
        n_beats = (
            clip.loop_end - clip.loop_start
            if clip.looping
            else (clip.end_marker - clip.start_marker)
        )
        if not clip.warping:
            n_beats *= self.canonical_parent.tempo / 60
        own = {
            "is_arrangement_clip": True,
            "start_time": beats,
            "end_time": beats + n_beats,
            "canonical_parent": self,
        }
        made = Clip(self._rules, clip._warps.copy(), **{**clip._values, **own})
        self.arrangement_clips.append(made)
        return made


class NewTrack(Track):
    """With the function that came with 11.3.43 and 12.0.5."""

    def create_audio_clip(self, path: str, beats: float, /) -> Clip:
        self._rules.call()
        if not 0 <= beats <= LATEST_BEATS:
            raise RuntimeError("outside of the arrangement")
        n_beats = soundfile.info(path).duration * self.canonical_parent.tempo / 60
        own = {"is_arrangement_clip": True, "start_time": beats, "end_time": beats + n_beats}
        made = new_clip(self._rules, path, self, self.canonical_parent.tempo, **own)
        self.arrangement_clips.append(made)
        return made


class LimitationError(Exception):
    """As `Live.Base` has it."""


class Song(LiveObject):
    read_only = (
        *("tempo", "signature_numerator", "signature_denominator", "file_path", "tracks"),
        *("loop", "loop_start", "loop_length"),
    )

    def create_audio_track(self, index: int, /) -> Track:
        self._rules.call()
        assert -1 <= index <= len(self.tracks)
        if len(self.tracks) >= self._rules.most_tracks:
            raise LimitationError("the maximum number of tracks is reached")
        track = self._new_track("Audio")
        self.tracks.insert(index if index >= 0 else len(self.tracks), track)
        return track

    def delete_track(self, index: int, /) -> None:
        self._rules.call()
        del self.tracks[index]

    def begin_undo_step(self) -> None:
        self._rules.read()
        assert not self._rules.is_stepping, "an undo step in an undo step"
        self._rules.is_stepping = True
        self._rules.changes = 0

    def end_undo_step(self) -> None:
        self._rules.read()
        assert self._rules.is_stepping, "no undo step is open"
        self._rules.is_stepping = False
        if self._rules.changes:
            self._rules.undo.append("step")

    def _new_track(self, name: str) -> Track:
        is_new = self.__dict__["_is_new"]
        kind, slot_kind = (NewTrack, NewClipSlot) if is_new else (Track, ClipSlot)
        values = {"name": name, "color": 0, "clip_slots": [], "arrangement_clips": []}
        track = kind(self._rules, canonical_parent=self, is_frozen=False, **values)
        for _ in range(2):
            slot = slot_kind(self._rules, clip=None, canonical_parent=track)
            track.clip_slots.append(slot)
        return track

    def _has(self, name: str) -> bool:
        return super()._has("file_path of a Set" if name == "file_path" else name)

    @property
    def view(self) -> SimpleNamespace:
        view: SimpleNamespace = self.__dict__["_view"]
        return view


class FakeLive:
    """One running Live with one Set: the module `Live` and the instance that a script is given."""

    def __init__(self, file: str, version: tuple[int, int, int] = (12, 0, 5)) -> None:
        self.rules = Rules(version)
        values = {"tempo": 120.0, "signature_numerator": 4, "signature_denominator": 4}
        brace = {"loop": False, "loop_start": 0.0, "loop_length": 4.0}
        self.set = Song(self.rules, file_path=file, tracks=[], **values, **brace)
        view = SimpleNamespace(detail_clip=None, highlighted_clip_slot=None, selected_track=None)
        self.set.__dict__.update(_is_new=can_create_clips(version), _view=view)
        self.messages: list[str] = []
        self.log: list[str] = []
        self.mapped: list[tuple[int, int]] = []
        major, minor, bugfix = version
        application = SimpleNamespace(
            get_major_version=lambda: major,
            get_minor_version=lambda: minor,
            get_bugfix_version=lambda: bugfix,
        )
        self.module = SimpleNamespace(
            Application=SimpleNamespace(get_application=lambda: application),
            Clip=SimpleNamespace(WarpMarker=WarpMarker),
            MidiMap=SimpleNamespace(
                forward_midi_cc=lambda _, __, channel, control: self.mapped.append(
                    (channel, control)
                )
            ),
        )
        self.instance = SimpleNamespace(
            song=lambda: self.set,
            show_message=self.messages.append,
            log_message=self.log.append,
            handle=lambda: 1,
            instance_identifier=lambda: 7,
        )

    def track(self, name: str) -> Track:
        """Adds a track, as the user would."""
        track = self.set._new_track(name)
        self.set.tracks.append(track)
        return track

    def arrange(self, track: Track, file: Path, beats: float, n_beats: float, **more: Any) -> Clip:
        """Adds a selected clip to the arrangement, as the user would."""
        own = {"is_arrangement_clip": True, "start_time": beats, "end_time": beats + n_beats}
        clip = new_clip(self.rules, str(file), track, self.set.tempo, **own, **more)
        track.arrangement_clips.append(clip)
        self.set.view.detail_clip = clip
        return clip

    def brace(self, start: float, length: float) -> None:
        """Switches the loop brace on, as the user would."""
        self.set._values.update(loop=True, loop_start=start, loop_length=length)

    def tick(self, surface: Any) -> None:
        """A tenth of a second in Live."""
        self.rules.n_calls = 0
        surface.update_display()
        for change in self.rules.deferred:
            change()
        self.rules.deferred.clear()
