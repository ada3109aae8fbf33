"""A fake REAPER in a real Lua: builds a project, runs the actions, looks at what came of it."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
DAW = HERE.parents[1] / "plugin_shim" / "daw"
SEPARATE = "StemLasso - separate selected items.lua"
OPEN = "StemLasso - open in panel.lua"
INSERT = "StemLasso - insert finished stems.lua"
RATE = 48_000


def lua_runtime(version: str = "lua54") -> Any:
    """A Lua interpreter that finds our modules; REAPER 6 has 5.3 and REAPER 7 has 5.4."""
    lua = importlib.import_module(f"lupa.{version}").LuaRuntime(unpack_returned_tuples=True)
    for folder in (DAW / "lua", DAW / "reaper" / "lib", HERE):
        package = lua.globals().package
        package.path = f"{folder / '?.lua'};{package.path}"
    return lua


def module(lua: Any, name: str) -> Any:
    """One of our Lua modules."""
    return lua.eval("function(name) return (require(name)) end")(name)


class Reaper:
    """One running REAPER with one project, whose store is `home/store`."""

    def __init__(self, folder: Path, home: Path, version: str = "lua54") -> None:
        self.folder, self.home = folder, home
        self.project_file = folder / "Nocturne.rpp"
        self.lua = lua_runtime(version)
        self.fake: Any = self.lua.execute((HERE / "fake_reaper.lua").read_text("utf-8"))
        self.fake.list = lambda path: self.lua.table_from(sorted(_names(Path(path))))
        self.fake.make_folder = lambda path: Path(path).mkdir(parents=True, exist_ok=True) or 1
        self.fake.project_path = str(folder)
        self.fake.project_file = str(self.project_file)
        self.lua.globals().os.getenv = {"STEMLASSO_HOME": str(home)}.get

    def table(self, **values: Any) -> Any:
        """A Lua table."""
        return self.lua.table_from(values)

    def track(self, name: str, **values: Any) -> Any:
        """Adds a track at the end."""
        return self.fake.track(name, self.table(**values))

    def item(
        self, track: Any, source: Any, take: dict[str, Any] | None = None, **values: Any
    ) -> Any:
        """Adds a selected item with one take. source: a file, or a source of the fake."""
        if isinstance(source, Path):
            source = self.fake.wave(str(source))
        item = self.fake.add_item(track, self.table(**values))
        self.fake.add_take(item, source, "", self.table(**(take or {})))
        item.is_selected = True
        return item

    def run(self, action: str) -> None:
        """Runs an action as if chosen from the action list: one that still runs, as it asked."""
        if action == SEPARATE and not self.fake.may_run():
            return
        self.fake.action_options = 0
        self.lua.eval("function(path) assert(loadfile(path))() end")(str(DAW / "reaper" / action))

    def says(self, *fields: str) -> None:
        """What the user will type into the next dialog."""
        self.fake.inputs[len(self.fake.inputs) + 1] = "\n".join(fields)

    def requests(self) -> list[dict[str, Any]]:
        """What lies in the inbox, oldest first."""
        paths = (self.home / "store" / "inbox").glob("*.json")
        return [
            {**json.loads(path.read_text("utf-8")), "name": path.stem}
            for path in sorted(paths, key=lambda path: int(path.stem.rpartition("-")[2]))
        ]

    def tracks(self) -> list[dict[str, Any]]:
        """The project, as Python values."""
        return [
            {
                "name": track.strings.P_NAME,
                **dict(track.numbers.items()),
                "items": [self._item(item) for item in track["items"].values()],
            }
            for track in self.fake.tracks.values()
        ]

    def _item(self, item: Any) -> dict[str, Any]:
        return {
            **dict(item.numbers.items()),
            "takes": [
                {
                    "name": take.strings.P_NAME,
                    "file": take.source.file,
                    "is_active": self.fake.is_active(take),
                    **dict(take.numbers.items()),
                }
                for take in item.takes.values()
            ],
        }

    @property
    def boxes(self) -> list[str]:
        """What message boxes said."""
        return list(self.fake.boxes.values())

    @property
    def console(self) -> str:
        """What the console says."""
        return "".join(self.fake.console.values())

    @property
    def kept(self) -> list[tuple[str, str, str]]:
        """What the project keeps for scripts: section, key and value."""
        kept = self.fake.project_ext[self.fake.project]
        return [tuple(each.values()) for each in kept.values()] if kept else []

    @property
    def undo_steps(self) -> list[str]:
        """What the undo history names."""
        return list(self.fake.undo.values())


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def write_ramp(path: Path, n_samples: int, n_channels: int = 2, rate: int = RATE) -> NDArray[Any]:
    """A float WAV whose every sample is another; gives the samples [N, C]."""
    values = np.arange(n_samples * n_channels, dtype=np.float32) / (n_samples * n_channels)
    samples = values.reshape(n_samples, n_channels)
    soundfile.write(path, samples, rate, "FLOAT")
    return samples


class Desk:
    """Stands in for the engine process: answers requests with stems that are half the clip."""

    def __init__(self, home: Path) -> None:
        self.store = home / "store"
        folders = (self.store / name for name in ("inbox", "outbox", "jobs"))
        for folder in (home, self.store, *folders):
            folder.mkdir(mode=0o700, exist_ok=True)

    def finish(self, request: dict[str, Any], job_id: str, n_takes: int = 1) -> Path:
        """Makes stems for a request, and the manifest in the outbox; gives the manifest."""
        (self.store / "inbox" / f"{request['name']}.json").unlink(missing_ok=True)
        manifest = self.manifest(request, job_id, n_takes)
        path = self.store / "outbox" / f"{job_id}.timeline.json"
        path.write_text(json.dumps(manifest), "utf-8")
        self.answer(request, "done", job_id=job_id, manifest=str(path))
        return path

    def answer(self, request: dict[str, Any], state: str, **more: Any) -> None:
        """Puts an answer into the outbox."""
        content = {"answer": 1, "request": f"{request['name']}.json", "state": state, **more}
        path = self.store / "outbox" / f"{request['name']}.answer.json"
        path.write_text(json.dumps(content), "utf-8")

    def manifest(self, request: dict[str, Any], job_id: str, n_takes: int) -> dict[str, Any]:
        """As `bridge/timeline.py` writes it."""
        clip, origin = request["clip"], {"position_s": 0.0, **request["clip"]["origin"]}
        samples, rate = soundfile.read(clip["path"], always_2d=True, dtype="float32")
        said = request.get("prompt", {}).get("description") or "target"
        roles = [("target", 0), ("residual", 0), *(("candidate", k) for k in range(1, n_takes))]
        stems = []
        for role, take in roles:
            track = f"{said} (residual)" if role == "residual" else said
            track += f" take {take + 1}" if take else ""
            file = self.store / "jobs" / f"{job_id} {track}.wav"
            soundfile.write(file, samples / 2, rate, "FLOAT")
            stems.append(
                {
                    "role": role,
                    "take": take,
                    "file": str(file),
                    "name": f"{clip['name']} - {track}",
                    "track": track,
                    "colour": "#8A8F98" if role == "residual" else "#669BBC",
                    "start_s": origin["position_s"],
                    "start_samples": round(origin["position_s"] * rate),
                    "length_s": len(samples) / rate,
                    "length_samples": len(samples),
                    "sample_rate": rate,
                    "n_channels": samples.shape[1],
                    "gain_db": 0.0,
                    "mute": role == "candidate",
                    "score": None,
                    "group": clip["name"],
                }
            )
        return {
            "manifest": "1.0",
            "job_id": job_id,
            "host": origin["host"],
            "project": origin["project"],
            "group": clip["name"],
            "parent": {
                "name": clip["name"],
                "file": clip["path"],
                "track": origin["track"],
                "start_s": origin["position_s"],
                "length_samples": len(samples),
                "sample_rate": rate,
            },
            "placed_by": "host",
            "stems": stems,
        }


def ask(reaper: Reaper, *fields: str) -> list[dict[str, Any]]:
    """What the action sends when these fields are filled in."""
    reaper.says(*(fields or ("snare", "", "", "1", "n")))
    reaper.run(SEPARATE)
    return reaper.requests()


def wait(reaper: Reaper, seconds: float = 1.0) -> int:
    """Let REAPER run; gives how many deferred functions are left."""
    left: int = reaper.fake.tick(seconds)
    return left


def names(reaper: Reaper) -> list[str]:
    """Of the tracks, from the top."""
    return [track["name"] for track in reaper.tracks()]
