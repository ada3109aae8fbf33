"""Live with a Set and our script in it: what the tests of the Remote Script share."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from .fake_live import FakeLive
from .reaper_host import DAW, Desk

SCRIPT = DAW / "ableton" / "StemLasso"
RATE = 48_000
NEW = (12, 0, 5)
PINS = [(0.0, -0.5), (1.1, 2.0), (2.0, 3.1)]
"""Markers of a warped clip: seconds, beats."""


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

    def __init__(
        self, folder: Path, version: tuple[int, int, int] = NEW, command: list[str] | None = None
    ) -> None:
        self.home = folder / "home"
        self.desk = Desk(self.home)
        set_folder = folder / "Nocturne für Zoë Project"
        set_folder.mkdir()
        self.live = FakeLive(str(set_folder / "Nocturne.als"), version)
        self.settings = folder / "settings"
        self.settings.mkdir()
        own = {"store": str(self.home / "store"), "command": command or []}
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


def write_loop(folder: Path) -> Path:
    """Four seconds of noise that any cut can be told by."""
    path = folder / "loop.wav"
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


def warped(studio: Studio, loop: Path, bpm: float = 95.0, **more: Any) -> Any:
    """A warped clip of four beats at beat 16, whose speed changes."""
    track = studio.live.track("Drums")
    ends = {"start_marker": 1.0, "end_marker": 5.0, "loop_start": 1.0, "loop_end": 5.0}
    own = {"pins": PINS, "warp_mode": 4, **ends, **more}
    clip = studio.live.arrange(track, loop, 16.0, 4.0, **own)
    clip._warps.bpm = bpm
    return clip
