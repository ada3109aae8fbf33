"""minihost with a transport: plays audio through the plug-in, and reads the plug-in's state."""

import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import minihost
import numpy as np
import state

PATIENCE_S = 120.0


class Deck:
    """One instance of the plug-in."""

    def __init__(self, rate: int = 48_000, block: int = 512, n_channels: int = 2) -> None:
        self.rate = rate
        self.plugin = minihost.Plugin(
            sys.argv[1], rate, block, in_channels=n_channels, out_channels=n_channels
        )
        self.plugin.non_realtime = True  # as in an export: the plug-in may wait, never drop

    def play(
        self,
        audio: np.ndarray,
        position: int | None,
        is_playing: bool = True,
        tempo_bpm: float = 120.0,
    ) -> bool:
        """One block [C, N]; position None: no transport. Whether it passed to the bit."""
        if position is None:
            self.plugin.clear_transport()
        else:
            beats = position / self.rate * tempo_bpm / 60
            self.plugin.set_transport(
                bpm=tempo_bpm,
                position_samples=position,
                position_beats=beats,
                is_playing=is_playing,
            )
        got = np.zeros_like(audio)
        sent = np.ascontiguousarray(audio)
        self.plugin.process(sent, got)
        return bool(np.array_equal(got.view(np.uint32), sent.view(np.uint32)))

    def arm(self, is_armed: bool) -> None:
        """The parameter; the next block tells the plug-in."""
        self.plugin.set_param_by_name("Capture", float(is_armed))

    def press(self, name: str) -> None:
        """A parameter that is a button; such a host tells the plug-in with the next block."""
        self.plugin.set_param_by_name(name, 1.0)
        self.play(np.zeros((2, 64), np.float32), None)
        self.plugin.set_param_by_name(name, 0.0)
        self.play(np.zeros((2, 64), np.float32), None)

    def state(self) -> ElementTree.Element:
        """What the plug-in would keep."""
        return state.read(self.plugin.get_state())

    def put(self, changed: ElementTree.Element) -> None:
        """Give it another state."""
        self.plugin.set_state(state.write(self.plugin.get_state(), changed))

    def clips(self) -> list[ElementTree.Element]:
        """Its clips."""
        return self.state().findall("Workspace/Clip")

    def wait_clips(self, n_clips: int) -> list[ElementTree.Element]:
        """Its clips, once there are so many."""
        until(lambda: len(self.clips()) >= n_clips, f"{n_clips} clips, there are {self.clips()}")
        return self.clips()


def told(clip: ElementTree.Element) -> dict[str, object]:
    """What a test judges of a clip."""
    origin = clip.find("Origin")
    position, tempo = origin.get("positionSamples"), origin.get("tempoBpm")
    return {
        "path": clip.get("path"),
        "samples": int(clip.get("samples")),
        "position": None if position is None else int(position),
        "tempo_bpm": None if tempo is None else float(tempo),
        "quarters": float(clip.find("Musical").get("quarters")) if position else None,
        "stems": [stem.get("path") for stem in clip.findall("Stem")],
    }


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until `is_so`; fails when it never is."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"never came: {what}"
        time.sleep(0.02)


def random_bits(n_channels: int, n_samples: int, seed: int) -> np.ndarray:
    """Samples of any bits at all: NaN, infinity and denormals are among them."""
    bits = np.random.default_rng(seed).integers(0, 2**32, (n_channels, n_samples), np.uint32)
    return bits.view(np.float32)


def keep(name: str, audio: np.ndarray) -> str:
    """What should be in a take, for the test to compare: [C, N] in a file."""
    np.save(name, audio)
    return str(Path(name).absolute())
