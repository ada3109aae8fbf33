"""The note beside stored weights: what they are, where they came from, and their digests."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from engine.errors import CheckpointCorrupt

MANIFEST_NAME = "manifest.json"
SCHEMA = 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a stored model.

    linked: the store holds a link to a file that the user keeps elsewhere.
    pinned: the digest was known beforehand; otherwise it was recorded when the file arrived.
    """

    name: str
    size_bytes: int
    sha256: str
    linked: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known about a stored model.

    source: `hub`, `address`, `folder` or `converted`.   origin: which one, for a person.
    commit: the hub's commit, or empty.   precision: type of most of the weights, `float32`.
    licence_accepted: how, or empty.   added_at: UTC, ISO 8601.
    """

    model: str
    kind: str
    source: str
    origin: str
    precision: str
    licence: str
    licence_page: str
    licence_accepted: str
    files: tuple[StoredFile, ...]
    revision: str = ""
    commit: str = ""
    added_at: str = ""

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)

    def write(self, folder: Path) -> None:
        """Put the manifest into `folder`."""
        text = json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`.

    Raises CheckpointCorrupt when it is missing, damaged or made by a later version.
    """
    file = folder / MANIFEST_NAME
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data.pop("schema") != SCHEMA:
            raise CheckpointCorrupt(f"{file} was written by another version; import {folder} anew")
        data["files"] = tuple(_known(StoredFile, item) for item in data["files"])
        return _known(Manifest, data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointCorrupt(
            f"{file} is missing or damaged; remove the model and import it again"
        ) from error


def _known(cls: type[T], data: dict[str, Any]) -> T:
    names = {item.name for item in fields(cast(Any, cls))}
    return cls(**{name: value for name, value in data.items() if name in names})
