"""Whatever a caller may give as a sound, opened as a clip for as long as it is needed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from .audio_files import clip_from_array, open_clip
from .data import AudioClip, Monitor
from .errors import AudioError

Mixture = AudioClip | NDArray[Any] | str | os.PathLike[str]
"""A clip, samples [N] or [N, C], or a path."""


@contextmanager
def opened(mixture: Mixture, sample_rate: int | None, monitor: Monitor) -> Iterator[AudioClip]:
    """The mixture as a clip; closed at the end unless the caller brought it as a clip.

    sample_rate: in Hz; needed for samples, and otherwise only to be checked.
    Raises AudioError.
    """
    if isinstance(mixture, AudioClip):
        _refuse_rate(sample_rate, mixture.sample_rate)
        yield mixture
        return
    if isinstance(mixture, (str, os.PathLike)):
        clip = open_clip(mixture, monitor)
    elif sample_rate is None:
        raise AudioError("samples without a rate: give sample_rate in Hz, for instance 48000")
    else:
        clip = clip_from_array(mixture, sample_rate)
    try:
        if isinstance(mixture, (str, os.PathLike)):
            _refuse_rate(sample_rate, clip.sample_rate)
        yield clip
    finally:
        clip.source.close()


def _refuse_rate(given_hz: int | None, actual_hz: int) -> None:
    if given_hz is not None and given_hz != actual_hz:
        raise AudioError(
            f"sample_rate {given_hz}: the mixture says {actual_hz} Hz; leave sample_rate out"
        )
