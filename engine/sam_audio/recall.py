"""What was computed for one prompt and serves the next: latents, texts, video features, spans.

    same clip, other description     nothing is encoded but the new text
    same description, other clip     no text is encoded
    a selection of a known clip      its latents are cut out of the clip's
    same prompt, other quality       the first evaluation is known: that of the noise itself
    same prompt, other placing       nothing is sampled

Clips are known by their content, not by their name. Of each kind the least recently used goes
first; latents and features lie in temporary files, not in memory.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, MaskedVideo
from engine.model.text_encoder import EncodedText

from .frames import Frames
from .hearing import Heard
from .scratch import Scratch
from .spotting import Spotted

V = TypeVar("V")

_READ_SAMPLES = 1 << 18
_N_CLIPS, _N_VIDEOS, _N_TEXTS, _N_SPOTTED, _N_SAMPLED = 4, 2, 64, 16, 6


class Recent(Generic[V]):
    """The last few values by key."""

    def __init__(self, n_most: int) -> None:
        self._n_most = n_most
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._values)

    def has(self, key: Hashable) -> bool:
        """Whether it is known; asking does not count as using it."""
        return key in self._values

    def places(self) -> tuple[Hashable, ...]:
        """What is known, least recently used first."""
        return tuple(self._values)

    def known(self, key: Hashable) -> V | None:
        """The value, which counts as used now; `None` when there is none."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value, made if it is not known; if that makes too many, the oldest goes."""
        value = self.known(key)
        if value is None:
            value = self._values[key] = make()
            if len(self._values) > self._n_most:
                self._values.popitem(last=False)
        return value


class Recall:
    """Of one loaded model. scratch: for the files of what is kept."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.weights: Recent[tuple[float, ...]] = Recent(_N_TEXTS)
        self.heard: Recent[Heard] = Recent(_N_CLIPS)
        self.texts: Recent[EncodedText] = Recent(_N_TEXTS)
        self.videos: Recent[Frames] = Recent(_N_VIDEOS)
        self.spotted: Recent[Spotted] = Recent(_N_SPOTTED)
        self.sampled: Recent[Frames] = Recent(_N_SAMPLED)

    def has_seen(self, video: MaskedVideo) -> bool:
        """Whether features of this video are there, for a sound of any length."""
        key = video_key(video)
        return any(isinstance(place, tuple) and place[0] == key for place in self.videos.places())


def clip_key(clip: AudioClip) -> str:
    """Digest of a clip's samples, their number, rate and channels. Reads all of it once."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{clip.sample_rate}:{clip.n_channels}:{clip.n_samples}:".encode())
    for start in range(0, clip.n_samples, _READ_SAMPLES):
        block = clip.source.read(start, min(start + _READ_SAMPLES, clip.n_samples))
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()


def video_key(video: MaskedVideo) -> Hashable:
    """Files by name, size and time of change, arrays by their content."""
    return _source_key(video.video), None if video.mask is None else _source_key(video.mask)


def _source_key(source: Path | NDArray[Any]) -> Hashable:
    if not isinstance(source, Path):
        array = np.ascontiguousarray(source)
        return array.shape, array.dtype.str, hashlib.blake2b(array.data, digest_size=16).hexdigest()
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    return tuple(
        (str(file.absolute()), file.stat().st_mtime_ns, file.stat().st_size)
        for file in files
        if file.exists()
    )
