"""Messages as frames and back. Frame by frame:

    request   [prologue, header {id, op},         body, data?]     client -> server
    reply     [prologue, header {id, op, status}, body, data?]     server -> client
    event     [name, prologue, header {event, sequence, time_s}, body]

prologue: `SLWP`, major, minor: six bytes. header and body: msgpack maps. data: raw bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgpack

from bridge.errors import BridgeError, LimitReached, ProtocolError, VersionMismatch, error_of

from .fields import FieldError, choice, count, from_wire, number, text, to_wire
from .limits import BODY_BYTES, CHUNK_BYTES, FRAME_BYTES, HEADER_BYTES
from .messages import EVENTS, OPERATIONS, Operation
from .values import Problem
from .version import MAJOR, MINOR, PROTOCOL_VERSION

M = TypeVar("M")

MAGIC = b"SLWP"
PROLOGUE = MAGIC + bytes([MAJOR, MINOR])
WELCOME = b"welcome"
"""The one-frame message that a subscriber gets once its subscriptions are in force."""

MAX_ENTRIES = 1024
"""Of one list or map: a few bytes must not make the decoder reserve memory for millions."""


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """id: chosen by the client, comes back in the reply."""

    id: int = count()
    op: str = text(max_bytes=64)


@dataclass(frozen=True, slots=True)
class ReplyHeader:
    """id: `None` where the request was too broken to say."""

    id: int | None = count(or_none=True)
    op: str = text(max_bytes=64)
    status: str = choice("ok", "error")


@dataclass(frozen=True, slots=True)
class EventHeader:
    """sequence: counts within the event's family, so that a gap is seen. time_s: since 1970."""

    event: str = text(max_bytes=64)
    sequence: int = count()
    time_s: float = number()


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded request. body: the operation's request message."""

    header: RequestHeader
    body: Any
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """A decoded reply. body: the operation's reply message, or the error."""

    header: ReplyHeader
    body: Any
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded event. body: the event's message."""

    header: EventHeader
    body: Any


class Undecodable(Exception):
    """A request that cannot be carried out, with what of its header could be read.

    error: what to answer with; request_id: `None` and op: empty where they could not be read.
    """

    def __init__(self, error: BridgeError, request_id: int | None = None, op: str = "") -> None:
        super().__init__(str(error))
        self.error, self.request_id, self.op = error, request_id, op


def encode_request(request_id: int, op: str, body: object, data: bytes = b"") -> list[bytes]:
    """The frames of a request. Raises ProtocolError for a body that no server would take."""
    try:
        packed = pack(body)
        from_wire(OPERATIONS[op].request, msgpack.unpackb(packed))
    except (FieldError, UnicodeError, OverflowError) as error:
        raise ProtocolError(f"{op}: {error}", "bad_body") from error
    header = pack(RequestHeader(request_id, op))
    return [PROLOGUE, header, packed, *([data] if data else [])]


def decode_request(frames: Sequence[bytes]) -> Request:
    """A request from its frames. Raises Undecodable, and nothing else, whatever the frames hold."""
    header = _request_header(frames)
    operation = OPERATIONS.get(header.op)
    try:
        if operation is None:
            known = ", ".join(OPERATIONS)
            raise ProtocolError(
                f"operation {header.op[:64]!r}: there are {known}", "unknown_operation"
            )
        return _request(frames, header, operation)
    except BridgeError as error:
        raise Undecodable(error, header.id, header.op) from error


def encode_reply(request_id: int | None, op: str, body: bytes, data: bytes = b"") -> list[bytes]:
    """The frames of a reply that carries a result. body: from `pack`."""
    header = pack(ReplyHeader(request_id, op, "ok"))
    return [PROLOGUE, header, body, *([data] if data else [])]


def encode_error(request_id: int | None, op: str, error: BridgeError) -> list[bytes]:
    """The frames of a reply that carries an error."""
    header = pack(ReplyHeader(request_id, op, "error"))
    return [PROLOGUE, header, pack(Problem(error.code, str(error)[:1000]))]


def decode_reply(frames: Sequence[bytes]) -> Reply:
    """A reply from its frames; one that carries an error has that error as its body.

    Raises ProtocolError.
    """
    if len(frames) not in (3, 4):
        raise ProtocolError(f"reply of {len(frames)} frames: allowed are 3 or 4", "bad_frames")
    _check_sizes(frames)
    check_prologue(frames[0])
    header = _unpack(ReplyHeader, frames[1], "header", FRAME_BYTES)
    data = frames[3] if len(frames) == 4 else b""
    if header.status == "error":
        problem = _unpack(Problem, frames[2], "body", FRAME_BYTES)
        return Reply(header, error_of(problem.code, problem.message), data)
    operation = OPERATIONS.get(header.op)
    if operation is None:
        raise ProtocolError(f"reply to {header.op!r}, which this client does not know")
    return Reply(header, _unpack(operation.reply, frames[2], "body", FRAME_BYTES), data)


