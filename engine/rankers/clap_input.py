"""What CLAP hears: windows of ten seconds at 48 kHz, as log-mel spectra.

    wav --quantised--> 16-bit steps --windows--> [W, 480000] --log_mel--> [W, 1, 1001, 64]

The original takes a random ten seconds of longer audio. Here windows of ten seconds cover all of
it evenly, and the caller averages over them:

    N = 14 s   |-- window 0 --|            starts at 0 s and 4 s: the first begins with the
                  |-- window 1 --|         audio, the last ends with it
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

from .torchaudio_door import torchaudio_functional, why_no_torchaudio

SAMPLE_RATE = 48_000
WINDOW_SAMPLES = 480_000
N_FFT = 1024
HOP_LENGTH = 480
N_MELS = 64
LOWEST_HZ, HIGHEST_HZ = 50.0, 14_000.0


def quantised(wav: Tensor) -> Tensor:
    """wav with the values that it would have after 16-bit integers, clipped at full scale."""
    return (wav.clamp(-1, 1) * 32_767).trunc() / 32_767


def windows(wav: Tensor) -> Tensor:
    """Windows [W, 480000] of wav [N]; W = 1 up to ten seconds, then ceil(N / 480000).

    Shorter audio is repeated as often as it fits whole, then padded with zeros.
    """
    n_samples = wav.shape[0]
    if n_samples <= WINDOW_SAMPLES:
        repeated = wav.repeat(WINDOW_SAMPLES // max(n_samples, 1))
        return functional.pad(repeated, (0, WINDOW_SAMPLES - repeated.shape[0]))[None]
    starts = window_starts(n_samples)
    return torch.stack([wav[start : start + WINDOW_SAMPLES] for start in starts])


def window_starts(n_samples: int) -> list[int]:
    """First samples of the windows that cover `n_samples` evenly, the last one up to its end."""
    n_windows = max(-(-n_samples // WINDOW_SAMPLES), 1)
    last_start = max(n_samples - WINDOW_SAMPLES, 0)
    return [last_start * index // max(n_windows - 1, 1) for index in range(n_windows)]


def log_mel(wavs: Tensor) -> Tensor:
    """Mel spectra in dB [W, 1, frames, 64] of wavs [W, N]; frames = 1 + N // 480."""
    spectrum = torch.stft(
        wavs,
        N_FFT,
        HOP_LENGTH,
        window=torch.hann_window(N_FFT, device=wavs.device),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    power = spectrum.real.square() + spectrum.imag.square()
    mel = power.transpose(1, 2) @ _bands().to(wavs)
    return 10 * mel.clamp_min(1e-10).log10()[:, None]


@functools.cache
def _bands() -> Tensor:
    """Weights [513, 64] from power spectrum to mel bands of equal area (Slaney)."""
    if why_no_torchaudio() is not None:
        return mel_bands()
    through_library: Tensor = torchaudio_functional().melscale_fbanks(
        N_FFT // 2 + 1,
        LOWEST_HZ,
        HIGHEST_HZ,
        N_MELS,
        SAMPLE_RATE,
        norm="slaney",
        mel_scale="slaney",
    )
    return through_library


def mel_bands() -> Tensor:
    """The bands without torchaudio."""
    lowest, highest = _mel(LOWEST_HZ), _mel(HIGHEST_HZ)
    mels = torch.linspace(lowest, highest, N_MELS + 2, dtype=torch.float64)
    edges_hz = torch.where(mels < 15, mels * (200 / 3), 1000 * 6.4 ** ((mels - 15) / 27))
    left, centre, right = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]

    bins_hz = torch.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1, dtype=torch.float64)[:, None]
    rising, falling = (bins_hz - left) / (centre - left), (right - bins_hz) / (right - centre)
    return (torch.minimum(rising, falling).clamp_min(0) * 2 / (right - left)).float()


def _mel(hz: float) -> float:
    """Slaney's scale: linear up to 1 kHz, which is 15, then 27 steps per factor of 6.4."""
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)
