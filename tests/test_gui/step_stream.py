"""A stream that the test turns by hand: every block is there to look at."""

import time

import numpy as np
from numpy.typing import NDArray

from gui.audio.player import Player
from gui.audio.streams import Fill, Stream, StreamSpec


class StepStream:
    """Calls the player's callback when told to."""

    latency_s = 0.0

    def __init__(self, spec: StreamSpec, fill: Fill) -> None:
        self.spec, self._fill = spec, fill
        self.is_open = True

    def stop(self) -> None:
        self.is_open = False

    def advance(self, n_blocks: int) -> NDArray[np.float32]:
        """The next blocks, joined: [n, 2]."""
        blocks = []
        for _ in range(n_blocks):
            block = np.full((self.spec.block_samples, self.spec.n_channels), 9, np.float32)
            self._fill(block)
            blocks.append(block)
        return np.concatenate(blocks)


class Stage:
    """Opens step streams for a player."""

    def __init__(self) -> None:
        self.stream: StepStream | None = None

    def open(self, spec: StreamSpec, fill: Fill) -> Stream:
        self.stream = StepStream(spec, fill)
        return self.stream

    def advance(self, player: Player, n_blocks: int) -> NDArray[np.float32]:
        """The next blocks, each once it was read."""
        assert self.stream is not None
        parts = []
        for _ in range(n_blocks):
            deadline_s = time.monotonic() + 120
            while not any(piece.turn == player._turn for piece in tuple(player._ready)):
                if player._is_finished or not player.is_playing:
                    break
                assert time.monotonic() < deadline_s, "the feeder reads nothing"
                time.sleep(0.002)
            parts.append(self.stream.advance(1))
        return np.concatenate(parts)
