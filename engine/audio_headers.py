"""Does a file hold as many bytes of audio as its header promises?

libsndfile quietly shortens a file whose data chunk reaches beyond the end; for stems that must be
as long as the mixture, a cut file has to be refused instead.
"""

import struct
from pathlib import Path
from typing import IO

from .errors import AudioUnreadable

_UNKNOWN_SIZE = 0xFFFFFFFF
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


def check_promised_size(path: Path) -> None:
    """Raise AudioUnreadable if the audio chunk of a WAV, RF64, W64, AIFF or CAF file is cut.

    Other files pass; theirs is found out by reading.
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
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _walk_riff(file, n_file_bytes, "<", b"data")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _walk_riff(file, n_file_bytes, ">", b"SSND")
    if head[:4] == b"riff":
        return _walk_w64(file, n_file_bytes)
    if head[:4] == b"caff":
        return _walk_caf(file, n_file_bytes)
    return None


def _walk_riff(
    file: IO[bytes], n_file_bytes: int, order: str, wanted: bytes
) -> tuple[int, int] | None:
    position, size_of_data = 12, None
    while position + 8 <= n_file_bytes:
        file.seek(position)
        name, n_bytes = struct.unpack(order + "4sI", file.read(8))
        if name == b"ds64":
            size_of_data = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name == wanted:
            if n_bytes == _UNKNOWN_SIZE and size_of_data is not None:
                n_bytes = size_of_data
            return position + 8, n_bytes
        position += 8 + n_bytes + n_bytes % 2
    return None


def _walk_w64(file: IO[bytes], n_file_bytes: int) -> tuple[int, int] | None:
    position = 40
    while position + 24 <= n_file_bytes:
        file.seek(position)
        name, n_bytes = struct.unpack("<16sQ", file.read(24))
        if name == _W64_DATA:
            return position + 24, n_bytes - 24
        position += max((n_bytes + 7) // 8 * 8, 24)
    return None


def _walk_caf(file: IO[bytes], n_file_bytes: int) -> tuple[int, int] | None:
    position = 8
    while position + 12 <= n_file_bytes:
        file.seek(position)
        name, n_bytes = struct.unpack(">4sq", file.read(12))
        if name == b"data":
            # -1 means "until the end of the file", which the standard allows.
            return None if n_bytes < 0 else (position + 12, n_bytes)
        position += 12 + max(n_bytes, 0)
    return None
