"""The timeline manifest: what is in it, and that its document says the same."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from bridge.protocol.values import (
    Clip,
    ClipOrigin,
    Job,
    JobResult,
    Stem,
    WirePrompt,
)
from bridge.timeline import MANIFEST_VERSION, timeline_manifest, write_manifest

from .clips import write_clip
from .desk_driver import driving

CLIP = Clip("c1", "Loop 3", "/session/loop 3.wav", "file", 44_100, 2, 88_200)
STEMS = (
    Stem("target", "Loop 3 - snare.wav", "/out/Loop 3 - snare.wav", 0, 9, "ab", 44_100, 2, 88_200),
    Stem("residual", "r.wav", "/out/r.wav", 0, 9, "cd", 44_100, 2, 88_200),
    Stem("candidate", "t.wav", "/out/t.wav", 1, 9, "ef", 44_100, 2, 88_200, score=0.5),
)
JOB = Job(
    "j1",
    "c1",
    WirePrompt("snare"),
    state="done",
    clip_name="Loop 3",
    created_s=1.0,
    finished_s=2.0,
    result=JobResult(STEMS),
)


def manifest(origin: ClipOrigin, time_reference_samples: int | None = None) -> dict[str, Any]:
    return timeline_manifest(JOB, replace(CLIP, origin=origin), time_reference_samples)


@pytest.mark.parametrize(
    ("origin", "time_reference", "expected"),
    [
        (ClipOrigin(position_s=2.0, position_samples=88_200), None, ("host", 2.0, 88_200)),
        (ClipOrigin(position_samples=44_101), 7, ("host", 44_101 / 44_100, 44_101)),
        (ClipOrigin(position_s=0.1), None, ("host", 0.1, 4410)),
        (ClipOrigin(position_s=-1.0), None, ("host", -1.0, -44_100)),
        (ClipOrigin(), 88_200, ("time_reference", 2.0, 88_200)),
        (ClipOrigin(), None, ("nobody", 0.0, 0)),
    ],
)
def test_stems_lie_where_the_clip_lies(
    origin: ClipOrigin, time_reference: int | None, expected: tuple[str, float, int]
) -> None:
    found = manifest(origin, time_reference)
    assert found["placed_by"] == expected[0]
    for stem in (found["parent"], *found["stems"]):
        assert (stem["start_s"], stem["start_samples"]) == expected[1:]


def test_stems_have_names_tracks_and_colours() -> None:
    target, residual, take = manifest(ClipOrigin())["stems"]
    assert target["file"] == "/out/Loop 3 - snare.wav"
    assert target["name"] == "Loop 3 - snare"
    assert [stem["track"] for stem in (target, residual, take)] == [
        "snare",
        "snare (residual)",
        "snare take 2",
    ]
    assert target["colour"] == take["colour"] != residual["colour"]
    assert re.fullmatch("#[0-9A-F]{6}", target["colour"])
    assert [stem["mute"] for stem in (target, residual, take)] == [False, False, True]
    assert target["length_samples"] == 88_200
    assert target["length_s"] == 2.0


def test_a_manifest_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    path.write_text("old", "utf-8")
    write_manifest(path, manifest(ClipOrigin(project="Lied für Zoë 🎵")))
    assert json.loads(path.read_text("utf-8"))["project"] == "Lied für Zoë 🎵"
    assert list(tmp_path.iterdir()) == [path]


def test_every_finished_job_has_a_manifest_that_names_its_files(tmp_path: Path) -> None:
    origin = ClipOrigin(host="REAPER", track="Drums", position_s=3.5, position_samples=168_000)
    with driving(tmp_path / "store") as desk:
        clip = desk.put(write_clip(tmp_path / "loop.wav"), origin)
        done = desk.result(desk.submit(clip))
    assert done.result is not None
    own = json.loads(Path(done.result.manifest_path).read_text("utf-8"))
    outbox = tmp_path / "store" / "outbox" / f"{done.job_id}.timeline.json"
    assert json.loads(outbox.read_text("utf-8")) == own
    assert own["parent"]["track"] == "Drums"
    for stem in own["stems"]:
        assert soundfile.info(stem["file"]).frames == stem["length_samples"]
        assert (stem["start_s"], stem["start_samples"]) == (3.5, 168_000)


def test_the_document_names_every_field(checkout: Path) -> None:
    text = (checkout / "plugin_shim" / "daw" / "manifest.md").read_text("utf-8")
    assert f"Version {MANIFEST_VERSION}" in text
    documented = set(re.findall(r"^\| `([a-z_0-9]+)` \|", text, re.MULTILINE))
    found = manifest(ClipOrigin())
    assert documented >= set(found) | set(found["parent"]) | set(found["stems"][0])
    (example,) = re.findall(r"```json manifest\n(.*?)```", text, re.DOTALL)
    shown = json.loads(example)
    assert set(shown) == set(found)
    assert set(shown["parent"]) == set(found["parent"])
    assert {key for stem in shown["stems"] for key in stem} == set(found["stems"][0])
