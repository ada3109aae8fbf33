"""The part of a mixture that is worked on: all of it, or a selection and what lies around it.

A stretch starts and, before the end of the file, stops on a moment that is a whole number of
samples at every rate and of latent frames as well: with 48 kHz and 1920 samples, a whole second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, AudioFormat, Rerun
from engine.model.config import CodecConfig
from engine.rerun import FADE_S
from engine.resample import resampled_length
from engine.units import frames_from_samples

from .windows import Window


@dataclass(frozen=True, slots=True)
class Stretch:
    """clip: its own sound.   start_sample: its place in the mixture, at the mixture's rate.

    frames: its place in the latents of the whole mixture, which are `n_file_frames`.
    n_samples: of its mono sound at the model's rate.
    selection: latent frames, counted from the stretch's first, that are to be made.
    """

    clip: AudioClip
    start_sample: int
    frames: Window
    n_file_frames: int
    n_samples: int
    selection: Window

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the mixture."""
        return self.frames.n_frames == self.n_file_frames


def stretch_of(
    mixture: AudioClip, rerun: Rerun | None, context_s: float, codec: CodecConfig
) -> Stretch:
    """The whole mixture, or the selection with at least `context_s` to either side."""
    grid_s = codec.hop_length // math.gcd(codec.hop_length, codec.sample_rate)
    if rerun is None:
        return _between(mixture, 0, math.inf, codec)
    start_s = math.floor(max(rerun.start_s - context_s, 0) / grid_s) * grid_s
    stop_s = math.ceil((rerun.end_s + context_s) / grid_s) * grid_s
    stretch = _between(mixture, start_s, stop_s, codec)
    frames_per_s = codec.sample_rate / codec.hop_length
    first = math.floor((rerun.start_s - FADE_S) * frames_per_s) - stretch.frames.start
    last = math.ceil((rerun.end_s + FADE_S) * frames_per_s) - stretch.frames.start
    return replace(stretch, selection=Window(max(first, 0), min(last, stretch.frames.n_frames)))


def widened(stretch: Stretch, mixture: AudioClip, codec: CodecConfig) -> Stretch:
    """With some more sound around, so that the frames at its edges are encoded as in the file."""
    grid_s = codec.hop_length // math.gcd(codec.hop_length, codec.sample_rate)
    rate = mixture.sample_rate
    start_s = stretch.start_sample // rate - grid_s
    stop_s = math.ceil((stretch.start_sample + stretch.clip.n_samples) / rate) + grid_s
    return _between(mixture, max(start_s, 0), stop_s, codec)


def excerpt(clip: AudioClip, start: int, stop: int) -> AudioClip:
    """Samples [start, stop) of a clip as a clip, read from it when they are asked for."""
    source = clip.source

    def read(first: int, last: int, native: bool) -> NDArray[Any]:
        reader = source.read_native if native else source.read
        return reader(start + first, start + last)

    return replace(clip, source=_Derived(clip, stop - start, source.native_dtype, read))


def difference(clip: AudioClip, other: AudioClip) -> AudioClip:
    """clip - other, both of one shape, as a clip."""

    def read(first: int, last: int, _native: bool) -> NDArray[Any]:
        return clip.source.read(first, last) - other.source.read(first, last)

    source = _Derived(clip, clip.n_samples, np.dtype(np.float32), read)
    return replace(clip, source=source, format=AudioFormat("ARRAY", "FLOAT"))


class _Derived:
    """An `AudioSource` whose samples come from others, which it does not close."""

    def __init__(
        self,
        like: AudioClip,
        n_samples: int,
        native_dtype: np.dtype[Any],
        read: Callable[[int, int, bool], NDArray[Any]],
    ) -> None:
        self.sample_rate, self.n_channels = like.sample_rate, like.n_channels
        self.n_samples, self.native_dtype = n_samples, native_dtype
        self._read = read

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples [stop - start, C] as float32."""
        return self._read(start, stop, False)

    def read_native(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C] as stored."""
        return self._read(start, stop, True)

    def close(self) -> None:
        """Nothing is held."""


def _between(mixture: AudioClip, start_s: int, stop_s: float, codec: CodecConfig) -> Stretch:
    rate = mixture.sample_rate
    start = start_s * rate
    stop = mixture.n_samples if stop_s >= mixture.duration_s else int(stop_s) * rate
    first = start_s * codec.sample_rate // codec.hop_length
    n_samples = resampled_length(stop - start, rate, codec.sample_rate)
    n_frames = frames_from_samples(n_samples, codec.hop_length)
    n_all = resampled_length(mixture.n_samples, rate, codec.sample_rate)
    return Stretch(
        clip=mixture if (start, stop) == (0, mixture.n_samples) else excerpt(mixture, start, stop),
        start_sample=start,
        frames=Window(first, first + n_frames),
        n_file_frames=frames_from_samples(n_all, codec.hop_length),
        n_samples=n_samples,
        selection=Window(0, n_frames),
    )
