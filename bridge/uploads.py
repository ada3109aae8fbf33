"""Clips that arrive in pieces: captured audio, or the bytes of a file, from clients without paths.

begin -> chunk 0 -> chunk 1 -> ... -> commit -> a file that is complete and on the disk
                                \\-> abort, or silence for too long: nothing is left
"""

import hashlib
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .captured_wav import BYTES_PER_SAMPLE, CapturedWav
from .errors import LimitReached, NotFound, RequestRefused, error_of
from .protocol.limits import Limits
from .protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    Upload,
    UploadProgress,
)
from .protocol.values import MAX_CHANNELS
from .stem_names import safe_name

WINDOW = 8
"""Chunks that a client may have under way: enough to hide the round trip, little to hold."""

_MIN_RATE, _MAX_RATE = 8_000, 192_000


class _Sink(Protocol):
    def append(self, frames: bytes) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class _PlainFile:
    """The bytes of a file as they come."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def append(self, frames: bytes) -> None:
        self._file.write(frames)

    def finish(self) -> None:
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A complete upload. digest: of its content, `float32` audio told apart from files."""

    path: Path
    request: ClipPut
    n_samples: int
    digest: str


class _Incoming:
    """One upload while it comes in."""

    def __init__(self, path: Path, request: ClipPut, upload: Upload) -> None:
        self.path, self.request, self.upload = path, request, upload
        self.n_bytes, self.next_index = 0, 0
        self.heard_s = time.monotonic()
        self.digest = hashlib.sha256()
        self.is_raw = upload.content == "float32"
        self.frame_bytes = BYTES_PER_SAMPLE * upload.n_channels if self.is_raw else 1
        self.sink: _Sink = (
            CapturedWav(path, upload.sample_rate, upload.n_channels)
            if self.is_raw
            else _PlainFile(path)
        )


