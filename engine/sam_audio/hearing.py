"""From a mixture of any rate and channels to what the model hears: one channel, as latents.

    mixture --downmix, 48 kHz, streamed--> chunks with context --codec--> latents, file

The downmix is the mean of the channels, as published. Where the channels cancel in it the mean is
taken with their signs turned (`engine.stereo.downmix_weights`).

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
from engine.stereo import downmix, downmix_weights
from engine.units import frames_from_samples

from .frames import Frames
from .rolling import RollingSamples
from .scratch import Scratch
from .workplace import ENCODER_CONTEXT_FRAMES, Workplace

_READ_S = 5.0
_LOST_DB = -20.0


@dataclass(eq=False)
class Loudness:
    """Energy of the channels and of their downmix, gathered while the mixture streams by."""

    of_channels: float = 0.0
    of_downmix: float = 0.0

    def add(self, block: NDArray[np.float32], mono: NDArray[np.float32]) -> None:
        """Count a block [n, C] and its downmix [n]."""
        self.of_channels += float(np.square(block, dtype=np.float64).mean(axis=1).sum())
        self.of_downmix += float(np.square(mono, dtype=np.float64).sum())

    def notices(self) -> tuple[Notice, ...]:
        """A word about channels that cancel, which the model does not hear."""
        if self.of_channels == 0 or self.of_downmix >= self.of_channels * 10 ** (_LOST_DB / 10):
            return ()
        lost_db = 10 * math.log10(self.of_channels / max(self.of_downmix, 1e-30))
        return (
            Notice(
                "channels_cancel",
                "SAM-Audio hears a sum of the channels, and here they cancel: it is "
                f"{min(lost_db, 300):.0f} dB below them. Separate the channels one by one.",
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """latents: [1, T, C].   n_samples: of the mono mixture at the model's rate."""

    latents: Frames
    n_samples: int
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Downmix:
    """What the model hears of a clip: the sum of its channels times `weights`."""

    clip: AudioClip
    weights: tuple[float, ...]

    @property
    def turned(self) -> tuple[int, ...]:
        """Channels, counted from 1, that are heard with their sign turned."""
        return tuple(number for number, weight in enumerate(self.weights, 1) if weight < 0)


def heard_weights(mixture: AudioClip) -> tuple[float, ...]:
    """Weights of the channels in what the model hears. Reads all of a mixture of several once."""
    if mixture.n_channels == 1:
        return (1.0,)
    return downmix_weights(_blocks(mixture))


def mono_blocks(
    mono: Downmix, sample_rate: int, loudness: Loudness | None = None
) -> Iterator[NDArray[np.float32]]:
    """The downmix in blocks [n, 1] at `sample_rate`, consecutive."""
    return resample_blocks(_downmixed(mono, loudness), mono.clip.sample_rate, sample_rate)


def hear(
    work: Workplace, mixture: Downmix, chunk_s: float, scratch: Scratch, monitor: Monitor
) -> Heard:
    """The latents of the mixture, encoded chunk by chunk and put into `scratch`.

    Raises AudioError, DiskFull or Cancelled.
    """
    codec, clip = work.codec, mixture.clip
    n_samples = resampled_length(clip.n_samples, clip.sample_rate, codec.sample_rate)
    loudness = Loudness()
    mono = RollingSamples(mono_blocks(mixture, codec.sample_rate, loudness))
    n_chunk = max(1, round(chunk_s * codec.sample_rate / codec.hop_length))

    def encode(start: int, stop: int) -> Tensor:
        wav = torch.from_numpy(np.ascontiguousarray(mono.read(start, stop).T))
        return work.encode(wav[None])

    chunks = encoded_chunks(encode, n_samples, codec.hop_length, n_chunk, monitor)
    latents = Frames.stored(chunks, scratch)
    return Heard(latents, n_samples, (*_turned_notices(mixture), *loudness.notices()))


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


def _turned_notices(mixture: Downmix) -> tuple[Notice, ...]:
    if not mixture.turned:
        return ()
    channels = ", ".join(map(str, mixture.turned))
    return (
        Notice(
            "channels_turned",
            f"The channels cancel in their mean, so the model hears channel {channels} with the "
            "sign turned; the stems have the mixture's own.",
        ),
    )


def _downmixed(mono: Downmix, loudness: Loudness | None) -> Iterator[NDArray[np.float32]]:
    for block in _blocks(mono.clip):
        heard = downmix(block, mono.weights)
        if loudness is not None:
            loudness.add(block, heard)
        yield heard[:, None]


def _blocks(clip: AudioClip) -> Iterator[NDArray[np.float32]]:
    n_read = max(1, round(_READ_S * clip.sample_rate))
    for start in range(0, clip.n_samples, n_read):
        yield clip.source.read(start, min(start + n_read, clip.n_samples))
