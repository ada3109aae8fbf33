"""Live's Remote Script in a Live that holds to its rules: clips out, stems in, refusals."""

import ast
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.__main__ import main

from . import fake_live
from .fake_live import FakeLive, WarpMarker
from .reaper_host import DAW, Desk
from .serving import serving, until, write_mixture

SCRIPT = DAW / "ableton" / "StemLasso"
RATE = 48_000
NEW = (12, 0, 5)


def load() -> Any:
    """The package as Live would import it, under a name of its own."""
    name = "stemlasso_remote_script"
    spec = importlib.util.spec_from_file_location(
        name, SCRIPT / "__init__.py", submodule_search_locations=[str(SCRIPT)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return package


class Studio:
    """Live with a saved Set, the script, and a desk that answers."""

    def __init__(self, folder: Path, version: tuple[int, int, int] = NEW) -> None:
        self.home = folder / "home"
        self.desk = Desk(self.home)
        set_folder = folder / "Nocturne für Zoë Project"
        set_folder.mkdir()
        self.live = FakeLive(str(set_folder / "Nocturne.als"), version)
        self.settings = folder / "settings"
        self.settings.mkdir()
        own = {"store": str(self.home / "store")}
        (self.settings / "stemlasso.json").write_text(json.dumps(own), "utf-8")
        package = load()
        self.surface = package.Surface(
            self.live.instance, self.live.module, folder=str(self.settings)
        )

    def command(self, **command: Any) -> None:
        path = self.home / "store" / "outbox" / "Live.command.json"
        path.write_text(json.dumps({"command": 1, **command}), "utf-8")

    def ticks(self, n_ticks: int = 60) -> None:
        for _ in range(n_ticks):
            self.live.tick(self.surface)

    def request(self) -> dict[str, Any]:
        (path,) = (self.home / "store" / "inbox").glob("*.json")
        return {**json.loads(path.read_text("utf-8")), "name": path.stem}

    def separate(self, **command: Any) -> dict[str, Any]:
        """Ask for the selected clip to be separated, and take its request."""
        prompt = {"description": "snare", "spans": [{"start_s": 0.25, "end_s": 0.5, "sign": "+"}]}
        self.command(**{"do": "send", "prompt": prompt, **command})
        self.ticks(5)
        return self.request()

    def tracks(self) -> list[str]:
        return [track.name for track in self.live.set.tracks]


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.wav"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (4 * RATE, 2))
    soundfile.write(path, samples, RATE, "PCM_24")
    return path


def read_int32(path: Path) -> np.ndarray:
    with path.open("rb") as stream:
        samples: np.ndarray = soundfile.read(stream, dtype="int32")[0]
    return samples


def unwarped(studio: Studio, loop: Path, start_s: float, end_s: float, beats: float = 8.0) -> Any:
    track = studio.live.track("Drums")
    studio.live.track("Bass")
    ends = {"loop_start": start_s, "loop_end": end_s, "start_marker": start_s, "end_marker": end_s}
    looks = {"gain": 0.3, "pitch_coarse": -2, "pitch_fine": 11.0}
    n_beats = (end_s - start_s) * 2
    return studio.live.arrange(track, loop, beats, n_beats, warping=False, **ends, **looks)


def test_a_clip_that_runs_in_step_with_the_set_says_its_tempo(studio: Studio, loop: Path) -> None:
    track = studio.live.track("Drums")
    studio.live.arrange(track, loop, 8.0, 4.0, warping=False)
    assert studio.separate()["clip"]["origin"]["tempo_bpm"] == studio.live.set.tempo


@pytest.mark.parametrize("suffix", ["wav", "aif"])
def test_an_unwarped_clip_is_cut_bit_for_bit(studio: Studio, loop: Path, suffix: str) -> None:
    whole, _ = soundfile.read(loop, dtype="int32")
    if suffix == "aif":
        loop = loop.with_suffix(".aif")
        soundfile.write(loop, whole, RATE, "PCM_24", format="AIFF")
    unwarped(studio, loop, 0.5, 2.5)
    request = studio.separate()
    cut = Path(request["clip"]["path"])
    assert cut.suffix == f".{suffix}"
    assert cut.is_relative_to(Path(studio.live.set.file_path).parent)
    np.testing.assert_array_equal(read_int32(cut), whole[RATE // 2 : 5 * RATE // 2])
    assert request["clip"]["origin"] == {
        "host": "Live",
        "project": studio.live.set.file_path,
        "track": "Drums",
        "position_s": 4.0,
    }
    (span,) = request["prompt"]["spans"]
    speed = 2 ** (-1.89 / 12)  # transposed down, it plays slower
    assert (span["start_s"], span["end_s"]) == pytest.approx((0.25 * speed, 0.5 * speed))
    assert studio.live.rules.undo == []


def three_clips(studio: Studio, loop: Path) -> Any:
    """Two audio clips of one track and a MIDI clip between them; none is selected."""
    track = studio.live.track("Drums")
    studio.live.arrange(track, loop, 16.0, 8.0, name="last", warping=False, loop_end=4.0)
    studio.live.arrange(track, loop, 8.0, 8.0, name="notes", is_audio_clip=False)
    studio.live.arrange(track, loop, 0.0, 8.0, name="first", warping=False, loop_end=4.0)
    studio.live.set.view.detail_clip = None
    studio.live.set.view.selected_track = track
    return track


def sent(studio: Studio) -> dict[str, dict[str, Any]]:
    paths = sorted((studio.home / "store" / "inbox").glob("*.json"))
    requests = [{**json.loads(path.read_text("utf-8")), "name": path.stem} for path in paths]
    return {request["clip"]["name"]: request for request in requests}


def test_all_clips_of_the_selected_track_go_and_come_back(studio: Studio, loop: Path) -> None:
    track = three_clips(studio, loop)
    studio.command(do="send", which="track", prompt={"description": "snare", "spans": []})
    studio.ticks()
    requests = sent(studio)
    assert set(requests) == {"first", "last"}
    assert any("'notes' is a MIDI clip" in said for said in studio.live.messages)
    for number, request in enumerate(requests.values()):
        studio.desk.finish(request, f"j{number}")
    studio.ticks(120)
    starts = {
        clip.start_time
        for each in studio.live.set.tracks
        if each is not track
        for clip in each.arrangement_clips
    }
    assert starts == {0.0, 16.0}
    assert len(studio.live.rules.undo) == 2


def test_the_loop_brace_says_which_clips_of_the_track(studio: Studio, loop: Path) -> None:
    three_clips(studio, loop)
    studio.live.brace(16.0, 4.0)
    studio.command(do="send", which="track")
    studio.ticks()
    assert set(sent(studio)) == {"last"}
    studio.live.brace(100.0, 4.0)
    studio.command(do="send", which="track")
    studio.ticks()
    assert "no clip in the loop brace on 'Drums'" in studio.live.messages[-1]


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


def test_a_warped_clip_keeps_its_markers(studio: Studio, loop: Path) -> None:
    track = studio.live.track("Drums")
    markers = [WarpMarker(0.0, -0.5), WarpMarker(1.1, 2.0), WarpMarker(4.0, 7.5)]
    ends = {"start_marker": 1.0, "end_marker": 5.0, "loop_start": 1.0, "loop_end": 5.0}
    clip = studio.live.arrange(track, loop, 16.0, 4.0, warp_markers=markers, warp_mode=4, **ends)
    request = studio.separate()
    # stems keep the time base of the whole file
    assert request["clip"]["path"] == str(loop)
    # half a beat after the clip's start, at 120 beats a minute
    expected_s = clip.beat_to_sample_time(1.5) / RATE
    assert request["prompt"]["spans"][0]["start_s"] == pytest.approx(expected_s)
    studio.desk.finish(request, "j1")
    studio.ticks(120)
    assert studio.tracks() == ["Drums", "snare", "snare (residual)"]
    for made in studio.live.set.tracks[1:]:
        (stem,) = made.arrangement_clips
        assert (stem.start_time, stem.end_time) == (16.0, 20.0)
        assert (stem.warping, stem.warp_mode, stem.looping) == (True, 4, False)
        assert {name: getattr(stem, name) for name in ends} == ends
        assert [each.sample_time for each in stem.warp_markers] == [0.0, 1.1, 4.0]
        assert [each.beat_time for each in stem.warp_markers] == [-0.5, 2.0, 7.5]
        assert not any(slot.has_clip for slot in made.clip_slots)
    assert studio.live.rules.undo == ["step"]


def test_markers_that_live_keeps_are_mentioned(studio: Studio, loop: Path) -> None:
    track = studio.live.track("Drums")
    markers = [WarpMarker(0.0, 0.0), WarpMarker(2.0, 3.0), WarpMarker(3.0, 5.0)]
    studio.live.arrange(track, loop, 16.0, 5.0, warp_markers=markers)
    studio.desk.finish(studio.separate(), "j1")
    studio.ticks(120)
    said = {said for said in studio.live.messages if "not all warp markers" in said}
    assert said
    assert all("capture the clip with the plug-in" in each for each in said)
    (stem,) = studio.live.set.tracks[1].arrangement_clips
    there = {(each.sample_time, each.beat_time) for each in stem.warp_markers}
    assert {(0.0, 0.0), (2.0, 3.0), (3.0, 5.0)} < there
    assert studio.live.rules.undo == ["step"]


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


@pytest.mark.parametrize(
    ("version", "can"),
    [
        ((11, 3, 42), False),
        ((11, 3, 43), True),
        ((12, 0, 0), False),
        ((12, 0, 4), False),
        ((12, 0, 5), True),
        ((12, 3, 6), True),
    ],
)
def test_versions_that_cannot_insert_say_where_to_drop(
    tmp_path: Path, loop: Path, version: tuple[int, int, int], can: bool
) -> None:
    studio = Studio(tmp_path, version)
    unwarped(studio, loop, 0.5, 2.5, beats=9.5)
    studio.desk.finish(studio.separate(), "j1")
    studio.ticks()
    assert (len(studio.tracks()) == 4) == can
    said = studio.live.messages[-1]
    if not can:
        assert "'snare', 'snare (residual)' at 3.2.3" in said
        assert str(studio.desk.store / "jobs") in said
        assert studio.live.rules.undo == []


def test_a_warped_clip_that_cannot_be_inserted_is_to_be_captured(
    tmp_path: Path, loop: Path
) -> None:
    studio = Studio(tmp_path, (12, 0, 0))
    studio.live.arrange(studio.live.track("A"), loop, 0, 8.0)
    studio.desk.finish(studio.separate(), "j1")
    studio.ticks()
    assert "capture the clip with the plug-in" in studio.live.messages[-1]


def test_what_cannot_be_separated_is_named(studio: Studio, loop: Path, tmp_path: Path) -> None:
    def said() -> str:
        studio.command(do="send")
        studio.ticks(5)
        assert not list((studio.home / "store" / "inbox").iterdir())
        return studio.live.messages[-1]

    assert "select an audio clip" in said()
    track = studio.live.track("A")
    studio.live.arrange(track, loop, 0, 8.0, is_audio_clip=False)
    assert "MIDI" in said()
    studio.live.arrange(track, loop, 0, 8.0, file_path=str(tmp_path / "gone.wav"))
    assert "missing" in said()
    studio.live.arrange(track, loop, 0, 32.0, looping=True)
    assert "consolidate" in said()
    ends = {"loop_start": 5.0, "loop_end": 6.0, "warping": False}
    studio.live.arrange(track, loop, 0, 2.0, **ends)
    assert "beyond the end" in said()
    studio.live.set._values["file_path"] = ""
    studio.live.arrange(track, loop, 0, 2.0, warping=False, loop_start=1.0, loop_end=2.0)
    assert "save the Set first" in said()


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


def test_controls_send_and_insert(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.surface.build_midi_map(3)
    assert len(studio.live.mapped) == 32
    studio.surface.receive_midi((0xB0, 118, 127))
    studio.surface.receive_midi((0xB0, 118, 0))
    studio.surface.receive_midi((0x90, 60, 100))
    studio.ticks(20)
    request = studio.request()
    assert "prompt" not in request
    studio.desk.finish(request, "j1")  # by the panel
    (studio.desk.store / "outbox" / f"{request['name']}.answer.json").unlink()
    studio.surface.receive_midi((0xB3, 119, 127))
    studio.ticks()
    assert studio.tracks() == ["Drums", "target", "target (residual)", "Bass"]


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


def test_no_error_leaves_a_tick(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    (studio.home / "store" / "inbox").rmdir()
    studio.command(do="send")
    studio.ticks(5)
    assert "Log.txt" in studio.live.messages[-1]
    assert any("FileNotFoundError" in line for line in studio.live.log)
    path = studio.home / "store" / "outbox" / "Live.command.json"
    path.write_text("{", "utf-8")
    studio.ticks(5)
    assert not path.exists()


def test_the_script_needs_nothing_that_live_lacks() -> None:
    allowed = {"json", "os", "struct", "subprocess", "sys", "time", "Live"}
    files = sorted(SCRIPT.glob("*.py"))
    assert len(files) >= 5
    for file in files:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 7))  # Live 11
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= allowed, file
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1, file


def test_the_fake_has_only_names_that_live_has() -> None:
    stubs = importlib.metadata.files("ableton-live-stubs")
    assert stubs is not None
    texts = {path.stem: path.read_text("utf-8") for path in stubs if path.suffix == ".pyi"}
    for kind, name in (
        (fake_live.Clip, "Clip"),
        (fake_live.NewTrack, "Track"),
        (fake_live.NewClipSlot, "ClipSlot"),
        (fake_live.Song, "Song"),
    ):
        (found,) = (
            node
            for node in ast.parse(texts[name]).body
            if isinstance(node, ast.ClassDef) and node.name == name
        )
        real = {node.name for node in found.body if isinstance(node, ast.FunctionDef)}
        own = {each for each in dir(kind) if not each.startswith("_")}
        own -= {"fields", "read_only"}
        assert own | {*kind.fields, *kind.read_only} <= real, kind


@pytest.fixture
def live_with_engine(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    with serving(studio.home):
        yield studio


def test_clip_in_stems_out_to_the_sample(
    live_with_engine: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studio, file = live_with_engine, tmp_path / "take.wav"
    write_mixture(file, 4.0, RATE)
    unwarped(studio, file, 0.5, 3.0)
    words = ["--describe", "noise", "--span", "+0.5:1", "--span", "-1.2:2.4"]
    home = ["--home", str(studio.home)]
    assert main(["live", *words, *home, "--patience", "0"]) == 23
    assert "control surface" in capsys.readouterr().err
    # nobody else finds a command that was given up
    assert not list((studio.home / "store" / "outbox").iterdir())
    from bridge.cli import live as command_line

    arguments = command_line._parser().parse_args(command_line.join_spans(words))
    studio.command(
        **{
            name: value
            for name, value in command_line.command_of(arguments).items()
            if name != "command"
        }
    )

    def is_placed() -> bool:
        studio.ticks(1)
        return len(studio.tracks()) == 4 and not studio.live.rules.is_stepping

    until(is_placed, "stems in Live")
    total = np.zeros((5 * RATE // 2, 2), np.int64)
    for track in studio.live.set.tracks[1:3]:
        (stem,) = track.arrangement_clips
        assert stem.start_time == 8.0
        assert Path(stem.file_path).is_relative_to(Path(studio.live.set.file_path).parent)
        total += soundfile.read(stem.file_path, dtype="int32")[0]
    stretch = soundfile.read(file, dtype="int32")[0][RATE // 2 : 3 * RATE]
    np.testing.assert_array_equal(total, stretch)
