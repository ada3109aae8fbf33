"""Stems onto new tracks below the original, in one undo step, one call of Live's per tick.

Live lets a script change one thing at a time, and does some changes after the script's turn only
(switching Warp, which turns all places of a clip from beats into seconds). So the work is a
generator: it yields wherever the next tick has to come first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .reading import scene_of, track_of
from .warping import warp_alike

if TYPE_CHECKING:
    import Live

_NEAR_S = 1e-3
_NEAR = 1e-6


class NotPlaced(Exception):
    """Stems could not be placed; the message says where they belong instead."""


def can_create_clips(version: tuple[int, int, int]) -> bool:
    """Whether this Live lets a script make audio clips. version: (major, minor, bugfix)."""
    return (11, 3, 43) <= version < (12, 0, 0) or version >= (12, 0, 5)


def by_hand(song: Live.Song.Song, manifest: dict[str, Any], record: dict[str, Any] | None) -> str:
    """Where to drop each stem, in words."""
    beats = _start_beats(song, manifest, record, None)
    names = ", ".join(f"'{stem['track']}'" for stem in manifest["stems"])
    where = "into a free slot"
    if record is None or record["is_arrangement"]:
        where = f"at {_bar(song, beats)}"
    folder = os.path.dirname(manifest["stems"][0]["file"])
    said = f"drop {names} {where}, each on a new track; the files are in {folder}"
    if record is not None and record["is_warped"]:
        said += (
            "; the clip is warped: copy its markers to them, or capture the clip with the plug-in, "
            "as it sounds"
        )
    return said


def place(
    live: Any,
    song: Live.Song.Song,
    manifest: dict[str, Any],
    record: dict[str, Any] | None,
    original: Live.Clip.Clip | None,
) -> Iterator[str | None]:
    """Place all stems of a manifest; a generator that yields once per tick, now and then a message.

    live: the module `Live`; record: how the clip lay (see reading.py), or None; original: the clip,
    if it is still there.
    Raises NotPlaced when a stem is gone or Live refuses one; then no track is left.
    """
    for stem in manifest["stems"]:
        if not os.path.isfile(stem["file"]):
            raise NotPlaced(f"a stem is gone: {stem['file']}")
    made: list[Live.Track.Track] = []
    song.begin_undo_step()
    try:
        for stem in manifest["stems"]:
            index = _index_below(song, manifest, record, original, made)
            track = song.create_audio_track(index)
            made.append(track)
            yield None
            track.name = stem["track"]
            track.color = _colour(stem)
            yield from _fill(live, song, track, stem, manifest, record, original)
        if original is not None and record is not None and record.get("mutes"):
            yield from _mute(song, original)
    except Exception as error:  # Live has errors of its own, such as one for too many tracks
        yield from _take_away(song, made)
        raise NotPlaced(
            f"Live refused to insert the stems ({error}); nothing was inserted. They are in "
            f"{os.path.dirname(manifest['stems'][0]['file'])}"
        ) from error
    finally:
        song.end_undo_step()


def _fill(
    live: Any,
    song: Live.Song.Song,
    track: Live.Track.Track,
    stem: dict[str, Any],
    manifest: dict[str, Any],
    record: dict[str, Any] | None,
    original: Live.Clip.Clip | None,
) -> Iterator[str | None]:
    """Put a stem onto its new track."""
    beats = max(_start_beats(song, manifest, record, original), 0.0)
    is_arrangement = record is None or bool(record["is_arrangement"])
    if is_arrangement and (record is None or not record["is_whole"]):
        clip = track.create_audio_clip(stem["file"], beats)
        yield None
        yield from _dress(clip, stem, record)
        if abs(clip.loop_end - clip.loop_start - stem["length_s"]) < _NEAR_S:
            return
        # Where switching Warp off has cut it short, it is made anew, in a slot.
        track.delete_clip(clip)
        yield None
    # What is trimmed, looped or warped is made in a slot, where all of that can be set.
    slot = track.clip_slots[_scene(song, record, original)]
    clip = slot.create_audio_clip(stem["file"])
    yield None
    yield from _dress(clip, stem, record)
    if record is not None and record["is_whole"]:
        yield from _lay(live, clip, record)
    if is_arrangement:
        track.duplicate_clip_to_arrangement(clip, beats)
        yield None
        slot.delete_clip()
        yield None


def _dress(
    clip: Live.Clip.Clip, stem: dict[str, Any], record: dict[str, Any] | None
) -> Iterator[None]:
    # A new clip is warped or not as the user's preferences say; a stem must lie as its original.
    clip.warping = record is not None and bool(record["is_warped"])
    yield  # Live switches it after the script's turn
    clip.name = stem["name"]
    clip.color = _colour(stem)
    if record is not None:
        for name, value in record["looks"].items():
            setattr(clip, name, value)
    clip.muted = bool(stem["mute"])
    yield


def _lay(live: Any, clip: Live.Clip.Clip, record: dict[str, Any]) -> Iterator[str | None]:
    """Give a clip of a whole file the markers, loop and ends that its original has."""
    wanted = dict(record["warp"])
    if record["is_warped"]:
        clip.warp_mode = wanted.pop("warp_mode")
        yield from warp_alike(live, clip, record["markers"], record.get("file_end", 0.0))
    if "looping" in wanted:
        clip.looping = wanted.pop("looping")
        yield None
    # An end before the start is refused, so the one that moves outwards goes first.
    for start, end in (("start_marker", "end_marker"), ("loop_start", "loop_end")):
        if end in wanted:
            names = (end, start) if wanted[end] > getattr(clip, start) else (start, end)
            for name in names:
                setattr(clip, name, wanted[name])
    yield None


def _mute(song: Live.Song.Song, original: Live.Clip.Clip) -> Iterator[str | None]:
    track = track_of(song, original)
    if track is not None and track.is_frozen:
        yield f"'{track.name}' is frozen, so that '{original.name}' could not be muted"
    else:
        original.muted = True


def _take_away(song: Live.Song.Song, made: list[Live.Track.Track]) -> Iterator[None]:
    for track in reversed(made):
        for index, each in enumerate(song.tracks):
            if each == track:
                yield  # what failed was this tick's change
                song.delete_track(index)
                break


def _index_below(
    song: Live.Song.Song,
    manifest: dict[str, Any],
    record: dict[str, Any] | None,
    original: Live.Clip.Clip | None,
    made: list[Live.Track.Track],
) -> int:
    """Where the next track goes: below the last one, the clip itself, or a track of its name."""
    tracks = list(song.tracks)
    above = made[-1] if made else None
    if above is None and original is not None:
        above = track_of(song, original)
    for index, track in enumerate(tracks):
        if above is not None and track == above:
            return index + 1
    name = record["track"] if record is not None else manifest["parent"]["track"]
    for index, track in enumerate(tracks):
        if name and track.name == name:
            return index + 1
    return len(tracks)


def _start_beats(
    song: Live.Song.Song,
    manifest: dict[str, Any],
    record: dict[str, Any] | None,
    original: Live.Clip.Clip | None,
) -> float:
    if record is None:
        return float(manifest["parent"]["start_s"] * song.tempo / 60.0)
    # It may have been moved since; one that was trimmed no longer starts where its stems do.
    if (
        original is not None
        and record["is_arrangement"]
        and abs(original.loop_start - record.get("first", original.loop_start)) < _NEAR
    ):
        return original.start_time
    return float(record["start_beats"])


def _scene(
    song: Live.Song.Song, record: dict[str, Any] | None, original: Live.Clip.Clip | None
) -> int:
    if record is None or record["is_arrangement"]:
        return 0
    if original is not None:
        return scene_of(track_of(song, original), original)
    return int(record["scene"])


def _colour(stem: dict[str, Any]) -> int:
    return int(stem["colour"].lstrip("#"), 16)


def _bar(song: Live.Song.Song, beats: float) -> str:
    """A place as Live shows it: bar.beat.sixteenth."""
    numerator, denominator = song.signature_numerator, song.signature_denominator
    units = beats * denominator / 4.0
    bar, rest = divmod(units, numerator)
    beat, part = divmod(rest, 1.0)
    return f"{int(bar) + 1}.{int(beat) + 1}.{int(part * 16 / denominator) + 1}"
