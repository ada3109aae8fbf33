"""Pictures of the plug-in's window: `python -m tests.test_shim.editor_pictures FOLDER`.

Made from the built plug-in in our own hosts on a screen, with a real engine and what it separates
of the example. Look at every one after the window was changed; `stems` is the picture of
the guides, `plugin_shim/pictures/editor.png`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from bridge.client import connect
from tests.test_bridge.held import Looks
from tests.test_daw.serving import serving

from .conftest import BUILT, host_environment
from .editor_screen import screen
from .editor_state import SavedClip, SavedStem, state_file
from .host_process import HostProcess
from .reaper_scene import Scene
from .window_host import WindowHost
from .x_picture import grab

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "installer" / "example" / "mixture.flac"
SIZE = (920, 580)
SPANS = ((1.2, 2.5, True), (2.7, 4.4, False), (4.6, 6.4, True))
LONG = (
    "a woman’s voice far away behind a closed door, saying Grüße — こんにちは — "
    "while a dog barks and somebody hits a snare drum twice"
)
PLACE = (
    {"kind": "captured", "droppedSamples": "9600"},
    {
        "Origin": {"positionSamples": "1440000", "positionSeconds": "30.0", "track": "Drums"},
        "Musical": {
            "quarters": "66.5",
            "beatsPerMinute": "120",
            "numerator": "4",
            "denominator": "4",
        },
    },
)
SIZES = (
    ("much", SIZE, 1.0),
    ("much-small", (680, 440), 1.0),
    ("much-large", (2400, 1600), 1.0),
    ("much-125", SIZE, 1.25),
    ("much-150", SIZE, 1.5),
    ("much-200", SIZE, 2.0),
)
_SETTLES_S = 1.0


class Studio:
    """Where pictures are taken: the plug-in, files for it, and a folder for what comes of it."""

    def __init__(self, plugin: Path, scratch: Path, folder: Path) -> None:
        self.plugin, self.scratch, self.folder = plugin, scratch, folder
        self.programs = plugin.parents[3]
        self.home = scratch / "home"
        samples, rate = soundfile.read(EXAMPLE, always_2d=True)
        self.song = scratch / "Street scene.wav"
        soundfile.write(self.song, samples, rate, "PCM_24")
        self.clip = SavedClip(self.song, "Street scene", "dog barking", SPANS)

    @contextmanager
    def window(
        self, *clips: SavedClip, size: tuple[int, int] = SIZE, scale: float = 1
    ) -> Iterator[WindowHost]:
        """The window with these clips, on a screen of its own. size: in its own pixels."""
        environ = host_environment(self.home)
        desk = self.scratch / "desk"
        desk.mkdir(exist_ok=True)
        width, height = (round(each * scale) for each in size)
        # it opens in the usual size
        with screen(environ, desk, (max(width, 1100) + 200, max(height, 700) + 200)):
            state = state_file(desk / "state.xml", *clips)
            host = WindowHost(self.programs / "window_host", self.plugin, desk, environ, state)
            try:
                host.open()
                if scale != 1:
                    host.ask("scale", scale)
                if size != SIZE or scale != 1:
                    host.ask("size", width, height)
                host.wait("editor", lambda part: (part["width"], part["height"]) == size)
                yield host
            finally:
                host.end()

    def in_reaper(self) -> None:
        """The window with REAPER's buttons and settings."""
        environ = host_environment(self.home)
        desk = self.scratch / "reaper"
        desk.mkdir()
        scene = Scene(self.programs / "fake_reaper", self.plugin, desk)
        scene.say("track", name="Band")
        scene.item(self.song, D_POSITION=2.0, D_LENGTH=10.0)
        scene.say("selection", start=3.2, end=4.5)
        scene.load()
        scene.say("window")
        with screen(environ, desk), serving(self.home):
            host = HostProcess([str(scene.host)], desk, environ)
            try:
                for line in scene.lines:
                    host.send(line)
                host.press("use", lambda: host.part("clips"), "a clip")
                host.wait("engine", lambda part: part["title"] == "engine ready")
                host.press("separate", lambda: host.part("stem 1"), "stems")
                host.press("mute", lambda: host.part("mute")["on"], "it muted")
                self.take(host, "reaper")
            finally:
                host.end()

    def take(self, host: HostProcess, name: str) -> None:
        """Save what the window shows once it rests, without the pointer over it."""
        host.act("mousemove", "0", "0")
        before = {}
        while before != (now := host.layout()):
            before = now
            time.sleep(_SETTLES_S)
        part, scale = now["parts"]["editor"], now["scale"]
        numbers = (now["left"], now["top"], part["width"], part["height"])
        left, top, width, height = (round(each * scale) for each in numbers)
        path = self.folder / f"{name}.png"
        grab(host.environ["DISPLAY"], now["window"], (left, top, width, height), path)
        print(path, f"{width} x {height}")


