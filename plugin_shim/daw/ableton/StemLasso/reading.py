"""The selected clip, as what to separate; or in words why it cannot be.

An unwarped clip is cut out of its file bit for bit. A warped one is sent as its whole file, because
warp markers speak of the file: the stems keep its time base, get the same markers and lie the same.
"""

import os

from .cutting import cut, find_samples
from .exchange import HOST

_LOOKS = ("gain", "pitch_coarse", "pitch_fine")
_WARPED_LOOKS = ("warp_mode", "looping", "loop_start", "loop_end", "start_marker", "end_marker")
_NEAR = 1e-6


class Refused(Exception):
    """Why a clip cannot be separated, and what to do."""


def selected_clip(song):
    """The clip that the user has in front of them. Raises Refused."""
    clip = song.view.detail_clip
    if clip is None:
        slot = song.view.highlighted_clip_slot
        clip = slot.clip if slot is not None and slot.has_clip else None
    if clip is None:
        raise Refused("select an audio clip first")
    return checked(clip)


def track_clips(song):
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


def checked(clip):
    """The clip itself. Raises Refused when it cannot be separated."""
    if not clip.is_audio_clip:
        raise Refused(f"'{clip.name}' is a MIDI clip; freeze and flatten its track first")
    if not clip.file_path or not os.path.isfile(clip.file_path):
        raise Refused(f"the file of '{clip.name}' is missing; see File, Manage Files")
    if clip.is_arrangement_clip and clip.looping:
        n_loop = clip.loop_end - clip.loop_start
        if clip.end_time - clip.start_time > n_loop + _NEAR:
            raise Refused(
                f"'{clip.name}' repeats its loop; consolidate it first (Ctrl/Cmd+J), or capture it "
                "with the plug-in"
            )
    return clip


def track_of(song, clip):
    """The track that holds a clip; None when it is none of the Set's own."""
    found = clip.canonical_parent
    while found is not None and found not in list(song.tracks):
        found = getattr(found, "canonical_parent", None)
    return found


def describe(song, clip, folder):
    """What is sent for a clip, and what is remembered of it; a cut goes into `folder`.

    Raises Refused, and OSError where the cut cannot be written.
    """
    track = track_of(song, clip)
    record = {
        "track": track.name if track is not None else "",
        "is_arrangement": bool(clip.is_arrangement_clip),
        "is_warped": bool(clip.warping),
        "start_beats": clip.start_time if clip.is_arrangement_clip else 0.0,
        "scene": 0 if clip.is_arrangement_clip else _scene_of(track, clip),
        "looks": {name: _plain(getattr(clip, name)) for name in _LOOKS},
    }
    sent = {"path": clip.file_path, "name": clip.name or os.path.basename(clip.file_path)}
    if clip.warping:
        record["is_whole"] = True
        record["offset_s"] = _file_time(clip, clip.start_marker)
        record["warp"] = {name: _plain(getattr(clip, name)) for name in _WARPED_LOOKS}
        record["markers"] = [[m.sample_time, m.beat_time] for m in clip.warp_markers]
    else:
        _cut_stretch(clip, folder, sent, record)
    record["file"] = sent["path"]
    sent["origin"] = {"host": HOST, "project": _set_of(song), "track": record["track"]}
    if not (clip.warping or clip.pitch_coarse or clip.pitch_fine):
        # such a clip runs in step with the Set, so that its bars are the Set's
        sent["origin"]["tempo_bpm"] = song.tempo
    if clip.is_arrangement_clip:
        # Live's scripts see the tempo of now, not its curve: a place in seconds is for other hosts,
        # ours is in beats.
        sent["origin"]["position_s"] = clip.start_time * 60.0 / song.tempo - record["offset_s"]
    return sent, record


def time_in_file(song, clip, record, seconds):
    """Seconds after the clip's start, as seconds in the file that is sent."""
    if clip.warping:
        return max(_file_time(clip, clip.start_marker + seconds * song.tempo / 60.0), 0.0)
    # transposing an unwarped clip makes it play faster
    speed = 2.0 ** ((clip.pitch_coarse + clip.pitch_fine / 100.0) / 12.0)
    return max(record["offset_s"] + seconds * speed, 0.0)


def set_folder(song):
    """Where the Set's stems belong; empty while the Set has not been saved."""
    file = _set_of(song)
    return os.path.join(os.path.dirname(file), "Samples", "StemLasso") if file else ""


def _cut_stretch(clip, folder, sent, record):
    """Set what is sent to the stretch between the clip's start and end, in seconds of its file."""
    start_s, end_s = clip.loop_start, clip.loop_end
    samples = find_samples(clip.file_path)
    record["offset_s"], record["is_whole"] = 0.0, samples is None
    if samples is None:
        record["offset_s"] = start_s
        record["warp"] = {"start_marker": start_s, "end_marker": end_s}
        return
    first = max(round(start_s * samples.sample_rate), 0)
    stop = min(round(end_s * samples.sample_rate), samples.n_samples)
    if stop <= first:
        raise Refused(f"'{clip.name}' lies beyond the end of its file")
    if first == 0 and stop == samples.n_samples:
        return
    if not folder:
        raise Refused(f"save the Set first: the part of '{clip.name}' to separate goes beside it")
    os.makedirs(folder, exist_ok=True)
    suffix = ".wav" if samples.kind == "WAV" else ".aif"
    safe = "".join(" " if sign in '<>:"/\\|?*' else sign for sign in sent["name"])[:80]
    target = os.path.join(folder, safe + suffix)
    cut(clip.file_path, samples, first, stop, target)
    sent["path"] = target


def _file_time(clip, beats):
    """Where a beat of a warped clip lies in its file, in seconds.

    Live's documents do not say what `beat_to_sample_time` counts. Samples and seconds are thousands
    apart, so the length of the file tells.
    """
    length_s = clip.sample_length / clip.sample_rate
    counts_samples = abs(clip.beat_to_sample_time(clip.end_marker)) > 100.0 * (length_s + 1.0)
    unit = clip.sample_rate if counts_samples else 1.0
    return float(clip.beat_to_sample_time(beats)) / unit


def _scene_of(track, clip):
    for index, slot in enumerate(track.clip_slots if track is not None else []):
        if slot.has_clip and slot.clip == clip:
            return index
    return 0


def _set_of(song):
    return getattr(song, "file_path", "") or ""


def _plain(value):
    return value if isinstance(value, (bool, int, float)) else int(value)
