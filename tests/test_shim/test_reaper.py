"""The compiled plug-in in a REAPER of our own that offers REAPER's functions over a model."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.test_daw.serving import serving, write_mixture

from .conftest import host_environment
from .reaper_scene import INSERT, RATE, SEPARATE, USE, Scene, read, write_ramp

LOOP_S = 2
RATE_441 = 44_100


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop 3.wav"
    write_ramp(path, LOOP_S * RATE)
    return path


@pytest.fixture
def scene(plugin: Path, built: Callable[[str], Path], tmp_path: Path) -> Scene:
    return Scene(built("fake_reaper"), plugin, tmp_path)


@pytest.fixture
def play(scene: Scene, home: Path) -> Any:
    return lambda: scene.play(home, host_environment(home))


def made(scene: Scene) -> list[Path]:
    return sorted((scene.media / "StemLasso").glob("*.wav"))


@pytest.mark.parametrize("how", ["set", "automate"])
def test_pressed_by_user_or_automation_items_become_files(
    scene: Scene, loop: Path, play: Any, how: str
) -> None:
    scene.say("track", name="Drums")
    scene.item(loop, take={"D_STARTOFFS": 0.5}, D_POSITION=12.5, D_LENGTH=1.0)
    scene.say("item", D_LENGTH=1.0)
    scene.say("take", kind="REVERSED", file=loop, D_STARTOFFS=0.25, name="back")
    scene.load()
    scene.press(USE, how)
    scene.until(state="ReaperItem", times=2)
    project = play()
    ramp = read(loop)
    back, cut = made(scene)
    np.testing.assert_array_equal(read(cut), ramp[RATE // 2 : 3 * RATE // 2])
    np.testing.assert_array_equal(read(back), ramp[::-1][RATE // 4 : 5 * RATE // 4])
    assert project["undo"] == []


@pytest.fixture
def slow(scene: Scene, loop: Path) -> Scene:
    """A reversed item whose audio takes REAPER long, on its way to a file."""
    scene.say("track", name="Drums")
    scene.say("item", D_POSITION=2.0, D_LENGTH=LOOP_S)
    scene.say("take", kind="REVERSED", file=loop, name="back")
    scene.say("slow", milliseconds=5)
    scene.load()
    scene.say("set", name=USE, value=1)
    scene.until(part=1)  # two of its twelve blocks, or fewer, are there after this turn
    return scene


def leftovers(scene: Scene) -> list[Path]:
    return [path for path in scene.media.rglob("*") if path.is_file()]


def test_rendering_leaves_reaper_its_time(slow: Scene, loop: Path, play: Any) -> None:
    slow.say("tempo", at=0, bpm=97.5)
    slow.until(state="ReaperItem")
    slow.until(state='tempoBpm="120"')
    project = play()
    assert 1 <= project["most_slices"] <= 2  # blocks of 5 ms in turns of 8
    assert [path.name for path in leftovers(slow)] == ["back.wav"]
    np.testing.assert_array_equal(read(leftovers(slow)[0]), read(loop)[::-1])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("delete", {"item": 0}),
        ("change", {"item": 0, "D_LENGTH": 1.0}),
        ("missing", {"name": "GetAudioAccessorSamples"}),
        ("missing", {"name": "GetMediaItemInfo_Value"}),
        ("close", {}),
        ("reload", {}),
    ],
)
def test_what_happens_while_it_renders_leaves_nothing(
    slow: Scene, play: Any, command: str, words: dict[str, object]
) -> None:
    slow.say(command, **words)
    slow.say("tick", times=100)
    play()
    assert leftovers(slow) == []


def test_a_plugin_that_goes_while_it_renders_leaves_nothing(slow: Scene, play: Any) -> None:
    play()
    assert leftovers(slow) == []


def test_pressed_again_while_it_renders_it_goes_on(slow: Scene, play: Any) -> None:
    slow.say("set", name=USE, value=0)
    slow.say("set", name=USE, value=1)
    slow.say("tick", times=1)
    slow.until(state="ReaperItem")
    slow.say("tick", times=100)
    play()
    assert [path.name for path in leftovers(slow)] == ["back.wav"]


def test_what_cannot_be_used_changes_nothing(scene: Scene, tmp_path: Path, play: Any) -> None:
    scene.say("track", name="Drums")
    for kind, file in (("MIDI", ""), ("EMPTY", ""), ("WAVE", tmp_path / "gone.wav")):
        scene.say("item", D_LENGTH=1.0)
        scene.say("take", kind=kind, file=file)
    scene.say("item", D_LENGTH=1.0)
    scene.load()
    scene.press(USE)
    assert len(play()["tracks"]) == 1
    assert made(scene) == []


@pytest.mark.parametrize("name", ["GetActiveTake", "CountMediaItems", "GetProjectPathEx"])
def test_a_function_that_is_null_is_not_called(
    scene: Scene, loop: Path, play: Any, name: str
) -> None:
    scene.say("missing", name=name)
    scene.say("track", name="Drums")
    scene.item(loop, D_LENGTH=2.0)
    scene.load()
    scene.press(USE)
    assert play()["undo"] == []


def test_a_reaper_without_timers_is_survived(scene: Scene, loop: Path, play: Any) -> None:
    scene.say("missing", name="plugin_register")
    scene.say("track", name="Drums")
    scene.item(loop, D_LENGTH=1.0)
    scene.load()
    scene.say("set", name=USE, value=1)
    scene.say("run", seconds=0.1)
    assert play()["undo"] == []
    assert made(scene) == []


@pytest.fixture
def engine(home: Path) -> Iterator[None]:
    with serving(home):
        yield


def ask_and_insert(scene: Scene, *, reloads: bool = False) -> None:
    """Presses its way from the selected item to its stems."""
    scene.press(USE)
    scene.until(state="ReaperItem")
    scene.press(SEPARATE)
    scene.until(state='role="residual"')
    if reloads:
        scene.say("reload")
    scene.press(INSERT)


@pytest.mark.usefixtures("engine")
def test_reaper_hears_what_is_to_be_saved_and_no_more(scene: Scene, loop: Path, play: Any) -> None:
    scene.say("track", name="Drums")
    scene.item(loop, D_LENGTH=LOOP_S)
    scene.say("selection", start=0.5, end=1.0)
    scene.load()
    scene.say("clean", seconds=0.5)
    scene.press(USE)
    scene.until(dirty=1)
    scene.press(SEPARATE)
    scene.until(dirty=2)
    scene.until(state='role="residual"')
    scene.until(dirty=3)
    scene.say("reload")
    scene.say("clean", seconds=3)
    play()


@pytest.mark.usefixtures("engine")
def test_item_in_stems_out_to_the_sample(scene: Scene, tmp_path: Path, play: Any) -> None:
    song = tmp_path / "take 1.wav"
    write_mixture(song, 4.0, RATE_441)
    first, position_s = 20_001, 7 + 13 / RATE_441
    scene.say("track", name="Band")
    take = {"D_STARTOFFS": first / RATE_441, "D_PLAYRATE": 1.25, "B_PPITCH": 0, "D_VOL": 0.5}
    item = {"D_POSITION": position_s, "D_LENGTH": 2.0, "D_FADEINLEN": 0.2, "D_VOL": 0.7}
    scene.item(song, take=take, **item)
    scene.say("track", name="Voice")
    # noise from 1 to 1.5 s of the file, which the item plays from 0.4535 s on, faster
    scene.say("selection", start=position_s + 0.55 / 1.25, end=position_s + 1.04 / 1.25)
    scene.load()
    ask_and_insert(scene, reloads=True)
    scene.until(tracks=5)
    project = play()
    tracks = project["tracks"]
    names = [track["name"] for track in tracks]
    assert names == ["Band", "Band stems", "target", "target (residual)", "Voice"]
    assert [track["I_FOLDERDEPTH"] for track in tracks] == [0, 1, 0, -1, 0]
    assert all(track["I_CUSTOMCOLOR"] for track in tracks[2:4])
    assert project["undo"] == ["StemLasso: insert stems of take 1"]
    assert len(project["kept"]) == 1
    stretch = soundfile.read(song, dtype="int32")[0][first : first + round(2.5 * RATE_441)]
    total = np.zeros_like(stretch)
    for track in tracks[2:4]:
        (placed,) = track["items"]
        assert {name: placed[name] for name in item} == item
        (one,) = placed["takes"]
        assert {name: one[name] for name in take} == {**take, "D_STARTOFFS": one["D_STARTOFFS"]}
        assert abs(one["D_STARTOFFS"]) < 1e-9
        assert Path(one["file"]).is_relative_to(scene.media / "StemLasso")
        stem, rate = soundfile.read(one["file"], dtype="int32")
        assert rate == RATE_441
        total += stem
    np.testing.assert_array_equal(total, stretch)
    noise = soundfile.read(tracks[2]["items"][0]["takes"][0]["file"])[0]
    inside = slice(round(0.6 * RATE_441), round(1.0 * RATE_441))
    outside = slice(round(1.5 * RATE_441), round(2.4 * RATE_441))
    assert np.std(noise[inside]) > 10 * np.std(noise[outside])
    assert tracks[0]["items"][0]["B_MUTE"] == 0


@pytest.mark.usefixtures("engine")
def test_a_moved_item_is_muted_when_asked_and_a_gone_one_refused(
    scene: Scene, tmp_path: Path, play: Any
) -> None:
    song = tmp_path / "song.wav"
    write_mixture(song, 3.0, RATE)
    scene.say("track", name="Band")
    scene.item(song, D_POSITION=1.0, D_LENGTH=3.0)
    scene.say("selection", start=2.0, end=2.5)
    scene.load()
    scene.say("set", name="Mute original", value=1)
    scene.press(USE)
    scene.until(state="ReaperItem")
    scene.press(SEPARATE)
    scene.until(state='role="residual"')
    scene.say("change", item=0, D_POSITION=10.0)
    scene.say("another")  # a second project's tab is in front: the plug-in's own is meant
    scene.press(INSERT)
    scene.until(undo=1)
    scene.say("remove", item=0)
    scene.press(INSERT)
    scene.say("run", seconds=0.5)
    project = play()
    names = [track["name"] for track in project["tracks"]]
    assert names == ["Band", "Band stems", "target", "target (residual)"]
    positions = [track["items"][0]["D_POSITION"] for track in project["tracks"][2:]]
    assert positions == [10.0, 10.0]
    assert len(project["undo"]) == 1
    assert project["projects"][1]["tracks"] == []


@pytest.mark.usefixtures("engine")
def test_a_failure_half_way_leaves_nothing(scene: Scene, tmp_path: Path, play: Any) -> None:
    song = tmp_path / "song.wav"
    write_mixture(song, 3.0, RATE)
    scene.say("track", name="Band")
    scene.item(song, D_LENGTH=3.0)
    scene.say("selection", start=1.0, end=1.5)
    scene.load()
    scene.say("fail", name="AddMediaItemToTrack", call=2)
    ask_and_insert(scene)
    scene.until(called="DeleteTrack")
    project = play()
    assert [track["name"] for track in project["tracks"]] == ["Band"]
    assert project["undo"] == []
    assert list((scene.media / "StemLasso").iterdir()) == []


def test_loaded_and_unloaded_often(scene: Scene, loop: Path, play: Any) -> None:
    scene.say("track", name="Drums")
    scene.item(loop, D_LENGTH=1.0)
    scene.load()
    for _ in range(5):
        scene.say("set", name=USE, value=1)
        scene.say("reload")
    play()
