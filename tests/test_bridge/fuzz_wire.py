"""Broken messages without end, from a seed: golden ones with bytes, values and frames changed.

    for frames in mutated(random.Random(1), requests()):
        ...

    python tests/test_bridge/fuzz_wire.py     writes the corpus of tests/data/wire/fuzz anew

The corpus is small and for every implementation: broken requests, replies and events, and in
`index.json` the code with which each of them is refused.
"""

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgpack

from bridge.errors import ProtocolError
from bridge.protocol.codec import (
    Undecodable,
    decode_event,
    decode_reply,
    decode_request,
    encode_request,
)
from bridge.protocol.messages import OPERATIONS
from tests.test_bridge.golden_wire import FOLDER, file_of, messages
from tests.test_bridge.raw_peer import RawPeer

CORPUS = FOLDER / "fuzz"
SEED = 20_261_127
MOST_PER_CODE = 6
_MOST_TRIES = 40_000
_GROWN_BYTES = 3000

Frames = list[bytes]

_BYTES = (b"\x00", b"\x7f", b"\x80", b"\x90", b"\xc0", b"\xc1", b"\xc4", b"\xc6", b"\xc7", b"\xc9",
          b"\xd4", b"\xd9", b"\xdb", b"\xdc", b"\xdd", b"\xde", b"\xdf", b"\xff")  # fmt: skip
"""Bytes that mean much to msgpack."""

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0, 1e308,
    float("nan"), float("inf"), float("-inf"), "", "\0", "a" * 70, "x" * 3000, "é" * 600, "../..",
    "/dev/zero", b"", b"\xff\xfe", [], {}, [[]], {"": {}}, [0] * 300, {"a": 1}, "+", "drums",
    msgpack.ExtType(5, b"x"), msgpack.Timestamp(1), [None] * 1100,
)  # fmt: skip


def requests() -> dict[str, Frames]:
    """Good requests to begin with: the golden ones, and one of every operation."""
    found = {name: frames for name, frames in messages().items() if name.startswith("request_")}
    found.pop("request_of_major_2")
    for number, (op, operation) in enumerate(OPERATIONS.items()):
        try:
            found[f"empty {op}"] = encode_request(100 + number, op, operation.request())
        except (TypeError, ProtocolError):  # it has fields that must be there
            body = {"clip_id": "c1", "job_id": "j1", "upload_id": "u1", "name": "no-such-model"}
            header = msgpack.packb({"id": 100 + number, "op": op})
            found[f"plain {op}"] = [found["request_ping"][0], header, msgpack.packb(body)]
    return found


def answers() -> dict[str, Frames]:
    """Good replies and events to begin with."""
    return {name: each for name, each in messages().items() if not name.startswith("request_")}


def mutated(rng: random.Random, seeds: dict[str, Frames]) -> Iterator[Frames]:
    """Messages with one to four things changed, for ever."""
    pool = [seeds[name] for name in sorted(seeds)]
    while True:
        frames = list(rng.choice(pool))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
            rng.choice(_CHANGES)(rng, frames, pool)
        yield frames


def _change_bytes(rng: random.Random, frames: Frames, _pool: Sequence[Frames]) -> None:
    if not frames:
        return
    at = rng.randrange(len(frames))
    frame = bytearray(frames[at])
    place = rng.randrange(len(frame) + 1)
    match rng.randrange(6):
        case 0 if frame:
            frame[place % len(frame)] ^= 1 << rng.randrange(8)
        case 1:
            frame[place : place + 1] = rng.choice(_BYTES)
        case 2:
            frame[place:place] = rng.randbytes(rng.randrange(1, 9))
        case 3:
            del frame[place : place + rng.randrange(1, 9)]
        case 4:
            del frame[place:]
        case _:
            frame[place:place] = frame[place : place + rng.randrange(1, 40)] * rng.randrange(1, 4)
    frames[at] = bytes(frame)


def _change_value(rng: random.Random, frames: Frames, _pool: Sequence[Frames]) -> None:
    """Another value somewhere in the header or the body, which stays good msgpack."""
    if len(frames) < 3:
        return
    at = rng.choice((1, 2, 2, 2, len(frames) - 1))  # a broken header hides what is behind it
    if len(frames[at]) > _GROWN_BYTES:
        return  # what repeats itself once more would fill the memory of the fuzzer
    try:
        frames[at] = msgpack.packb(_altered(rng, msgpack.unpackb(frames[at])))
    except (ValueError, OverflowError, msgpack.exceptions.UnpackException):
        return  # other changes have broken it already


