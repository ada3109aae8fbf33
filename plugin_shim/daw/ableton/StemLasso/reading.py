"""The selected clip, as what to separate; or in words why it cannot be.

An unwarped clip is cut out of its file bit for bit. A warped one is sent as its whole file, because
warp markers speak of the file: the stems keep its time base, get the same markers and lie the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .cutting import cut, find_samples
from .exchange import HOST
from .warping import counts_per_second, markers_of, time_at

if TYPE_CHECKING:
    import Live

_LOOKS = ("gain", "pitch_coarse", "pitch_fine")
_ENDS = ("looping", "loop_start", "loop_end", "start_marker", "end_marker")
_NEAR = 1e-6
_USUAL_RATE_HZ = 44_100.0


class Refused(Exception):
    """Why a clip cannot be separated, and what to do."""


def selected_clip(song: Live.Song.Song) -> Live.Clip.Clip:
    """The clip that the user has in front of them. Raises Refused."""
    clip = song.view.detail_clip
    if clip is None:
        slot = song.view.highlighted_clip_slot
        # None on the main and return tracks, whatever the stubs say
        clip = slot.clip if slot is not None and slot.has_clip else None
    if clip is None:
        raise Refused("select an audio clip first")
    return checked(clip)


def track_clips(song: Live.Song.Song) -> list[Live.Clip.Clip]:
    """The clips in the arrangement of the selected track, within the loop brace when it is on.

    Live tells scripts of one selected clip at most; a track and the brace are what a user can point
    at several with. Raises Refused when there are none.
    """
    track = song.view.selected_track
    clips = list(getattr(track, "arrangement_clips", ()) or ())
    if song.loop:
        end = song.loop_start + song.loop_length
        clips = [
            clip for clip in clips if clip.start_time < end and clip.end_time > song.loop_start
        ]
    if not clips:
        where = "the loop brace" if song.loop else "the arrangement"
        raise Refused(
            f"there is no clip in {where} on '{getattr(track, 'name', '')}'; select its track"
        )
    return sorted(clips, key=lambda clip: clip.start_time)


def checked(clip: Live.Clip.Clip) -> Live.Clip.Clip:
    """The clip itself. Raises Refused when it cannot be separated."""
    if not clip.is_audio_clip:
        raise Refused(f"'{clip.name}' is a MIDI clip; freeze and flatten its track first")
    if clip.is_recording:
        raise Refused(f"'{clip.name}' is being recorded; stop that first")
    if not clip.file_path or not os.path.isfile(clip.file_path):
        raise Refused(f"the file of '{clip.name}' is missing; see File, Manage Files")
    if clip.is_arrangement_clip and clip.looping and _stop_of(clip) > clip.loop_end + _NEAR:
        raise Refused(
            f"'{clip.name}' repeats its loop; consolidate it first (Ctrl/Cmd+J), or capture it "
            "with the plug-in"
        )
    if clip.warping and len(clip.warp_markers) < 2:
        raise Refused(f"'{clip.name}' is warped without markers; switch its Warp off and on again")
    return clip


def track_of(song: Live.Song.Song, clip: Live.Clip.Clip) -> Live.Track.Track | None:
    """The track that holds a clip; None when it is none of the Set's own."""
    parents: list[Any] = [clip.canonical_parent]
    while parents[-1] is not None:  # a slot or a take lane lies in between
        parents.append(getattr(parents[-1], "canonical_parent", None))
    return next((track for track in song.tracks if track in parents), None)


def scene_of(track: Live.Track.Track | None, clip: Live.Clip.Clip) -> int:
    """The number of the scene in which a session clip lies; 0 when it lies in none."""
    for index, slot in enumerate(track.clip_slots if track is not None else ()):
        if slot.has_clip and slot.clip == clip:
            return index
    return 0


def describe(
    song: Live.Song.Song, clip: Live.Clip.Clip, folder: str
) -> tuple[dict[str, Any], dict[str, Any], Iterator[None]]:
    """What is sent for a clip, what is remembered of it, and the work to do before that.

    folder: for a cut, which the work writes.   Raises Refused, and OSError.
    """
    work: Iterator[None] = iter(())
    track = track_of(song, clip)
    record: dict[str, Any] = {
        "track": track.name if track is not None else "",
        "is_arrangement": bool(clip.is_arrangement_clip),
        "is_warped": bool(clip.warping),
        "start_beats": clip.start_time if clip.is_arrangement_clip else 0.0,
        "first": clip.loop_start,
        "scene": 0 if clip.is_arrangement_clip else scene_of(track, clip),
        "looks": {name: _plain(getattr(clip, name)) for name in _LOOKS},
    }
    sent: dict[str, Any] = {
        "path": clip.file_path,
        "name": clip.name or os.path.basename(clip.file_path),
    }
    if clip.warping:
        _keep_warping(clip, record)
    else:
        work = _cut_stretch(clip, folder, sent, record)
    record["file"] = sent["path"]
    sent["origin"] = {"host": HOST, "project": set_of(song), "track": record["track"]}
    if not (clip.warping or clip.pitch_coarse or clip.pitch_fine):
        # such a clip runs in step with the Set, so that its bars are the Set's
        sent["origin"]["tempo_bpm"] = song.tempo
    if clip.is_arrangement_clip:
        # Live's scripts see the tempo of now, not its curve: a place in seconds is for other hosts,
        # ours is in beats.
        sent["origin"]["position_s"] = clip.start_time * 60.0 / song.tempo - record["offset_s"]
    return sent, record, work


