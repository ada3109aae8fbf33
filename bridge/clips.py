"""The shelf of clips: every client puts clips there, every client sees all of them."""

import logging
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .atomic import DISK_FULL
from .errors import LimitReached, PathRefused, RequestRefused, StoreFailed, error_of
from .lane import Call, Lane, Lost
from .pending import Answer
from .protocol.limits import Limits
from .protocol.messages import (
    ClipPage,
    ClipReply,
    Page,
)
from .protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipPutReply,
    UploadProgress,
    UploadReference,
)
from .protocol.values import Clip, ClipOrigin
from .stem_names import cut
from .store import Store, StoredClip
from .uploads import WINDOW, Uploaded, Uploads, file_name

log = logging.getLogger(__name__)

_NAME_BYTES = 1024


@dataclass(frozen=True)
class Shelf:
    """What the shelf works with. publish: an event and its body.

    separate: is started when a clip comes, because a job will follow.
    """

    store: Store
    probe: Lane
    separate: Lane
    limits: Limits
    publish: Callable[[str, object], None]


class Clips:
    """Clips by path and by upload."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._store = shelf, shelf.store
        self._uploads = Uploads(shelf.store.layout.incoming, shelf.limits)

    def put(self, request: ClipPut, allow_paths: bool, answer: Answer[ClipPutReply]) -> None:
        """Add the file at a path, once a worker has looked at it; or begin an upload.

        Raises PathRefused, LimitReached, RequestRefused, StoreFailed.
        """
        self._check_room()
        self._shelf.separate.warm()
        if request.upload is not None:
            if request.path:
                raise RequestRefused("clip.put: give either a path or an upload, not both")
            with _typed_disk_failures(self._store.layout.incoming):
                upload_id = self._uploads.begin(request, request.upload)
            answer.give(ClipPutReply(upload_id=upload_id, window=WINDOW))
            return
        path = _absolute(request.path, allow_paths)
        name = request.name or path.stem
        self._probe(path, name, request.origin, "file", lambda clip: ClipPutReply(clip), answer)

    def add_chunk(self, request: ClipChunk, data: bytes) -> UploadProgress:
        """The next piece of an upload. An error drops the upload, but for one out of order."""
        with _typed_disk_failures(self._store.layout.incoming):
            return self._uploads.add(request, data)

    def commit(self, request: ClipCommit, answer: Answer[ClipReply]) -> None:
        """Make a clip of a complete upload."""
        self._check_room()
        with _typed_disk_failures(self._store.layout.incoming):
            uploaded = self._uploads.commit(request)
            path = self._keep(uploaded)
        upload, put = uploaded.request.upload, uploaded.request
        assert upload is not None
        if upload.content == "file":
            name = put.name and Path(put.name).stem
            self._probe(path, name, put.origin, "stored", ClipReply, answer)
            return
        status = path.stat()
        clip = Clip(
            clip_id=path.parent.name,
            name=put.name or "captured clip",
            path=str(path),
            kind="stored",
            sample_rate=upload.sample_rate,
            n_channels=upload.n_channels,
            n_samples=uploaded.n_samples,
            n_bytes=status.st_size,
            created_s=time.time(),
            origin=put.origin,
        )
        self._add(StoredClip(clip, status.st_mtime_ns, uploaded.digest))
        answer.give(ClipReply(clip))

    def abort(self, request: UploadReference) -> None:
        """Throw an upload away."""
        self._uploads.abort(request.upload_id)

    def page(self, page: Page) -> ClipPage:
        """Some of the clips, newest first."""
        clips = self._store.clips(page.offset, page.limit)
        return ClipPage(clips=clips, total=self._store.n_clips())

    def get(self, clip_id: str) -> Clip:
        """Raises NotFound."""
        return self._store.clip(clip_id).clip

    def remove(self, clip_id: str) -> Clip:
        """Take a clip off the shelf; the user's own file is left alone.

        Raises NotFound, and RequestRefused while a job needs it.
        """
        clip = self.get(clip_id)
        n_jobs = self._store.n_unfinished_of(clip_id)
        if n_jobs:
            raise RequestRefused(
                f"clip {clip_id!r}: {n_jobs} unfinished jobs need it; cancel them first",
                "clip_in_use",
            )
        self._store.remove_clip(clip_id)
        self._shelf.publish("clip.removed", ClipReply(clip))
        return clip

    def tick(self) -> None:
        """Drop uploads whose client is gone."""
        self._uploads.drop_idle()

    def close(self) -> None:
        """Drop all uploads."""
        self._uploads.close()

    def _check_room(self) -> None:
        n_clips = self._store.n_clips()
        if n_clips >= self._shelf.limits.clips:
            raise LimitReached(
                f"{n_clips} clips are here, as many as are allowed; remove some with clip.remove "
                "or `stemlasso store clean`",
                "too_many_clips",
            )

    def _keep(self, uploaded: Uploaded) -> Path:
        """Give the file of an upload its place, in a folder of its own."""
        assert uploaded.request.upload is not None
        folder = self._store.layout.clips / _new_id()
        try:
            folder.mkdir(mode=0o700)
            path = folder / file_name(uploaded.request, uploaded.request.upload)
            return uploaded.path.replace(path)
        except OSError:
            uploaded.path.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _probe(
        self,
        path: Path,
        name: str,
        origin: ClipOrigin,
        kind: str,
        reply: Callable[[Clip], Any],
        answer: Answer[Any],
    ) -> None:
        """Have a worker look at a file; a clip when it is audio, an error when not."""
        clip_id = path.parent.name if kind == "stored" else _new_id()

        def on_answer(found: dict[str, Any]) -> None:
            clip = Clip(
                clip_id=clip_id,
                name=cut(name or path.stem, _NAME_BYTES),
                path=str(path),
                kind=kind,
                sample_rate=found["sample_rate"],
                n_channels=found["n_channels"],
                n_samples=found["n_samples"],
                n_bytes=found["n_bytes"],
                created_s=time.time(),
                origin=origin,
            )
            stored = StoredClip(
                clip, found["mtime_ns"], found["sha256"], found["time_reference_samples"]
            )
            try:
                self._check_length(clip)
                self._add(stored)
            except (LimitReached, StoreFailed) as error:
                self._discard(path, kind)
                answer.fail(error)
            else:
                answer.give(reply(clip))

        def on_lost(lost: Lost) -> None:
            self._discard(path, kind)
            answer.fail(error_of(lost.code, lost.message))

        self._shelf.probe.call(Call("probe", {"path": str(path)}, on_answer, on_lost))

    def _check_length(self, clip: Clip) -> None:
        limits = self._shelf.limits
        if clip.duration_s > limits.clip_s:
            raise LimitReached(
                f"{clip.path}: it is {clip.duration_s:.0f} s long; at most {limits.clip_s} s are "
                "allowed: put a shorter part",
                "clip_too_long",
            )
        if clip.n_bytes > limits.clip_bytes:
            raise LimitReached(
                f"{clip.path}: it has {clip.n_bytes} bytes; at most {limits.clip_bytes} are "
                "allowed: put a shorter part",
                "clip_too_large",
            )

    def _add(self, stored: StoredClip) -> None:
        self._store.add_clip(stored)
        log.info("clip %s: %.2f s", stored.clip.clip_id, stored.clip.duration_s)
        self._shelf.publish("clip.added", ClipReply(stored.clip))

    def _discard(self, path: Path, kind: str) -> None:
        if kind == "stored":
            shutil.rmtree(path.parent, ignore_errors=True)


@contextmanager
def _typed_disk_failures(folder: Path) -> Iterator[None]:
    """Turns what the system says about a full or unwritable disk into StoreFailed."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in DISK_FULL
        raise StoreFailed(
            f"{folder}: it cannot be written ({error.strerror}); nothing was kept"
            + (": free some space and send it again" if is_full else ""),
            "store_full" if is_full else "",
        ) from error


def _absolute(path: str, allow_paths: bool) -> Path:
    if not allow_paths:
        raise PathRefused(
            "clip.put by path: a server on another computer does not see your files; upload them",
            "paths_not_for_remote",
        )
    if not path:
        raise RequestRefused("clip.put: give a path or an upload")
    if not Path(path).is_absolute():
        raise PathRefused(f"{path}: give an absolute path; the server has another folder than you")
    return Path(path)


def _new_id() -> str:
    return f"c{secrets.token_hex(8)}"
