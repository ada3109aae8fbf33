"""Copies a stretch of a WAV or AIFF file bit for bit. Standard library only.

Both are lists of chunks; the samples lie in one of them, frame after frame. The chunk that says how
to read them is copied, the rest (loops, names, pictures) is left out.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

_MOST_CHUNKS = 1000
_COPY_BYTES = 1 << 20
_BLOCKS_PER_TURN = 16
_MOST_CUT_BYTES = 0xFFFFFFFF - 8192  # what the head can say, less the head itself
_WHOLE_32 = 0xFFFFFFFF
_PLAIN, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_PLAIN_AIFF = (b"NONE", b"sowt", b"twos", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32")


class Samples:
    """Where the samples of a file lie. n_samples: per channel; start: byte of the first one."""

    def __init__(self, kind: str, sample_rate: int, n_frame_bytes: int, form: bytes) -> None:
        self.kind, self.sample_rate = kind, sample_rate
        self.n_frame_bytes, self.form = n_frame_bytes, form
        self.start = self.n_samples = 0


def find_samples(path: str) -> Samples | None:
    """The samples of a file; None for files that are not linear PCM in WAV, RF64, AIFF or AIFC."""
    try:
        with open(path, "rb") as file:
            head = file.read(12)
            if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE":
                return _find(file, "<4sI", _wav_format, b"fmt ", b"data", 0)
            if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
                return _find(file, ">4sI", _aiff_format, b"COMM", b"SSND", 8)
    except (OSError, struct.error, OverflowError):
        pass
    return None


def cut(path: str, samples: Samples, first: int, stop: int, target: str) -> Iterator[None]:
    """Write samples [first, stop) of `path` to the new file `target`, 16 MB at a turn.

    A generator, so that Live goes on meanwhile; a file that is not finished is taken away.
    Raises OSError.
    """
    n_bytes = (stop - first) * samples.n_frame_bytes
    if n_bytes > _MOST_CUT_BYTES:
        raise OSError(27, "a stretch of more than 4 GB cannot be cut out", path)
    head = (_wav_head if samples.kind == "WAV" else _aiff_head)(samples, stop - first, n_bytes)
    is_whole = False
    try:
        with open(path, "rb") as reader, open(target, "wb") as writer:
            writer.write(head)
            reader.seek(samples.start + first * samples.n_frame_bytes)
            left, n_blocks = n_bytes, 0
            while left:
                block = reader.read(min(left, _COPY_BYTES))
                if not block:
                    raise OSError(5, "it is shorter than it says", path)
                writer.write(block)
                left -= len(block)
                n_blocks += 1
                if n_blocks % _BLOCKS_PER_TURN == 0:
                    yield
            writer.write(b"\0" * (n_bytes % 2))
        is_whole = True
    finally:
        if not is_whole and os.path.exists(target):
            os.remove(target)


def _find(
    file: BinaryIO,
    header: str,
    read_format: Callable[[bytes], Samples | None],
    format_name: bytes,
    data_name: bytes,
    n_skipped: int,
) -> Samples | None:
    found: Samples | None = None
    long_size: int | None = None
    for _ in range(_MOST_CHUNKS):
        at = file.tell()
        bare = file.read(8)
        if len(bare) < 8:
            return None
        name, n_bytes = struct.unpack(header, bare)
        if name == b"ds64":
            long_size = struct.unpack("<8xQ", file.read(16))[0]
        elif name == format_name:
            found = read_format(file.read(min(n_bytes, 4096)))
        elif name == data_name:
            if found is None:
                return None
            if n_bytes == _WHOLE_32 and long_size is not None:
                n_bytes = long_size
            found.start = at + 8 + n_skipped
            there = os.fstat(file.fileno()).st_size - found.start
            found.n_samples = min(n_bytes - n_skipped, there) // found.n_frame_bytes
            return found
        file.seek(at + 8 + n_bytes + n_bytes % 2)
    return None


def _wav_format(body: bytes) -> Samples | None:
    kind, n_channels, rate, _, n_frame_bytes, _ = struct.unpack("<HHIIHH", body[:16])
    if kind == _EXTENSIBLE and len(body) >= 26:
        kind = struct.unpack("<H", body[24:26])[0]
    if kind not in (_PLAIN, _FLOAT) or not (n_channels and rate and n_frame_bytes):
        return None
    return Samples("WAV", rate, n_frame_bytes, body)


def _aiff_format(body: bytes) -> Samples | None:
    n_channels, _, n_bits, exponent, mantissa = struct.unpack(">hIhHQ", body[:18])
    rate = int(mantissa * 2.0 ** (exponent - 16383 - 63) + 0.5)
    coding = body[18:22] or b"NONE"
    if coding not in _PLAIN_AIFF or n_channels < 1 or rate < 1:
        return None
    return Samples("AIFF", rate, n_channels * ((n_bits + 7) // 8), body)


def _wav_head(samples: Samples, _: int, n_bytes: int) -> bytes:
    form = samples.form + b"\0" * (len(samples.form) % 2)
    size = 4 + 8 + len(form) + 8 + n_bytes + n_bytes % 2
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", size, b"WAVE"),
            struct.pack("<4sI", b"fmt ", len(samples.form)),
            form,
            struct.pack("<4sI", b"data", n_bytes),
        )
    )


def _aiff_head(samples: Samples, n_samples: int, n_bytes: int) -> bytes:
    form = samples.form[:2] + struct.pack(">I", n_samples) + samples.form[6:]
    padded = form + b"\0" * (len(form) % 2)
    is_aifc = len(form) > 18
    version = struct.pack(">4sII", b"FVER", 4, 0xA2805140) if is_aifc else b""
    size = 4 + len(version) + 8 + len(padded) + 16 + n_bytes + n_bytes % 2
    return b"".join(
        (
            struct.pack(">4sI4s", b"FORM", size, b"AIFC" if is_aifc else b"AIFF"),
            version,
            struct.pack(">4sI", b"COMM", len(form)),
            padded,
            struct.pack(">4sIII", b"SSND", n_bytes + 8, 0, 0),
        )
    )
