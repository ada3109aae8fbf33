"""Ardour 7 without its window: the plug-in on a track of a session that plays a known file.

Lua has no import without a window, so that the region is written into the saved session.
"""

import contextlib
import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

from .conftest import PATIENCE_S, host_environment

RATE = 48_000
SCANNER = Path("/usr/lib/ardour7/ardour-vst3-scanner")
_NEEDED = ("ardour7-lua", "ardour7-export")
_EXPORT_S = 60.0
_TICKS = 282_240_000 // RATE
"""Of Ardour's own clock in a sample."""

_NEW = """
local backend = AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
backend:set_device_name("Silence")
local session = create_session("{folder}", "{name}", {rate})
local track
for each in session:new_audio_track(2, 2, nil, 1, "Drums", ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true):iter() do
  track = each
end
local made = ARDOUR.LuaAPI.new_plugin(session, "{uid}", ARDOUR.PluginType.VST3, "")
assert(not made:isnil(), "Ardour does not have the plug-in")
track:add_processor_by_index(made, 0, nil, true)
ARDOUR.LuaAPI.set_processor_param(track:nth_plugin(0), 0, 1.0)
session:save_state("")
track, made, session, backend = nil, nil, nil, nil -- or they outlive what they belong to
collectgarbage()
close_session()
quit()
"""

_OPENED = """
AudioEngine:set_backend("None (Dummy)", "Unit-Test", ""):set_device_name("Silence")
local session = load_session("{folder}", "{name}")
do
{work}
end
session = nil
collectgarbage()
close_session()
quit()
"""

_REGION = (
    '<Region name="Song" muted="0" opaque="1" locked="0" video-locked="0" automatic="0" '
    'whole-file="{whole}" import="0" external="1" sync-marked="0" left-of-split="0" '
    'right-of-split="0" hidden="0" position-locked="0" valid-transients="0" start="a0" '
    'length="a{length}@a{position}" sync-position="a0" ancestral-start="a0" '
    'ancestral-length="a0@a0" stretch="1" shift="1" layering-index="0" tags="" contents="0" '
    'envelope-active="0" default-fade-in="0" default-fade-out="0" fade-in-active="0" '
    'fade-out-active="0" scale-amplitude="1" id="{id}" type="audio" first-edit="nothing" '
    'source-0="9001" source-1="9002" master-source-0="9001" master-source-1="9002" channels="2"/>'
)


def missing() -> list[str]:
    """Programs that are needed and not installed."""
    found = [name for name in _NEEDED if shutil.which(name) is None]
    return found if SCANNER.exists() else [*found, SCANNER.name]


class ArdourSession:
    """A session with the plug-in, armed, on its only track. Ardour has a home of its own."""

    def __init__(self, plugin: Path, home: Path, folder: Path) -> None:
        self.folder, self.name = folder / "Nocturne", "Nocturne"
        self._lua = folder / "script.lua"
        own = folder / "ardour-home"
        (own / ".config" / "ardour7").mkdir(parents=True)
        installed = own / ".vst3" / plugin.name
        shutil.copytree(plugin, installed)
        self._environ = {
            **host_environment(home),
            "HOME": str(own),
            "XDG_CONFIG_HOME": str(own / ".config"),
            "XDG_CACHE_HOME": str(own / ".cache"),
        }
        self.scanned = self._scan(installed)
        uid = self.scanned.split('VST3Info uid="')[1][:32]
        self._do(_NEW.format(folder=self.folder, name=self.name, rate=RATE, uid=uid))

    def place(self, samples: np.ndarray, position: int) -> None:
        """A region of these samples [N, 2], at `position`, without fades; the session is as long
        as from 0 to a second behind it."""
        audio = self.folder / "interchange" / self.name / "audiofiles"
        for number, side in enumerate(("L", "R")):
            soundfile.write(audio / f"Song%{side}.wav", samples[:, number], RATE, "FLOAT")
        path = self.folder / f"{self.name}.ardour"
        session = ElementTree.parse(path)
        for number, side in enumerate(("L", "R")):
            source = f'name="Song%{side}.wav" id="{9001 + number}" take-id="" type="audio" flags=""'
            rest = 'natural-position="a0" channel="0" origin="" gain="1"'
            _add(session, "Sources", f"<Source {source} {rest}/>")
        length = len(samples) * _TICKS
        _add(session, "Regions", _REGION.format(whole=1, id=9003, length=length, position=0))
        there = position * _TICKS
        _add(
            session,
            "Playlists/Playlist",
            _REGION.format(whole=0, id=9004, length=length, position=there),
        )
        end = there + length + RATE * _TICKS
        flags = 'flags="IsSessionRange" locked="0" timestamp="0" cue="0"'
        _add(
            session,
            "Locations",
            f'<Location id="9005" name="session" start="a0" end="a{end}" {flags}/>',
        )
        session.write(path)

    def do(self, work: str) -> str:
        """Run Lua with `session` open; gives what was printed."""
        return self._do(_OPENED.format(folder=self.folder, name=self.name, work=work))

    def export(self, target: Path) -> bool:
        """The whole session into a float WAV, faster than real time; whether Ardour did it.

        Its program crashes or hangs in about one of ten exports, without a plug-in as well.
        """
        command = ["ardour7-export", "--bitdepth", "float", "--output", str(target)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [*command, str(self.folder), self.name],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_EXPORT_S,
                check=False,
            )
            assert done.returncode <= 0 or done.returncode > 128, done.returncode
            return done.returncode == 0
        return False

    def _scan(self, installed: Path) -> str:
        libraries = os.pathsep.join((str(SCANNER.parent), os.environ.get("LD_LIBRARY_PATH", "")))
        command = [str(SCANNER), "-f", "-v", str(installed)]
        return self._run(command, {"LD_LIBRARY_PATH": libraries})

    def _do(self, script: str) -> str:
        self._lua.write_text(script, "utf-8")
        return self._run(["ardour7-lua", str(self._lua)])

    def _run(self, command: list[str], more: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            command,
            env=self._environ | dict(more or {}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def _add(session: ElementTree.ElementTree, where: str, text: str) -> None:
    parent = session.find(where)
    assert parent is not None, where
    parent.append(ElementTree.fromstring(text))
