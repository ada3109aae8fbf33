"""Operation -> what the desk does for it. On the desk thread; nothing here touches a socket."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from .desk import Desk
from .errors import BridgeError, NotFound, RequestRefused
from .protocol.codec import Request
from .protocol.limits import FRAME_BYTES
from .protocol.messages import (
    ClipPage,
    ClipReference,
    ClipReply,
    Empty,
    EstimateAsk,
    EstimateReply,
    JobPage,
    JobQuery,
    JobReference,
    JobReply,
    JobSubmit,
    ModelReference,
    Page,
    Status,
    StoreClean,
    StoreCleaned,
)
from .protocol.searches import SpanAsk, SpanSearchReference, SpanSearchReply
from .protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipRead,
    FileBytes,
    StemRead,
    UploadProgress,
    UploadReference,
)

log = logging.getLogger(__name__)

Answer = Callable[[Any], None]
"""Takes the reply's body, a `WithData`, or a BridgeError; called once."""

PATH_FIELDS = frozenset(
    {"path", "folder", "manifest_path", "receipt_path", "video_path", "mask_path", "output_folder"}
)
"""Fields that a client on another computer never sees."""


@dataclass(frozen=True, slots=True)
class WithData:
    """A reply with a data frame."""

    body: Any
    data: bytes


def dispatch(desk: Desk, request: Request, paths: bool, answer: Answer) -> None:
    """Carry out `request`; `answer` gets the result or the error, now or later.

    paths: whether this client may name files and see where they lie.
    """
    shown = answer if paths else lambda result: answer(without_paths(result))
    try:
        waiting = DEFERRED.get(request.header.op)
        if waiting is not None:
            waiting(desk, request, paths, shown)
        else:
            shown(DIRECT[request.header.op](desk, request, paths))
    except BridgeError as error:
        answer(error)
    except Exception:
        log.exception("%s: a fault of this program", request.header.op)
        answer(
            BridgeError(
                f"{request.header.op}: a fault of this program; the server's log has the details",
                "internal_error",
            )
        )


