"""Frames and messages: what is taken, what is refused and with which code, what it may cost."""

import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError, LimitReached, ProtocolError, RemoteError, error_of
from bridge.protocol.codec import (
    PROLOGUE,
    Request,
    Undecodable,
    decode_event,
    decode_reply,
    decode_request,
    encode_error,
    encode_event,
    encode_reply,
    encode_request,
    pack,
)
from bridge.protocol.fields import FieldError, from_wire
from bridge.protocol.limits import BODY_BYTES, CHUNK_BYTES, HEADER_BYTES
from bridge.protocol.messages import (
    EVENTS,
    OPERATIONS,
    ClipPage,
    Empty,
    JobSubmit,
    Ping,
)
from bridge.protocol.transfers import (
    ClipChunk,
    UploadProgress,
)
from bridge.protocol.values import Clip, JobOptions, WirePrompt, WireSpan

HEADER = msgpack.packb({"id": 7, "op": "ping"})


def refused(frames: list[bytes]) -> Undecodable:
    with pytest.raises(Undecodable) as caught:
        decode_request(frames)
    return caught.value


def test_a_request_comes_back_as_it_was() -> None:
    body = JobSubmit("c1", WirePrompt("bark", (WireSpan(0, 1.5, "-"),)), JobOptions(seed=3))
    request = decode_request(encode_request(9, "job.submit", body))
    assert (request.header.id, request.header.op, request.body) == (9, "job.submit", body)


def test_data_travels_beside_the_body() -> None:
    chunk = decode_request(encode_request(1, "clip.chunk", ClipChunk("u", 4), b"\0\1"))
    assert (chunk.body, chunk.data) == (ClipChunk("u", 4), b"\0\1")
    reply = decode_reply(encode_reply(1, "clip.chunk", pack(UploadProgress(2, 5)), b"xy"))
    assert (reply.body, reply.data) == (UploadProgress(2, 5), b"xy")


def test_unknown_fields_are_ignored() -> None:
    body = msgpack.packb({"echo": "a", "colour": [1, {"deep": None}]})
    header = msgpack.packb({"id": 7, "op": "ping", "trace": "t"})
    assert decode_request([PROLOGUE, header, body]).body == Ping("a")


def test_another_minor_version_is_understood() -> None:
    newer = PROLOGUE[:5] + bytes([PROLOGUE[5] + 1])
    assert decode_request([newer, HEADER, pack(Ping("a"))]).body == Ping("a")


def test_an_event_of_a_newer_server_is_skipped() -> None:
    assert decode_event(encode_event("clip.painted", 1, 0.0, pack(Empty()))) is None


@pytest.mark.parametrize("count", [0, 1, 2, 5, 1000])
def test_another_number_of_frames_is_refused(count: int) -> None:
    assert refused([PROLOGUE] * count).error.code == "bad_frames"


@pytest.mark.parametrize("prologue", [b"", b"SLWP", b"HTTP/1", PROLOGUE + b"\0", b"SLWQ\1\0"])
def test_another_prologue_is_refused_but_answerable(prologue: bytes) -> None:
    refusal = refused([prologue, HEADER, pack(Ping())])
    assert (refusal.error.code, refusal.request_id, refusal.op) == ("bad_frames", 7, "ping")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xc1",
        b"\xff" * 9,
        msgpack.packb([]),
        msgpack.packb({"id": 1}),
        msgpack.packb({"op": "ping"}),
        msgpack.packb({"id": -1, "op": "ping"}),
        msgpack.packb({"id": "1", "op": "ping"}),
        msgpack.packb({"id": True, "op": "ping"}),
        msgpack.packb({"id": 2**60, "op": "ping"}),
        msgpack.packb({"id": 1, "op": "x" * 65}),
        msgpack.packb({"id": 1, "op": b"ping"}),
        HEADER + b"\0",
    ],
)
def test_a_bad_header_is_refused(header: bytes) -> None:
    refusal = refused([PROLOGUE, header, pack(Ping())])
    assert refusal.error.code == "bad_header"
    assert refusal.request_id is None


def test_an_unknown_operation_is_named_and_the_known_ones_listed() -> None:
    refusal = refused([PROLOGUE, msgpack.packb({"id": 3, "op": "clip.eat"}), pack(Empty())])
    assert (refusal.error.code, refusal.request_id) == ("unknown_operation", 3)
    assert "clip.eat" in str(refusal.error)
    assert all(op in str(refusal.error) for op in OPERATIONS)


BAD_BODIES: dict[str, Any] = {
    "clip_id": {"clip_id": "../etc", "prompt": {}},
    "prompt": {"clip_id": "c"},
    "prompt.description": {"clip_id": "c", "prompt": {"description": "x" * 2001}},
    "prompt.spans[1].sign": {
        "clip_id": "c",
        "prompt": {"spans": [{"start_s": 0, "end_s": 1}, {"start_s": 0, "end_s": 1, "sign": "*"}]},
    },
    "prompt.spans[0].start_s": {"clip_id": "c", "prompt": {"spans": [{"start_s": -1, "end_s": 1}]}},
    "prompt.spans[0].end_s": {
        "clip_id": "c",
        "prompt": {"spans": [{"start_s": 0, "end_s": float("nan")}]},
    },
    "prompt.spans": {
        "clip_id": "c",
        "prompt": {"spans": [{"start_s": 0, "end_s": 1}] * 257},
    },
    "options.n_candidates": {"clip_id": "c", "prompt": {}, "options": {"n_candidates": 9}},
    "options.presence_gate": {"clip_id": "c", "prompt": {}, "options": {"presence_gate": 1.5}},
    "options.quality": {"clip_id": "c", "prompt": {}, "options": {"quality": ["best"]}},
    "options.allow_overwrite": {"clip_id": "c", "prompt": {}, "options": {"allow_overwrite": 1}},
    "options.output_folder": {"clip_id": "c", "prompt": {}, "options": {"output_folder": "a\0b"}},
}


