"""What the user has set, kept over restarts. Unknown or broken values fall back to the defaults."""

import contextlib
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from .places import Places, read_json, write_json

N_DESCRIPTIONS = 200
N_RECENT = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """theme: `system`, `dark` or `light`. ruler: unit. output: name of the sound device, empty for
    the system's. descriptions, recent: newest first. format: of saved stems, empty as the source.
    """

    theme: str = "system"
    ruler: str = "seconds"
    output: str = ""
    follows_playhead: bool = True
    is_snapping: bool = True
    is_level_matched: bool = True
    tempo_bpm: float = 0.0
    format: str = ""
    was_welcomed: bool = False
    descriptions: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()


class SettingsStore(QObject):
    """Owner of the settings and their file."""

    changed = pyqtSignal()

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._path = places.config / "settings.json"
        self.values = _from_json(read_json(self._path))

    def set(self, **values: Any) -> None:
        """Change some and keep them; a disk that cannot be written leaves them for this run."""
        changed = replace(self.values, **values)
        if changed == self.values:
            return
        self.values = changed
        with contextlib.suppress(OSError):
            write_json(self._path, asdict(changed))
        self.changed.emit()

    def remember_description(self, description: str) -> None:
        """Put it in front of the completions."""
        if description:
            others = [each for each in self.values.descriptions if each != description]
            self.set(descriptions=(description, *others)[:N_DESCRIPTIONS])

    def remember_file(self, path: str) -> None:
        """Put it in front of the recent files."""
        others = [each for each in self.values.recent if each != path]
        self.set(recent=(path, *others)[:N_RECENT])


def _from_json(content: Any) -> Settings:
    defaults = Settings()
    if not isinstance(content, dict):
        return defaults
    known: dict[str, Any] = {}
    for field in fields(Settings):
        value = content.get(field.name)
        wanted = type(getattr(defaults, field.name))
        if wanted is tuple and isinstance(value, list):
            known[field.name] = tuple(str(each) for each in value)
        elif wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
            known[field.name] = float(value)
        elif isinstance(value, wanted):
            known[field.name] = value
    return replace(defaults, **known)
