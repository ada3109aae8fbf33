"""Load on the bridge: many clients, many jobs, and what is left afterwards. Run by hand:

    python tests/benchmarks/bench_bridge_load.py [--clients 64] [--jobs 1000]

A real server in a temporary folder; every client has its own connection and thread, puts a clip of
its own (0.25 s of mono at 8 kHz) and submits its share of the jobs, each with a seed of its own, so
that none is answered from the store. The first census is taken after --warm-up jobs of as many
clients, the second after --jobs more, each when all clients have left. Open files, sockets,
threads, processes and temporary files have to be the same; the exit status is 1 when anything is
not as it should be. Memory is compared after as many jobs of warm-up as there are to do, because
SQLite's cache and the allocator's arenas first grow to what this load needs.
"""

import argparse
import collections
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import soundfile

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bridge.client import Client, connect  # noqa: E402
from bridge.folders import Folders  # noqa: E402
from bridge.protocol.values import JobOptions, WirePrompt, WireSpan  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402

PROMPT = WirePrompt("clicks", (WireSpan(0.0, 0.1, "+"),))
OPTIONS = JobOptions(separator="builtin", n_threads=1)
QUIET_S = 2.0
GROWTH_LIMIT = 0.05


@dataclass(frozen=True)
class Census:
    """What the server holds. memory_bytes: resident, of the I/O process."""

    files: int
    sockets: int
    threads: int
    processes: int
    temporary: int
    memory_bytes: int


def main() -> int:
    """Measure and print; 1 when something is left over or a job is not done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--warm-up", type=int, default=1000, help="jobs before the census")
    given = parser.parse_args()
    print("; ".join(f"{key} {value}" for key, value in {**hardware(), **versions()}.items()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_server(folder / "home") as server:
            return load(given, folder, server)


def running_server(home: Path) -> "subprocess.Popen[bytes]":
    """A server that is ready."""
    home.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--home", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def load(given: argparse.Namespace, folder: Path, server: "subprocess.Popen[bytes]") -> int:
    """Warm up, take a census, do the jobs, take another one."""
    home, store = folder / "home", Folders.below(folder / "home").store
    clips = [write_clip(folder / f"{number}.wav", number) for number in range(given.clients)]
    seeds: queue.SimpleQueue[int] = queue.SimpleQueue()
    rounds = []
    for n_jobs in (given.warm_up, given.jobs):
        for _ in range(n_jobs):
            seeds.put(seeds_taken())
        start_s = time.perf_counter()
        states, waits_s = work(home, clips, seeds)
        took_s = time.perf_counter() - start_s
        rounds.append((states, waits_s, took_s, settled(server.pid, store)))
    (_, _, _, before), (states, waits_s, took_s, after) = rounds
    with connect(home, start=False) as client:
        recorded = recorded_states(client)
        client.stop_server()
    server.wait(30)
    print_table(given, states, waits_s, took_s)
    print_censuses(before, after)
    expected = {"done": given.jobs}
    growth = after.memory_bytes / before.memory_bytes - 1
    same = replace(before, memory_bytes=0) == replace(after, memory_bytes=0)
    all_done = states == expected and recorded == {"done": given.jobs + given.warm_up}
    print(f"\nin exactly one final state: {'yes' if all_done else f'NO: {states} {recorded}'}")
    print(f"nothing left over: {'yes' if same else 'NO'}; memory growth {100 * growth:.1f} %")
    return 0 if all_done and same and growth < GROWTH_LIMIT else 1


_seeds = iter(range(1 << 31))


def seeds_taken() -> int:
    """A seed that no other job has."""
    return next(_seeds)


def work(
    home: Path, clips: list[Path], seeds: "queue.SimpleQueue[int]"
) -> tuple[dict[str, int], list[float]]:
    """Every client takes seeds until none is left: final states, seconds from submit to end."""
    states: collections.Counter[str] = collections.Counter()
    waits_s: list[float] = []
    barrier = threading.Barrier(len(clips))

    def client_of(clip: Path) -> None:
        with connect(home, start=False) as client:
            clip_id = client.put_file(clip).clip_id
            barrier.wait()
            while True:
                try:
                    seed = seeds.get_nowait()
                except queue.Empty:
                    return
                start_s = time.perf_counter()
                job = client.submit(clip_id, PROMPT, replace(OPTIONS, seed=seed))
                finals = [event.job for event in client.watch(job.job_id) if event.job.is_final]
                waits_s.append(time.perf_counter() - start_s)
                states.update(final.state for final in finals)

    threads = [threading.Thread(target=client_of, args=(clip,)) for clip in clips]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return dict(states), waits_s


def recorded_states(client: Client) -> dict[str, int]:
    """What the server says about all jobs."""
    return dict(collections.Counter(job.state for job in client.jobs()))


def settled(pid: int, store: Path) -> Census:
    """A census that stays the same for a while: closed connections have been let go."""
    last, since_s = census(pid, store), time.monotonic()
    while time.monotonic() - since_s < QUIET_S:
        time.sleep(0.1)
        now = census(pid, store)
        if replace(now, memory_bytes=0) != replace(last, memory_bytes=0):
            since_s = time.monotonic()
        last = now
    return last


def census(pid: int, store: Path) -> Census:
    """Counted now."""
    process = psutil.Process(pid)
    temporary = [*(store / "incoming").iterdir(), *store.glob("jobs/*/work-*")]
    temporary += [path for path in (store / "scratch").rglob("*") if path.is_file()]
    return Census(
        files=process.num_fds(),
        sockets=len(process.net_connections()),
        threads=process.num_threads(),
        processes=len(process.children(recursive=True)),
        temporary=len(temporary),
        memory_bytes=process.memory_info().rss,
    )


def write_clip(path: Path, seed: int) -> Path:
    """Clicks over noise."""
    samples = 0.05 * np.random.default_rng(seed).standard_normal(2000)
    samples[:800:97] += 0.5
    soundfile.write(path, samples, 8000, "FLOAT")
    return path


def print_table(
    given: argparse.Namespace, states: dict[str, int], waits_s: list[float], took_s: float
) -> None:
    """How long it took."""
    waits_s = sorted(waits_s)
    print("\n| clients | jobs | final states | jobs/s | submit to end: median | 99 % |")
    print("|---|---|---|---|---|---|")
    said = ", ".join(f"{count} {state}" for state, count in states.items())
    high = waits_s[min(round(0.99 * len(waits_s)), len(waits_s) - 1)]
    print(
        f"| {given.clients} | {given.jobs} | {said} | {given.jobs / took_s:.1f} "
        f"| {statistics.median(waits_s):.2f} s | {high:.2f} s |"
    )


def print_censuses(before: Census, after: Census) -> None:
    """What the server held before and after."""
    print("\n| of the server | before | after |\n|---|---|---|")
    for name in ("files", "sockets", "threads", "processes", "temporary"):
        print(f"| {name} | {getattr(before, name)} | {getattr(after, name)} |")
    memory = [f"{each.memory_bytes / (1 << 20):.1f} MiB" for each in (before, after)]
    print(f"| memory | {memory[0]} | {memory[1]} |")


if __name__ == "__main__":
    sys.exit(main())