@pytest.mark.parametrize("field", BAD_BODIES)
def test_a_bad_field_is_named(field: str) -> None:
    header = msgpack.packb({"id": 5, "op": "job.submit"})
    refusal = refused([PROLOGUE, header, msgpack.packb(BAD_BODIES[field])])
    assert (refusal.error.code, refusal.request_id) == ("bad_body", 5)
    assert str(refusal.error).startswith(f"{field}: ")


def test_a_client_refuses_its_own_bad_body() -> None:
    with pytest.raises(ProtocolError, match=r"job\.submit: options\.seed") as caught:
        encode_request(1, "job.submit", JobSubmit("c", WirePrompt("x"), JobOptions(seed=-1)))
    assert caught.value.code == "bad_body"
    with pytest.raises(ProtocolError):
        encode_request(1, "ping", Ping("lone surrogate \udc80"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        pack(Ping()) + b"\0",
        msgpack.packb({1: 2}),
        msgpack.packb(msgpack.ExtType(5, b"")),
        msgpack.packb({"echo": msgpack.Timestamp(1)}),
        msgpack.packb({"echo": b"bytes"}),
        b"\xa2\xff\xff",
        b"\x91" * 5000,
        b"\x81\xa1a" * 5000,
    ],
)
def test_a_body_that_is_no_such_map_is_refused(body: bytes) -> None:
    assert refused([PROLOGUE, HEADER, body]).error.code == "bad_body"


def test_each_frame_has_its_limit() -> None:
    long_header = msgpack.packb({"id": 1, "op": "ping", "pad": "x" * HEADER_BYTES})
    assert refused([PROLOGUE, long_header, pack(Ping())]).error.code == "message_too_large"
    long_body = msgpack.packb({"pad": "x" * BODY_BYTES})
    assert refused([PROLOGUE, HEADER, long_body]).error.code == "message_too_large"
    chunk = encode_request(1, "clip.chunk", ClipChunk("u", 0), b"x" * (CHUNK_BYTES + 1))
    refusal = refused(chunk)
    assert isinstance(refusal.error, LimitReached)
    assert refusal.error.code == "message_too_large"


def test_data_must_be_there_exactly_where_it_belongs() -> None:
    assert refused([*encode_request(1, "ping", Ping()), b"data"]).error.code == "bad_data"
    assert refused(encode_request(1, "clip.chunk", ClipChunk("u", 0))).error.code == "bad_data"


def test_a_few_bytes_cannot_reserve_much_memory() -> None:
    """Nested lists that each claim to be as long as the frame would reserve a gigabyte."""
    bomb = b"\xdd\x00\x00\xff\xff" * 51_000
    tracemalloc.start()
    try:
        assert refused([PROLOGUE, HEADER, bomb]).error.code == "bad_body"
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2_000_000


def test_a_body_without_what_must_be_there_is_refused() -> None:
    with pytest.raises(FieldError, match="job: it is missing"):
        from_wire(EVENTS["job.done"], {})


def test_errors_keep_their_code_and_class() -> None:
    reply = decode_reply(encode_error(None, "", LimitReached("full", "too_many_jobs")))
    assert reply.header.id is None
    assert isinstance(reply.body, LimitReached)
    assert reply.body.code == "too_many_jobs"
    foreign = error_of("code_of_the_future", "what")
    assert isinstance(foreign, RemoteError)
    assert foreign.code == "code_of_the_future"


def test_a_reply_to_an_unknown_operation_is_an_error_of_its_own() -> None:
    with pytest.raises(ProtocolError):
        decode_reply(encode_reply(1, "clip.eat", pack(Empty())))


clips = st.builds(
    Clip,
    clip_id=st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
    name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    sample_rate=st.integers(0, 768_000),
    n_channels=st.integers(0, 32),
    n_samples=st.integers(0, 2**53),
    created_s=st.floats(-1e12, 1e12),
)


@given(st.lists(clips, max_size=5))
def test_any_clips_come_back_as_they_were(found: list[Clip]) -> None:
    page = ClipPage(tuple(found), len(found))
    assert decode_reply(encode_reply(1, "clip.list", pack(page))).body == page


def outcome(frames: list[bytes]) -> Request | Undecodable:
    """What becomes of any frames; anything else that is raised fails the test."""
    try:
        return decode_request(frames)
    except Undecodable as refusal:
        return refusal


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_frames_are_decoded_or_refused(frames: list[bytes]) -> None:
    found = outcome(frames)
    assert isinstance(found, Request) or isinstance(found.error, BridgeError)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values, st.sampled_from(sorted(OPERATIONS)))
def test_any_body_is_decoded_or_refused_with_its_id(body: object, op: str) -> None:
    header = msgpack.packb({"id": 4, "op": op})
    found = outcome([PROLOGUE, header, msgpack.packb(body)])
    if isinstance(found, Request):
        assert (found.header.id, found.header.op) == (4, op)
    else:
        assert (found.request_id, found.op) == (4, op)
