"""A real `stemlasso serve` and a real mixture, for scripts that know only its folders."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

WAIT_S = 120.0


@contextmanager
def serving(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server whose store is `home/store`, ready, and ended as a system does."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.out").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve", "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), (home / "server.out").read_text("utf-8")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        process.wait(90)
        process.stdout.close()


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until `is_so`, looking now and then; fails when it never is."""
    deadline_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"never came: {what}"
        time.sleep(0.02)


def write_mixture(path: Path, seconds: float = 4.0, sample_rate: int = 48_000) -> None:
    """A 24-bit stereo file: a tone throughout, a burst of noise from 1 to 1.5 s."""
    times_s = np.arange(round(seconds * sample_rate)) / sample_rate
    samples = np.stack([0.2 * np.sin(2 * np.pi * f * times_s) for f in (220, 330)], axis=1)
    start, stop = sample_rate, sample_rate * 3 // 2
    samples[start:stop] += 0.1 * np.random.default_rng(1).standard_normal((stop - start, 2))
    soundfile.write(path, samples, sample_rate, "PCM_24")
