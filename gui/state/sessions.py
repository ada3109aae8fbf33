"""What was drawn and typed for a clip, kept on disk moments after each change."""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bridge.protocol.values import (
    QUALITIES,
    RESIDUAL_MODES,
    SEPARATORS,
    STEREO_MODES,
    JobOptions,
)

from .draft import Draft
from .masks import MaskKey
from .places import Places, read_json, write_json
from .spans import SpanMark

VERSION = 1
_CHOICES = {
    "separator": SEPARATORS,
    "quality": QUALITIES,
    "stereo": STEREO_MODES,
    "residual": RESIDUAL_MODES,
}


@dataclass(frozen=True, slots=True)
class Session:
    """A draft and what was looked at. job_id: of the result on the screen, empty for none."""

    draft: Draft = field(default_factory=Draft)
    job_id: str = ""
    selection: tuple[float, float] | None = None
    is_looping: bool = False
    playhead_s: float = 0.0


class Sessions:
    """One file per clip."""

    def __init__(self, places: Places) -> None:
        self._folder = places.config / "sessions"

    def path_of(self, sound: Path) -> Path:
        """The file for a clip, named after where the clip lies."""
        text = str(sound.resolve()).encode("utf-8", "surrogatepass")
        return self._folder / f"{hashlib.sha256(text).hexdigest()[:32]}.json"

    def save(self, sound: Path, session: Session) -> None:
        """Keep it. Raises OSError."""
        write_json(self.path_of(sound), {"version": VERSION, "clip": str(sound), **asdict(session)})

    def load(self, sound: Path) -> Session | None:
        """What was kept, `None` when there is nothing or it is not understood."""
        content = read_json(self.path_of(sound))
        try:
            return _session(content) if content and content["version"] == VERSION else None
        except (KeyError, TypeError, ValueError):
            return None


def _session(content: dict[str, Any]) -> Session:
    selection = content["selection"]
    return Session(
        draft=_draft(content["draft"]),
        job_id=str(content["job_id"]),
        selection=(float(selection[0]), float(selection[1])) if selection else None,
        is_looping=bool(content["is_looping"]),
        playhead_s=float(content["playhead_s"]),
    )


def _draft(content: dict[str, Any]) -> Draft:
    return Draft(
        description=str(content["description"]),
        spans=tuple(
            SpanMark(
                float(each["start_s"]),
                float(each["end_s"]),
                _sign(each["sign"]),
                each["origin"],
                float(each.get("score", 0.0)),
            )
            for each in content["spans"]
        ),
        options=_options(content["options"]),
        video_path=str(content["video_path"]),
        mask_path=str(content["mask_path"]),
        masks=tuple(
            MaskKey(
                float(each["time_s"]),
                str(each["kind"]),
                tuple((float(x), float(y)) for x, y in each["points"]),
                float(each["radius"]),
            )
            for each in content["masks"]
        ),
        gains_db=tuple((str(name), float(gain)) for name, gain in content["gains_db"]),
    )


def _sign(sign: Any) -> str:
    if sign not in ("+", "-"):
        raise ValueError(sign)
    return str(sign)


def _options(content: dict[str, Any]) -> JobOptions:
    for name, allowed in _CHOICES.items():
        if content[name] not in allowed:
            raise ValueError(content[name])
    return JobOptions(
        separator=content["separator"],
        quality=content["quality"],
        n_candidates=int(content["n_candidates"]),
        seed=int(content["seed"]),
        stereo=content["stereo"],
        residual=content["residual"],
        presence_gate=float(content["presence_gate"]),
    )
