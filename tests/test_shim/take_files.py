"""Takes as they lie in the spool: read bit by bit, and by libsndfile."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile


@dataclass(frozen=True)
class Kept:
    """One take. bits: [N, C] as they lie in the file."""

    bits: np.ndarray
    rate: int
    time_reference: int


def kept_takes(spool: Path) -> list[Kept]:
    """All whole takes of a process, in the order they were captured; none may be unfinished."""
    assert not list(spool.glob("*.part"))
    return [read_take(path) for path in sorted(spool.glob("*.wav"), key=_number)]


def read_take(path: Path) -> Kept:
    """A take; libsndfile agrees about what it is."""
    info: Any = soundfile.info(path)
    assert (info.format, info.subtype) == ("WAV", "FLOAT")
    content = path.read_bytes()
    start = content.index(b"data") + 8
    bits = np.frombuffer(content[start:], np.uint32).reshape(-1, info.channels)
    assert info.frames == len(bits)
    broadcast = content.index(b"bext") + 8 + 338
    (position,) = struct.unpack("<Q", content[broadcast : broadcast + 8])
    return Kept(bits, info.samplerate, position)


def _number(path: Path) -> int:
    found = re.search(r" take (\d+) ", path.name)
    assert found is not None, path
    return int(found[1])
