"""A finished job on disk, to be exported: a manifest with real files beside it."""

import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import rpp
import soundfile

from bridge.__main__ import main
from bridge.timeline import MANIFEST_VERSION

RATE = 44_100


def make_session(parent: Path) -> Path:
    """A manifest of two stems and a further take, in a folder of its own."""
    folder = parent / "Lied für Zoë"
    folder.mkdir()
    for number, name in enumerate(("loop 3.wav", 'snare "hot".wav', "rest.wav", "take 2.wav")):
        soundfile.write(folder / name, np.full((RATE, 2), number / 8), RATE, "PCM_24")
    return write_manifest(folder, 600_001)


def write_manifest(folder: Path, start: int, **changes: Any) -> Path:
    stem = {
        "take": 0,
        "colour": "#669BBC",
        "start_s": start / RATE,
        "start_samples": start,
        "length_s": 1.0,
        "length_samples": RATE,
        "sample_rate": RATE,
        "n_channels": 2,
        "gain_db": 0.0,
        "mute": False,
        "score": None,
        "group": "Loop 3",
    }
    manifest = {
        "manifest": MANIFEST_VERSION,
        "job_id": "j1",
        "group": "Loop 3",
        "parent": {**stem, "name": "Loop 3", "file": str(folder / "loop 3.wav"), "track": "Drums"},
        "stems": [
            named(stem, "target", folder / 'snare "hot".wav', 'snare "hot"'),
            named(stem, "residual", folder / "rest.wav", "snare (residual)", colour="#8A8F98"),
            named(stem, "candidate", folder / "take 2.wav", "snare take 2", take=1, gain_db=-6.0),
        ],
        **changes,
    }
    path = folder / "timeline.json"
    path.write_text(json.dumps(manifest), "utf-8")
    return path


def named(
    stem: dict[str, Any], role: str, file: Path, track: str, **changes: Any
) -> dict[str, Any]:
    own = {"role": role, "file": str(file), "name": file.stem, "track": track}
    return {**stem, **own, **changes}


def values(element: Any, tag: str) -> list[str]:
    """The values of the first line `tag` directly in an element."""
    found = next(each for each in element if isinstance(each, list) and each[0] == tag)
    return [str(each) for each in found[1:]]


def exported_rpp(session: Path, target: Path, *options: str) -> Any:
    assert main(["export", str(session), "--rpp", str(target), *options]) == 0
    text = target.read_text("utf-8")
    project = rpp.loads(text)
    # the parser's own writer leaves needless quotes out; what it read must be the same
    assert rpp.dumps(rpp.loads(rpp.dumps(project))) == rpp.dumps(project)
    return project


def dawproject(session: Path, target: Path) -> tuple[ElementTree.Element, zipfile.ZipFile]:
    assert main(["export", str(session), "--dawproject", str(target)]) == 0
    archive = zipfile.ZipFile(target)
    assert archive.testzip() is None
    return ElementTree.fromstring(archive.read("project.xml")), archive
