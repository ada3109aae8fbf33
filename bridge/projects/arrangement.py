"""What a project file holds: tracks with one clip each, read from a timeline manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.errors import NotFound, ProtocolError, VersionMismatch

_MAJOR = "1."


@dataclass(frozen=True, slots=True)
class PlacedClip:
    """A file on the timeline.

    start_samples: of its first sample, from the start of the timeline, at its own rate.
    """

    name: str
    path: Path
    start_samples: int
    length_samples: int
    sample_rate: int
    n_channels: int
    gain_db: float = 0.0

    @property
    def skipped_samples(self) -> int:
        """How much lies before the start of the timeline, where no project can show it."""
        return min(max(-self.start_samples, 0), self.length_samples)

    @property
    def start_s(self) -> Fraction:
        """Where it begins to be heard, in seconds."""
        return Fraction(max(self.start_samples, 0), self.sample_rate)

    @property
    def duration_s(self) -> Fraction:
        """How long it is heard, in seconds."""
        return Fraction(self.length_samples - self.skipped_samples, self.sample_rate)

    @property
    def skipped_s(self) -> Fraction:
        """`skipped_samples` in seconds."""
        return Fraction(self.skipped_samples, self.sample_rate)


@dataclass(frozen=True, slots=True)
class Lane:
    """A track. clips: takes of the same stretch, the first of which is heard."""

    name: str
    colour: str
    mute: bool
    clips: tuple[PlacedClip, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The stems of one job. original: the clip that they were taken out of, muted; or None."""

    job_id: str
    name: str
    original: Lane | None
    stems: tuple[Lane, ...]

    @property
    def sample_rate(self) -> int:
        """Of the stems, in Hz."""
        return self.stems[0].clips[0].sample_rate

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All tracks, from top to bottom."""
        return (*((self.original,) if self.original else ()), *self.stems)


def read_arrangement(manifest: Path) -> Arrangement:
    """The job that a timeline manifest tells of.

    A file that is not where the manifest says is looked for beside the manifest, and in `stems`
    there: folders are moved and copied to other computers.

    Raises NotFound when the manifest or a stem is not there, ProtocolError when it is none.
    """
    try:
        content = json.loads(manifest.read_text("utf-8"))
        if not str(content["manifest"]).startswith(_MAJOR):
            raise VersionMismatch(
                f"{manifest}: version {content['manifest']} of the manifest is not known here; "
                "install a newer StemLasso"
            )
        arrangement = _arrangement(content, manifest.parent)
    except OSError as error:
        raise NotFound(f"{manifest}: it cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"{manifest}: it is no timeline manifest ({error})") from error
    for lane in arrangement.stems:
        for clip in lane.clips:
            if not clip.path.is_file():
                raise NotFound(
                    f"{clip.path}: this stem is not there any more; separate again or move it back",
                    "stem_not_found",
                )
    return arrangement


def _arrangement(content: Mapping[str, Any], folder: Path) -> Arrangement:
    lanes: list[Lane] = []
    for stem in content["stems"]:
        clip = _clip(stem, stem["n_channels"], folder)
        if stem["role"] == "candidate" and lanes:
            first = lanes[0]
            lanes[0] = Lane(first.name, first.colour, first.mute, (*first.clips, clip))
        else:
            lanes.append(Lane(str(stem["track"]), str(stem["colour"]), False, (clip,)))
    if not lanes:
        raise ValueError("there are no stems in it")
    parent = content["parent"]
    original = _clip(parent, lanes[0].clips[0].n_channels, folder)
    name = str(parent.get("track") or parent["name"] or content["group"])
    is_there = original.path.is_file()
    return Arrangement(
        job_id=str(content["job_id"]),
        name=str(content["group"]),
        original=Lane(name, "", True, (original,)) if is_there else None,
        stems=tuple(lanes),
    )


def _clip(found: Mapping[str, Any], n_channels: int, folder: Path) -> PlacedClip:
    clip = PlacedClip(
        name=str(found["name"]),
        path=_where(str(found["file"]), folder),
        start_samples=int(found["start_samples"]),
        length_samples=int(found["length_samples"]),
        sample_rate=int(found["sample_rate"]),
        n_channels=int(n_channels),
        gain_db=float(found.get("gain_db", 0.0)),
    )
    if clip.sample_rate < 1 or clip.length_samples < 1:
        raise ValueError(f"{clip.name!r} has no length")
    return clip


def _where(file: str, folder: Path) -> Path:
    """Where a file of a manifest in `folder` is; where it should be when it is nowhere."""
    named = folder / file  # an absolute path stays as it is
    name = file.replace("\\", "/").rpartition("/")[2]
    places = (named, folder / name, folder / "stems" / name)
    return next((place for place in places if place.is_file()), named)
