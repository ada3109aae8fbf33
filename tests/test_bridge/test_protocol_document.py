"""PROTOCOL.md and the code say the same: operations, events, fields, codes, limits, bytes."""

import ast
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

import bridge
from bridge import calls, errors, exchange, listener, uploads
from bridge.connection import Connection
from bridge.delivery import DeliveryFailed
from bridge.protocol import codec, limits, messages, offers, searches, transfers, values
from bridge.protocol.fields import described, to_wire
from bridge.protocol.messages import EVENTS, OPERATIONS
from bridge.protocol.version import PROTOCOL_VERSION
from engine import errors as engine_errors

from .golden_wire import FOLDER, frames_of

PACKAGE = Path(bridge.__file__).parent
DOCUMENT = (PACKAGE / "PROTOCOL.md").read_text("utf-8")
CLIENT_ONLY = (
    errors.ServerUnavailable,
    errors.ServerRunning,
    errors.AuthenticationError,
    errors.RequestTimeout,
    errors.JobFailed,
)
"""Errors that a client's library raises by itself."""

FIXED_LIMITS = {
    "a frame": limits.FRAME_BYTES,
    "entries of a list or map": codec.MAX_ENTRIES,
    "a reply's time": calls.LIFETIME_S,
    "requests of all clients that wait": calls.PENDING_BYTES,
    "replies kept for a client that does not read": listener.REPLIES_KEPT,
    "replies kept for a client that does not read, in bytes": listener.REPLY_BYTES_KEPT,
    "events kept for a subscriber that does not read": listener.EVENTS_KEPT,
    "clips or jobs in one reply": messages.PAGE,
    "a handshake": listener.HANDSHAKE_MS / 1000,
    "chunks of an upload without a reply": uploads.WINDOW,
    "request in the inbox folder": exchange.MOST_BYTES,
}


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    _, found, below = DOCUMENT.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    lines = re.split(r"\n#+ ", below)[0].splitlines()
    table = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def unquoted(cell: str) -> str:
    return cell.strip("`")


def records() -> dict[str, type[Any]]:
    """Every message and value, by name, that an operation, an event or a frame can hold."""
    found: dict[str, type[Any]] = {}
    bodies = [body for one in OPERATIONS.values() for body in (one.request, one.reply)]
    headers = [codec.RequestHeader, codec.ReplyHeader, codec.EventHeader]
    waiting = [*headers, *bodies, *EVENTS.values(), values.Problem]
    while waiting:
        record = waiting.pop()
        if record.__name__ in found:
            continue
        found[record.__name__] = record
        kinds = " ".join(kind for _, kind, _ in described(record))
        for word in re.findall(r"\b[A-Z]\w+", kinds):
            homes = (values, searches, offers, transfers, messages)
            waiting.append(next(getattr(home, word) for home in homes if hasattr(home, word)))
    return found


RECORDS = records()


def default_of(value: Any) -> str:
    if value is dataclasses.MISSING:
        return "needed"
    wire = to_wire(value)
    return "`{}`" if isinstance(wire, dict) else f"`{json.dumps(wire)}`"


def test_the_version_is_that_of_the_code() -> None:
    assert re.findall(r"Version \*\*(.+?)\*\*", DOCUMENT) == [PROTOCOL_VERSION]


def test_the_operations_are_those_of_the_code() -> None:
    told = {}
    for name, request, reply, again, meaning in rows_of("## Operations"):
        told[unquoted(name)] = (request, reply, again)
        assert meaning
    in_code = {
        name: (
            one.request.__name__ + (" + data" if one.takes_data else ""),
            one.reply.__name__ + (" + data" if name in ("clip.read", "stem.read") else ""),
            "yes" if one.repeatable else "no",
        )
        for name, one in OPERATIONS.items()
    }
    assert told == in_code
    assert list(told) == list(in_code)


def test_the_events_are_those_of_the_code() -> None:
    told = {unquoted(name): body for name, body, _ in rows_of("## Events")}
    assert told == {name: body.__name__ for name, body in EVENTS.items()}
    families = {name.partition(".")[0] for name in told}
    assert families == set(messages.EVENT_FAMILIES)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_the_fields_are_those_of_the_code(name: str) -> None:
    told = [row[:3] for row in rows_of(f"### {name}")]
    assert told == [
        [f"`{field}`", kind, default_of(default)]
        for field, kind, default in described(RECORDS[name])
    ]
    assert all(row[3] for row in rows_of(f"### {name}"))


