"""The plug-in in a REAPER of our own, by its window: two buttons and two settings, clicked on."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from tests.test_daw.serving import serving

from .conftest import host_environment
from .editor_screen import needs_screen, screen
from .host_process import HostProcess
from .reaper_scene import WAIT_S, Scene

pytestmark = needs_screen
MUTE = "Mute original"


def is_on(host: HostProcess, box: str) -> bool:
    return bool(host.part(box)["on"])


def test_items_in_and_stems_out_by_the_window(
    built: Callable[[str], Path], plugin: Path, home: Path, tmp_path: Path, song: Path
) -> None:
    fake_reaper = built("fake_reaper")
    scene = Scene(fake_reaper, plugin, tmp_path)
    scene.say("track", name="Band")
    scene.item(song, D_POSITION=2.0, D_LENGTH=4.0)
    scene.say("selection", start=3.0, end=3.5)
    scene.load()
    scene.say("window")
    environ = host_environment(home)
    with screen(environ, tmp_path), serving(home):
        host = HostProcess([str(fake_reaper)], tmp_path, environ)
        try:
            for line in scene.lines:
                host.send(line)
            host.wait("engine", lambda part: part["title"] == "engine ready")
            assert host.part("insert") == host.part("mute") == host.part("takes") == {}
            host.wait("use", lambda part: part["enabled"])
            host.press("use", lambda: host.part("clips"), "a clip of the item")
            host.wait("strip", lambda part: part["title"].startswith("Waveform, 1 spans"))
            host.press("separate", lambda: host.part("cancel") or host.part("stem 1"), "a job")
            host.wait("stem 1", bool)

            for name in ("mute", "takes"):
                assert not host.part(name)["on"]
                host.press(name, partial(is_on, host, name), "it on")
            host.send("until", "risen=Insert takes", f"seconds={WAIT_S}")
            host.send("automate", f"name={MUTE}", "value=0")
            host.wait("mute", lambda part: not part["on"], "by automation")
            host.press("mute", partial(is_on, host, "mute"), "it on again")
            host.send("until", f"risen={MUTE}", f"seconds={WAIT_S}")
            files = {*scene.media.rglob("*")}
            host.press("insert", lambda: {*scene.media.rglob("*")} - files, "the stems' files")
            host.send("until", "undo=1", f"seconds={WAIT_S}")
            host.close_input()
            said = host.answer()
        finally:
            assert host.end() == 0
    assert said["problems"] == []
    project = said["projects"][0]
    names = [track["name"] for track in project["tracks"]]
    assert names == ["Band", "Band stems", "target", "target (residual)"]
    assert project["tracks"][0]["items"][0]["B_MUTE"] == 1
    files = [track["items"][0]["takes"][0]["file"] for track in project["tracks"][2:]]
    total = sum(soundfile.read(file, dtype="int32")[0] for file in files)
    np.testing.assert_array_equal(total, soundfile.read(song, dtype="int32")[0])
