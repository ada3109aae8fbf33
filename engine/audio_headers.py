"""Does a file hold as many bytes of audio as its header promises?

libsndfile quietly shortens a file whose data chunk reaches beyond the end; for stems that must be
as long as the mixture, a cut file has to be refused instead.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import AudioUnreadable

_UNKNOWN_SIZE = 0xFFFFFFFF
_MAX_CHUNKS = 10_000  # a damaged file may be gigabytes of empty ones
_MAX_OGG_PAGE_BYTES = 27 + 255 + 255 * 255


@dataclass(frozen=True)
class _ChunkLayout:
    """How a family of formats writes its chunks. header: of one chunk, name and size."""

    header: struct.Struct
    first: int
    samples: bytes
    alignment: int
    size_has_header: bool = False


_RIFF = _ChunkLayout(struct.Struct("<4sI"), 12, b"data", 2)
_LAYOUTS = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"BW64": _RIFF,
    b"FORM": _ChunkLayout(struct.Struct(">4sI"), 12, b"SSND", 2),
    b"riff": _ChunkLayout(
        struct.Struct("<16sQ"),
        40,
        b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
        8,
        size_has_header=True,
    ),
    b"caff": _ChunkLayout(struct.Struct(">4sq"), 8, b"data", 1),
}


def check_promised_size(path: Path) -> None:
    """Raise AudioUnreadable if a WAV, RF64, W64, AIFF, CAF, AU or OGG file is cut.

    Other files pass; with them it shows when they are read.
    """
    with path.open("rb") as file:
        n_file_bytes = file.seek(0, 2)
        file.seek(0)
        found = _audio_chunk(file, n_file_bytes)
    if found is None:
        return
    start, n_bytes = found
    present = max(n_file_bytes - start, 0)
    if n_bytes > present:
        raise AudioUnreadable(
            f"{path}: the header promises {n_bytes} bytes of audio, the file has {present}: "
            "it was cut off or never finished; copy it again, or open and save it in an editor"
        )
    if present - n_bytes >= 1 << 32:
        raise AudioUnreadable(
            f"{path}: the header promises {n_bytes} bytes of audio, the file has {present}: "
            "its 32-bit size has wrapped around; save it as RF64 or W64"
        )


def _audio_chunk(file: IO[bytes], n_file_bytes: int) -> tuple[int, int] | None:
    """Start and promised size in bytes of the chunk with the samples, `None` if not found."""
    head = file.read(12)
    if len(head) < 12:
        return None
    for magic, layout in _LAYOUTS.items():
        if head.startswith(magic):
            return _find_samples(file, n_file_bytes, layout)
    if head[:4] == b".snd":
        start, n_bytes = struct.unpack(">II", head[4:])
        return None if n_bytes == _UNKNOWN_SIZE else (start, n_bytes)
    if head[:4] == b"OggS":
        return _last_ogg_page(file, n_file_bytes)
    return None


def _find_samples(
    file: IO[bytes], n_file_bytes: int, layout: _ChunkLayout
) -> tuple[int, int] | None:
    position, size_in_ds64 = layout.first, None
    for _ in range(_MAX_CHUNKS):
        if position + layout.header.size > n_file_bytes:
            return None
        file.seek(position)
        name, n_bytes = layout.header.unpack(file.read(layout.header.size))
        if layout.size_has_header:
            n_bytes = max(n_bytes - layout.header.size, 0)
        if name == b"ds64":
            size_in_ds64 = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        position += layout.header.size
        if name == layout.samples:
            if n_bytes == _UNKNOWN_SIZE and size_in_ds64 is not None:
                n_bytes = size_in_ds64
            # CAF allows -1, "until the end of the file", while a recording goes on.
            return None if n_bytes < 0 else (position, n_bytes)
        position += -(-max(n_bytes, 0) // layout.alignment) * layout.alignment
    raise AudioUnreadable(
        f"{file.name}: it has over {_MAX_CHUNKS} chunks and none with samples: it is damaged; "
        "copy it again, or open and save it in an editor"
    )


def _last_ogg_page(file: IO[bytes], n_file_bytes: int) -> tuple[int, int] | None:
    """Start and size in bytes of the last page; its table says how long each part of it is."""
    tail_start = max(n_file_bytes - 2 * _MAX_OGG_PAGE_BYTES, 0)
    file.seek(tail_start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return None
    n_parts = tail[page + 26] if page + 26 < len(tail) else 0
    n_header_bytes = 27 + n_parts
    return tail_start + page, n_header_bytes + sum(tail[page + 27 : page + n_header_bytes])
