"""A real Ardour 7 on an X server without a screen: sessions, its script slots, keys typed into it.

Ardour runs with a home of its own, its dummy audio system and OSC switched on, through which
scripts in its slots are started as from its menu.
"""

import base64
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from .x_screen import process, wait_for, x_server

NEEDED = ("ardour", "ardour7-lua", "Xvfb", "openbox", "xdotool")
WAIT_S = 240.0

_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="try-autostart-engine" value="1"/>
  </Config>
  <Extra><AudioMIDISetup><EngineStates>
    <State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device=""
      output-device="" sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0"
      output-latency="0" lm-input="" lm-output="" active="1" use-buffered-io="0"
      midi-option="1 in, 1 out, Silence" lru="1"><MIDIDevices/></State>
  </EngineStates></AudioMIDISetup></Extra>
</Ardour>
"""

_NEW_SESSION = """
AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
local session = create_session("{folder}", "{name}", 48000)
session:save_state("")
close_session()
quit()
"""

_LOOK = """
AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
local session = load_session("{session}", "{name}")
for route in session:get_tracks():iter() do
  for region in route:to_track():playlist():region_list():iter() do
    local audio = region:to_audioregion()
    local sources = {{}}
    for channel = 0, audio:n_channels() - 1 do
      sources[channel + 1] = region:source(channel):to_filesource():path()
    end
    local line = {{}}
    for point in audio:envelope():events():iter() do
      if audio:envelope_active() then
        line[#line + 1] = point.when:samples() .. ":" .. point.value
      end
    end
    print("REGION|" .. table.concat({{ route:name(), region:name(), region:position():samples(),
      region:start():samples(), region:length():samples(), audio:scale_amplitude(),
      tostring(region:muted()), table.concat(line, ","), table.concat(sources, "|") }}, "|"))
  end
end
close_session()
quit()
"""

_SLOTS = """
function ardour() end
local parts = {{ "scripts = {{}}" }}
for slot, path in ipairs({{ {paths} }}) do
  local file = io.open(path, "rb")
  local text = file:read("a")
  file:close()
  factory = nil
  assert(load(text, "=script"))()
  local own = "scripts[" .. slot .. "]"
  parts[#parts + 1] = own .. " = {{}}"
  parts[#parts + 1] = own .. '["n"] = ' .. string.format("%q", "slot " .. slot)
  parts[#parts + 1] = own .. '["s"] = ' .. string.format("%q", text)
  parts[#parts + 1] = own .. '["a"] = {{}}'
  parts[#parts + 1] = own .. '["f"] = ' .. string.format("%q", string.dump(factory, true))
end
local file = io.open("{target}", "wb")
file:write(table.concat(parts, " "), " ")
file:close()
quit()
"""


def missing() -> list[str]:
    """Programs that are needed and not installed."""
    return [name for name in NEEDED if shutil.which(name) is None]


@dataclass(frozen=True)
class Region:
    """A region of a saved session, and the file of each of its channels. Counts samples."""

    track: str
    name: str
    position: int
    start: int
    length: int
    gain: float
    is_muted: bool
    gain_line: tuple[tuple[int, float], ...]
    sources: tuple[Path, ...]

    @classmethod
    def read(cls, line: str) -> "Region":
        """From what the script prints of it."""
        track, name, position, start, length, gain, muted, points, *sources = line.split("|")[1:]
        places = (int(position), int(start), int(length))
        pairs = (point.split(":") for point in points.split(",") if point)
        gain_line = tuple((int(sample), float(factor)) for sample, factor in pairs)
        files = tuple(map(Path, sources))
        return cls(track, name, *places, float(gain), muted == "true", gain_line, files)

    def channel(self, index: int) -> NDArray[np.float32]:
        """The samples that it plays of one, [N]."""
        samples: NDArray[np.float32] = soundfile.read(self.sources[index], dtype="float32")[0]
        return samples[self.start : self.start + self.length]


class Ardour:
    """One Ardour with one session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "ardour-home"
        self.config = self.home / ".config" / "ardour7"
        self.config.mkdir(parents=True)
        (self.config / ".a7").touch()  # or a wizard asks first
        (self.config / "osc_url").touch()  # Ardour writes its port there if there is such a file
        (self.config / "config").write_text(_CONFIG, "utf-8")
        self.session = folder / "Nocturne"
        self._environ = {
            **os.environ,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
        }
        self.headless(_NEW_SESSION.format(folder=self.session, name="Nocturne"))
        self._switch_osc_on()

    def headless(self, script: str) -> str:
        """Run a script in Ardour without its window; gives what it printed."""
        path = self.folder / "script.lua"
        path.write_text(script, "utf-8")
        done = subprocess.run(
            ["ardour7-lua", str(path)],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def saved_regions(self) -> list[Region]:
        """What the session has when it is opened again."""
        said = self.headless(_LOOK.format(session=self.session, name=self.session.name))
        return [Region.read(line) for line in said.splitlines() if line.startswith("REGION|")]

    def fill_slots(self, *scripts: Path) -> None:
        """Put scripts into the slots of the menu, as the Script Manager does."""
        target = self.folder / "slots"
        paths = ", ".join(f'"{path}"' for path in scripts)
        self.headless(_SLOTS.format(paths=paths, target=target))
        packed = base64.b64encode(target.read_bytes()).decode()
        (self.config / "ui_scripts").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts>\n'
            f'  <ActionScript lua="Lua 5.3">{packed}</ActionScript>\n  <ActionHooks/>\n'
            "</UIScripts>\n",
            "utf-8",
        )

    @contextmanager
    def running(self, display: str = "") -> Iterator[None]:
        """Ardour with its window, on an X server of its own or on one with a window manager."""
        with ExitStack() as undo:
            self._environ["DISPLAY"] = display or undo.enter_context(x_server())
            if not display:
                undo.enter_context(process(["openbox"], self._environ))
            log = undo.enter_context((self.folder / "ardour.log").open("wb"))
            command = ["ardour", "-n", str(self.session)]
            undo.enter_context(process(command, self._environ, log))
            yield

    def act(self, slot: int) -> None:
        """Start the script in a slot, as from the menu; not heard before the session is open."""
        # another Ardour on this computer may have the usual port
        url = (self.config / "osc_url").read_text("utf-8")
        port = url.strip().rstrip("/").rpartition(":")[2]
        message = _osc("/access_action", f"LuaAction/script-{slot}")
        if port.isdecimal():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(message, ("127.0.0.1", int(port)))

    def keys(self, *arguments: str) -> str:
        """Run xdotool on this Ardour's screen."""
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        return done.stdout

    def act_until(self, slot: int, done: Path, patience_s: float = WAIT_S) -> None:
        """Start the script in a slot again and again, until it has made its file."""

        def is_done() -> bool:
            self.act(slot)
            return done.exists()

        wait_for(is_done, done.name, patience_s)

    def windows(self, title: str) -> list[str]:
        """The ids of all windows of a title that can be seen."""
        return self.keys("search", "--onlyvisible", "--name", title).split()

    def focused(self, title: str) -> str:
        """The id of a window, once it is there and has the keys."""

        def look() -> str:
            for window in self.windows(title):
                if self.keys("getwindowfocus").strip() == window:
                    return window
                self.keys("windowactivate", window)
            return ""

        return wait_for(look, title, WAIT_S)

    def _switch_osc_on(self) -> None:
        path = self.session / "Nocturne.ardour"
        text = path.read_text("utf-8")
        off = '<Protocol name="Open Sound Control (OSC)" active="0"'
        assert off in text
        path.write_text(text.replace(off, off.replace('"0"', '"1"')), "utf-8")


def _osc(address: str, argument: str) -> bytes:
    parts = (address, ",s", argument)
    return b"".join(part.encode() + b"\0" * (4 - len(part.encode()) % 4) for part in parts)
