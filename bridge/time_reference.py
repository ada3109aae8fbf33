"""The time reference of a Broadcast Wave file, read and changed in place (EBU Tech 3285).

It is eight bytes, little-endian, in the `bext` chunk: the position of the first sample counted from
the start of the timeline, in samples. Hosts offer it as "insert at original time".
"""

import struct
from pathlib import Path
from typing import BinaryIO

_CONTAINERS = (b"RIFF", b"RF64", b"BW64")
_IN_CHUNK = 256 + 32 + 32 + 10 + 8
"""Description, originator, its reference, date and time come first."""

_MOST_CHUNKS = 1000
_REFERENCE = struct.Struct("<Q")


def read_time_reference(path: Path) -> int | None:
    """In samples; `None` for a file that has no place for one. Raises OSError."""
    with path.open("rb") as file:
        if not _seek(file):
            return None
        found: int = _REFERENCE.unpack(file.read(_REFERENCE.size))[0]
        return found


def write_time_reference(path: Path, samples: int) -> None:
    """Change it; a file that has no place for one stays as it is. Raises OSError."""
    with path.open("r+b") as file:
        if _seek(file):
            file.write(_REFERENCE.pack(samples))


def _seek(file: BinaryIO) -> bool:
    """Go to the reference, if there is one."""
    head = file.read(12)
    if head[:4] not in _CONTAINERS or head[8:] != b"WAVE":
        return False
    for _ in range(_MOST_CHUNKS):
        header = file.read(8)
        if len(header) < 8 or header[:4] == b"data":
            return False
        n_bytes = int.from_bytes(header[4:], "little")
        if header[:4] == b"bext":
            file.seek(_IN_CHUNK, 1)
            return n_bytes >= _IN_CHUNK + _REFERENCE.size
        file.seek(n_bytes + n_bytes % 2, 1)
    return False
