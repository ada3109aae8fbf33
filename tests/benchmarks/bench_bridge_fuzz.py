"""Hostile input at length: broken messages at the decoder and at a live server. Run by hand:

    python tests/benchmarks/bench_bridge_fuzz.py [--decoder 1000000] [--live 200000] [--seed 1]

The messages are golden ones with bytes, values and whole frames changed (`fuzz_wire.py` among the
tests). The decoder has to take or refuse each of them; the server has to answer each with one
reply, by its id, while another client's pings go on. The exit status is 1 when it does not, when
memory grows by more than a quarter, or when the server is no more.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bridge.connection import read_connection  # noqa: E402
from bridge.folders import Folders  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402
from tests.benchmarks.bench_bridge import running_server  # noqa: E402
from tests.test_bridge.fuzz_wire import answers_to, code_of, mutated, requests  # noqa: E402
from tests.test_bridge.raw_peer import RawPeer  # noqa: E402

WINDOW = 32
WARM_UP = 20_000
GROWTH_LIMIT = 0.25


def main() -> int:
    """Send and print; 1 when anything is not as it should be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--decoder", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("; ".join(f"{key} {value}" for key, value in {**hardware(), **versions()}.items()))
    source = mutated(random.Random(given.seed), requests())
    own = psutil.Process()
    codes: Counter[str] = Counter()
    growth = []
    for n_messages in (WARM_UP, given.decoder):
        before = own.memory_info().rss
        codes.update(code_of("request", next(source)) or "taken" for _ in range(n_messages))
        growth.append(own.memory_info().rss / before - 1)
    print(f"decoder: {given.decoder} messages, memory growth {100 * growth[-1]:.1f} %")
    print("  " + ", ".join(f"{count} {code}" for code, count in codes.most_common()))
    with tempfile.TemporaryDirectory() as name:
        is_good = live(given, Path(name) / "home")
    return 0 if is_good and growth[-1] < GROWTH_LIMIT else 1


def live(given: argparse.Namespace, home: Path) -> bool:
    """Broken requests to a server; whether it did what it should."""
    with running_server(home) as client:
        connection = read_connection(Folders.below(home).connection)
        server = psutil.Process(connection.pid)
        source = mutated(random.Random(given.seed + 1), requests())
        n_bad, pings_s = 0, []
        start_s = time.perf_counter()
        with RawPeer(connection) as peer:
            before = 0
            for number in range(given.live // WINDOW):
                if number * WINDOW >= WARM_UP and not before:
                    before = server.memory_info().rss
                n_bad += not answers_to(peer, source, WINDOW)
                pings_s.append(client.ping())
            n_extra = int(peer.socket.poll(500) != 0)
        took_s = time.perf_counter() - start_s
        after = server.memory_info().rss
        growth = after / (before or after) - 1
        print(
            f"server: {given.live} requests in {took_s:.0f} s, {n_bad} windows of {WINDOW} with "
            f"a reply missing or wrong, {n_extra} replies too many; memory {after >> 20} MiB, "
            f"growth after the first {WARM_UP} {100 * growth:.1f} %; slowest ping of another "
            f"client {1000 * max(pings_s):.1f} ms"
        )
        client.stop_server()
    return n_bad == 0 and n_extra == 0 and growth < GROWTH_LIMIT


if __name__ == "__main__":
    sys.exit(main())
