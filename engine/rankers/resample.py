"""Resampling on the device, for rankers that listen at another rate than the model.

Band-limited interpolation with a sinc of 6 zero crossings under a Hann window, cut off at 0.99 of
the lower Nyquist frequency: torchaudio's default, which the published rankers were used with.
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

from .torchaudio_door import torchaudio_functional, why_no_torchaudio

ZERO_CROSSINGS = 6
ROLLOFF = 0.99


def resampled(wav: Tensor, from_rate_hz: int, to_rate_hz: int) -> Tensor:
    """wav [..., N] at another rate: [..., ceil(N * to / from)], same type and device."""
    if from_rate_hz == to_rate_hz:
        return wav
    if why_no_torchaudio() is None:
        through_library: Tensor = torchaudio_functional().resample(wav, from_rate_hz, to_rate_hz)
        return through_library
    return resampled_by_sinc(wav, from_rate_hz, to_rate_hz)


def resampled_by_sinc(wav: Tensor, from_rate_hz: int, to_rate_hz: int) -> Tensor:
    """`resampled` without torchaudio."""
    divisor = math.gcd(from_rate_hz, to_rate_hz)
    from_rate, to_rate = from_rate_hz // divisor, to_rate_hz // divisor
    kernels, n_before = _kernels(from_rate, to_rate)
    n_out = -(-wav.shape[-1] * to_rate // from_rate)

    rows = wav.reshape(-1, 1, wav.shape[-1])
    padded = functional.pad(rows, (n_before, n_before + from_rate))
    phases = functional.conv1d(padded, kernels.to(wav), stride=from_rate)
    return phases.transpose(1, 2).reshape(*wav.shape[:-1], -1)[..., :n_out]


@functools.lru_cache(maxsize=16)
def _kernels(from_rate: int, to_rate: int) -> tuple[Tensor, int]:
    """One filter per output phase [to, 1, taps], and how many samples they reach back."""
    cutoff = min(from_rate, to_rate) * ROLLOFF
    n_before = math.ceil(ZERO_CROSSINGS * from_rate / cutoff)
    # In float32, as torchaudio has them: its output differs from an exact one by up to 4e-5.
    taps = torch.arange(-n_before, n_before + from_rate) / from_rate
    phases = -torch.arange(to_rate) / to_rate

    crossings = ((phases[:, None, None] + taps) * cutoff).clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(crossings * math.pi / ZERO_CROSSINGS / 2) ** 2
    return torch.sinc(crossings) * window * (cutoff / from_rate), n_before
