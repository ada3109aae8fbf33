"""A DAWproject of a finished job: the open exchange format that Bitwig, Studio One and Cubase read.

One ZIP file with `project.xml`, `metadata.xml` and the audio itself. Positions are in seconds, so
no tempo can move a stem.
"""

import importlib.metadata
import os
import re
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from bridge.stem_names import safe_name

from .arrangement import Arrangement, Lane, PlacedClip

_FORMAT_VERSION = "1.0"
_CENTRE = "0.5"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_dawproject(arrangement: Arrangement, stream: BinaryIO, tempo_bpm: float = 120.0) -> None:
    """Write the whole file. Raises OSError."""
    names = _names(arrangement)
    project = _Project(arrangement, names).xml(tempo_bpm)
    metadata = ElementTree.Element("MetaData")
    ElementTree.SubElement(metadata, "Title").text = _plain(arrangement.name)
    ElementTree.SubElement(metadata, "Comment").text = f"StemLasso job {arrangement.job_id}"
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.xml", _text(project))
        archive.writestr("metadata.xml", _text(metadata))
        for path, name in names.items():
            # Audio hardly shrinks, and hosts read it in place.
            archive.write(path, name, zipfile.ZIP_STORED)


class _Project:
    def __init__(self, arrangement: Arrangement, names: dict[Path, str]) -> None:
        self._arrangement, self._names = arrangement, names
        self._n_ids = 0

    def xml(self, tempo_bpm: float) -> ElementTree.Element:
        root = ElementTree.Element("Project", version=_FORMAT_VERSION)
        _add(root, "Application", name="StemLasso", version=_own_version())
        transport = _add(root, "Transport")
        tempo = {"min": "20", "max": "666", "unit": "bpm", "value": f"{tempo_bpm:.14g}"}
        _add(transport, "Tempo", name="Tempo", id=self._id(), **tempo)
        _add(transport, "TimeSignature", numerator="4", denominator="4", id=self._id())
        structure = _add(root, "Structure")
        master = self._id()
        tracks = self._tracks(structure, master)
        top = _add(structure, "Track", name="Master", contentType="audio", id=self._id())
        self._channel(top, "master", 2, identity=master)
        arrangement = _add(root, "Arrangement", id=self._id())
        lanes = _add(arrangement, "Lanes", timeUnit="seconds", id=self._id())
        for lane, track in tracks:
            own = _add(lanes, "Lanes", track=track, id=self._id())
            clips = _add(own, "Clips", id=self._id())
            self._clip(clips, lane.clips[0], lane.colour)
        return root

    def _tracks(self, structure: ElementTree.Element, master: str) -> list[tuple[Lane, str]]:
        """Add a track for each lane, and a muted one for each further take of it."""
        made = []
        if self._arrangement.original is not None:
            lane = self._arrangement.original
            made.append((lane, self._track(structure, lane, master)))
        name = f"{self._arrangement.name} stems"
        folder = _add(structure, "Track", name=name, contentType="tracks", id=self._id())
        for lane in self._arrangement.stems:
            for take, clip in enumerate(lane.clips):
                named = lane.name if not take else f"{lane.name} take {take + 1}"
                alone = Lane(named, lane.colour, lane.mute or take > 0, (clip,))
                made.append((alone, self._track(folder, alone, master)))
        return made

    def _track(self, parent: ElementTree.Element, lane: Lane, master: str) -> str:
        identity = self._id()
        track = _add(
            parent, "Track", name=lane.name, contentType="audio", loaded="true", id=identity
        )
        if lane.colour:
            track.set("color", lane.colour.lower())
        clip = lane.clips[0]
        volume = 10 ** (clip.gain_db / 20)
        channel = self._channel(track, "regular", clip.n_channels, lane.mute, volume)
        channel.set("destination", master)
        return identity

    def _channel(
        self,
        track: ElementTree.Element,
        role: str,
        n_channels: int,
        mute: bool = False,
        volume: float = 1.0,
        identity: str = "",
    ) -> ElementTree.Element:
        channel = _add(track, "Channel", role=role, audioChannels=str(n_channels), solo="false")
        channel.set("id", identity or self._id())
        _add(channel, "Mute", name="Mute", value=str(mute).lower(), id=self._id())
        pan = {"min": "0", "max": "1", "unit": "normalized", "value": _CENTRE}
        _add(channel, "Pan", name="Pan", id=self._id(), **pan)
        gain = {"min": "0", "max": "2", "unit": "linear", "value": f"{volume:.14g}"}
        _add(channel, "Volume", name="Volume", id=self._id(), **gain)
        return channel

    def _clip(self, clips: ElementTree.Element, clip: PlacedClip, colour: str) -> None:
        placed = _add(
            clips,
            "Clip",
            name=clip.name,
            time=_seconds(clip.start_s),
            duration=_seconds(clip.duration_s),
            contentTimeUnit="seconds",
            playStart=_seconds(clip.skipped_s),
        )
        if colour:
            placed.set("color", colour.lower())
        audio = _add(
            placed,
            "Audio",
            id=self._id(),
            algorithm="raw",
            channels=str(clip.n_channels),
            sampleRate=str(clip.sample_rate),
            duration=_seconds(Fraction(clip.length_samples, clip.sample_rate)),
        )
        _add(audio, "File", path=self._names[clip.path])

    def _id(self) -> str:
        self._n_ids += 1
        return f"id{self._n_ids}"


def _names(arrangement: Arrangement) -> dict[Path, str]:
    """Where each file lies in the ZIP: no two at the same place, and names for every system."""
    names: dict[Path, str] = {}
    for lane in arrangement.lanes:
        for clip in lane.clips:
            base, suffix = safe_name(clip.path.stem) or "clip", clip.path.suffix
            suffix = f".{safe_name(suffix)}" if safe_name(suffix) else ""
            name, number = f"audio/{base}{suffix}", 1
            while name.casefold() in {each.casefold() for each in names.values()}:
                number += 1
                name = f"audio/{base} {number}{suffix}"
            names.setdefault(clip.path, name)
    return names


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    plain = {name: _plain(value) for name, value in attributes.items()}
    return ElementTree.SubElement(parent, tag, plain)


def _plain(text: str) -> str:
    """Without the characters that no XML file can hold: a file name may have them."""
    return _NOT_IN_XML.sub(" ", text)


def _seconds(value: Fraction) -> str:
    return f"{float(value):.14f}".rstrip("0").rstrip(".") or "0"


def _text(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + os.linesep.encode()


def _own_version() -> str:
    try:
        return importlib.metadata.version("stemlasso")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
