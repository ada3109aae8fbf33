"""Log-mel filter banks as Kaldi computes them, for ImageBind's audio tower.

    wav -> frames of 25 ms every 10 ms -> mean removed, pre-emphasis 0.97, Hann window
        -> power spectrum of 512 points -> triangular bands, even on the mel scale -> log

Whole frames only (`snip_edges`), no dither, no energy term, bands from 20 Hz to Nyquist.
"""

import functools

import torch
from torch import Tensor
from torch.nn import functional

from .torchaudio_door import torchaudio_kaldi, why_no_torchaudio

FRAME_MS = 25
SHIFT_MS = 10
PREEMPHASIS = 0.97
LOWEST_HZ = 20.0


def fbank(wav: Tensor, sample_rate: int, n_mels: int) -> Tensor:
    """Log-mel energies [frames, n_mels] of wav [N], float32; no frames if it is under 25 ms."""
    if why_no_torchaudio() is not None or wav.shape[-1] < sample_rate * FRAME_MS // 1000:
        return fbank_by_fft(wav, sample_rate, n_mels)
    through_library: Tensor = torchaudio_kaldi().fbank(
        wav[None],
        htk_compat=True,
        sample_frequency=float(sample_rate),
        use_energy=False,
        window_type="hanning",
        num_mel_bins=n_mels,
        dither=0.0,
        frame_length=float(FRAME_MS),
        frame_shift=float(SHIFT_MS),
    )
    return through_library


def fbank_by_fft(wav: Tensor, sample_rate: int, n_mels: int) -> Tensor:
    """`fbank` without torchaudio."""
    n_window, n_shift = sample_rate * FRAME_MS // 1000, sample_rate * SHIFT_MS // 1000
    if wav.shape[-1] < n_window:
        return wav.new_zeros(0, n_mels)
    n_fft = 1 << (n_window - 1).bit_length()

    frames = wav.unfold(-1, n_window, n_shift)
    frames = frames - frames.mean(dim=1, keepdim=True)
    previous = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    frames = frames - PREEMPHASIS * previous
    frames = frames * torch.hann_window(n_window, periodic=False, device=wav.device)

    power = torch.fft.rfft(functional.pad(frames, (0, n_fft - n_window))).abs() ** 2
    bands = _bands(sample_rate, n_fft, n_mels).to(power)
    energies: Tensor = power @ bands.T
    return energies.clamp_min(torch.finfo(torch.float32).eps).log()


def _mel(hz: Tensor) -> Tensor:
    return 1127.0 * torch.log(1.0 + hz / 700.0)


@functools.lru_cache(maxsize=4)
def _bands(sample_rate: int, n_fft: int, n_mels: int) -> Tensor:
    """Weights [n_mels, n_fft // 2 + 1] of triangles that are straight on the mel scale."""
    limits_hz = torch.tensor([LOWEST_HZ, sample_rate / 2], dtype=torch.float64)
    lowest, highest = _mel(limits_hz).tolist()
    edges = lowest + torch.arange(n_mels + 2) * ((highest - lowest) / (n_mels + 1))
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]

    bins = _mel(torch.arange(n_fft // 2) * (sample_rate / n_fft))
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    triangles = torch.minimum(rising, falling).clamp_min(0)
    # The bin at the Nyquist frequency belongs to no band.
    return functional.pad(triangles, (0, 1))
