"""A REAPER project of a finished job: the original, muted, and a folder with a track per stem.

    Drums            muted; its file where it lies
    Loop 3 stems     folder
      snare          target; other takes of it are takes of its item
      snare (residual)

An RPP file is a tree of lines: `<TAG values`, indented lines and tags, `>`. Each line has the
values that REAPER 6.0 gave it, which later versions read too. Files are named relative to the
project where they lie below its folder, so that both can be moved together.
"""

import re
import uuid
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from bridge.errors import RequestRefused

from .arrangement import Arrangement, Lane, PlacedClip

_FOLDER, _LAST_IN_FOLDER, _PLAIN = "1 1", "2 -1", "0 0"
_CUSTOM_COLOUR = 0x1000000
_SOURCES = {".flac": "FLAC", ".mp3": "MP3", ".ogg": "VORBIS", ".opus": "OPUS"} | dict.fromkeys(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".m4a", ".aac"), "VIDEO"
)
_QUOTES = ('"', "'", "`")
_BARE = re.compile(r"[^\W\d_][\w.:()+-]*")
_CONTROLS = dict.fromkeys([*range(9), *range(14, 32), 127], " ")


def rpp_text(arrangement: Arrangement, folder: Path, tempo_bpm: float = 120.0) -> str:
    """The project as text. folder: where it will be saved.

    Raises RequestRefused for a file whose path no RPP file can name.
    """
    writer = _Writer(arrangement, folder)
    return "".join(f"{line}\n" for line in writer.project(tempo_bpm))


class _Writer:
    def __init__(self, arrangement: Arrangement, folder: Path) -> None:
        self._arrangement, self._folder = arrangement, folder.absolute()
        self._n_items = 0

    def project(self, tempo_bpm: float) -> Iterator[str]:
        arrangement = self._arrangement
        yield '<REAPER_PROJECT 0.1 "6.0/StemLasso" 0'
        yield f"  SAMPLERATE {arrangement.sample_rate} 1 0"
        yield f"  TEMPO {tempo_bpm:.14g} 4 4"
        if arrangement.original is not None:
            yield from self._track(arrangement.original, "original", _PLAIN)
        group = Lane(f"{arrangement.name} stems", "", False, ())
        yield from self._track(group, "folder", _FOLDER)
        for number, lane in enumerate(arrangement.stems, 1):
            is_last = number == len(arrangement.stems)
            yield from self._track(lane, f"stem {number}", _LAST_IN_FOLDER if is_last else _PLAIN)
        yield ">"

    def _track(self, lane: Lane, key: str, bus: str) -> Iterator[str]:
        identity = self._guid(key)
        n_channels = max([2, *(clip.n_channels for clip in lane.clips)])
        yield f"  <TRACK {identity}"
        yield f"    NAME {word(lane.name)}"
        yield f"    PEAKCOL {_colour(lane.colour)}"
        yield "    VOLPAN 1 0 -1 -1 1"
        yield f"    MUTESOLO {int(lane.mute)} 0 0"
        yield f"    ISBUS {bus}"
        yield f"    NCHAN {n_channels + n_channels % 2}"
        yield f"    TRACKID {identity}"
        yield "    MAINSEND 1 0"
        if lane.clips:
            yield from self._item(lane.clips, key)
        yield "  >"

    def _item(self, takes: tuple[PlacedClip, ...], key: str) -> Iterator[str]:
        self._n_items += 1
        first, *others = takes
        yield "    <ITEM"
        yield f"      POSITION {_seconds(first.start_s)}"
        yield "      SNAPOFFS 0"
        yield f"      LENGTH {_seconds(first.duration_s)}"
        yield "      LOOP 0"
        yield "      ALLTAKES 0"
        yield "      FADEIN 1 0 0 1 0 0"
        yield "      FADEOUT 1 0 0 1 0 0"
        yield "      MUTE 0"
        yield "      SEL 0"
        yield f"      IGUID {self._guid(f'{key} item')}"
        yield f"      IID {self._n_items}"
        yield from self._take(first, f"{key} take 1", f"VOLPAN 1 0 {_gain(first)} -1")
        for number, take in enumerate(others, 2):
            yield "      TAKE"
            volume = f"TAKEVOLPAN 0 {_gain(take)} -1"
            yield from self._take(take, f"{key} take {number}", volume)
        yield "    >"

    def _take(self, clip: PlacedClip, key: str, volume: str) -> Iterator[str]:
        yield f"      NAME {word(clip.name)}"
        yield f"      {volume}"
        yield f"      SOFFS {_seconds(clip.skipped_s)}"
        yield "      PLAYRATE 1 1 0 -1 0 0.0025"
        yield "      CHANMODE 0"
        yield f"      GUID {self._guid(key)}"
        yield f"      <SOURCE {_SOURCES.get(clip.path.suffix.lower(), 'WAVE')}"
        yield f"        FILE {quoted(self._named(clip.path))}"
        yield "      >"

    def _named(self, path: Path) -> str:
        path = path.absolute()
        name = str(path.relative_to(self._folder) if path.is_relative_to(self._folder) else path)
        if quoted(name)[1:-1] != name:
            raise RequestRefused(
                f"{name!r}: a REAPER project cannot name a file whose path has line "
                "breaks, control characters or all three of \" ' `; rename it, export a "
                "DAWproject, or leave the original out (--without-original)"
            )
        return name

    def _guid(self, key: str) -> str:
        """The same for the same part of the same job, so that an export can be compared."""
        own = uuid.uuid5(uuid.NAMESPACE_URL, f"stemlasso:{self._arrangement.job_id}:{key}")
        return "{" + str(own).upper() + "}"


def word(text: str) -> str:
    """A value as REAPER writes it: in quotes only where it needs them."""
    return text if _BARE.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """A value in the first kind of quotes that it does not hold itself."""
    line = " ".join(text.translate(_CONTROLS).splitlines())
    for mark in _QUOTES:
        if mark not in line:
            return f"{mark}{line}{mark}"
    return "`" + line.replace("`", "'") + "`"


def _seconds(value: Fraction) -> str:
    """Exact to far below a sample, also after days."""
    text = f"{float(value):.14f}".rstrip("0").rstrip(".")
    return text or "0"


def _gain(clip: PlacedClip) -> str:
    return f"{10 ** (clip.gain_db / 20):.14g}"


def _colour(colour: str) -> int:
    """`#RRGGBB` as REAPER keeps it, blue first; grey where there is none."""
    if not colour:
        return 16576
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return _CUSTOM_COLOUR | blue << 16 | green << 8 | red
