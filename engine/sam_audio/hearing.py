"""From a mixture of any rate and channels to what the model hears: one channel, as latents.

    mixture --mean of channels, 48 kHz, streamed--> chunks with context --codec--> latents, file

A latent frame depends on 9953 samples before it and 9952 after it (architecture of the codec), so
six frames of context on each side make chunked encoding equal to encoding the whole.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import AudioClip, Monitor, Notice
from engine.resample import resample_blocks, resampled_length
from engine.units import frames_from_samples

from .frames import Frames
from .rolling import RollingSamples
from .scratch import Scratch
from .workplace import ENCODER_CONTEXT_FRAMES, Workplace

_READ_S = 5.0
_LOST_DB = -20.0


@dataclass(eq=False)
class Loudness:
    """Energy of the channels and of their mean, gathered while the mixture streams by."""

    of_channels: float = 0.0
    of_mean: float = 0.0

    def add(self, block: NDArray[np.float32], mono: NDArray[np.float32]) -> None:
        """Count a block [n, C] and its mean [n, 1]."""
        self.of_channels += float(np.square(block, dtype=np.float64).mean(axis=1).sum())
        self.of_mean += float(np.square(mono, dtype=np.float64).sum())

    def notices(self) -> tuple[Notice, ...]:
        """A word about channels that cancel, which the model does not hear."""
        if self.of_channels == 0 or self.of_mean >= self.of_channels * 10 ** (_LOST_DB / 10):
            return ()
        lost_db = 10 * math.log10(self.of_channels / max(self.of_mean, 1e-30))
        return (
            Notice(
                "channels_cancel",
                "SAM-Audio hears the mean of the channels, and here they cancel: it is "
                f"{min(lost_db, 300):.0f} dB below them. Separate the channels one by one.",
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """latents: [1, T, C].   n_samples: of the mono mixture at the model's rate."""

    latents: Frames
    n_samples: int
    notices: tuple[Notice, ...]


def mono_blocks(
    mixture: AudioClip, sample_rate: int, loudness: Loudness | None = None
) -> Iterator[NDArray[np.float32]]:
    """The mean of the channels in blocks [n, 1] at `sample_rate`, consecutive."""
    return resample_blocks(_means(mixture, loudness), mixture.sample_rate, sample_rate)


def hear(
    work: Workplace, mixture: AudioClip, chunk_s: float, scratch: Scratch, monitor: Monitor
) -> Heard:
    """The latents of the mixture, encoded chunk by chunk and put into `scratch`.

    Raises AudioError, DiskFull or Cancelled.
    """
    codec = work.codec
    n_samples = resampled_length(mixture.n_samples, mixture.sample_rate, codec.sample_rate)
    loudness = Loudness()
    mono = RollingSamples(mono_blocks(mixture, codec.sample_rate, loudness))
    n_chunk = max(1, round(chunk_s * codec.sample_rate / codec.hop_length))

    def encode(start: int, stop: int) -> Tensor:
        wav = torch.from_numpy(np.ascontiguousarray(mono.read(start, stop).T))
        return work.encode(wav[None])

    chunks = encoded_chunks(encode, n_samples, codec.hop_length, n_chunk, monitor)
    latents = Frames.stored(chunks, scratch)
    return Heard(latents, n_samples, loudness.notices())


def encoded_chunks(
    encode: Callable[[int, int], Tensor],
    n_samples: int,
    hop_length: int,
    n_chunk: int,
    monitor: Monitor,
) -> Iterator[Tensor]:
    """Latents [1, n, C] of `n_samples` samples, chunk by chunk of `n_chunk` frames with context.

    encode: latents of the samples [start, stop), which end on a frame or with the mixture.
    """
    n_frames = frames_from_samples(n_samples, hop_length)
    for first in range(0, n_frames, n_chunk):
        monitor.report("encode", first / n_frames)
        last = min(first + n_chunk, n_frames)
        lead = max(first - ENCODER_CONTEXT_FRAMES, 0)
        stop = min((last + ENCODER_CONTEXT_FRAMES) * hop_length, n_samples)
        latents = encode(lead * hop_length, stop)
        yield latents[:, first - lead : last - lead]


def _means(mixture: AudioClip, loudness: Loudness | None) -> Iterator[NDArray[np.float32]]:
    n_read = max(1, round(_READ_S * mixture.sample_rate))
    for start in range(0, mixture.n_samples, n_read):
        block = mixture.source.read(start, min(start + n_read, mixture.n_samples))
        mono = block.mean(axis=1, keepdims=True, dtype=np.float32)
        if loudness is not None:
            loudness.add(block, mono)
        yield mono
