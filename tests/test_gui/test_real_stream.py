"""Playback through PortAudio itself, onto an ALSA device that writes what it gets into a file."""

import os
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from gui.audio.mixer import FADE_SAMPLES
from gui.audio.player import BLOCK_SAMPLES

from .sounds import RATE

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="ALSA, and with it its file device, is Linux's"
)
N = 90_000
N_TRIES = 10
PACE_S = 0.004
"""Between two blocks: well above real time, and slow enough for the player to read ahead."""

ASOUND = """
pcm.default {{ type file slave.pcm "null" file "{fifo}" format "raw" }}
pcm.null {{ type null }}
"""
PLAY = """
    import sys, time
    from pathlib import Path
    from PyQt6.QtCore import QCoreApplication
    from gui.audio.player import Player
    from gui.audio.streams import open_device
    qt = QCoreApplication([])
    player = Player(open_device)
    missing = []
    player.device_missing.connect(missing.append)
    player.set_lanes([Path(name) for name in sys.argv[1:]], 48000)
    player.set_gains([1, 0, 0])
    player.play()
    if missing:
        sys.exit("no device: " + missing[0])
    deadline = time.monotonic() + 100
    for gains, until in (([1, 0, 0], 15_000), ([0, 1, 0], 35_000), ([1, 0, 0], 55_000)):
        player.set_gains(gains)
        while player.is_playing and player.position < until and time.monotonic() < deadline:
            qt.processEvents()
            time.sleep(0.002)
    player.close()
"""


@pytest.fixture
def lanes(tmp_path: Path) -> list[Path]:
    """Two lanes that are nowhere alike, and silence."""
    rng = np.random.default_rng(7)
    paths = []
    for name, factor in (("mixture", 0.5), ("target", 0.3), ("residual", 0.0)):
        paths.append(tmp_path / f"{name}.wav")
        soundfile.write(paths[-1], factor * rng.uniform(-1, 1, (N, 2)), RATE, "FLOAT")
    return paths


def played(lanes: list[Path], folder: Path) -> NDArray[np.float32]:
    """What the device got [n, 2], block by block at the pace at which it is read here."""
    fifo = folder / "heard"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    (folder / "asoundrc").write_text(ASOUND.format(fifo=fifo))
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    pieces = [b""]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PLAY), *map(str, lanes)],
        env={**os.environ, "ALSA_CONFIG_PATH": str(folder / "asoundrc")},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while True:
            has_ended = process.poll() is not None
            with suppress(BlockingIOError):
                pieces.append(os.read(reader, BLOCK_SAMPLES * 8))
            if has_ended and not pieces[-1]:
                break
            time.sleep(PACE_S)
        os.close(reader)
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read()
    return np.frombuffer(b"".join(pieces), np.float32).reshape(-1, 2)


@dataclass(frozen=True)
class Heard:
    """A block of the device: the lane that it ends with, and the one that it began with.

    before: None after silence.
    """

    lane: int
    before: int | None


def followed(heard: NDArray[np.float32], sources: list[NDArray[np.float32]]) -> list[Heard]:
    """Every block that is not silent, proved to be the next one of the lanes, sample by sample."""
    start = int(np.flatnonzero(heard.any(axis=1))[0])
    n_blocks = (len(heard) - start) // BLOCK_SAMPLES
    found: list[Heard] = []
    last: int | None = None
    for block in heard[start : start + n_blocks * BLOCK_SAMPLES].reshape(n_blocks, -1, 2):
        if not block.any():
            last = None
            continue
        at = len(found) * BLOCK_SAMPLES
        parts = [source[at : at + BLOCK_SAMPLES] for source in sources]
        fits = [
            lane
            for lane in range(len(parts))
            if np.abs(block - glide(parts, last, lane)).max() < 1e-6
        ]
        if not fits and len(found) > 0:
            break  # the last block fades out
        assert len(fits) == 1, f"block {len(found)} is none of the lanes after {last}"
        found.append(Heard(fits[0], last))
        last = fits[0]
    return found


def glide(parts: list[NDArray[np.float32]], before: int | None, after: int) -> NDArray[np.float32]:
    """A block of a lane, cross-faded at its start from another one or from silence."""
    ramp = np.ones((BLOCK_SAMPLES, 1), np.float32)
    ramp[:FADE_SAMPLES, 0] = (np.arange(FADE_SAMPLES) + 1) / FADE_SAMPLES
    from_lane = parts[before] * (1 - ramp) if before is not None else np.float32(0)
    mixed: NDArray[np.float32] = parts[after] * ramp + from_lane
    return mixed


def test_lanes_and_their_switches_come_out_sample_by_sample(
    lanes: list[Path], tmp_path: Path
) -> None:
    """The mixture, the target and the mixture again: at one playhead, without a click.

    On a busy computer a switch may fall into a gap of the player's: then it is done once more.
    """
    sources = [soundfile.read(path, dtype="float32")[0] for path in lanes[:2]]
    switches: set[tuple[int | None, int]] = set()
    for _ in range(N_TRIES):
        found = followed(played(lanes, tmp_path), sources)
        assert len(found) * BLOCK_SAMPLES > 50_000
        switches |= {(each.before, each.lane) for each in found}
        if {(0, 1), (1, 0)} <= switches:
            return
    raise AssertionError(f"no switch without a gap in {N_TRIES} tries: {switches}")
