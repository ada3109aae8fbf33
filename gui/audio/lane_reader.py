"""The lanes' samples in step with each other, over the seam of a loop without a click."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import SoundReader

N_OUT = 2
SEAM_SAMPLES = 240
"""Before a loop's end, what leads up to its start is faded in over so many samples."""

Loop = tuple[int, int] | None


class LaneReader:
    """Open files of one mixture: the same rate and length. One thread at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._readers: list[SoundReader] = []
        try:
            for path in paths:
                self._readers.append(SoundReader(path))
        except BaseException:
            self.close()
            raise
        self.n_samples = max(reader.info.n_samples for reader in self._readers)

    def read(self, start: int, n_samples: int, loop: Loop) -> tuple[NDArray[np.float32], int]:
        """Samples [L, n, 2] from `start`, silence beyond the end, and where the next begin."""
        out = np.zeros((len(self._readers), n_samples, N_OUT), np.float32)
        done = 0
        while done < n_samples:
            n_part = n_samples - done
            if loop is not None and start < loop[1]:
                n_part = min(n_part, loop[1] - start)
            self._part(start, out[:, done : done + n_part], loop)
            done += n_part
            start += n_part
            if loop is not None and start == loop[1]:
                start = loop[0]
        return out, start

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers:
            reader.close()

    def _part(self, start: int, out: NDArray[np.float32], loop: Loop) -> None:
        self._straight(start, out)
        if loop is None:
            return
        n_seam = min(SEAM_SAMPLES, (loop[1] - loop[0]) // 2)
        first = max(loop[1] - n_seam - start, 0)
        n_here = min(out.shape[1], loop[1] - start) - first
        if start >= loop[1] or n_here <= 0:
            return
        begin = start + first
        lead = np.zeros((len(self._readers), n_here, N_OUT), np.float32)
        self._straight(loop[0] - (loop[1] - begin), lead)
        share = (np.arange(n_here, dtype=np.float32) + (begin - (loop[1] - n_seam)) + 1) / (
            n_seam + 1
        )
        tail = out[:, first : first + n_here]
        tail += (lead - tail) * share[None, :, None]

    def _straight(self, start: int, out: NDArray[np.float32]) -> None:
        """Fill from the files; what lies before their start or after their end is silence."""
        skip = max(-start, 0)
        for lane, reader in enumerate(self._readers):
            if skip >= out.shape[1]:
                continue
            block = reader.read(start + skip, out.shape[1] - skip)
            if not len(block):
                continue
            end = skip + len(block)
            out[lane, skip:end] = block[:, :N_OUT] if block.shape[1] >= N_OUT else block
