"""Where the panel keeps what is its own: settings, sessions of clips, and caches."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Places:
    """config: settings and sessions, worth keeping. cache: peaks and masks, made again if lost."""

    config: Path
    cache: Path

    @classmethod
    def below(cls, home: Path) -> "Places":
        """Both in one folder."""
        return cls(home / "panel", home / "panel" / "cache")


def write_json(path: Path, content: Any) -> None:
    """Write all of it or nothing, for this user's eyes. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """What `write_json` wrote, `None` when there is nothing or it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
