"""Spans as labels of frames: +1 present, -1 absent, 0 not said."""

import numpy as np
from numpy.typing import NDArray

from engine.data import Span

from .stft import FrameGrid

Labels = NDArray[np.int8]


def label_frames(spans: tuple[Span, ...], grid: FrameGrid) -> Labels:
    """Labels [T] of all frames; later spans win, and even the shortest span marks one frame.

    A span that reaches the end of the file holds the frames that hang over it as well.
    """
    labels = np.zeros(grid.n_frames, np.int8)
    for span in spans:
        first = int(np.ceil(span.start_s * grid.frames_per_s))
        last = int(np.floor(span.end_s * grid.frames_per_s)) + 1
        if span.end_s * grid.sample_rate > grid.n_samples - 1:
            last = grid.n_frames
        if last <= first:
            first = min(round(span.start_s * grid.frames_per_s), grid.n_frames - 1)
            last = first + 1
        labels[first:last] = 1 if span.sign == "+" else -1
    return labels


def gate(labels: Labels) -> NDArray[np.float32]:
    """Gain [T]: 0 on '-', 1 elsewhere, smoothed over three frames."""
    is_open = np.pad((labels >= 0).astype(np.float32), 1, mode="edge")
    return (is_open[:-2] + is_open[1:-1] + is_open[2:]) / np.float32(3)
