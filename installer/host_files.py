"""What belongs into a DAW's folders, as values: files with their content, lines of its settings.

The scripts come from `plugin_shim/daw` of a checkout, or from the installed package's data.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from failure import SetupFailed

SETTINGS = "stemlasso.json"
_MODULES_LINE = "  -- the modules are put in here when it is installed\n"


@dataclass(frozen=True, slots=True)
class Placed:
    """A file to write. target: relative to the host's folder, or absolute.

    mode: of the file; 0 for the usual one. is_shared: takes the place of another installation's.
    """

    target: Path
    content: bytes
    mode: int = 0
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A line that a settings file of the host needs. file: relative to the host's folder."""

    file: Path
    line: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the scripts have to know. store: its folder; command: runs `stemlasso`."""

    store: Path
    command: tuple[str, ...]

    def content(self) -> bytes:
        """As the scripts read it."""
        said = {"store": str(self.store), "command": list(self.command)}
        return json.dumps(said, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"


def scripts_folder() -> Path:
    """The folder with the scripts of all hosts. Raises SetupFailed."""
    places = (
        Path(__file__).resolve().parent.parent / "plugin_shim" / "daw",
        Path(sys.prefix) / "share" / "stemlasso" / "daw",
    )
    for place in places:
        if (place / "manifest.md").is_file():
            return place
    raise SetupFailed(f"the scripts are not in {places[0]} or {places[1]}; install StemLasso again")


def reaper(scripts: Path, settings: Settings) -> tuple[list[Placed], list[Registered]]:
    """The actions with their modules, and a line for each in the list of actions."""
    folder = Path("Scripts/StemLasso")
    actions = sorted((scripts / "reaper").glob("*.lua"))
    modules = sorted(
        [*(scripts / "reaper" / "lib").glob("*.lua"), *(scripts / "lua").glob("*.lua")]
    )
    files = [Placed(folder / each.name, each.read_bytes()) for each in actions]
    files += [Placed(folder / "lib" / each.name, each.read_bytes()) for each in modules]
    files.append(Placed(folder / SETTINGS, settings.content()))
    lines = [Registered(Path("reaper-kb.ini"), _action_line(each.name)) for each in actions]
    return files, lines


def ableton(scripts: Path, settings: Settings) -> tuple[list[Placed], list[Registered]]:
    """The control surface."""
    folder = Path("Remote Scripts/StemLasso")
    modules = sorted((scripts / "ableton" / "StemLasso").glob("*.py"))
    files = [Placed(folder / each.name, each.read_bytes()) for each in modules]
    return [*files, Placed(folder / SETTINGS, settings.content())], []


def ardour(scripts: Path, settings: Settings) -> tuple[list[Placed], list[Registered]]:
    """The editor actions, each a file of its own: Ardour's scripts can load no other file."""
    actions = sorted((scripts / "ardour").glob("*.lua"))
    return [
        Placed(Path("scripts") / each.name, bundled(each, scripts, settings).encode("utf-8"))
        for each in actions
    ], []


def plugin(built: Path) -> tuple[list[Placed], list[Registered]]:
    """A VST3 bundle, or a single file as it may be on Windows."""
    if built.is_file():
        return [Placed(Path(built.name), built.read_bytes())], []
    files = sorted(each for each in built.rglob("*") if each.is_file())
    return [
        Placed(Path(built.name) / each.relative_to(built), each.read_bytes()) for each in files
    ], []


def launcher(path: Path, settings: Settings) -> Placed:
    """What the plug-in reads to start the engine: the newest installation's command.

    Only the owner may write it, because what it names is run.
    """
    said = json.dumps({"command": list(settings.command)}, ensure_ascii=False, indent=1)
    return Placed(path, said.encode("utf-8") + b"\n", mode=0o600, is_shared=True)


def find_plugin(checkout: Path) -> Path:
    """The newest StemLasso.vst3 that was built in a checkout. Raises SetupFailed."""
    folders = (checkout / "build", checkout / "plugin_shim" / "build")
    found = [each for folder in folders for each in folder.rglob("StemLasso.vst3")]
    if not found:
        raise SetupFailed(
            f"no StemLasso.vst3 was built below {folders[0]} or {folders[1]}; run `cmake --preset "
            "release && cmake --build --preset release` in plugin_shim, or name one with --from"
        )
    return max(found, key=lambda each: each.stat().st_mtime)


def bundled(action: Path, scripts: Path, settings: Settings) -> str:
    """An Ardour action with the modules that it requires, and the settings, written into it."""
    text = action.read_text("utf-8")
    if text.count(_MODULES_LINE) != 1:
        raise SetupFailed(f"{action}: it has no line for its modules; install StemLasso again")
    parts = [
        f"  local SETTINGS = {{ store = {_lua_text(str(settings.store))},\n",
        f"    command = {{ {', '.join(map(_lua_text, settings.command))} }} }}\n",
        "  local sources, loaded = {}, {}\n",
        "  local function require(name)\n",
        "    if not loaded[name] then loaded[name] = sources[name](require) end\n",
        "    return loaded[name]\n",
        "  end\n",
    ]
    for name in _modules(text, scripts):
        module = _source(scripts, name)
        parts.append(f'  sources["{name}"] = function(require)\n{module}  end\n')
    return text.replace(_MODULES_LINE, "".join(parts))


def _modules(text: str, scripts: Path) -> Sequence[str]:
    """Names of the modules that a script requires, with those that they require themselves."""
    names: list[str] = []
    waiting = list(_required(text))
    while waiting:
        name = waiting.pop(0)
        if name not in names:
            names.append(name)
            waiting += _required(_source(scripts, name))
    return sorted(names)


def _source(scripts: Path, name: str) -> str:
    """A module, of Ardour's own or of those that hosts share."""
    places = (scripts / "ardour" / "lib" / f"{name}.lua", scripts / "lua" / f"{name}.lua")
    return next(place for place in places if place.is_file()).read_text("utf-8")


def _required(text: str) -> Iterator[str]:
    yield from re.findall(r'^[^-\n]*= require\("(\w+)"\)', text, re.MULTILINE)


def _lua_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _action_line(name: str) -> str:
    """As REAPER itself lists a script: kind, section (main), id, title, file."""
    identity = "RS" + hashlib.sha1(f"StemLasso/{name}".encode()).hexdigest()
    return f'SCR 4 0 {identity} "Custom: {name}" "StemLasso/{name}"'
