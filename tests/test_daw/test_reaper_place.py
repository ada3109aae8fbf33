"""Stems back into REAPER: where the item lies, in one undo step, with the original untouched."""

import json
from pathlib import Path

import pytest

from .reaper_host import INSERT, OPEN, RATE, Desk, Reaper, ask, module, names, wait


def test_stems_stand_under_the_original(reaper: Reaper, desk: Desk, loop: Path) -> None:
    drums, bass = reaper.track("Drums", D_VOL=0.5, D_PAN=-0.25), reaper.track("Bass")
    fades = {"D_FADEINLEN": 0.25, "C_FADEOUTSHAPE": 3, "D_FADEOUTLEN_AUTO": 0.1}
    take = {"D_STARTOFFS": 0.5, "D_VOL": 0.7, "D_PAN": 0.1, "D_PITCH": 2, "I_CHANMODE": 1}
    reaper.item(drums, loop, take, D_POSITION=12.5, D_LENGTH=1.0, D_VOL=0.8, **fades)
    (request,) = ask(reaper)
    before = reaper.tracks()
    assert wait(reaper) == 1
    manifest = json.loads(desk.finish(request, "j1").read_text("utf-8"))
    assert wait(reaper) == 0
    after = reaper.tracks()
    assert names(reaper) == ["Drums", "Drums stems", "snare", "snare (residual)", "Bass"]
    assert [after[0], after[4]] == before
    assert [track["I_FOLDERDEPTH"] for track in after] == [0, 1, 0, -1, 0]
    assert (after[1]["D_VOL"], after[1]["D_PAN"]) == (0.5, -0.25)
    assert after[2]["I_CUSTOMCOLOR"] == 0x66 | 0x9B << 8 | 0xBC << 16 | 0x1000000
    for track, stem in zip(after[2:4], manifest["stems"], strict=True):
        (item,) = track["items"]
        assert (item["D_POSITION"], item["D_LENGTH"]) == (12.5, 1.0)
        assert item["D_VOL"] == 0.8
        assert item["B_LOOPSRC"] == 0
        assert {name: item[name] for name in fades} == fades
        (placed,) = item["takes"]
        assert placed["file"] == stem["file"]
        # the clip was cut at the item's own start
        assert {**take, "D_STARTOFFS": 0} == {name: placed[name] for name in take}
    assert reaper.undo_steps == ["StemLasso: insert stems of loop"]
    assert list((desk.store / "outbox").iterdir()) == []
    assert reaper.kept[0][0] == "StemLasso placed"
    assert bass.numbers.D_VOL == 1


def test_play_rate_and_part_of_a_sample_are_kept(reaper: Reaper, desk: Desk, loop: Path) -> None:
    take = {"D_STARTOFFS": 0.5 + 0.25 / RATE, "D_PLAYRATE": 1.5, "B_PPITCH": 0}
    reaper.item(reaper.track("A"), loop, take, D_POSITION=3.0, D_LENGTH=0.5)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    wait(reaper)
    placed = reaper.tracks()[2]["items"][0]
    assert placed["D_POSITION"] == 3.0
    assert placed["takes"][0]["D_STARTOFFS"] == pytest.approx(0.25 / RATE, abs=1e-12)
    assert placed["takes"][0]["D_PLAYRATE"] == 1.5
    assert placed["takes"][0]["B_PPITCH"] == 0


def test_a_rendered_item_comes_back_at_rate_one(reaper: Reaper, desk: Desk, loop: Path) -> None:
    take = {"D_STARTOFFS": 0.5, "D_PLAYRATE": 2.0, "D_PITCH": -3}
    reaper.item(reaper.track("A"), loop, take, D_POSITION=3.0, D_LENGTH=2.0)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    wait(reaper)
    placed = reaper.tracks()[2]["items"][0]
    assert (placed["D_POSITION"], placed["D_LENGTH"]) == (3.0, 2.0)
    found = placed["takes"][0]
    assert (found["D_STARTOFFS"], found["D_PLAYRATE"], found["D_PITCH"]) == (0, 1, 0)


