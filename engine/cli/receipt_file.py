"""What a separation printed as JSON, kept beside its stems, and read again by `stemlasso comp`."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data import JsonValue
from engine.errors import AudioNotFound, OutputExists, PromptError
from engine.stem_writer import output_failure


@dataclass(frozen=True, slots=True)
class PastRun:
    """A separation that was done. takes: the targets, best first.

    digest: of the mixture's samples then; empty when the receipt does not have it.
    """

    mixture: Path
    digest: str
    takes: tuple[Path, ...]


def check_free(path: Path, overwrite: bool) -> None:
    """Raises OutputExists when the receipt would replace a file that may not be replaced."""
    if path.exists() and not overwrite:
        raise OutputExists(f"{path}: it exists already; allow overwriting or choose another name")


def write_receipt(path: Path, value: Mapping[str, JsonValue]) -> None:
    """The whole file or none. Raises OutputError or DiskFull."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise output_failure(error, path) from error


def read_receipt(path: Path) -> PastRun:
    """What a receipt file, or what `--json` printed, says about the mixture and the takes.

    Stems are looked for beside the receipt first, for folders are moved about.
    Raises AudioNotFound, and PromptError for a file that is no receipt.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AudioNotFound(f"{path}: the receipt cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise PromptError(f"{path}: this is no receipt of one separation ({error})") from error
    try:
        mixture = value["receipt"]["mixture"]
        first, *others = (take["path"] for take in value["candidates"])
        return PastRun(
            _found(mixture["path"], path),
            mixture.get("digest", ""),
            tuple(_found(name, path) for name in (first, *others)),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise PromptError(
            f"{path}: this is no receipt of a separation into files ({error!r}); "
            "`stemlasso separate --receipt` writes one"
        ) from error


def _found(name: Any, receipt: Path) -> Path:
    path = Path(name)
    beside = receipt.parent / path.name
    return beside if beside.exists() or not path.exists() else path