class Uploads:
    """Every upload under way. Raises OSError when the disk fails; then nothing is left."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._incoming: dict[str, _Incoming] = {}

    def begin(self, request: ClipPut, upload: Upload) -> str:
        """Start an upload and give its id. Raises LimitReached or RequestRefused."""
        if len(self._incoming) >= self._limits.uploads:
            raise LimitReached(
                f"{len(self._incoming)} uploads are under way, as many as are allowed; "
                "finish or abort one of them",
                "too_many_uploads",
            )
        _check_shape(upload)
        self._check_size(upload, upload.n_samples, upload.n_bytes)
        upload_id = f"u{secrets.token_hex(8)}"
        path = self._folder / f"{upload_id}.part"
        try:
            self._incoming[upload_id] = _Incoming(path, request, upload)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return upload_id

    def add(self, request: ClipChunk, data: bytes) -> UploadProgress:
        """Take the next chunk. Raises NotFound, RequestRefused, LimitReached or OSError."""
        incoming = self._find(request.upload_id)
        if request.index != incoming.next_index:
            raise RequestRefused(
                f"chunk {request.index} of upload {request.upload_id}: chunk "
                f"{incoming.next_index} is the next one",
                "upload_out_of_order",
            )
        n_bytes = incoming.n_bytes + len(data)
        try:
            self._check_chunk(incoming, data, n_bytes)
            incoming.sink.append(data)
        except BaseException:
            self.abort(request.upload_id)
            raise
        incoming.digest.update(data)
        incoming.n_bytes, incoming.next_index = n_bytes, request.index + 1
        incoming.heard_s = time.monotonic()
        return UploadProgress(received_bytes=n_bytes, next_index=incoming.next_index)

    def commit(self, request: ClipCommit) -> Uploaded:
        """Complete an upload; the file is the caller's. Raises like `add`; nothing is left then."""
        incoming = self._find(request.upload_id)
        try:
            self._check_complete(incoming, request)
            incoming.sink.finish()
        except BaseException:
            self.abort(request.upload_id)
            raise
        del self._incoming[request.upload_id]
        upload, content = incoming.upload, incoming.digest.hexdigest()
        shape = f"float32:{upload.sample_rate}:{upload.n_channels}:" if incoming.is_raw else ""
        n_samples = incoming.n_bytes // incoming.frame_bytes if incoming.is_raw else 0
        return Uploaded(incoming.path, incoming.request, n_samples, shape + content)

    def abort(self, upload_id: str) -> None:
        """Throw an upload away. Raises NotFound."""
        incoming = self._find(upload_id)
        del self._incoming[upload_id]
        with suppress(OSError):
            # Closing writes what is buffered, which may fail for the reason that brought us here.
            incoming.sink.close()
        incoming.path.unlink(missing_ok=True)

    def drop_idle(self) -> None:
        """Throw away uploads whose client has been silent for too long."""
        now_s = time.monotonic()
        for upload_id, incoming in tuple(self._incoming.items()):
            if now_s - incoming.heard_s > self._limits.upload_idle_s:
                self.abort(upload_id)

    def close(self) -> None:
        """Throw all of them away."""
        for upload_id in tuple(self._incoming):
            self.abort(upload_id)

    def _find(self, upload_id: str) -> _Incoming:
        incoming = self._incoming.get(upload_id)
        if incoming is None:
            raise NotFound(
                f"upload {upload_id!r}: there is none; it was finished, aborted, or silent for "
                f"{self._limits.upload_idle_s} s: begin again with clip.put",
                "upload_not_found",
            )
        return incoming

    def _check_chunk(self, incoming: _Incoming, data: bytes, n_bytes: int) -> None:
        if len(data) % incoming.frame_bytes:
            raise RequestRefused(
                f"a chunk of {len(data)} bytes: send whole frames, multiples of "
                f"{incoming.frame_bytes} bytes; the upload was dropped",
                "upload_mismatch",
            )
        n_samples = n_bytes // incoming.frame_bytes if incoming.is_raw else 0
        self._check_size(incoming.upload, n_samples, n_bytes)
        if incoming.is_raw and not _is_finite(data):
            raise error_of(
                "audio_unreadable",
                "the samples hold NaN or infinity; find out what makes them and send again",
            )

    def _check_size(self, upload: Upload, n_samples: int, n_bytes: int) -> None:
        limits = self._limits
        if n_bytes > limits.clip_bytes:
            raise LimitReached(
                f"a clip of {n_bytes} bytes; at most {limits.clip_bytes} are allowed: "
                "send a shorter part",
                "clip_too_large",
            )
        if upload.content == "float32" and n_samples > limits.clip_s * upload.sample_rate:
            raise LimitReached(
                f"a clip of {n_samples / upload.sample_rate:.0f} s; at most {limits.clip_s} s are "
                "allowed: send a shorter part",
                "clip_too_long",
            )

    def _check_complete(self, incoming: _Incoming, request: ClipCommit) -> None:
        upload = incoming.upload
        promised = (
            upload.n_samples * incoming.frame_bytes if incoming.is_raw else 0
        ) or upload.n_bytes
        if promised and promised != incoming.n_bytes:
            raise RequestRefused(
                f"{incoming.n_bytes} bytes arrived and {promised} were announced; "
                "the upload was dropped: send it again",
                "upload_incomplete",
            )
        if not incoming.n_bytes:
            raise error_of("audio_unreadable", "the clip holds no samples; send at least one")
        if request.sha256 and request.sha256.lower() != incoming.digest.hexdigest():
            raise RequestRefused(
                "the bytes that arrived have another SHA-256 than those sent; "
                "the upload was dropped: send it again",
                "upload_mismatch",
            )


def file_name(request: ClipPut, upload: Upload) -> str:
    """Under which name an uploaded clip is kept in its own folder."""
    name = Path(request.name)
    if upload.content == "float32":
        return f"{safe_name(request.name) or 'clip'}.wav"
    suffix = safe_name(name.suffix.lstrip("."), 8)
    stem = safe_name(name.stem) or "clip"
    return f"{stem}.{suffix}" if suffix else stem


def _check_shape(upload: Upload) -> None:
    if upload.content != "float32":
        return
    if not _MIN_RATE <= upload.sample_rate <= _MAX_RATE:
        raise error_of(
            "audio_unreadable",
            f"sample_rate {upload.sample_rate}: from {_MIN_RATE} to {_MAX_RATE} Hz is supported",
        )
    if not 1 <= upload.n_channels <= MAX_CHANNELS:
        raise error_of(
            "audio_unreadable",
            f"n_channels {upload.n_channels}: from 1 to {MAX_CHANNELS} is supported",
        )


def _is_finite(data: bytes) -> bool:
    # Loaded here, so that the server is up without it; only uploads need it.
    import numpy as np

    return bool(np.isfinite(np.frombuffer(data, dtype="<f4")).all())
