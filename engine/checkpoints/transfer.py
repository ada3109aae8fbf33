"""Fetch one file over HTTP so that nothing is lost when it breaks: continue, count, check.

    <name>.part        bytes so far, kept when the transfer fails
    <name>.part.json   which version of the file they belong to

huggingface_hub deletes a partial file when a transfer fails; ours have up to 15 GB, so the bytes
are moved here, through its session (proxies, certificates, offline mode) and its error classes.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from huggingface_hub import get_session
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

from engine.data import Monitor
from engine.errors import CheckpointCorrupt, DownloadFailed

from .space import gigabytes
from .store import CHUNK_BYTES

log = logging.getLogger(__name__)

HTTP_ERROR: type[Exception] = HfHubHTTPError.__mro__[1]
"""Base of everything that the HTTP library of huggingface_hub raises; its name has changed once."""

TIMEOUT_S = 30.0
N_RETRIES = 5
_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server.

    version: changes whenever the content does: a digest, a commit or an ETag.
    sha256, git_sha1: what the server says about the content, or empty.
    """

    name: str
    url: str
    size_bytes: int
    version: str
    sha256: str = ""
    git_sha1: str = ""


def fetch(
    file: RemoteFile,
    folder: Path,
    headers: Mapping[str, str],
    on_bytes: Callable[[int], None],
    monitor: Monitor,
) -> str:
    """Fetch `file` into `folder` and give its SHA-256; what an earlier attempt left is continued.

    on_bytes: gets how many bytes of the file are there.
    Raises CheckpointCorrupt (other content than the server announced; it is deleted),
    DownloadFailed (the connection broke; the bytes are kept), Cancelled (likewise), errors of
    huggingface_hub for a refusal, and OSError from the system.
    """
    part = _partial(file, folder)
    with part.open("r+b") as stream:
        received = _Received(stream, file, on_bytes)
        received.take_what_is_there()
        _stream_until_complete(file, headers, received, monitor)
    wrong = received.problem()
    if wrong:
        part.unlink()
        raise CheckpointCorrupt(f"{file.url}: {wrong}; what arrived was deleted, fetch it again")
    part.replace(folder / file.name)
    return received.sha256.hexdigest()


def forget_versions(folder: Path) -> None:
    """Remove the notes about partial files, once all files are complete."""
    for note in folder.glob("*.part.json"):
        note.unlink()


class _Received:
    """The bytes of one file that are on the disk, and the digests of exactly these."""

    def __init__(self, stream: BinaryIO, file: RemoteFile, on_bytes: Callable[[int], None]) -> None:
        self.stream = stream
        self.file = file
        self.on_bytes = on_bytes
        self.restart()

    def restart(self) -> None:
        self.stream.seek(0)
        self.n_bytes = 0
        self.sha256 = hashlib.sha256()
        # The digest under which git stores a file that is too small for large-file storage.
        self.git_sha1 = hashlib.sha1(b"blob %d\0" % self.file.size_bytes, usedforsecurity=False)

    def take_what_is_there(self) -> None:
        while piece := self.stream.read(CHUNK_BYTES):
            self._count(piece)
        if self.n_bytes > self.file.size_bytes:
            self.truncate()

    def truncate(self) -> None:
        self.restart()
        self.stream.truncate(0)

    def append(self, piece: bytes) -> None:
        self.stream.write(piece)
        self._count(piece)

    def problem(self) -> str:
        """What is wrong with the complete file, or nothing."""
        if self.n_bytes != self.file.size_bytes:
            return f"{self.n_bytes} bytes arrived where {self.file.size_bytes} were announced"
        if self.file.sha256 and self.sha256.hexdigest() != self.file.sha256:
            return f"SHA-256 is {self.sha256.hexdigest()}, {self.file.sha256} was announced"
        if self.file.git_sha1 and self.git_sha1.hexdigest() != self.file.git_sha1:
            return f"the git digest is not {self.file.git_sha1}, which was announced"
        return ""

    def _count(self, piece: bytes) -> None:
        self.sha256.update(piece)
        if self.file.git_sha1:
            self.git_sha1.update(piece)
        self.n_bytes += len(piece)
        self.on_bytes(self.n_bytes)


def _partial(file: RemoteFile, folder: Path) -> Path:
    """The partial file to continue: empty when what is there belongs to another version."""
    folder.mkdir(parents=True, exist_ok=True)
    part, whole = folder / f"{file.name}.part", folder / file.name
    note = folder / f"{file.name}.part.json"
    if whole.is_file():
        whole.replace(part)
    try:
        version = json.loads(note.read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        version = None
    if version != file.version:
        part.unlink(missing_ok=True)
        note.write_text(json.dumps({"version": file.version}), encoding="utf-8")
    part.touch()
    return part


def _stream_until_complete(
    file: RemoteFile, headers: Mapping[str, str], received: _Received, monitor: Monitor
) -> None:
    failures = 0
    while received.n_bytes < file.size_bytes:
        before, reason = received.n_bytes, "the server stopped early"
        try:
            if not _stream(file, headers, received):
                return
        except HTTP_ERROR as error:
            if isinstance(error, HfHubHTTPError) and not _is_passing(error):
                raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if received.n_bytes >= file.size_bytes:
            return
        failures = 1 if received.n_bytes > before else failures + 1
        if failures > N_RETRIES:
            raise DownloadFailed(
                f"the transfer of {file.name} broke at {gigabytes(received.n_bytes)} of "
                f"{gigabytes(file.size_bytes)} ({reason}); start again to continue there"
            )
        log.info("%s broke at byte %d (%s); continuing", file.name, received.n_bytes, reason)
        _wait(_WAIT_S * min(failures, 5), monitor)


def _stream(file: RemoteFile, headers: Mapping[str, str], received: _Received) -> bool:
    """Receive bytes until the connection ends; False when the file has another length."""
    asked = dict(headers) | {"Accept-Encoding": "identity"}
    if received.n_bytes:
        asked["Range"] = f"bytes={received.n_bytes}-"
    with get_session().stream("GET", file.url, headers=asked, timeout=TIMEOUT_S) as response:
        if response.status_code == 416:
            return False
        hf_raise_for_status(response)
        if received.n_bytes and response.status_code == 200:
            received.truncate()  # the server cannot continue: from the start, then
        for piece in response.iter_bytes():
            received.append(piece)
            if received.n_bytes > file.size_bytes:
                return False
    return True


def _is_passing(error: HfHubHTTPError) -> bool:
    """Whether the same request may well succeed in a moment."""
    return error.response.status_code in (408, 429, 500, 502, 503, 504)


def _wait(duration_s: float, monitor: Monitor) -> None:
    end_s = time.monotonic() + duration_s
    while (left_s := end_s - time.monotonic()) > 0:
        monitor.check()
        time.sleep(min(left_s, 0.1))
