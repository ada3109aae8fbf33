"""Lanes summed with gains that glide: what the audio callback does with a block."""

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]
FADE_SAMPLES = 256
"""Length of every change of gain: 5 ms at 48 kHz, and never longer than a block."""


class Mixer:
    """Sums lanes [L, n, C]. `mix` allocates nothing, so the audio thread may call it.

    A change of gains is done within the block after it: linearly, because lanes of one mixture
    are alike, so that the sum keeps its level on the way.
    """

    def __init__(self, n_lanes: int, n_samples: int, n_channels: int) -> None:
        self.gains = np.zeros(n_lanes, np.float32)
        self._n_fade = min(FADE_SAMPLES, n_samples)
        ramp = (np.arange(self._n_fade, dtype=np.float32) + 1) / np.float32(self._n_fade)
        self._ramp = ramp[:, None]
        self._curve = np.zeros((self._n_fade, 1), np.float32)
        self._scratch = np.zeros((n_samples, n_channels), np.float32)

    def mix(self, block: Block, targets: NDArray[np.float32], out: Block) -> None:
        """Write the sum of `block` [L, n, C] to `out` [n, C], gains going from now to `targets`."""
        out.fill(0)
        n_fade, scratch, curve = self._n_fade, self._scratch, self._curve
        for lane in range(len(self.gains)):
            before, after = self.gains[lane], targets[lane]
            if before == 0 and after == 0:
                continue
            np.multiply(block[lane], after, out=scratch)
            if before != after:
                np.multiply(self._ramp, after - before, out=curve)
                np.add(curve, before, out=curve)
                np.multiply(block[lane, :n_fade], curve, out=scratch[:n_fade])
            np.add(out, scratch, out=out)
        np.copyto(self.gains, targets)

    @property
    def is_silent(self) -> bool:
        """Whether everything has faded out."""
        return not self.gains.any()