def empty(studio: Studio) -> None:
    """Nothing yet, and while something is captured."""
    with studio.window() as host:
        studio.take(host, "empty")
        host.ask("automate", "Capture", 1)
        host.wait("capture", lambda part: part["on"])
        time.sleep(_SETTLES_S)
        studio.take(host, "capturing")


def prompt(studio: Studio) -> None:
    """A clip with its spans, before anything is asked; with the engine away and there."""
    with studio.window(studio.clip) as host:
        studio.take(host, "away")
    with serving(studio.home), studio.window(studio.clip) as host:
        host.wait("engine", lambda part: part["title"] == "engine ready")
        studio.take(host, "prompt")


def stems(studio: Studio) -> None:
    """A job in its middle, and what came of it."""
    with (
        serving(studio.home),
        connect(studio.home, start=False) as client,
        studio.window(studio.clip) as host,
    ):
        host.wait("engine", lambda part: part["title"] == "engine ready")
        host.press("separate", client.jobs, "a job")
        worker = Looks(client.job, lambda: client.status().engine.pid).hold(client.jobs()[0].job_id)
        if worker is None:
            print("no picture of a running job: it was over too soon")
        else:
            studio.take(host, "running")
            worker.resume()
        host.wait("stem 1", bool)
        host.wait("null", bool)
        studio.take(host, "stems")


def errors(studio: Studio) -> None:
    """Words that are long: what the engine refuses, and what is not there."""
    gone = SavedClip(studio.scratch / "gone" / f"{LONG}.wav", LONG[:60], LONG)
    with studio.window(gone) as host:
        studio.take(host, "gone")
    with serving(studio.home), studio.window(gone) as host:
        host.wait("engine", lambda part: part["title"] == "engine ready")
        host.click("separate")
        host.wait("prompt", lambda part: "gone" in part["title"])
        studio.take(host, "refused")


def much(studio: Studio) -> None:
    """As much as there may be, in windows of every size."""
    spans = tuple((0.02 + index / 6.1, 0.13 + index / 6.1, index % 3 != 1) for index in range(60))
    roles = ["target", "residual", *["candidate"] * 10]
    made = tuple(
        SavedStem(_copy(studio, f"{LONG[: 20 + 9 * index]} {index}.wav"), role, max(index - 1, 0))
        for index, role in enumerate(roles)
    )
    full = SavedClip(studio.song, LONG, LONG, spans, made, PLACE[0], PLACE[1])
    others = [
        SavedClip(studio.song, f"Take {index}", "snare", attributes=PLACE[0], children=PLACE[1])
        for index in range(1, 10)
    ]
    for name, size, scale in SIZES:
        with studio.window(full, *others, size=size, scale=scale) as host:
            host.wait("stem 11", bool)
            studio.take(host, name)


def _copy(studio: Studio, name: str) -> Path:
    path = studio.scratch / name
    path.write_bytes(studio.song.read_bytes())
    return path


SCENES: dict[str, Callable[[Studio], None]] = {
    "empty": empty,
    "prompt": prompt,
    "stems": stems,
    "errors": errors,
    "much": much,
    "reaper": Studio.in_reaper,
}


def main(argv: list[str] | None = None) -> int:
    """Take the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=list(SCENES), choices=list(SCENES))
    given = parser.parse_args(argv)
    given.folder.mkdir(parents=True, exist_ok=True)
    plugin = Path(os.environ.get("STEMLASSO_VST3", CHECKOUT / BUILT))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        studio = Studio(plugin, Path(scratch), given.folder.resolve())
        for name in given.only:
            SCENES[name](studio)
    return 0


if __name__ == "__main__":
    sys.exit(main())
