"""Short-time spectra on one frame grid for the whole file, so that blocks fit without a seam.

Frame t covers the samples [(t - 1) * hop, (t + 1) * hop); what lies outside the file is silence.
Square-root Hann windows on both sides at half overlap add up to one exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex64]

_SHORTEST_N_FFT = 256


def n_fft_for(sample_rate: int) -> int:
    """Window length in samples: 2048 at 44.1 and 48 kHz and about as many ms at other rates."""
    n_fft = _SHORTEST_N_FFT
    while sample_rate > 25_000 * n_fft / 1024:
        n_fft *= 2
    return n_fft


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where the frames of a file of `n_samples` samples lie."""

    sample_rate: int
    n_samples: int
    n_fft: int

    @classmethod
    def over(cls, sample_rate: int, n_samples: int) -> "FrameGrid":
        """The grid for a file of this rate and length."""
        return cls(sample_rate, n_samples, n_fft_for(sample_rate))

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self.n_fft // 2

    @property
    def n_frames(self) -> int:
        """Frames that are needed to rebuild every sample."""
        return -(-self.n_samples // self.hop_length) + 1

    @property
    def frames_per_s(self) -> float:
        """Frames in a second."""
        return self.sample_rate / self.hop_length

    def samples_of(self, first: int, last: int) -> tuple[int, int]:
        """Samples [start, stop) of the file that the frames [first, last) cover."""
        start = max((first - 1) * self.hop_length, 0)
        return start, max(min(last * self.hop_length, self.n_samples), start)


def analyse(samples: Samples, grid: FrameGrid, first: int, last: int) -> Spectra:
    """Spectra [C, T, F] of the frames [first, last).

    samples: [n, C], exactly those of `grid.samples_of(first, last)`.
    """
    hop, n_fft = grid.hop_length, grid.n_fft
    n_channels = samples.shape[1]
    padded = np.zeros((n_channels, (last - first + 1) * hop), np.float32)
    lead = grid.samples_of(first, last)[0] - (first - 1) * hop
    padded[:, lead : lead + len(samples)] = samples.T
    halves = padded.reshape(n_channels, last - first + 1, hop)
    frames = np.concatenate([halves[:, :-1], halves[:, 1:]], axis=2)
    frames *= _window(n_fft)
    return np.asarray(np.fft.rfft(frames, axis=2), np.complex64)


def synthesise(spectra: Spectra, n_fft: int) -> Samples:
    """Samples [(T - 1) * hop, C] between the centres of the first and the last frame.

    spectra: [C, T, F]; the first and the last frame are only half used.
    """
    frames = np.asarray(np.fft.irfft(spectra, n_fft, axis=2), np.float32)
    frames *= _window(n_fft)
    hop = n_fft // 2
    summed = frames[:, :-1, hop:] + frames[:, 1:, :hop]
    return np.ascontiguousarray(summed.reshape(len(spectra), -1).T)


def _window(n_fft: int) -> NDArray[np.float32]:
    """Square root of the periodic Hann window."""
    return np.sin(np.pi * np.arange(n_fft) / n_fft).astype(np.float32)
