"""Real server processes in folders of their own, and clients of them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from bridge.client import Client, connect
from bridge.folders import Folders

StartServer = Callable[..., "subprocess.Popen[bytes]"]
RATE = 48_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder with everything of one installation."""
    return tmp_path / "home"


@pytest.fixture
def folders(home: Path) -> Folders:
    """Where things lie in it."""
    return Folders.below(home)


def serve(home: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """A server process that is ready, or has ended."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.out").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve", "--home", str(home), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    assert process.stdout is not None
    process.stdout.readline()  # "ready", or nothing when it has ended
    return process


def end(process: "subprocess.Popen[bytes]") -> int:
    """Stop a server as a system does; returns its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(90)
    finally:
        process.kill()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def start_server(home: Path) -> Iterator[StartServer]:
    """Starts servers in `home`, or in another folder; all of them are stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, home: Path = home) -> "subprocess.Popen[bytes]":
        started.append(serve(home, *arguments))
        return started[-1]

    yield start
    for process in started:
        end(process)


@pytest.fixture
def server(start_server: StartServer) -> "subprocess.Popen[bytes]":
    """A server in `home`."""
    return start_server()


@pytest.fixture
def client(server: "subprocess.Popen[bytes]", home: Path) -> Iterator[Client]:
    """A client of `server`."""
    with connect(home, start=False) as connected:
        yield connected


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """Two seconds of stereo: a tone throughout, noise from 0.5 to 1 s."""
    path = tmp_path / "mixture.wav"
    sf.write(path, make_samples(2.0), RATE, "FLOAT")
    return path


def make_samples(duration_s: float, n_channels: int = 2) -> np.ndarray:
    """Samples [N, C] float32: a tone throughout, noise in its second quarter."""
    n_samples = round(duration_s * RATE)
    times_s = np.arange(n_samples) / RATE
    samples = 0.2 * np.sin(2 * np.pi * 220 * times_s)[:, None].repeat(n_channels, axis=1)
    start, stop = n_samples // 4, n_samples // 2
    noise = np.random.default_rng(1).standard_normal((stop - start, n_channels))
    samples[start:stop] += 0.1 * noise
    return samples.astype(np.float32)


def eventually(is_so: Callable[[], bool], what: str, patience_s: float = 90.0) -> None:
    """Wait until `is_so`; fails when it is not in time."""
    deadline_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"not within {patience_s:g} s: {what}"
        time.sleep(0.02)


def free_ports() -> int:
    """A port that is free now, and the next one too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            if port < 65_000:
                return port
