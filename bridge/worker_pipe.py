"""What the server and its worker processes say to each other, over a pipe that is theirs alone.

    frame = length (4 bytes, big-endian) + a msgpack map with "kind" and what belongs to it

server -> worker   call (call, operation, arguments), cancel (call), stop
worker -> server   ready (pid), beat, taken (call), progress (call, stage, fraction),
                   answer (call, value), error (call, code, message)

No audio passes here: both sides name files. Frames are bounded, so that a worker gone mad cannot
fill the server's memory.
"""

import struct
import threading
from typing import IO, Any

import msgpack

MAX_FRAME_BYTES = 1 << 20
_LENGTH = struct.Struct(">I")

Message = dict[str, Any]


class PipeBroken(Exception):
    """The other side is gone or sends what is not a frame."""


class FrameWriter:
    """Frames out, whole, from any thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, kind: str, **fields: Any) -> None:
        """Send one message. Raises PipeBroken when nobody reads any more."""
        body = msgpack.packb({"kind": kind, **fields}, use_bin_type=True)
        if len(body) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(body)} bytes; at most {MAX_FRAME_BYTES} are allowed")
        with self._lock:
            try:
                self._stream.write(_LENGTH.pack(len(body)) + body)
                self._stream.flush()
            except (OSError, ValueError) as error:
                raise PipeBroken(f"the pipe cannot be written: {error}") from error


class FrameReader:
    """Frames in, from one thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self) -> Message | None:
        """The next message, None at the end. Raises PipeBroken for what is not a message."""
        head = self._exactly(_LENGTH.size)
        if head is None:
            return None
        (n_bytes,) = _LENGTH.unpack(head)
        if n_bytes > MAX_FRAME_BYTES:
            raise PipeBroken(f"a frame of {n_bytes} bytes; at most {MAX_FRAME_BYTES} are allowed")
        body = self._exactly(n_bytes)
        if body is None:
            raise PipeBroken("the pipe ended within a frame")
        try:
            message = msgpack.unpackb(body, raw=False, strict_map_key=True)
        except (ValueError, msgpack.exceptions.ExtraData, msgpack.exceptions.FormatError) as error:
            raise PipeBroken(f"a frame that is not msgpack: {error}") from error
        if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
            raise PipeBroken("a frame without a kind")
        return message

    def _exactly(self, n_bytes: int) -> bytes | None:
        """So many bytes; None when the pipe ends at or within them."""
        try:
            data = self._stream.read(n_bytes)
        except (OSError, ValueError) as error:
            raise PipeBroken(f"the pipe cannot be read: {error}") from error
        return data if len(data) == n_bytes else None
