"""Stems into a Live that holds to its rules: new tracks, warp markers, undo steps, versions."""

import json
from pathlib import Path

import numpy as np
import pytest

from . import fake_live
from .fake_warping import Warping
from .live_host import PINS, RATE, Studio, load, read_int32, unwarped, warped, write_loop


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    return write_loop(tmp_path)


def test_stems_of_an_unwarped_clip_stand_below_it(studio: Studio, loop: Path) -> None:
    clip = unwarped(studio, loop, 0.5, 2.5)
    request = studio.separate(mute_original=True)
    studio.desk.finish(request, "j1", n_takes=2)
    studio.ticks()
    names = ["Drums", "snare", "snare (residual)", "snare take 2", "Bass"]
    assert studio.tracks() == names
    assert studio.live.rules.undo == ["step"]
    for track in studio.live.set.tracks[1:4]:
        (stem,) = track.arrangement_clips
        assert (stem.start_time, stem.warping) == (8.0, False)
        assert (stem.gain, stem.pitch_coarse, stem.pitch_fine) == (0.3, -2, 11.0)
        assert not any(slot.has_clip for slot in track.clip_slots)
    assert studio.live.set.tracks[1].color == 0x669BBC
    muted = [track.arrangement_clips[0].muted for track in studio.live.set.tracks[1:4]]
    assert muted == [False, False, True]
    assert clip.muted
    assert "3 stems" in studio.live.messages[-1]
    left = [path.name for path in (studio.desk.store / "outbox").iterdir()]
    assert left == [".Live.clips.json"]


def test_the_original_is_left_alone_unless_asked(studio: Studio, loop: Path) -> None:
    clip = unwarped(studio, loop, 0.0, 4.0)
    before = dict(clip._values)
    request = studio.separate()
    assert request["clip"]["path"] == str(loop)
    studio.desk.finish(request, "j1")
    studio.ticks()
    assert clip._values == before


@pytest.mark.parametrize("keeps_speed", [True, False])
@pytest.mark.parametrize("own", [[(0.0, 0.0)], [(0.5, 0.0), (1.5, 1.2), (3.0, 5.0)]])
def test_a_warped_clip_plays_as_it_did(
    studio: Studio, loop: Path, own: list[tuple[float, float]], keeps_speed: bool
) -> None:
    clip = warped(studio, loop)
    request = studio.separate()
    # stems keep the time base of the whole file
    assert request["clip"]["path"] == str(loop)
    # half a beat after the clip's start, at 120 beats a minute
    assert request["prompt"]["spans"][0]["start_s"] == pytest.approx(clip._warps.seconds_at(1.5))
    studio.desk.finish(request, "j1")

    def auto_warp(warps: Warping) -> None:
        warps.pins, warps.keeps_speed = list(own), keeps_speed

    studio.live.rules.auto_warp = auto_warp
    studio.ticks(160)
    assert studio.tracks() == ["Drums", "snare", "snare (residual)"]
    for made in studio.live.set.tracks[1:]:
        (stem,) = made.arrangement_clips
        assert (stem.start_time, stem.end_time) == (16.0, 20.0)
        assert (stem.warping, stem.warp_mode, stem.looping) == (True, 4, False)
        ends = ("start_marker", "end_marker", "loop_start", "loop_end")
        assert {getattr(stem, name) for name in ends} == {1.0, 5.0}
        assert set(PINS) <= set(stem._warps.pins)
        for beat in np.arange(-0.4, 6.0, 0.1):
            expected_s = clip._warps.seconds_at(beat)
            if 0.0 <= expected_s <= 4.0:
                assert stem._warps.seconds_at(beat) == pytest.approx(expected_s, abs=1e-4)
        assert not any(slot.has_clip for slot in made.clip_slots)
    assert studio.live.rules.undo == ["step"]
    assert not any("not all warp markers" in said for said in studio.live.messages)