def time_in_file(
    song: Live.Song.Song, clip: Live.Clip.Clip, record: dict[str, Any], seconds: float
) -> float:
    """Seconds after the clip's start, as seconds in the file that is sent."""
    if clip.warping:
        return max(_file_time(clip, clip.start_marker + seconds * song.tempo / 60.0), 0.0)
    # transposing an unwarped clip makes it play faster
    speed = 2.0 ** ((clip.pitch_coarse + clip.pitch_fine / 100.0) / 12.0)
    return float(max(record["offset_s"] + seconds * speed, 0.0))


def set_of(song: Live.Song.Song) -> str:
    """The file of the Set; empty while it has not been saved, and in early Live 11."""
    return getattr(song, "file_path", "") or ""


def set_folder(song: Live.Song.Song) -> str | None:
    """Where the Set's stems belong; empty while it has not been saved.

    None in early Live 11, which does not tell scripts where the Set lies.
    """
    if not hasattr(song, "file_path"):
        return None
    file = set_of(song)
    return os.path.join(os.path.dirname(file), "Samples", "StemLasso") if file else ""


def _keep_warping(clip: Live.Clip.Clip, record: dict[str, Any]) -> None:
    """What has to be done to a clip of the whole file so that it plays like this one."""
    record["is_whole"] = True
    record["offset_s"] = _file_time(clip, clip.start_marker)
    record["markers"] = markers_of(clip)
    record["file_end"] = _length_s(clip) * counts_per_second(record["markers"], _rate_hz(clip))
    record["warp"] = {name: _plain(getattr(clip, name)) for name in ("warp_mode", *_ENDS)}
    if clip.is_arrangement_clip and clip.looping:
        # It ends before its loop does, or it was refused. A copy of a loop would be a whole one.
        ends = {"loop_start": clip.start_marker, "loop_end": _stop_of(clip)}
        markers = {"start_marker": clip.start_marker, "end_marker": _stop_of(clip)}
        record["warp"].update(looping=False, **ends, **markers)


def _cut_stretch(
    clip: Live.Clip.Clip, folder: str, sent: dict[str, Any], record: dict[str, Any]
) -> Iterator[None]:
    """Set what is sent to the stretch between the clip's start and end, in seconds of its file."""
    start_s, end_s = clip.loop_start, clip.loop_end
    samples = find_samples(clip.file_path)
    record["offset_s"], record["is_whole"] = 0.0, samples is None
    if samples is None:
        record["offset_s"] = start_s
        record["warp"] = {"start_marker": start_s, "end_marker": end_s}
        return iter(())
    first = max(round(start_s * samples.sample_rate), 0)
    stop = min(round(end_s * samples.sample_rate), samples.n_samples)
    if stop <= first:
        raise Refused(f"'{clip.name}' lies beyond the end of its file")
    if first == 0 and stop == samples.n_samples:
        return iter(())
    if not folder:
        raise Refused(f"save the Set first: the part of '{clip.name}' to separate goes beside it")
    os.makedirs(folder, exist_ok=True)
    suffix = ".wav" if samples.kind == "WAV" else ".aif"
    safe = "".join(" " if sign in '<>:"/\\|?*' else sign for sign in sent["name"])[:80]
    target = os.path.join(folder, safe + suffix)
    sent["path"] = target
    return cut(clip.file_path, samples, first, stop, target)


def _stop_of(clip: Live.Clip.Clip) -> float:
    """The beat of a clip in the arrangement at which it ends, if it did not loop."""
    return clip.start_marker + clip.end_time - clip.start_time


def _file_time(clip: Live.Clip.Clip, beats: float) -> float:
    """Where a beat of a warped clip lies in its file, in seconds."""
    markers = markers_of(clip)
    return time_at(markers, beats) / counts_per_second(markers, _rate_hz(clip))


def _rate_hz(clip: Live.Clip.Clip) -> float:
    """The sample rate of a clip's file, which early Live 11 does not tell."""
    rate_hz = getattr(clip, "sample_rate", 0.0)
    if not rate_hz:
        samples = find_samples(clip.file_path)
        rate_hz = samples.sample_rate if samples is not None else _USUAL_RATE_HZ
    return float(rate_hz)


def _length_s(clip: Live.Clip.Clip) -> float:
    return clip.sample_length / _rate_hz(clip)


def _plain(value: Any) -> bool | int | float:
    return value if isinstance(value, (bool, int, float)) else int(value)
