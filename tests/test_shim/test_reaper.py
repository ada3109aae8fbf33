"""The compiled plug-in in a REAPER of our own that offers REAPER's functions over a model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import host_environment
from .reaper_scene import RATE, USE, Scene, read, write_ramp

LOOP_S = 2


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop 3.wav"
    write_ramp(path, LOOP_S * RATE)
    return path


@pytest.fixture
def scene(plugin: Path, checkout: Path, tmp_path: Path) -> Scene:
    built = [plugin.parents[3], checkout / "plugin_shim" / "build" / "release"]
    host = next((path for each in built if (path := each / "fake_reaper").exists()), None)
    if host is None:
        pytest.skip("fake_reaper was not built: build plug-in and hosts in plugin_shim")
    return Scene(host, plugin, tmp_path)


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
    project = play()
    ramp = read(loop)
    back, cut = made(scene)
    np.testing.assert_array_equal(read(cut), ramp[RATE // 2 : 3 * RATE // 2])
    np.testing.assert_array_equal(read(back), ramp[::-1][RATE // 4 : 5 * RATE // 4])
    assert project["undo"] == []


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


def test_loaded_and_unloaded_often(scene: Scene, loop: Path, play: Any) -> None:
    scene.say("track", name="Drums")
    scene.item(loop, D_LENGTH=1.0)
    scene.load()
    for _ in range(5):
        scene.say("set", name=USE, value=1)
        scene.say("reload")
    play()
