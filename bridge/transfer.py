"""Audio over the wire from the client's side: chunks up with a window, files down by ranges."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import BridgeError, NotFound, ProtocolError, RequestTimeout
from .link import Link
from .protocol.limits import CHUNK_BYTES
from .protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipPutReply,
    StemRead,
    UploadReference,
)
from .protocol.values import Clip, Stem

UPLOAD_CHUNK_BYTES = 256 * 1024
_CHUNK_TIMEOUT_S = 30.0
_PAUSE_S = 0.02
_AGAIN = frozenset({"server_busy", "too_many_requests", "upload_out_of_order"})
"""Refusals after which the same chunk is sent again, once those under way have been answered."""

Ask = Callable[[str, object], Any]
AskWhole = Callable[[str, object], tuple[Any, bytes]]
"""Operation and request -> body of the reply, and for the second kind its data."""


def send_chunks(link: Link, ask: Ask, put: ClipPut, chunks: Iterator[bytes]) -> Clip:
    """Upload a clip; when that fails, nothing of it stays on the server."""
    begun: ClipPutReply = ask("clip.put", put)
    digest = hashlib.sha256()
    try:
        sender = _Sender(link, begun)
        for chunk in chunks:
            digest.update(chunk)
            sender.send(chunk)
        sender.finish()
        clip: Clip = ask("clip.commit", ClipCommit(begun.upload_id, digest.hexdigest())).clip
    except (BridgeError, OSError):
        with suppress(BridgeError):  # the server drops an upload that is not gone on with
            ask("clip.abort", UploadReference(begun.upload_id))
        raise
    return clip


class _Sender:
    """Chunks of one upload, in order, at most `window` of them unanswered."""

    def __init__(self, link: Link, begun: ClipPutReply) -> None:
        self._link = link
        self._upload_id = begun.upload_id
        self._window = max(begun.window, 1)
        self._next_index = 0
        self._under_way: dict[int, tuple[int, bytes]] = {}

    def send(self, chunk: bytes) -> None:
        """Send one more chunk, after waiting for room in the window."""
        while len(self._under_way) >= self._window:
            self._take_reply()
        self._send(self._next_index, chunk)
        self._next_index += 1

    def finish(self) -> None:
        """Wait until every chunk was answered."""
        while self._under_way:
            self._take_reply()

    def _send(self, index: int, chunk: bytes) -> None:
        request_id = self._link.send("clip.chunk", ClipChunk(self._upload_id, index), chunk)
        self._under_way[request_id] = (index, chunk)

    def _take_reply(self) -> None:
        refused = self._answered()
        if refused is None:
            return
        # The chunks after a refused one were refused as well, as they came out of order.
        again = deque([refused])
        while self._under_way:
            also = self._answered()
            if also is not None:
                again.append(also)
        time.sleep(_PAUSE_S)
        for index, chunk in sorted(again, key=lambda one: one[0]):
            self._send(index, chunk)

    def _answered(self) -> tuple[int, bytes] | None:
        """Take one reply; returns the chunk when it has to be sent again."""
        reply = self._link.receive(_CHUNK_TIMEOUT_S)
        if reply is None:
            raise RequestTimeout(f"clip.chunk: no reply within {_CHUNK_TIMEOUT_S:g} s")
        sent = self._under_way.pop(reply.header.id or 0, None)
        if sent is None or not isinstance(reply.body, BridgeError):
            return None
        if reply.body.code in _AGAIN:
            return sent
        raise reply.body


def file_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a chunk at a time. Raises OSError."""
    with path.open("rb") as stream:
        while chunk := stream.read(UPLOAD_CHUNK_BYTES):
            yield chunk


def fetch_stem(
    ask: AskWhole, job_id: str, stem: Stem, folder: Path, *, overwrite: bool = False
) -> Path:
    """Copy a stem's file into `folder`: whole, checked against its digest, or not at all.

    Raises FileExistsError when there is a file of this name, ProtocolError for another digest.
    """
    target = folder / safe_name(stem.name)
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target}: it is there already; move it or name another folder")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        digest = _fetch(ask, job_id, stem, part)
        if stem.sha256 and digest != stem.sha256:
            raise ProtocolError(
                f"{stem.name}: it arrived with another digest; fetch it again", "bad_data"
            )
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target


def safe_name(name: str) -> str:
    """`name` as the name of a file in a folder, whatever a server says. Raises NotFound."""
    plain = name.replace("\\", "/").rpartition("/")[2].strip()
    if not plain.strip("."):
        raise NotFound(f"the stem's name {name!r} names no file", "stem_not_found")
    return plain


def _fetch(ask: AskWhole, job_id: str, stem: Stem, part: Path) -> str:
    digest = hashlib.sha256()
    offset = 0
    with part.open("xb") as stream:
        while True:
            wanted = StemRead(job_id, stem.role, stem.index, offset, CHUNK_BYTES)
            piece, data = ask("stem.read", wanted)
            stream.write(data)
            digest.update(data)
            offset += len(data)
            if offset >= piece.total_bytes:
                break
            if not data:
                raise ProtocolError(f"{stem.name}: it ended after {offset} bytes", "bad_data")
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()
