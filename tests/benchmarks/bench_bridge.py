"""How quickly the bridge answers, starts, takes audio and stops a job. Run by hand:

    python tests/benchmarks/bench_bridge.py [--pings 10000]

A real server in a temporary folder and one client, over TCP on the loopback address with CURVE:

round trip   `ping` by the Python client, one after the other, while a job computes; and without one
ready        from the start of the server's process until a client has its answer to `hello`
upload       60 s of stereo 48 kHz float32 as frames, until `clip.commit` is answered; the file in
             the store is then compared with the samples, to the bit
cancel       from `job.cancel` of a job that computes until its final state is told

The exit status is 1 when a figure is not what it should be. On a computer that does other work as
well, say so with the figures: the load average is printed before and after.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bridge.client import Client, connect  # noqa: E402
from bridge.protocol.values import CANCELLED, JobOptions, WirePrompt, WireSpan  # noqa: E402
from engine.eval.machine import hardware, versions  # noqa: E402

PROMPT = WirePrompt("noise", (WireSpan(0.5, 1.5, "+"), WireSpan(2.0, 4.0, "-")))
OPTIONS = JobOptions(separator="builtin")
RATE = 48_000
LONG_S = 1800.0
LOOK_S = 0.001


@dataclass(frozen=True)
class Row:
    """One figure and what it should be below. seconds: of each repetition."""

    what: str
    seconds: tuple[float, ...]
    median_limit_s: float
    high_limit_s: float | None = None

    @property
    def high_s(self) -> float:
        """The 99th percentile; of few repetitions the worst."""
        ordered = sorted(self.seconds)
        return ordered[min(round(0.99 * len(ordered)), len(ordered) - 1)]

    @property
    def is_good(self) -> bool:
        """Whether it is what it should be."""
        high_limit_s = self.high_limit_s or float("inf")
        return statistics.median(self.seconds) < self.median_limit_s and self.high_s < high_limit_s

    def __str__(self) -> str:
        figures = (statistics.median(self.seconds), self.high_s, max(self.seconds))
        limits = _shown(self.median_limit_s)
        limits += "" if self.high_limit_s is None else f", 99 %: {_shown(self.high_limit_s)}"
        cells = (self.what, str(len(self.seconds)), *map(_shown, figures), f"< {limits}")
        return f"| {' | '.join(cells)} | {'yes' if self.is_good else 'NO'} |"


def main() -> int:
    """Measure and print; 1 when a figure is not what it should be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pings", type=int, default=10_000)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--uploads", type=int, default=5)
    parser.add_argument("--cancels", type=int, default=10)
    given = parser.parse_args()
    print("; ".join(f"{key} {value}" for key, value in {**hardware(), **versions()}.items()))
    print(f"load average before: {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [ready(given.starts, folder)]
        with running_server(folder / "home") as client:
            rows += round_trips(client, given.pings, folder)
            rows += [uploads(client, given.uploads), cancels(client, given.cancels, folder)]
            client.stop_server()
    print(f"load average after: {os.getloadavg()}\n")
    print("| what | n | median | 99 % | worst | should be | is |\n|---|---|---|---|---|---|---|")
    for row in rows:
        print(row)
    return 0 if all(row.is_good for row in rows) else 1


def ready(n_starts: int, folder: Path) -> Row:
    """Start servers one after the other, each in a new folder; the first is not counted."""
    seconds = []
    for number in range(n_starts + 1):
        home = folder / f"start-{number}"
        start_s = time.perf_counter()
        with running_server(home) as client:
            seconds.append(time.perf_counter() - start_s)
            client.stop_server()
    return Row("server ready", tuple(seconds[1:]), 0.5)


def round_trips(client: Client, n_pings: int, folder: Path) -> list[Row]:
    """Pings without and with a job that computes throughout."""
    quiet = pings(client, n_pings)
    job = submit_long(client, folder, seed=0)
    busy = pings(client, n_pings)
    progress = client.job(job).progress
    assert client.job(job).state == "running", "the job was too short for so many pings"
    print(f"the job was at {progress.fraction:.0%} after {n_pings} pings")
    client.cancel(job)
    return [
        Row("round trip", quiet, 0.5e-3, 5e-3),
        Row("round trip while a job computes", busy, 0.5e-3, 5e-3),
    ]


def pings(client: Client, n_pings: int) -> tuple[float, ...]:
    """Seconds of each."""
    return tuple(client.ping() for _ in range(n_pings))


def uploads(client: Client, n_uploads: int) -> Row:
    """Captured audio as frames; the server's file has the same bits."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((60 * RATE, 2), dtype=np.float32)
    seconds = []
    for number in range(n_uploads):
        start_s = time.perf_counter()
        clip = client.put_samples(samples, RATE, f"take {number}")
        seconds.append(time.perf_counter() - start_s)
        kept, _ = soundfile.read(clip.path, dtype="float32")
        assert kept.tobytes() == samples.tobytes(), "the samples changed on the way"
    return Row("60 s stereo uploaded, bit-exact", tuple(seconds), 1.0)


def cancels(client: Client, n_cancels: int, folder: Path) -> Row:
    """Jobs that compute and are stopped."""
    seconds = []
    for number in range(n_cancels):
        job_id = submit_long(client, folder, seed=number + 1)
        start_s = time.perf_counter()
        client.cancel(job_id)
        while not (job := client.job(job_id)).is_final:
            time.sleep(LOOK_S)
        seconds.append(time.perf_counter() - start_s)
        assert job.state == CANCELLED, job.state
    return Row("a job that computes is cancelled", tuple(seconds), 1.0, 1.0)


def submit_long(client: Client, folder: Path, seed: int) -> str:
    """A job that takes long, and has begun to compute."""
    path = folder / "long.wav"
    if not path.exists():
        rng = np.random.default_rng(1)
        minute = 0.1 * rng.standard_normal((60 * RATE, 2), dtype=np.float32)
        with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
            for _ in range(round(LONG_S / 60)):
                file.write(minute)
    clip = next(iter(client.clips()), None) or client.put_file(path)
    if clip.name != path.stem:
        clip = client.put_file(path)
    job_id = client.submit(clip.clip_id, PROMPT, replace(OPTIONS, seed=seed)).job_id
    while client.job(job_id).progress.fraction <= 0.0:
        time.sleep(0.01)
    return job_id


@contextmanager
def running_server(home: Path) -> Iterator[Client]:
    """A server process, and a client that it has answered."""
    home.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--home", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with connect(home, start=False) as client:
            yield client
        process.wait(30)
    finally:
        process.kill()
        process.stdout.close()


def _shown(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


if __name__ == "__main__":
    sys.exit(main())