def test_markers_that_live_refuses_are_mentioned(studio: Studio, loop: Path) -> None:
    warped(studio, loop)
    studio.desk.finish(studio.separate(), "j1")

    def refuse(warps: Warping) -> None:
        warps.refuses = True

    studio.live.rules.auto_warp = refuse
    studio.ticks(120)
    said = {said for said in studio.live.messages if "not all warp markers" in said}
    assert said
    assert all("capture the clip with the plug-in" in each for each in said)
    assert studio.live.rules.undo == ["step"]


def test_a_looping_clip_that_ends_before_its_loop_keeps_its_length(
    studio: Studio, loop: Path
) -> None:
    warped(studio, loop, looping=True, loop_start=0.0, loop_end=6.0)
    studio.desk.finish(studio.separate(), "j1")
    studio.ticks(120)
    for made in studio.live.set.tracks[1:]:
        (stem,) = made.arrangement_clips
        assert (stem.start_time, stem.end_time, stem.looping) == (16.0, 20.0, False)
        assert (stem.start_marker, stem.end_marker) == (1.0, 5.0)


def test_an_unwarped_stem_that_live_cuts_short_is_made_anew(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.desk.finish(studio.separate(), "j1")
    studio.live.rules.cut_s = 0.25
    studio.ticks(120)
    for made in studio.live.set.tracks[1:3]:
        (stem,) = made.arrangement_clips
        assert (stem.start_time, stem.end_time, stem.warping) == (8.0, 12.0, False)
        assert not any(slot.has_clip for slot in made.clip_slots)


def test_a_clip_that_was_moved_takes_its_stems_with_it(studio: Studio, loop: Path) -> None:
    clip = unwarped(studio, loop, 0.5, 2.5)
    studio.desk.finish(studio.separate(), "j1")
    clip._values.update(start_time=24.0, end_time=28.0)
    studio.ticks(120)
    (stem,) = studio.live.set.tracks[1].arrangement_clips
    assert stem.start_time == 24.0


def test_stems_that_live_refuses_leave_nothing(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.desk.finish(studio.separate(), "j1")
    studio.live.rules.most_tracks = 3
    studio.ticks(60)
    assert studio.tracks() == ["Drums", "Bass"]
    assert "the maximum number of tracks is reached" in studio.live.messages[-1]
    assert str(studio.desk.store / "jobs") in studio.live.messages[-1]
    assert not studio.live.rules.is_stepping


def test_a_clip_on_a_frozen_track_stays_audible(studio: Studio, loop: Path) -> None:
    clip = unwarped(studio, loop, 0.0, 4.0)
    studio.live.set.tracks[0]._values["is_frozen"] = True
    studio.desk.finish(studio.separate(mute_original=True), "j1")
    studio.ticks(120)
    assert len(studio.tracks()) == 4
    assert not clip.muted
    assert any("'Drums' is frozen" in said for said in studio.live.messages)


def test_a_session_loop_comes_back_into_its_scene(studio: Studio, loop: Path) -> None:
    track = studio.live.track("Drums")
    slot = track.clip_slots[1]
    ends = {"looping": True, "loop_start": 2.0, "loop_end": 6.0}
    slot._values["clip"] = fake_live.new_clip(studio.live.rules, str(loop), slot, 120.0, **ends)
    studio.live.set.view.highlighted_clip_slot = slot
    request = studio.separate()
    assert "position_s" not in request["clip"]["origin"]
    studio.desk.finish(request, "j1")
    studio.ticks(120)
    for made in studio.live.set.tracks[1:]:
        assert made.arrangement_clips == []
        assert [each.has_clip for each in made.clip_slots] == [False, True]
        stem = made.clip_slots[1].clip
        assert (stem.looping, stem.loop_start, stem.loop_end) == (True, 2.0, 6.0)


VERSIONS = {
    (11, 0, 0): False,
    (11, 3, 2): False,
    (11, 3, 42): False,
    (11, 3, 43): True,
    (12, 0, 0): False,
    (12, 0, 4): False,
    (12, 0, 5): True,
    (12, 3, 0): True,
    (12, 3, 6): True,
}


@pytest.mark.parametrize(("version", "can"), VERSIONS.items())
def test_each_version_inserts_or_says_where_to_drop(
    tmp_path: Path, loop: Path, version: tuple[int, int, int], can: bool
) -> None:
    studio = Studio(tmp_path, version)
    unwarped(studio, loop, 0.5, 2.5, beats=9.5)
    request = studio.separate()
    cut = Path(request["clip"]["path"])
    assert len(read_int32(cut)) == 2 * RATE
    # early Live 11 does not say where the Set lies
    knows_set = version > (11, 0, 0)
    beside = Path(studio.live.set._values["file_path"]).parent if knows_set else studio.home
    assert cut.is_relative_to(beside)
    assert bool(request["clip"]["origin"]["project"]) == knows_set
    studio.desk.finish(request, "j1")
    studio.ticks()
    assert (len(studio.tracks()) == 4) == can
    said = studio.live.messages[-1]
    if not can:
        assert "'snare', 'snare (residual)' at 3.2.3" in said
        assert str(studio.desk.store / "jobs") in said
        assert studio.live.rules.undo == []


@pytest.mark.parametrize(("version", "can"), VERSIONS.items())
def test_each_version_reads_a_warped_clip(
    tmp_path: Path, loop: Path, version: tuple[int, int, int], can: bool
) -> None:
    studio = Studio(tmp_path, version)
    clip = warped(studio, loop)
    request = studio.separate()
    assert request["prompt"]["spans"][0]["start_s"] == pytest.approx(clip._warps.seconds_at(1.5))
    studio.desk.finish(request, "j1")
    studio.ticks(120)
    assert (studio.tracks() == ["Drums", "snare", "snare (residual)"]) == can


def test_a_warped_clip_that_cannot_be_inserted_is_to_be_captured(
    tmp_path: Path, loop: Path
) -> None:
    studio = Studio(tmp_path, (12, 0, 0))
    studio.live.arrange(studio.live.track("A"), loop, 0, 8.0)
    studio.desk.finish(studio.separate(), "j1")
    studio.ticks()
    assert "capture the clip with the plug-in" in studio.live.messages[-1]


def test_a_failed_job_leaves_no_undo_step(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    request = studio.separate()
    studio.desk.answer(request, "failed", error={"code": "x", "message": "say where it is"})
    studio.ticks(20)
    assert "say where it is" in studio.live.messages[-1]
    assert studio.live.rules.undo == []
    assert studio.tracks() == ["Drums", "Bass"]


def test_a_missing_stem_changes_nothing(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    manifest = studio.desk.finish(studio.separate(), "j1")
    Path(json.loads(manifest.read_text("utf-8"))["stems"][1]["file"]).unlink()
    studio.ticks()
    assert "a stem is gone" in studio.live.messages[-1]
    assert studio.tracks() == ["Drums", "Bass"]


def test_finished_stems_are_inserted_after_a_restart(
    studio: Studio, loop: Path, tmp_path: Path
) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.desk.finish(studio.separate(), "j1")
    again = load().Surface(studio.live.instance, studio.live.module, folder=str(studio.settings))
    studio.surface.disconnect()
    studio.surface = again
    studio.command(do="insert")
    studio.ticks()
    assert studio.tracks() == ["Drums", "snare", "snare (residual)", "Bass"]
    studio.command(do="insert")
    studio.ticks()
    assert "nothing is finished" in studio.live.messages[-1]
    assert studio.live.rules.undo == ["step"]


def test_closing_the_set_ends_the_undo_step(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.desk.finish(studio.separate(), "j1")
    while not studio.live.rules.is_stepping:
        studio.ticks(1)
    studio.surface.disconnect()
    assert not studio.live.rules.is_stepping
    studio.ticks(20)
