"""Spectrograms for looking at: log-frequency bands against time, in dB, of a picture's size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from .metrics import Samples

LOWEST_HZ = 40.0
N_BANDS = 128
N_COLUMNS = 480
_N_FFT = 4096
_SHORTEST_HOP = 64
_FLOOR_DB = -140.0


@dataclass(frozen=True, slots=True, eq=False)
class Spectrogram:
    """levels_db: [N_BANDS, columns], dB against full scale; band_edges_hz: [N_BANDS + 1]."""

    levels_db: NDArray[np.float32]
    band_edges_hz: Samples
    duration_s: float


def spectrogram(samples: Samples, sample_rate: int) -> Spectrogram:
    """The spectrogram of [N, C], power summed over channels, at most N_COLUMNS wide."""
    hop_length = max(-(-len(samples) // N_COLUMNS), _SHORTEST_HOP)
    # No frame is skipped: the window always covers at least two hops.
    n_fft = max(_N_FFT, 1 << (2 * hop_length - 1).bit_length())
    frames = ShortTimeFFT(hann(n_fft, sym=False), hop_length, fs=1.0, scale_to="magnitude")
    power = np.zeros((n_fft // 2 + 1, frames.p_num(len(samples) + n_fft)))
    for channel in samples.T:
        power += np.abs(frames.stft(np.pad(channel, (0, n_fft)))) ** 2
    first = -frames.p_min
    power = power[:, first : first + -(-len(samples) // hop_length)]
    edges_hz = np.geomspace(LOWEST_HZ, sample_rate / 2, N_BANDS + 1)
    bands = _band_means(power, edges_hz * n_fft / sample_rate)
    levels_db = 10 * np.log10(np.maximum(bands, 10 ** (_FLOOR_DB / 10)))
    return Spectrogram(levels_db.astype(np.float32), edges_hz, len(samples) / sample_rate)


def _band_means(power: Samples, edges: Samples) -> Samples:
    """Mean power between fractional bins `edges`, from the running integral of the bins."""
    integral = np.pad(np.cumsum(power, axis=0), ((1, 0), (0, 0)))
    # Bin k stands for the frequencies from k - 0.5 to k + 0.5.
    position = np.clip(edges + 0.5, 0, len(power))
    below = np.minimum(position.astype(np.intp), len(power) - 1)
    share = (position - below)[:, None]
    at_edges = integral[below] + share * power[below]
    means: Samples = np.diff(at_edges, axis=0) / np.maximum(np.diff(position), 1e-9)[:, None]
    return np.maximum(means, 0.0)