def test_an_item_that_was_moved_keeps_its_stems_with_it(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    first, second = reaper.track("A"), reaper.track("B")
    item = reaper.item(first, loop, D_POSITION=3.0, D_LENGTH=2.0)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    item.numbers.D_POSITION = 7.0
    item.track, first["items"][1], second["items"][1] = second, None, item
    wait(reaper)
    assert names(reaper) == ["A", "B", "A stems", "snare", "snare (residual)"]
    assert reaper.tracks()[3]["items"][0]["D_POSITION"] == 7.0


def test_stems_follow_an_item_that_was_trimmed_or_slowed_down(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    take = {"D_STARTOFFS": 0.5}
    item = reaper.item(reaper.track("A"), loop, take, D_POSITION=3.0, D_LENGTH=1.0)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    # moved to 8.0, then 0.25 s trimmed off its left edge, then played at half the speed
    item.numbers.D_POSITION = 8.25
    item.active.numbers.D_STARTOFFS = 0.75
    item.active.numbers.D_PLAYRATE = 0.5
    item.numbers.D_FADEINLEN = 0.2
    wait(reaper)
    placed = reaper.tracks()[2]["items"][0]
    assert (placed["D_POSITION"], placed["D_LENGTH"]) == (8.25 - 0.25 / 0.5, 2.0)
    assert placed["D_FADEINLEN"] == 0.2
    assert placed["takes"][0]["D_PLAYRATE"] == 0.5


VOLUME = "<VOLENV\nACT 1 -1\nPT 0.5 0.25 0\nPT 1.5 1 0\n>\n"
PITCH = "<PITCHENV\nPT 0 2 0\n>\n"


@pytest.mark.parametrize(
    ("is_reversed", "expected"),
    [
        (False, VOLUME + PITCH),
        (True, "<VOLENV\nACT 1 -1\nPT 0.25 0.25 0\nPT 0.75 1 0\n>\n"),
    ],
)
def test_take_envelopes_go_with_the_stems(
    reaper: Reaper, desk: Desk, loop: Path, is_reversed: bool, expected: str
) -> None:
    source = reaper.fake.wave(str(loop))
    source = reaper.fake.reversed(source) if is_reversed else source
    item = reaper.item(reaper.track("A"), source, {"D_PLAYRATE": 2.0}, D_LENGTH=1.0)
    item.active.envelopes = VOLUME.replace("ACT", "EGUID {x}\nACT") + PITCH
    (request,) = ask(reaper, "snare", "", "", "2", "n")
    desk.finish(request, "j1", n_takes=2)
    wait(reaper)
    placed = reaper.fake.tracks[3]["items"][1]
    assert [take.envelopes for take in placed.takes.values()] == [expected, expected]
    assert reaper.fake.is_active(placed.takes[1])
    assert len(reaper.undo_steps) == 1


def test_envelopes_are_those_of_the_take_that_was_sent(reaper: Reaper) -> None:
    envelopes = module(reaper.lua, "envelopes")
    item = (
        "<ITEM\nIGUID {i}\nGUID {a}\n<SOURCE WAVE\nFILE a\n>\n<PANENV\nPT 0 1 0\n>\nTAKE\n"
        "GUID {b}\n<SOURCE SECTION\n<SOURCE WAVE\nFILE b\n>\n>\n<MUTEENV\nPT 1 0 1\n>\n>\n"
    )
    assert envelopes.of(item, "{a}", True, 0, 1) == "<PANENV\nPT 0 1 0\n>\n"
    assert envelopes.of(item, "{b}", True, 1, 0.5) == "<MUTEENV\nPT 1 0 1\n>\n"
    assert envelopes.of(item, "{c}", True, 0, 1) == ""
    assert envelopes.of(item[:-6], "{b}", True, 0, 1) == ""


@pytest.mark.parametrize(
    "function",
    [
        *("InsertTrackAtIndex", "AddMediaItemToTrack", "AddTakeToMediaItem"),
        *("SetMediaItemTake_Source", "SetMediaItemInfo_Value", "SetMediaItemTakeInfo_Value"),
        *("SetMediaTrackInfo_Value", "GetSetMediaTrackInfo_String", "SetActiveTake"),
    ],
)
@pytest.mark.parametrize("call", [1, 2])
def test_everything_or_nothing(
    reaper: Reaper, desk: Desk, loop: Path, function: str, call: int
) -> None:
    reaper.track("Band", I_FOLDERDEPTH=1)
    reaper.item(reaper.track("Drums", I_FOLDERDEPTH=-1), loop, D_LENGTH=2.0)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    before = reaper.fake.describe()
    reaper.fake.failing = function
    reaper.fake.failing_call = reaper.fake.calls[function] or 0
    reaper.fake.failing_call += call
    with pytest.raises(Exception, match=f"{function} failed"):
        wait(reaper)
    assert reaper.fake.describe() == before
    assert reaper.undo_steps == []
    assert reaper.fake.refresh == 0
    assert len(list(reaper.fake.loose_sources)) == 0


def test_an_item_that_is_gone_gets_its_stems_where_it_was(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    track = reaper.track("A")
    reaper.item(track, loop, D_POSITION=3.0, D_LENGTH=2.0)
    (request,) = ask(reaper, "snare", "", "", "1", "y")
    desk.finish(request, "j1")
    track["items"][1] = None
    wait(reaper)
    assert names(reaper) == ["A", "A stems", "snare", "snare (residual)"]
    assert reaper.tracks()[2]["items"][0]["D_POSITION"] == 3.0


def test_takes_become_takes_and_the_original_is_muted_when_asked(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    reaper.item(reaper.track("A"), loop, D_POSITION=3.0, D_LENGTH=2.0)
    (request,) = ask(reaper, "snare", "", "", "3", "y")
    desk.finish(request, "j1", n_takes=3)
    wait(reaper)
    tracks = reaper.tracks()
    assert names(reaper) == ["A", "A stems", "snare", "snare (residual)"]
    assert tracks[0]["items"][0]["B_MUTE"] == 1
    takes = tracks[2]["items"][0]["takes"]
    assert [take["is_active"] for take in takes] == [True, False, False]
    assert takes[2]["name"] == "loop - snare take 3"
    assert len(reaper.undo_steps) == 1


def test_several_items_share_tracks_unless_they_overlap(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    track = reaper.track("A")
    for position_s in (0.0, 2.0, 3.0):
        reaper.item(track, loop, D_POSITION=position_s, D_LENGTH=2.0)
    for number, request in enumerate(ask(reaper)):
        desk.finish(request, f"j{number}")
        wait(reaper)
    tracks = {track["name"]: track for track in reaper.tracks()}
    assert names(reaper).count("A stems") == 1
    placed = [
        [item["D_POSITION"] for item in track["items"]]
        for track in reaper.tracks()
        if track["name"] == "snare"
    ]
    assert sorted(placed) == [[0.0, 2.0], [3.0]]
    assert [track["I_FOLDERDEPTH"] for track in reaper.tracks()] == [0, 1, 0, 0, 0, -1]
    assert len(reaper.undo_steps) == 3
    assert set(tracks) == {"A", "A stems", "snare", "snare (residual)"}


def test_stems_stay_in_the_folder_of_the_original(reaper: Reaper, desk: Desk, loop: Path) -> None:
    reaper.track("Band", I_FOLDERDEPTH=1)
    reaper.item(reaper.track("Drums", I_FOLDERDEPTH=-1), loop, D_LENGTH=2.0)
    reaper.track("Voice")
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    wait(reaper)
    depths = [(track["name"], track["I_FOLDERDEPTH"]) for track in reaper.tracks()]
    assert depths == [
        ("Band", 1),
        ("Drums", 0),
        ("Drums stems", 1),
        ("snare", 0),
        ("snare (residual)", -2),
        ("Voice", 0),
    ]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_no_stems_leave_no_undo_step(reaper: Reaper, desk: Desk, loop: Path, state: str) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    before = reaper.fake.describe()
    (request,) = ask(reaper)
    error = {"error": {"code": "prompt_needs_spans", "message": "say where it is"}}
    desk.answer(request, "queued", job_id="j1")
    assert wait(reaper) == 1
    desk.answer(request, state, job_id="j1", **(error if state == "failed" else {}))
    assert wait(reaper) == 0
    assert ("say where it is" if state == "failed" else "cancelled") in reaper.console
    assert reaper.fake.describe() == before
    assert reaper.undo_steps == []
    assert reaper.kept == []


def test_a_missing_stem_leaves_the_project_as_it_was(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    before = reaper.fake.describe()
    (request,) = ask(reaper)
    path = desk.finish(request, "j1")
    Path(json.loads(path.read_text("utf-8"))["stems"][1]["file"]).unlink()
    assert wait(reaper) == 0
    assert "a stem is gone" in reaper.console
    assert reaper.fake.describe() == before
    assert reaper.undo_steps == []


def test_finished_stems_are_inserted_after_a_restart(
    reaper: Reaper, desk: Desk, loop: Path, tmp_path: Path
) -> None:
    track = reaper.track("A")
    reaper.item(track, loop, D_POSITION=1.0, D_LENGTH=2.0)
    reaper.item(track, loop, D_POSITION=5.0, D_LENGTH=2.0)
    first, second = ask(reaper)
    reaper.fake.deferred = reaper.table()  # REAPER was closed, the project was saved
    desk.finish(first, "j1")
    desk.answer(second, "failed", error={"code": "x", "message": "no such sound"})
    reaper.run(INSERT)
    assert names(reaper) == ["A", "A stems", "snare", "snare (residual)"]
    assert reaper.boxes == ["no such sound"]
    reaper.run(INSERT)
    assert reaper.boxes[-1] == "Nothing is finished for this project."
    assert len(reaper.undo_steps) == 1


def test_stems_of_the_panel_are_inserted_as_often_as_they_are_made(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    reaper.item(reaper.track("A"), loop, {"D_PLAYRATE": 2.0}, D_POSITION=1.0, D_LENGTH=1.0)
    reaper.run(OPEN)
    (request,) = reaper.requests()
    for job_id in ("j1", "j2"):
        desk.finish(request, job_id)
        reaper.run(INSERT)
    placed = [track for track in reaper.tracks() if track["name"] == "target"]
    assert len(placed) == 2
    assert all(track["items"][0]["takes"][0]["D_PLAYRATE"] == 2.0 for track in placed)


def test_only_what_is_of_this_project_is_inserted(reaper: Reaper, desk: Desk, loop: Path) -> None:
    origin = {"host": "REAPER", "project": "", "track": "A", "position_s": -0.5}
    clip = {"path": str(loop), "name": "loop", "origin": origin}
    for number, (host, project) in enumerate(
        [("REAPER", ""), ("REAPER", "/other.rpp"), ("Live", str(reaper.project_file))]
    ):
        changed = {**clip, "origin": {**origin, "host": host, "project": project}}
        desk.finish({"clip": changed, "name": f"x{number}"}, f"j{number}")
    reaper.run(INSERT)
    assert names(reaper) == []
    ours = {**clip, "origin": {**origin, "project": str(reaper.project_file)}}
    desk.finish({"clip": ours, "name": "own"}, "j9")
    reaper.run(INSERT)
    assert names(reaper) == ["loop stems", "target", "target (residual)"]
    item = reaper.tracks()[1]["items"][0]
    assert (item["D_POSITION"], item["takes"][0]["D_STARTOFFS"]) == (0, 0.5)


def test_what_is_no_manifest_is_named(reaper: Reaper, desk: Desk) -> None:
    outbox = desk.store / "outbox"
    (outbox / "j1.timeline.json").write_text("{", "utf-8")
    (outbox / "j2.timeline.json").write_text('{"manifest": "2.0"}', "utf-8")
    (outbox / ".j3.timeline.json").write_text("{", "utf-8")
    reaper.run(INSERT)
    (box,) = reaper.boxes
    assert "j1.timeline.json: it is no manifest" in box
    assert "stemlasso install" in box
    assert "j3" not in box


def test_the_folder_sounds_as_the_originals_track_does(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    manner = {"I_PANMODE": 5, "D_WIDTH": 0.5, "D_PANLAW": 0.7, "B_PHASE": 1, "I_NCHAN": 6}
    track = reaper.track("A", D_PAN=0.25, C_BEATATTACHMODE=2, **manner)
    take = {"D_PANLAW": 0.5, "I_PITCHMODE": 0x90000}
    reaper.item(track, loop, take, D_LENGTH=2.0, C_BEATATTACHMODE=1)
    (request,) = ask(reaper)
    desk.finish(request, "j1", n_takes=2)
    wait(reaper)
    _, folder, *stems = reaper.tracks()
    assert {name: folder[name] for name in manner} == manner
    assert folder["D_PAN"] == 0.25
    for stem in stems:
        assert (stem["I_NCHAN"], stem["D_PANLAW"], stem["D_PAN"], stem["B_PHASE"]) == (6, 1, 0, 0)
        assert stem["C_BEATATTACHMODE"] == 2
        (item,) = stem["items"]
        assert item["C_BEATATTACHMODE"] == 1
        assert all({name: each[name] for name in take} == take for each in item["takes"])
    assert len(list(reaper.fake.loose_sources)) == 0


def test_an_older_reaper_lacks_fields_and_sources(reaper: Reaper, desk: Desk, loop: Path) -> None:
    reaper.fake.missing_fields = reaper.table(I_PANLAW_FLAGS=True, D_WIDTH=True)
    reaper.fake.sources_given = False
    reaper.item(reaper.track("A", B_PHASE=1), loop, D_LENGTH=2.0)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    wait(reaper)
    assert reaper.tracks()[1]["B_PHASE"] == 1
    assert len(list(reaper.fake.loose_sources)) == 0
