"""Where a sound is, by what the builtin separator hears before it learns anything.

    a word it knows --> evidence of the class, frame by frame --> frames above a limit --> spans

One pass over the mixture; nothing is learned and nothing rendered. Only sounds with evidence of
their own are found: what is learned from drawn spans, such as a dog's bark, is not found by them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, Monitor, Notice, Prompt, Span
from engine.errors import PromptNeedsSpans
from engine.finding import Finding, FoundSpan

from .bands import BandMap
from .config import BuiltinConfig
from .front_end import FrontEnd, analyse_frames, read_samples
from .judgement import TEXT_CONFIDENCE
from .learning import LEAST_SUPPORT, block_frames, frame_blocks
from .sounds import read_description
from .stft import FrameGrid
from .vocabulary import Sound

Lane = NDArray[np.float32]

_SMOOTH_S = 0.3
_GAP_S = 0.5
"""Closer places are one: the beats of a drummer, the syllables of a speaker."""

_LEAST_S = 0.08
_LOUD_QUANTILE = 0.95
_LOUD_SHARE = 0.1
"""Of what speaks for the sound where it is loud: 20 dB below, nothing is found."""


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """support, level: [T], mean magnitude that speaks for the sound, and of everything."""

    support: Lane
    level: Lane


def find_in(mixture: AudioClip, prompt: Prompt, config: BuiltinConfig, monitor: Monitor) -> Finding:
    """Spans of the sound that the description names.

    score: how often the class is what was asked for, less where it is weaker than in mixtures
    that hold it.
    Raises PromptNeedsSpans for sounds without evidence, AudioUnreadable or Cancelled.
    """
    sound = read_description(prompt.description).sound
    if sound is None or sound.kind not in LEAST_SUPPORT:
        raise PromptNeedsSpans(_why_not(prompt, sound))
    grid = FrameGrid.over(mixture.sample_rate, mixture.n_samples)
    heard = _listen(mixture, grid, sound, config, monitor)
    least = LEAST_SUPPORT[sound.kind]
    if heard.support.mean() < least * heard.level.mean() or not heard.support.any():
        return Finding((), (_NOT_FOUND, _ROUGH))
    half = max(round(_SMOOTH_S * grid.frames_per_s / 2), 1)
    smooth = _mean(heard.support, half)
    share = smooth / np.maximum(_mean(heard.level, half), np.float32(1e-12))
    loud = float(np.quantile(smooth, _LOUD_QUANTILE)) * _LOUD_SHARE
    found = (share >= 2 * least) & (smooth >= loud)
    # `least` is a quarter of what was met in mixtures that hold the sound
    score = np.float32(TEXT_CONFIDENCE[sound.kind]) * np.minimum(share / (4 * least), 1)
    # smoothing reaches beyond the ends of the sound
    found = _trimmed(found, heard.support >= loud)
    spans = tuple(_spans(found, np.asarray(score, np.float32), grid, mixture.duration_s))
    return Finding(spans, (_ROUGH,) if spans else (_NOT_FOUND, _ROUGH))


def _listen(
    mixture: AudioClip, grid: FrameGrid, sound: Sound, config: BuiltinConfig, monitor: Monitor
) -> _Heard:
    """One pass over all frames, block by block."""
    front = FrontEnd(grid, BandMap.over(grid), mixture.n_channels, evident=sound, with_support=True)
    support, level = [], []
    for first, last in frame_blocks(grid.n_frames, block_frames(front, config.learn_block_s)):
        monitor.report("spot", first / grid.n_frames)
        frames = analyse_frames(read_samples(mixture, front, first, last), front, first, last)
        assert frames.support is not None
        support.append(frames.support)
        level.append(np.asarray(frames.V.mean(axis=(1, 2)), np.float32))
    return _Heard(np.concatenate(support), np.concatenate(level))


def _spans(
    found: NDArray[np.bool_], score: Lane, grid: FrameGrid, duration_s: float
) -> Iterator[FoundSpan]:
    """Runs of frames as spans; near ones are joined, the shortest left out."""
    runs: list[tuple[int, int]] = []
    gap = round(_GAP_S * grid.frames_per_s)
    for start, stop in _runs(found):
        if runs and start - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    for start, stop in runs:
        start_s = max(start - 0.5, 0) / grid.frames_per_s
        end_s = min((stop - 0.5) / grid.frames_per_s, duration_s)
        if end_s - start_s >= _LEAST_S:
            inside = score[start:stop][found[start:stop]]
            yield FoundSpan(Span(start_s, end_s), float(inside.mean()))


def _trimmed(found: NDArray[np.bool_], loud: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Runs of `found` cut to their first and last frame that is `loud`."""
    kept = np.zeros_like(found)
    for start, stop in _runs(found):
        inside = np.flatnonzero(loud[start:stop])
        if len(inside):
            kept[start + inside[0] : start + inside[-1] + 1] = True
    return kept


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Each unbroken run [start, stop) of true frames."""
    edges = np.diff(flags.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _mean(values: Lane, half: int) -> Lane:
    """Mean over 2 * half + 1 frames, edges repeated."""
    padded = np.pad(values.astype(np.float64), (half + 1, half), mode="edge")
    padded[0] = 0
    sums = np.cumsum(padded)
    width = 2 * half + 1
    return np.asarray((sums[width:] - sums[:-width]) / width, np.float32)


def _why_not(prompt: Prompt, sound: Sound | None) -> str:
    what = f"the description {prompt.description!r}"
    if not prompt.description:
        problem = "there is no description"
    elif sound is not None and sound.kind == "steady":
        problem = f"{what} names a sound that the builtin separator takes to be there all the time"
    else:
        problem = f"{what} is no sound that the builtin separator finds by words"
    return (
        f"{problem}; it finds drums, bass, voices and pitched instruments. Draw the places "
        "yourself, or install SAM-Audio with its span predictor, which finds anything"
    )


_NOT_FOUND = Notice(
    "target_absent", "No place was found where the sound stands out; draw spans where you hear it."
)
_ROUGH = Notice(
    "rough_text_only",
    "The builtin separator finds places roughly, by the class of the sound. Look at them before "
    "you accept them.",
)
