"""The bytes on the wire are those that other implementations were built on."""

import hashlib
import json
from pathlib import Path

import msgpack
import pytest

from bridge.errors import BridgeError
from bridge.protocol.codec import Undecodable, decode_event, decode_reply, decode_request
from bridge.protocol.version import PROTOCOL_VERSION
from tests.test_bridge.golden_wire import (
    ERRORS,
    EVENTS,
    FOLDER,
    REPLIES,
    REQUESTS,
    SINCE,
    frames_of,
    index,
    messages,
)

NAMES = sorted(path.stem for path in FOLDER.glob("*.bin"))


def golden(name: str) -> list[bytes]:
    return frames_of((FOLDER / f"{name}.bin").read_bytes())


def test_every_message_has_its_file_and_every_file_its_message() -> None:
    assert sorted(messages()) == NAMES
    assert len(NAMES) > 15


@pytest.mark.parametrize("name", NAMES)
def test_the_code_writes_the_golden_bytes(name: str) -> None:
    assert messages()[name] == golden(name)


def test_messages_of_minor_0_are_those_that_were_first_written() -> None:
    """Nothing may change them, not even whoever writes all golden files anew."""
    old = [name for name in NAMES if SINCE.get(name, 0) == 0]
    digest = hashlib.sha256(
        b"".join((FOLDER / f"{name}.bin").read_bytes() for name in old)
    ).hexdigest()
    assert len(old) == 22
    assert digest == "aeefdf4200ad24ddaeeb8320a03a1a85ba56486437a4cdf2c18e347933323868"


@pytest.mark.parametrize("name", ["reply_job_get", "event_job_done"])
def test_a_peer_of_minor_0_reads_a_newer_result_without_what_it_does_not_know(name: str) -> None:
    """To it the lane is an unknown field; the rest is that of the same job without a lane."""
    frames = golden(f"{name}_presence")
    content = msgpack.unpackb(frames[-1])
    lane = content["job"]["result"].pop("presence")
    assert lane == {"period_s": 0.2, "start_s": 0.4, "percent": [0, 3, 97, 100, 50, 0, 0, 12]}
    old = golden("reply_job_get_done" if name == "reply_job_get" else name)
    assert _keys(content) == _keys(msgpack.unpackb(old[-1]))
    content["job"]["result"]["of_a_later_minor"] = {"anything": [1]}
    frames[-1] = msgpack.packb(content)
    read = decode_reply(frames) if name == "reply_job_get" else decode_event(frames)
    assert read is not None
    assert read.body.job.result.presence is None


def _keys(tree: object) -> object:
    """The names in a map, all the way down."""
    return {name: _keys(each) for name, each in tree.items()} if isinstance(tree, dict) else None


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_read_back(name: str) -> None:
    number, op, body, data = REQUESTS[name]
    request = decode_request(golden(name))
    assert (request.header.id, request.header.op) == (number, op)
    assert (request.body, request.data) == (body, data)


@pytest.mark.parametrize("name", REPLIES)
def test_replies_are_read_back(name: str) -> None:
    number, op, body, data = REPLIES[name]
    reply = decode_reply(golden(name))
    assert (reply.header.id, reply.header.op, reply.header.status) == (number, op, "ok")
    assert (reply.body, reply.data) == (body, data)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_come_back_as_what_they_were(name: str) -> None:
    number, _, error = ERRORS[name]
    reply = decode_reply(golden(name))
    assert (reply.header.id, reply.header.status) == (number, "error")
    assert type(reply.body) is type(error)
    assert isinstance(reply.body, BridgeError)
    assert (reply.body.code, str(reply.body)) == (error.code, str(error))


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_read_back(name: str) -> None:
    event_name, sequence, time_s, body = EVENTS[name]
    event = decode_event(golden(name))
    assert event is not None
    header = event.header
    assert (header.event, header.sequence, header.time_s) == (event_name, sequence, time_s)
    assert event.body == body


def test_a_request_of_another_major_is_refused_with_both_versions() -> None:
    with pytest.raises(Undecodable) as caught:
        decode_request(golden("request_of_major_2"))
    refusal = caught.value
    assert (refusal.request_id, refusal.op) == (1, "hello")
    assert refusal.error.code == "version_mismatch"
    assert "2.0" in str(refusal.error)
    assert PROTOCOL_VERSION in str(refusal.error)


def test_the_index_tells_the_same() -> None:
    text = Path(FOLDER / "index.json").read_text("utf-8")
    assert json.loads(text) == json.loads(json.dumps(index()))
