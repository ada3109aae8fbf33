"""What is known about this machine's speed, in a file of the user's cache folder.

    {"version": 1, "machines": {KEY: {"rates": {...}, "ratios": {STAGE: [1.08, 0.97, ...]}}}}

KEY is machine, cores, device, precision, torch's version and the model's size: whatever changes a
rate. A file that is damaged, of another version or not to be written is as good as none: all that
is lost is how well a run's time is known.
"""

import contextlib
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoints.store import default_root

from .rates import Rates

log = logging.getLogger(__name__)

CACHE_VARIABLE = "STEMLASSO_CACHE"
VERSION = 1
_N_KEPT = 9
_MOST = 4.0
"""A run that took more than 4 times longer or shorter than foreseen was disturbed, or is of another
kind; it counts as 4 times."""

_LEAST_S = 2.0
"""Stages that are foreseen shorter, and took less, tell nothing about rates."""

_UNSURE_OF_MEASURED, _UNSURE_OF_LEARNED = 1.35, 1.15


@dataclass(frozen=True, slots=True)
class Ratio:
    """What runs took over what was foreseen. n_runs: that it rests on.   spread: 1 or more, the
    factor within which most of them lay."""

    value: float = 1.0
    n_runs: int = 0
    spread: float = _UNSURE_OF_MEASURED


def cache_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder that the environment names, or the user's cache folder; it need not exist."""
    if named := environ.get(CACHE_VARIABLE, ""):
        return Path(named).expanduser()
    home = Path.home()
    if platform == "win32":
        local = environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
        return Path(local) / "StemLasso" / "Cache"
    if platform == "darwin":
        return home / "Library" / "Caches" / "StemLasso"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "stemlasso"


class Ledger:
    """Rates and ratios by key. path: of the file; `None` keeps them in memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._own: dict[str, Any] = {}

    @classmethod
    def of_user(cls, root: Path | None = None) -> "Ledger":
        """The one in the user's cache folder, or with a model store that lies elsewhere."""
        root = None if root == default_root() else root
        folder = cache_folder() if root is None else root / ".cache"
        return cls(folder / "rates.json")

    @property
    def path(self) -> Path | None:
        """The file, which need not exist."""
        return self._path

    def rates(self, key: str) -> Rates | None:
        """What was measured, `None` when nothing was."""
        return Rates.from_json(self._machine(key).get("rates"))

    def ratio(self, key: str, stage: str) -> Ratio:
        """What the last runs say about a stage: their median."""
        kept = self._ratios(key, stage)
        if not kept:
            return Ratio()
        middle = statistics.median(kept)
        away = statistics.median(max(each / middle, middle / each) for each in kept)
        # A few runs that agree by chance are not sure of anything.
        least = _UNSURE_OF_LEARNED if len(kept) > 2 else _UNSURE_OF_MEASURED
        return Ratio(middle, len(kept), max(away, least))

    def measured(self, key: str, rates: Rates) -> None:
        """Remember new rates; what was learned about the old ones no longer holds."""
        self._change(key, {"rates": rates.as_json(), "ratios": {}})

    def learn(self, key: str, foreseen: Mapping[str, float], took: Mapping[str, float]) -> None:
        """Remember what a finished run took. foreseen: seconds by stage, before any ratio."""
        ratios = {
            stage: [*self._ratios(key, stage), _bounded(took[stage] / max(seconds, 1e-9))]
            for stage, seconds in foreseen.items()
            if stage in took and max(seconds, took[stage]) >= _LEAST_S
        }
        if not ratios:
            return
        before = self._machine(key)
        known = before["ratios"] if isinstance(before.get("ratios"), dict) else {}
        last = {stage: values[-_N_KEPT:] for stage, values in ratios.items()}
        self._change(key, {**before, "ratios": {**known, **last}})

    def _ratios(self, key: str, stage: str) -> list[float]:
        found = self._machine(key).get("ratios")
        kept = found.get(stage) if isinstance(found, dict) else None
        if not isinstance(kept, list):
            return []
        return [_bounded(each) for each in kept if isinstance(each, int | float) and each > 0]

    def _machine(self, key: str) -> dict[str, Any]:
        found = self._machines().get(key)
        return found if isinstance(found, dict) else {}

    def _machines(self) -> dict[str, Any]:
        if self._path is None:
            return self._own
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict) or content.get("version") != VERSION:
            return {}
        machines = content.get("machines")
        return machines if isinstance(machines, dict) else {}

    def _change(self, key: str, value: dict[str, Any]) -> None:
        machines = {**self._machines(), key: value}
        if self._path is None:
            self._own = machines
            return
        try:
            _replace(self._path, json.dumps({"version": VERSION, "machines": machines}, indent=1))
        except (OSError, ValueError) as error:
            log.info("%s: not written: %s", self._path, error)


def machine_name() -> str:
    """Which computer this is, as far as a cache folder on a shared disk needs to know."""
    return f"{platform.node()} {platform.machine()}"


def _bounded(ratio: float) -> float:
    return min(max(float(ratio), 1 / _MOST), _MOST)


def _replace(path: Path, text: str) -> None:
    """Put `text` at `path`; a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
