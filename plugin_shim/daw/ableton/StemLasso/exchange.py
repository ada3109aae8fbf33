"""The inbox and outbox of the StemLasso engine process, as files. See manifest.md.

outbox/Live.command.json   what Live is asked to do, by the panel or `stemlasso live`
outbox/.Live.clips.json    how clips that were sent lay in the Set; Live itself cannot keep it
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

VERSION = 1
HOST = "Live"
_COMMAND = "Live.command.json"
_TAKEN = ".Live.command.taken"
_KEPT = ".Live.clips.json"
_MOST_KEPT = 500


def usual_store(environ: Mapping[str, str], platform: str) -> str:
    """Where the engine process keeps its store; the same rules as in bridge/PROTOCOL.md."""
    home = os.path.expanduser("~")
    own = environ.get("STEMLASSO_HOME")
    if own:
        return os.path.join(own, "store")
    if platform == "win32":
        local = environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(local, "StemLasso", "store")
    if platform == "darwin":
        return os.path.join(home, "Library", "Application Support", "StemLasso", "store")
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.path.join(data, "stemlasso", "store")


def read_settings(folder: str) -> dict[str, Any]:
    """What the installer left beside the script: `store` and `command`; empty without it."""
    settings = _read(os.path.join(folder, "stemlasso.json"))
    return settings if isinstance(settings, dict) else {}


class Desk:
    """Requests out, answers and manifests in. Raises OSError where files cannot be written."""

    def __init__(self, settings: dict[str, Any]) -> None:
        store = settings.get("store") or usual_store(os.environ, sys.platform)
        self.inbox = os.path.join(store, "inbox")
        self.outbox = os.path.join(store, "outbox")
        self.spool = os.path.join(os.path.dirname(store), "spool", "Live")
        self._n_asked = 0

    def take_command(self) -> dict[str, Any] | None:
        """A command that waits for Live, taken away; None when there is none."""
        path, taken = (os.path.join(self.outbox, name) for name in (_COMMAND, _TAKEN))
        try:
            os.replace(
                path, taken
            )  # whoever gave it may take it back at any time: one of us has it
        except OSError:
            return None
        command = _read(taken)
        _remove(taken)
        is_known = isinstance(command, dict) and command.get("command") == VERSION
        return command if is_known else None

    def new_name(self) -> str:
        """A name for a request that no other one has."""
        self._n_asked += 1
        return f"live-{int(time.time() * 1000)}-{os.getpid()}-{self._n_asked}"

    def ask(
        self,
        name: str,
        clip: dict[str, Any],
        prompt: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        """Put a request into the inbox, whole; without a prompt it only puts the clip there."""
        request: dict[str, Any] = {"request": VERSION, "clip": clip}
        if prompt is not None:
            request.update(prompt=prompt, options=options or {})
        _write(os.path.join(self.inbox, name + ".json"), request)

    def answer(self, name: str) -> Any:
        """What became of a request; None while it is not known."""
        return _read(os.path.join(self.outbox, name + ".answer.json"))

    def forget_answer(self, name: str) -> None:
        """Take an answer that has been used away."""
        _remove(os.path.join(self.outbox, name + ".answer.json"))

    def manifests(self) -> Iterator[dict[str, Any] | None]:
        """Manifests of Live's clips that wait in the outbox; None for each of another host."""
        try:
            names = sorted(os.listdir(self.outbox))
        except OSError:
            return
        for name in names:
            if name.endswith(".timeline.json") and not name.startswith("."):
                manifest = self.manifest(os.path.join(self.outbox, name))
                yield manifest if manifest and manifest.get("host") == HOST else None

    def manifest(self, path: str) -> dict[str, Any] | None:
        """The manifest at `path`; None when it is none that this script knows."""
        found = _read(path)
        is_known = isinstance(found, dict) and str(found.get("manifest")).startswith("1.")
        return found if is_known else None

    def forget_manifest(self, job_id: str) -> None:
        """Take a manifest that has been used away."""
        _remove(os.path.join(self.outbox, job_id + ".timeline.json"))

    def kept(self) -> dict[str, Any]:
        """What `keep` kept: request name -> record."""
        found = _read(os.path.join(self.outbox, _KEPT))
        return found if isinstance(found, dict) else {}

    def keep(self, name: str, record: dict[str, Any] | None) -> None:
        """Remember how a clip lay; `None` forgets it."""
        kept = self.kept()
        kept.pop(name, None)
        if record is not None:
            kept[name] = record
        while len(kept) > _MOST_KEPT:
            del kept[next(iter(kept))]
        _write(os.path.join(self.outbox, _KEPT), kept)


def _read(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            return json.loads(file.read().decode("utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: str, value: Any) -> None:
    folder, name = os.path.split(path)
    hidden = os.path.join(folder, ".{}.part".format(name.lstrip(".")))
    with open(hidden, "wb") as file:
        file.write(json.dumps(value, ensure_ascii=False).encode("utf-8"))
    os.replace(hidden, path)


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