def test_no_record_is_described_that_is_not_there() -> None:
    below = DOCUMENT.partition("\n## Messages and values\n")[2]
    assert sorted(re.findall(r"^### (\w+)$", below, re.MULTILINE)) == sorted(RECORDS)


def test_the_connection_file_is_that_of_the_code() -> None:
    rows = [row for row in rows_of("## Finding the server") if len(row) == 4]
    assert [row[:3] for row in rows[2:]] == [  # below the head of the second table
        [f"`{field}`", kind, default_of(default)] for field, kind, default in described(Connection)
    ]


def subclasses(kind: type[Any]) -> list[type[Any]]:
    return [kind, *(each for one in kind.__subclasses__() for each in subclasses(one))]


def codes_in_code() -> set[str]:
    kinds = [kind for kind in subclasses(errors.BridgeError) if kind not in CLIENT_ONLY]
    of_bridge = {code for kind in kinds for code in kind.codes} - {"remote_error"}
    of_engine = {kind.code for kind in subclasses(engine_errors.EngineError)}
    return of_bridge | of_engine | set(errors.WORKER_CODES)


def test_the_error_codes_are_those_of_the_code() -> None:
    told = [unquoted(code) for code, _ in rows_of("## Errors")]
    assert len(told) == len(set(told))
    assert set(told) == codes_in_code()


def test_codes_of_the_client_alone_are_named() -> None:
    said = DOCUMENT.partition("codes of its own, which never come over the wire:")[2]
    told = set(re.findall(r"`(\w+)`", said.partition("\n\n")[0]))
    own = {code for kind in CLIENT_ONLY for code in kind.codes}
    assert told == (own | {"remote_error"}) - codes_in_code()


def test_no_code_is_given_that_its_error_does_not_have() -> None:
    """What `errors.py` lists is what the modules use: the codes are written as literals."""
    kinds = {kind.__name__: kind for kind in subclasses(errors.BridgeError)}
    known = codes_in_code() | {"retried_smaller"}
    n_found = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            name, texts = node.func.id, [literals(argument) for argument in node.args]
            if name in kinds and name != "BridgeError" and len(texts) > 1:
                n_found += len(texts[1])
                assert texts[1] <= {*kinds[name].codes, ""}, (path.name, node.lineno)
            elif name in ("Problem", "Lost", "error_of", "BridgeError") and texts:
                code = texts[1] if name == "BridgeError" and len(texts) > 1 else texts[0]
                n_found += len(code)
                assert code <= known or name == "BridgeError", (path.name, node.lineno, code)
    assert n_found > 50


def literals(node: ast.expr) -> set[str]:
    """The texts that an argument can be, as far as they are written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return set()


def test_the_fixed_limits_are_those_of_the_code() -> None:
    told = {}
    for what, limit, code in rows_of("## Limits"):
        told[what] = float(limit.split()[0])
        for named in re.findall(r"`(\w+)`", code):
            assert named in codes_in_code()
    assert told == FIXED_LIMITS


def test_every_limit_of_a_server_names_its_code() -> None:
    for field, _, _, meaning in rows_of("### Limits"):
        (code,) = re.findall(r"(?:else|then) `(\w+)`", meaning)
        assert code in codes_in_code(), field


EXAMPLES = dict(re.findall(r"```hex (\w+)\n(.*?)```", DOCUMENT, re.DOTALL))


def test_there_are_examples_of_every_kind_of_message() -> None:
    assert {name.partition("_")[0] for name in EXAMPLES} == {"request", "reply", "error", "event"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bytes_of_the_document_are_the_golden_ones(name: str) -> None:
    frames = []
    for frame in EXAMPLES[name].split("--\n"):
        pairs = [re.match(r"(?:\s*\b[0-9A-F]{2}\b)*", line) for line in frame.splitlines()]
        frames.append(bytes.fromhex("".join(pair[0] for pair in pairs if pair)))
    assert frames == frames_of((FOLDER / f"{name}.bin").read_bytes())


def test_files_that_the_document_names_are_there() -> None:
    root = PACKAGE.parent
    for name in re.findall(r"`((?:tests|plugin_shim)/[\w/.]+)`", DOCUMENT):
        assert (root / name).exists(), name


def test_errors_of_the_delivery_keep_their_codes() -> None:
    assert set(DeliveryFailed.codes) <= codes_in_code()