def without_paths(value: Any) -> Any:
    """`value` with every path in it empty, as a client elsewhere sees it."""
    if isinstance(value, tuple):
        return tuple(without_paths(each) for each in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    shown = {
        field.name: "" if field.name in PATH_FIELDS else without_paths(getattr(value, field.name))
        for field in fields(value)
    }
    return replace(value, **shown)


def _put_clip(desk: Desk, request: Request, paths: bool, answer: Answer) -> None:
    put: ClipPut = request.body
    desk.put_clip(put, paths, answer)


def _commit(desk: Desk, request: Request, _paths: bool, answer: Answer) -> None:
    commit: ClipCommit = request.body
    desk.commit_upload(commit, answer)


def _models(desk: Desk, _request: Request, _paths: bool, answer: Answer) -> None:
    desk.list_models(answer)


def _download(desk: Desk, request: Request, _paths: bool, answer: Answer) -> None:
    wanted: ModelReference = request.body
    desk.download_model(wanted.name, answer)


def _cancel_download(desk: Desk, request: Request, _paths: bool, answer: Answer) -> None:
    wanted: ModelReference = request.body
    desk.cancel_download(wanted.name, answer)


def _remove_model(desk: Desk, request: Request, _paths: bool, answer: Answer) -> None:
    wanted: ModelReference = request.body
    desk.remove_model(wanted.name, answer)


def _offer(desk: Desk, request: Request, _paths: bool, answer: Answer) -> None:
    wanted: JobReference = request.body
    desk.offer(wanted.job_id, answer)


def _status(desk: Desk, _request: Request, _paths: bool) -> Status:
    return desk.status(Status())


def _chunk(desk: Desk, request: Request, _paths: bool) -> UploadProgress:
    chunk: ClipChunk = request.body
    return desk.add_chunk(chunk, request.data)


def _abort(desk: Desk, request: Request, _paths: bool) -> Empty:
    upload: UploadReference = request.body
    return desk.abort_upload(upload)


def _clips(desk: Desk, request: Request, _paths: bool) -> ClipPage:
    page: Page = request.body
    return desk.clips(page)


def _clip(desk: Desk, request: Request, _paths: bool) -> ClipReply:
    wanted: ClipReference = request.body
    return ClipReply(desk.clip(wanted.clip_id))


def _remove_clip(desk: Desk, request: Request, _paths: bool) -> ClipReply:
    wanted: ClipReference = request.body
    return ClipReply(desk.remove_clip(wanted.clip_id))


def _read_clip(desk: Desk, request: Request, _paths: bool) -> WithData:
    wanted: ClipRead = request.body
    clip = desk.clip(wanted.clip_id)
    return _read(Path(clip.path), wanted.offset, wanted.n_bytes)


def _submit(desk: Desk, request: Request, paths: bool) -> JobReply:
    job: JobSubmit = request.body
    return JobReply(desk.submit(job, paths))


def _jobs(desk: Desk, request: Request, _paths: bool) -> JobPage:
    query: JobQuery = request.body
    return desk.jobs(query)


def _job(desk: Desk, request: Request, _paths: bool) -> JobReply:
    wanted: JobReference = request.body
    return JobReply(desk.job(wanted.job_id))


def _cancel(desk: Desk, request: Request, _paths: bool) -> JobReply:
    wanted: JobReference = request.body
    return JobReply(desk.cancel(wanted.job_id))


def _retry(desk: Desk, request: Request, paths: bool) -> JobReply:
    wanted: JobReference = request.body
    return JobReply(desk.retry(wanted.job_id, paths))


def _read_stem(desk: Desk, request: Request, _paths: bool) -> WithData:
    wanted: StemRead = request.body
    job = desk.job(wanted.job_id)
    if job.result is None:
        raise RequestRefused(
            f"job {job.job_id} is {job.state}: only a finished one has stems", "job_not_finished"
        )
    for stem in job.result.stems:
        if (stem.role, stem.index) == (wanted.role, wanted.index):
            return _read(Path(stem.path), wanted.offset, wanted.n_bytes)
    there = ", ".join(f"{stem.role} {stem.index}" for stem in job.result.stems)
    raise NotFound(
        f"job {job.job_id} has no stem {wanted.role} {wanted.index}; there are: {there}",
        "stem_not_found",
    )


def _estimate(desk: Desk, request: Request, _paths: bool) -> EstimateReply:
    ask: EstimateAsk = request.body
    return desk.estimate(ask)


def _predict(desk: Desk, request: Request, _paths: bool) -> SpanSearchReply:
    ask: SpanAsk = request.body
    return SpanSearchReply(desk.predict_spans(ask))


def _search(desk: Desk, request: Request, _paths: bool) -> SpanSearchReply:
    wanted: SpanSearchReference = request.body
    return SpanSearchReply(desk.span_search(wanted.search_id))


def _cancel_search(desk: Desk, request: Request, _paths: bool) -> SpanSearchReply:
    wanted: SpanSearchReference = request.body
    return SpanSearchReply(desk.cancel_search(wanted.search_id))


def _clean(desk: Desk, request: Request, paths: bool) -> StoreCleaned:
    clean: StoreClean = request.body
    if not paths:
        raise RequestRefused("only a client on the server's computer may clean", "not_for_remote")
    return desk.clean(clean)


def _read(path: Path, offset: int, n_bytes: int) -> WithData:
    try:
        with path.open("rb") as stream:
            total_bytes = stream.seek(0, 2)
            stream.seek(min(offset, total_bytes))
            data = stream.read(min(n_bytes, FRAME_BYTES))
    except OSError as error:
        raise NotFound(
            f"{path.name}: the file cannot be read any more ({error.strerror})", "file_not_found"
        ) from error
    return WithData(FileBytes(path.name, total_bytes), data)


DIRECT: dict[str, Callable[[Desk, Request, bool], Any]] = {
    "status": _status,
    "clip.chunk": _chunk,
    "clip.abort": _abort,
    "clip.list": _clips,
    "clip.get": _clip,
    "clip.read": _read_clip,
    "clip.remove": _remove_clip,
    "job.submit": _submit,
    "job.list": _jobs,
    "job.get": _job,
    "job.cancel": _cancel,
    "job.retry": _retry,
    "stem.read": _read_stem,
    "spans.predict": _predict,
    "spans.get": _search,
    "spans.cancel": _cancel_search,
    "estimate": _estimate,
    "store.clean": _clean,
}
"""Operations that the desk answers at once."""

DEFERRED: dict[str, Callable[[Desk, Request, bool, Answer], None]] = {
    "clip.put": _put_clip,
    "clip.commit": _commit,
    "timeline.offer": _offer,
    "models.list": _models,
    "models.download": _download,
    "models.cancel": _cancel_download,
    "models.remove": _remove_model,
}
"""Operations that wait for another process first."""