def _altered(rng: random.Random, tree: Any) -> Any:
    if isinstance(tree, dict) and tree and rng.random() < 0.85:
        key = rng.choice(list(tree))
        match rng.randrange(8):
            case 0:
                return {name: value for name, value in tree.items() if name != key}
            case 1:
                return {**tree, rng.choice(("new", "", 7, b"key", "x" * 100)): rng.choice(_VALUES)}
            case _:
                return {**tree, key: _altered(rng, tree[key])}
    if isinstance(tree, list) and tree and rng.random() < 0.7:
        is_flat = not any(isinstance(each, list | dict) for each in tree)
        times = rng.choice((1, 1, 2, 300)) if is_flat else 1  # nested ones would multiply
        return [*tree[1:], _altered(rng, tree[0])] * times
    if rng.random() < 0.1:
        for _ in range(rng.choice((3, 30, 600))):
            tree = [tree] if rng.random() < 0.5 else {"a": tree}
        return tree
    return rng.choice(_VALUES)


def _change_frames(rng: random.Random, frames: Frames, pool: Sequence[Frames]) -> None:
    other = rng.choice(pool)
    at = rng.randrange(len(frames) + 1)
    match rng.randrange(5):
        case 0:
            frames[at : at + 1] = []
        case 1:
            frames.insert(at, rng.choice((b"", b"data", rng.randbytes(30), rng.choice(other))))
        case 2:
            frames[at : at + 1] = [rng.choice(other)]
        case 3:
            rng.shuffle(frames)
        case _:
            frames[:] = [*frames[:2], *other[2:]]


_CHANGES: tuple[Callable[[random.Random, Frames, Sequence[Frames]], None], ...] = (
    _change_bytes,
    _change_bytes,
    _change_value,
    _change_value,
    _change_value,
    _change_frames,
)


def code_of(kind: str, frames: Frames) -> str:
    """With which code the message is refused; empty when it is taken."""
    try:
        match kind:
            case "request":
                decode_request(frames)
            case "reply":
                decode_reply(frames)
            case _:
                decode_event(frames)
    except Undecodable as refusal:
        return refusal.error.code
    except ProtocolError as refusal:
        return refusal.code
    return ""


def answers_to(peer: RawPeer, source: Iterator[Frames], n_requests: int) -> bool:
    """Send so many broken requests at once; whether each got one reply with its id and operation.

    Left out are requests that would still stop the server or reach for the network.
    """
    expected: Counter[tuple[int | None, str]] = Counter()
    while sum(expected.values()) < n_requests:
        frames = next(source)
        told = _told_of(frames)
        if frames and told[1] not in ("server.stop", "models.download"):
            peer.send(frames)
            expected[told] += 1
    headers = [peer.reply()[0] for _ in range(n_requests)]
    return Counter((header["id"], header["op"]) for header in headers) == expected


def _told_of(frames: Frames) -> tuple[int | None, str]:
    """Id and operation that the reply to these frames has to carry."""
    try:
        request = decode_request(frames)
    except Undecodable as refusal:
        return refusal.request_id, refusal.op
    return request.header.id, request.header.op


def corpus() -> dict[str, tuple[str, Frames, str]]:
    """Name -> kind, frames, code: the smallest of many, a few of every kind and code."""
    found: dict[tuple[str, str], dict[bytes, Frames]] = {}
    for kind, seeds in (
        ("request", requests()),
        ("reply", {n: f for n, f in answers().items() if not n.startswith("event_")}),
        ("event", {n: f for n, f in answers().items() if n.startswith("event_")}),
    ):
        source = mutated(random.Random(SEED), seeds)
        for _ in range(_MOST_TRIES):
            frames = next(source)
            code = code_of(kind, frames)
            if code and len(frames) > 0:
                found.setdefault((kind, code), {})[file_of(frames)] = frames
    chosen = {}
    for (kind, code), by_content in sorted(found.items()):
        for number, content in enumerate(_spread(sorted(by_content, key=len))):
            chosen[f"{kind}_{code}_{number}"] = (kind, by_content[content], code)
    return chosen


def _spread(ordered: list[bytes]) -> list[bytes]:
    """Some of all sizes up to the middle one, small ones first."""
    step = max(len(ordered) // (2 * MOST_PER_CODE), 1)
    return ordered[::step][:MOST_PER_CODE]


def main() -> int:
    """Write the corpus."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    CORPUS.mkdir(parents=True)
    told = {}
    for name, (kind, frames, code) in corpus().items():
        (CORPUS / f"{name}.bin").write_bytes(file_of(frames))
        told[name] = {"kind": kind, "refused_with": code}
    (CORPUS / "index.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
