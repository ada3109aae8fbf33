"""The timeline manifest of a finished job: which stem goes where. `plugin_shim/daw/manifest.md`.

Read by scripts inside DAWs that know JSON and nothing of ours, so every value is there and plain.
"""

import hashlib
from pathlib import Path
from typing import Any

from .atomic import write_json
from .protocol.values import Clip, Job, Stem

MANIFEST_VERSION = "1.0"

_COLOURS = (
    *("#E4572E", "#F3A712", "#A8C686", "#669BBC", "#7A5195", "#EF5675"),
    *("#2A9D8F", "#BC5090", "#5C80BC", "#C8963E", "#3F7D20", "#8D6B94"),
)
_RESIDUAL_COLOUR = "#8A8F98"


def timeline_manifest(job: Job, clip: Clip, time_reference_samples: int | None) -> dict[str, Any]:
    """The manifest of a finished job as JSON values.

    time_reference_samples: of the clip's Broadcast Wave file, used where no host said where the
        clip lies.
    """
    assert job.result is not None, "only a finished job has stems to place"
    placed_by, start_s, start_samples = _start(clip, time_reference_samples)
    group = _group(job)
    return {
        "manifest": MANIFEST_VERSION,
        "job_id": job.job_id,
        "submitted_s": job.created_s,
        "finished_s": job.finished_s,
        "host": clip.origin.host,
        "project": clip.origin.project,
        "group": group,
        "parent": {
            "clip_id": clip.clip_id,
            "name": clip.name,
            "file": clip.path,
            "track": clip.origin.track,
            "start_s": start_s,
            "start_samples": start_samples,
            "length_samples": clip.n_samples,
            "sample_rate": clip.sample_rate,
        },
        "placed_by": placed_by,
        "stems": [_stem(stem, job, group, (start_s, start_samples)) for stem in job.result.stems],
    }


def time_reference(clip: Clip, own_samples: int | None) -> int:
    """What Broadcast Wave stems of `clip` say of their start, in samples; 0 at the earliest.

    own_samples: the clip's own time reference, which holds where no host said where the clip lies.
    """
    return max(_start(clip, own_samples)[2], 0)


def write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    """Put a manifest at `path`; a reader sees all of it or none. Raises OSError."""
    write_json(path, manifest)


def _start(clip: Clip, time_reference_samples: int | None) -> tuple[str, float, int]:
    """Who knows where the clip starts, and where: in seconds and in samples of the clip."""
    origin, rate = clip.origin, clip.sample_rate
    if origin.position_samples is not None:
        seconds = origin.position_s
        if seconds is None:
            seconds = origin.position_samples / rate
        return "host", seconds, origin.position_samples
    if origin.position_s is not None:
        return "host", origin.position_s, round(origin.position_s * rate)
    if time_reference_samples is not None:
        return "time_reference", time_reference_samples / rate, time_reference_samples
    return "nobody", 0.0, 0


def _stem(stem: Stem, job: Job, group: str, start: tuple[float, int]) -> dict[str, Any]:
    said = " ".join(job.prompt.description.split()) or "target"
    take = f" take {stem.index + 1}" if stem.index else ""
    track = f"{said} (residual)" if stem.role == "residual" else f"{said}{take}"
    return {
        "role": stem.role,
        "take": stem.index,
        "file": stem.path,
        "name": Path(stem.name).stem,
        "track": track,
        "colour": _RESIDUAL_COLOUR if stem.role == "residual" else _colour(said),
        "start_s": start[0],
        "start_samples": start[1],
        "length_s": stem.n_samples / stem.sample_rate,
        "length_samples": stem.n_samples,
        "sample_rate": stem.sample_rate,
        "n_channels": stem.n_channels,
        "gain_db": 0.0,
        "mute": stem.role == "candidate",
        "score": stem.score,
        "n_bytes": stem.n_bytes,
        "sha256": stem.sha256,
        "group": group,
    }


def _group(job: Job) -> str:
    """The same for all stems of one clip, so that a script can put them into one folder track."""
    return job.clip_name or job.clip_id


def _colour(description: str) -> str:
    """The same sound has the same colour in every project."""
    digest = hashlib.sha256(description.casefold().encode("utf-8")).digest()
    return _COLOURS[digest[0] % len(_COLOURS)]
