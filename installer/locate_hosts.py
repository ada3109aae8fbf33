"""Where DAWs on this system look for scripts and plug-ins of the user. Standard library only."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOSTS = ("reaper", "ableton", "ardour", "vst3")
_ARDOURS = (9, 8, 7)


@dataclass(frozen=True, slots=True)
class System:
    """What decides where things are. platform: as `sys.platform` has it."""

    platform: str
    home: Path
    environ: Mapping[str, str]

    @classmethod
    def here(cls) -> "System":
        """This computer, for this user."""
        return cls(sys.platform, Path.home(), os.environ)

    def windows(self, variable: str, fallback: str) -> Path:
        """A folder that Windows names by an environment variable."""
        return Path(self.environ.get(variable) or self.home / fallback)


def candidates(host: str, system: System) -> list[Path]:
    """Folders of the user in which `host` looks, the likeliest first; they need not exist.

    reaper: its resource folder; ableton: the User Library; ardour: its configuration, a folder for
    each version; vst3: the folder of the user's plug-ins.
    """
    kind = {"win32": 0, "darwin": 1}.get(system.platform, 2)
    home = system.home
    if host == "reaper":
        roaming = system.windows("APPDATA", "AppData/Roaming")
        places = (roaming, home / "Library/Application Support", _config(system))
        return [places[kind] / "REAPER"]
    if host == "ableton":
        own = Path("Ableton/User Library")
        if kind == 0:
            cloud = system.environ.get("OneDrive")  # Windows may keep Documents there
            owners = [system.windows("USERPROFILE", ""), *([Path(cloud)] if cloud else [])]
            return [owner / "Documents" / own for owner in owners]
        return [home / ("Music" if kind == 1 else "Documents") / own]
    if host == "ardour":
        local = system.windows("LOCALAPPDATA", "AppData/Local")
        places = (local, home / "Library/Preferences", _config(system))
        name = "ardour" if kind == 2 else "Ardour"
        return [places[kind] / f"{name}{version}" for version in _ARDOURS]
    programs = system.windows("LOCALAPPDATA", "AppData/Local") / "Programs/Common/VST3"
    return [(programs, home / "Library/Audio/Plug-Ins/VST3", home / ".vst3")[kind]]


def launcher(home: Path | None, system: System) -> Path:
    """The file that tells the plug-in how to start the engine; `Folders.cpp` looks there.

    home: the one folder for everything, when one was named.
    """
    if home is not None:
        return home / "launcher.json"
    kind = {"win32": 0, "darwin": 1}.get(system.platform, 2)
    local = system.windows("LOCALAPPDATA", "AppData/Local") / "StemLasso"
    support = system.home / "Library/Application Support/StemLasso"
    return (local, support, _config(system) / "stemlasso")[kind] / "launcher.json"


def find(host: str, system: System) -> list[Path]:
    """The folders of `host` that are there; the one for VST3 plug-ins counts as there."""
    places = candidates(host, system)
    return places if host == "vst3" else [place for place in places if place.is_dir()]


def is_running(program: str, platform: str = sys.platform) -> bool:
    """Whether a program of this name runs; False when the system does not tell."""
    command = (
        ["tasklist", "/fo", "csv", "/nh"] if platform == "win32" else ["ps", "-A", "-o", "comm="]
    )
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    names = (line.split('","')[0].strip('" ') for line in said.stdout.splitlines())
    wanted = {program.casefold(), f"{program}.exe".casefold()}
    return any(Path(name).name.casefold() in wanted for name in names)


def _config(system: System) -> Path:
    return Path(system.environ.get("XDG_CONFIG_HOME") or system.home / ".config")
