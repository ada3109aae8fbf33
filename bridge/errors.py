"""Errors of the bridge, each with a stable `code`; the engine's codes travel through unchanged.

    BridgeError
    ├── ProtocolError               a message cannot be understood
    │   └── VersionMismatch         the peers speak different major versions
    ├── RequestRefused              the server understood, and will not or cannot do it
    │   ├── LimitReached            one of the server's limits; the code says which
    │   ├── PathRefused             a path that this client may not name or that is no media file
    │   └── NotFound                no such clip, job, stem, upload or model
    ├── StoreFailed                 the store cannot be read or written
    ├── AuthenticationError         keys are missing, readable by others, or not accepted
    ├── ServerUnavailable           there is no server, or it cannot be started
    │   └── ServerRunning           another server has this store or runtime folder already
    ├── RequestTimeout              no reply in time; whether it was done is not known
    ├── JobFailed                   the job ended without stems; the code says why
    └── RemoteError                 the server answered with an error that is none of the above

Messages say what happened, the value met, what is allowed and what to do.
"""

from typing import ClassVar


class BridgeError(Exception):
    """Base of everything that the bridge raises on purpose.

    codes: every code an error of this kind may carry; `code` is the first unless another is given.
    """

    codes: ClassVar[tuple[str, ...]] = ("bridge_error",)

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.codes[0]


class ProtocolError(BridgeError):
    """A message cannot be understood."""

    codes: ClassVar[tuple[str, ...]] = (
        "bad_message",
        "bad_frames",
        "bad_header",
        "bad_body",
        "bad_data",
        "unknown_operation",
    )


class VersionMismatch(ProtocolError):
    """The peers speak different major versions of the protocol."""

    codes: ClassVar[tuple[str, ...]] = ("version_mismatch",)


class RequestRefused(BridgeError):
    """The server understood, and will not or cannot do it."""

    codes: ClassVar[tuple[str, ...]] = (
        "refused",
        "clip_in_use",
        "clip_changed",
        "job_not_finished",
        "job_not_retryable",
        "upload_out_of_order",
        "upload_incomplete",
        "upload_mismatch",
        "prompt_invalid",
        "shutting_down",
        "request_expired",
        "not_for_remote",
    )


class LimitReached(RequestRefused):
    """One of the server's limits was reached; the code says which."""

    codes: ClassVar[tuple[str, ...]] = (
        "limit_reached",
        "message_too_large",
        "too_many_clients",
        "too_many_requests",
        "too_many_uploads",
        "too_many_clips",
        "too_many_jobs",
        "clip_too_long",
        "clip_too_large",
        "server_busy",
    )


class PathRefused(RequestRefused):
    """A path that this client may not name, or that is no readable media file."""

    codes: ClassVar[tuple[str, ...]] = ("path_refused", "paths_not_for_remote")


class NotFound(RequestRefused):
    """There is no such clip, job, stem, upload or model."""

    codes: ClassVar[tuple[str, ...]] = (
        "not_found",
        "clip_not_found",
        "job_not_found",
        "stem_not_found",
        "file_not_found",
        "upload_not_found",
        "model_not_found",
        "search_not_found",
    )


class StoreFailed(BridgeError):
    """The store cannot be read or written."""

    codes = ("store_failed", "store_full", "store_too_new", "store_in_use")


class AuthenticationError(BridgeError):
    """Keys are missing, readable by others, or not accepted."""

    codes: ClassVar[tuple[str, ...]] = ("authentication_failed",)


class ServerUnavailable(BridgeError):
    """There is no server, or it cannot be started."""

    codes: ClassVar[tuple[str, ...]] = ("server_unavailable",)


class ServerRunning(ServerUnavailable):
    """Another server has this store or runtime folder already."""

    codes: ClassVar[tuple[str, ...]] = ("server_running",)


class RequestTimeout(BridgeError):
    """No reply came in time; whether the request was done is not known."""

    codes: ClassVar[tuple[str, ...]] = ("request_timeout",)


class JobFailed(BridgeError):
    """The job ended without stems. The code is the engine's, the worker's, or `cancelled`."""

    codes: ClassVar[tuple[str, ...]] = ("job_failed", "cancelled")


class RemoteError(BridgeError):
    """The server answered with an error that the client knows no other class for."""

    codes: ClassVar[tuple[str, ...]] = ("remote_error", "internal_error")


_KINDS = (
    *(ProtocolError, VersionMismatch, RequestRefused),
    *(LimitReached, PathRefused, NotFound, StoreFailed),
)
_CLASS_OF = {code: kind for kind in _KINDS for code in kind.codes}

WORKER_CODES = ("worker_died", "worker_hung", "worker_start_failed", "system_error")
"""Codes that a worker process's end or its system gives; others of jobs are the engine's."""


def error_of(code: str, message: str) -> BridgeError:
    """The error that a server's reply stands for; codes that are not known give RemoteError."""
    return _CLASS_OF.get(code, RemoteError)(message, code)
