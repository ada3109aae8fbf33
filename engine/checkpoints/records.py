"""What the first download of a model brought, so that later ones can be held to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import CheckpointCorrupt, CheckpointError


@dataclass(frozen=True, slots=True)
class Record:
    """Commit and digests of the first download; all empty before it."""

    commit: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)

    def compare(self, digests: Mapping[str, str]) -> None:
        """Raises CheckpointCorrupt when a file has another digest than recorded."""
        for name, sha256 in digests.items():
            known = self.sha256.get(name, sha256)
            if sha256 != known:
                raise CheckpointCorrupt(
                    f"{name} is not the file of the first download: SHA-256 {sha256[:12]}..., "
                    f"recorded was {known[:12]}...; if its owner replaced it on purpose, name the "
                    "revision to take"
                )

    def write(self, file: Path) -> None:
        """Keep the record in `file`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"commit": self.commit, "sha256": dict(self.sha256)}
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_record(file: Path) -> Record:
    """The record in `file`; an empty one when there is no such file.

    Raises CheckpointError when it is damaged.
    """
    if not file.is_file():
        return Record()
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return Record(str(data["commit"]), dict(data["sha256"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{file} is damaged; delete it to trust the next download anew"
        ) from error
