"""Broken messages by the hundred thousand: refused one by one, and the server goes on."""

import json
import random
from collections import Counter
from pathlib import Path

import psutil
import pytest

from bridge.client import Client
from bridge.connection import Connection, read_connection
from bridge.folders import Folders

from .clips import write_clip
from .fuzz_wire import CORPUS, answers, answers_to, code_of, mutated, requests
from .golden_wire import frames_of
from .raw_peer import RawPeer

N_DECODED = 200_000
N_LIVE = 6_000
WINDOW = 32
GROWTH_BYTES = 40 << 20

TOLD = json.loads((CORPUS / "index.json").read_text("utf-8"))


def test_two_hundred_thousand_broken_requests_are_decoded_or_refused() -> None:
    source = mutated(random.Random(1), requests())
    before = psutil.Process().memory_info().rss
    n_taken = sum(code_of("request", next(source)) == "" for _ in range(N_DECODED))
    assert 0.01 < n_taken / N_DECODED < 0.5  # it is neither all noise nor all good
    assert psutil.Process().memory_info().rss - before < GROWTH_BYTES


def test_broken_replies_and_events_are_decoded_or_refused() -> None:
    """What `code_of` does not expect, it raises."""
    good = answers()
    for kind in ("reply", "event"):
        seeds = {name: each for name, each in good.items() if (kind == "event") == (len(each) == 4)}
        source = mutated(random.Random(2), seeds)
        codes = Counter(code_of(kind, next(source)) for _ in range(10_000))
        assert {"", "bad_frames", "bad_header", "bad_body", "version_mismatch"} <= set(codes)


def test_every_file_of_the_corpus_is_there() -> None:
    assert sorted(TOLD) == sorted(path.stem for path in CORPUS.glob("*.bin"))
    assert len({each["refused_with"] for each in TOLD.values()}) >= 7


@pytest.mark.parametrize("name", sorted(TOLD))
def test_the_corpus_is_refused_as_it_says(name: str) -> None:
    frames = frames_of((CORPUS / f"{name}.bin").read_bytes())
    assert code_of(TOLD[name]["kind"], frames) == TOLD[name]["refused_with"]


def test_broken_requests_to_a_server_are_each_answered_once(
    client: Client, folders: Folders, tmp_path: Path
) -> None:
    connection: Connection = read_connection(folders.connection)
    server = psutil.Process(connection.pid)
    source = mutated(random.Random(3), requests())
    before = server.memory_info().rss
    with RawPeer(connection) as peer:
        for _ in range(N_LIVE // WINDOW):
            assert answers_to(peer, source, WINDOW)
        assert not peer.socket.poll(100), "more replies than requests"
    assert client.ping() > 0
    assert server.memory_info().rss - before < GROWTH_BYTES
    assert client.put_file(write_clip(tmp_path / "a.wav", 0.1)).n_samples > 0