def encode_event(name: str, sequence: int, time_s: float, body: bytes) -> list[bytes]:
    """The frames of an event. body: from `pack`."""
    header = pack(EventHeader(name, sequence, time_s))
    return [name.encode("ascii"), PROLOGUE, header, body]


def decode_event(frames: Sequence[bytes]) -> Event | None:
    """An event from its frames; `None` for a kind that this version does not know.

    Raises ProtocolError.
    """
    if len(frames) != 4:
        raise ProtocolError(f"event of {len(frames)} frames: allowed are 4", "bad_frames")
    _check_sizes(frames)
    check_prologue(frames[1])
    header = _unpack(EventHeader, frames[2], "header", FRAME_BYTES)
    message = EVENTS.get(header.event)
    if message is None:
        return None
    return Event(header, _unpack(message, frames[3], "body", FRAME_BYTES))


def check_prologue(frame: bytes) -> None:
    """Raises ProtocolError for another protocol and VersionMismatch for another major version."""
    if len(frame) != len(PROLOGUE) or not frame.startswith(MAGIC):
        raise ProtocolError(
            f"first frame {frame[:16]!r}: expected {MAGIC!r} and two bytes of version", "bad_frames"
        )
    major, minor = frame[4], frame[5]
    if major != MAJOR:
        raise VersionMismatch(
            f"the peer speaks protocol {major}.{minor}, this side {PROTOCOL_VERSION}: the first "
            "numbers must be equal; update the older of the two"
        )


def _check_sizes(frames: Sequence[bytes]) -> None:
    """Raises ProtocolError for a frame that no server sends."""
    longest = max(map(len, frames))
    if longest > FRAME_BYTES:
        raise ProtocolError(f"frame of {longest} bytes: allowed are {FRAME_BYTES}", "bad_frames")


def _request_header(frames: Sequence[bytes]) -> RequestHeader:
    try:
        if len(frames) not in (3, 4):
            raise ProtocolError(f"{len(frames)} frames: a request has 3 or 4", "bad_frames")
        header = _unpack(RequestHeader, frames[1], "header", HEADER_BYTES)
    except BridgeError as error:
        raise Undecodable(error) from error
    try:
        check_prologue(frames[0])
    except BridgeError as error:
        raise Undecodable(error, header.id, header.op) from error
    return header


def _request(frames: Sequence[bytes], header: RequestHeader, operation: Operation) -> Request:
    body = _unpack(operation.request, frames[2], "body", BODY_BYTES)
    data = frames[3] if len(frames) == 4 else b""
    if len(data) > CHUNK_BYTES:
        raise LimitReached(
            f"data of {len(data)} bytes: allowed are {CHUNK_BYTES}; send smaller chunks",
            "message_too_large",
        )
    if bool(data) != operation.takes_data:
        wanted = "one data frame that is not empty" if operation.takes_data else "no data frame"
        raise ProtocolError(f"{header.op}: {wanted} was expected", "bad_data")
    return Request(header, body, data)


def pack(value: object) -> bytes:
    """A message as the bytes of a header or body frame."""
    packed: bytes = msgpack.packb(to_wire(value), use_bin_type=True)
    return packed


def _unpack(message: type[M], frame: bytes, name: str, most_bytes: int) -> M:
    if len(frame) > most_bytes:
        raise LimitReached(
            f"{name} of {len(frame)} bytes: allowed are {most_bytes}", "message_too_large"
        )
    code = "bad_header" if name == "header" else "bad_body"
    try:
        value = msgpack.unpackb(
            frame,
            strict_map_key=True,
            ext_hook=_refuse_extension,
            max_array_len=MAX_ENTRIES,
            max_map_len=MAX_ENTRIES,
        )
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        shown = str(error)[:200] or type(error).__name__
        raise ProtocolError(
            f"{name}: it is not msgpack that is allowed here: {shown}", code
        ) from error
    try:
        return from_wire(message, value)
    except FieldError as error:
        raise ProtocolError(str(error), code) from error


def _refuse_extension(kind: int, _content: bytes) -> object:
    raise ValueError(f"extension type {kind} is not used in this protocol")
