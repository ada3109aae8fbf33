"""Stems onto new tracks below the original, in one undo step, one call of Live's per tick.

Live lets a script change one thing at a time; a track that was just made can be used in the next
tick. So the work is a generator: it yields wherever the next tick has to come first.
"""

import os

_NEAR = 1e-9
_BY_CAPTURE = "capture the clip with the plug-in, as it sounds"


class NotPlaced(Exception):
    """Stems could not be placed; the message says where they belong instead."""


def can_create_clips(version):
    """Whether this Live lets a script make audio clips. version: (major, minor, bugfix)."""
    return (11, 3, 43) <= version < (12, 0, 0) or version >= (12, 0, 5)


def by_hand(song, manifest, record):
    """Where to drop each stem, in words."""
    beats = _start_beats(song, manifest, record)
    bar = _bar(song, beats)
    names = ", ".join(f"'{stem['track']}'" for stem in manifest["stems"])
    where = f"at {bar}" if record is None or record["is_arrangement"] else "into a free slot"
    folder = os.path.dirname(manifest["stems"][0]["file"])
    said = f"drop {names} {where}, each on a new track; the files are in {folder}"
    if record is not None and record["is_warped"]:
        said += f"; the clip is warped: copy its markers to them, or {_BY_CAPTURE}"
    return said


def place(live, song, manifest, record, original):
    """Place all stems of a manifest; a generator that yields once per tick.

    live: the module `Live`; record: how the clip lay (see reading.py), or None; original: the clip,
    if it is still there.
    Raises NotPlaced before anything is changed.
    """
    for stem in manifest["stems"]:
        if not os.path.isfile(stem["file"]):
            raise NotPlaced(f"a stem is gone: {stem['file']}")
    song.begin_undo_step()
    try:
        index = _index_below(song, manifest, record, original)
        for number, stem in enumerate(manifest["stems"]):
            song.create_audio_track(index + number)
            yield
            track = song.tracks[index + number]
            track.name = stem["track"]
            track.color = int(stem["colour"].lstrip("#"), 16)
            yield from _fill(live, song, track, stem, manifest, record)
        if original is not None and record is not None and record.get("mutes"):
            original.muted = True
    finally:
        song.end_undo_step()


def _fill(live, song, track, stem, manifest, record):
    """Put a stem onto its new track."""
    beats = _start_beats(song, manifest, record)
    if record is None or (record["is_arrangement"] and not record["is_whole"]):
        clip = track.create_audio_clip(stem["file"], max(beats, 0.0))
        _dress(clip, stem, record)
        yield
        return
    # What is trimmed, looped or warped is made in a slot, where all of that can be set.
    slot = track.clip_slots[record["scene"]]
    clip = slot.create_audio_clip(stem["file"])
    yield
    _dress(clip, stem, record)
    if record["is_whole"]:
        yield from _warp(live, clip, record)
    if record["is_arrangement"]:
        track.duplicate_clip_to_arrangement(clip, beats)
        yield
        slot.delete_clip()
        yield


def _dress(clip, stem, record):
    # A new clip is warped or not as the user's preferences say; a stem must lie as its original.
    clip.warping = bool(record is not None and record["is_warped"])
    clip.name = stem["name"]
    if record is not None:
        for name, value in record["looks"].items():
            setattr(clip, name, value)
    clip.muted = bool(stem["mute"])


def _warp(live, clip, record):
    """Give a clip the markers, loop and ends that its original has."""
    if record["is_warped"]:
        clip.warp_mode = record["warp"]["warp_mode"]
        yield from _set_markers(live, clip, record["markers"])
    wanted = dict(record["warp"])
    wanted.pop("warp_mode", None)
    if "looping" in wanted:
        clip.looping = wanted.pop("looping")
    # An end before the start is refused, so the one that moves outwards goes first.
    for start, end in (("start_marker", "end_marker"), ("loop_start", "loop_end")):
        if end in wanted:
            names = (end, start) if wanted[end] > getattr(clip, start) else (start, end)
            for name in names:
                setattr(clip, name, wanted[name])
    yield


def _set_markers(live, clip, wanted):
    """Make the warp markers of `clip` the wanted ones: [sample time, beat time] each.

    Live keeps the last marker of a clip for itself and may refuse to change it; what could not be
    set is said, in the last thing that is yielded.
    """
    if _same(clip.warp_markers, wanted):
        return
    there = [marker.sample_time for marker in clip.warp_markers]
    for sample_time, beat_time in wanted:
        if not _is_near(sample_time, there):
            yield _tried(clip.add_warp_marker, live.Clip.WarpMarker(sample_time, beat_time))
    for sample_time, beat_time in wanted:
        for marker in clip.warp_markers:
            off = beat_time - marker.beat_time
            if abs(marker.sample_time - sample_time) < _NEAR and abs(off) > _NEAR:
                yield _tried(clip.move_warp_marker, marker.beat_time, off)
    for marker in list(clip.warp_markers):
        if not _is_near(marker.sample_time, [sample_time for sample_time, _ in wanted]):
            yield _tried(clip.remove_warp_marker, marker.beat_time)
    if not _same(clip.warp_markers, wanted):
        yield (
            f"not all warp markers of '{clip.name}' could be set; compare them with the original, "
            f"or {_BY_CAPTURE}"
        )


def _tried(change, *arguments):
    try:
        change(*arguments)
    except RuntimeError:
        pass


def _is_near(sample_time, others):
    return any(abs(sample_time - other) < _NEAR for other in others)


def _same(markers, wanted):
    return len(markers) == len(wanted) and all(
        abs(marker.sample_time - sample_time) < _NEAR and abs(marker.beat_time - beat_time) < _NEAR
        for marker, (sample_time, beat_time) in zip(markers, wanted)
    )


def _index_below(song, manifest, record, original):
    """Where tracks below the original go: by the clip itself, or by its track's name."""
    tracks = list(song.tracks)
    name = record["track"] if record is not None else manifest["parent"]["track"]
    for index, track in enumerate(tracks):
        if original is not None and _holds(track, original):
            return index + 1
    for index, track in enumerate(tracks):
        if name and track.name == name:
            return index + 1
    return len(tracks)


def _holds(track, clip):
    parent = clip.canonical_parent
    return parent == track or getattr(parent, "canonical_parent", None) == track


def _start_beats(song, manifest, record):
    if record is not None:
        return record["start_beats"]
    return manifest["parent"]["start_s"] * song.tempo / 60.0


def _bar(song, beats):
    """A place as Live shows it: bar.beat.sixteenth."""
    numerator, denominator = song.signature_numerator, song.signature_denominator
    units = beats * denominator / 4.0
    bar, rest = divmod(units, numerator)
    beat, part = divmod(rest, 1.0)
    return f"{int(bar) + 1}.{int(beat) + 1}.{int(part * 16 / denominator) + 1}"
