"""The bytes on the wire are those that other implementations were built on."""

import json
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.protocol.codec import Undecodable, decode_event, decode_reply, decode_request
from tests.test_bridge.golden_wire import (
    ERRORS,
    EVENTS,
    FOLDER,
    REPLIES,
    REQUESTS,
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
    assert "1.0" in str(refusal.error)


def test_the_index_tells_the_same() -> None:
    text = Path(FOLDER / "index.json").read_text("utf-8")
    assert json.loads(text) == json.loads(json.dumps(index()))
