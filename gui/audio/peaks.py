"""A pyramid of least and greatest samples, so that any zoom of any length draws in a moment.

    level 0   a pair for 256 samples     level 1   for 1024     ...     level 4   for 65536

It grows while it is drawn: `n_ready` samples are in it, a sketch stands for the rest.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import SoundInfo, SoundReader

BASE = 256
FACTOR = 4
N_LEVELS = 5
CHUNK = BASE * FACTOR ** (N_LEVELS - 1) * 8
SKETCH_COLUMNS = 2048
SKETCH_SAMPLES = 128
SKETCH_S = 0.35
"""Most time for the sketch; what is not in it by then comes with the pyramid."""

Pairs = NDArray[np.float32]


class Peaks:
    """Least and greatest samples of a file. One thread fills it, others may draw meanwhile.

    levels: arrays [n, 2, C], least and greatest.   sketch: [columns, 2, C] over the whole file.
    """

    def __init__(self, info: SoundInfo) -> None:
        self.info = info
        self.n_ready = 0
        shape = (2, info.n_channels)
        self.levels = [
            np.zeros((-(-info.n_samples // (BASE * FACTOR**level)), *shape), np.float32)
            for level in range(N_LEVELS)
        ]
        self.sketch = np.zeros((0, *shape), np.float32)

    @property
    def is_whole(self) -> bool:
        """Whether every sample is in it."""
        return self.n_ready >= self.info.n_samples

    @property
    def top(self) -> float:
        """The greatest magnitude so far, to draw quiet sounds as high as loud ones."""
        known = self.sketch if len(self.sketch) and not self.is_whole else self.levels[-1]
        return float(np.abs(known).max(initial=0.0))

    def columns(self, start: float, end: float, n_columns: int) -> Pairs:
        """Pairs [n_columns, 2, C] for a stretch in samples; zeros outside the file."""
        n_columns = max(n_columns, 1)
        per_column = (end - start) / n_columns
        if not self.is_whole and end > self.n_ready and len(self.sketch):
            return self._merged(start, end, n_columns)
        level = 0
        while level + 1 < N_LEVELS and BASE * FACTOR ** (level + 1) <= per_column:
            level += 1
        return columns_of(self.levels[level], start, end, n_columns, BASE * FACTOR**level)

    def _merged(self, start: float, end: float, n_columns: int) -> Pairs:
        step = self.info.n_samples / len(self.sketch)
        rough = columns_of(self.sketch, start, end, n_columns, step)
        n_sure = int(np.clip((self.n_ready - start) / (end - start) * n_columns, 0, n_columns))
        if n_sure:
            level = 0
            while (
                level + 1 < N_LEVELS and BASE * FACTOR ** (level + 1) <= (end - start) / n_columns
            ):
                level += 1
            sure = columns_of(self.levels[level], start, end, n_columns, BASE * FACTOR**level)
            rough[:n_sure] = sure[:n_sure]
        return rough

    def put(self, start: int, block: NDArray[np.float32]) -> None:
        """Take in samples [n, C] that begin at a multiple of `CHUNK`."""
        pairs = pairs_of(block)
        for level in range(N_LEVELS):
            first = start // (BASE * FACTOR**level)
            self.levels[level][first : first + len(pairs)] = pairs
            pairs = _coarser(pairs)
        self.n_ready = start + len(block)


def columns_of(pairs: Pairs, start: float, end: float, n_columns: int, step: float) -> Pairs:
    """Pairs of `step` samples each, gathered into columns [n_columns, 2, C]."""
    found = np.zeros((n_columns, *pairs.shape[1:]), np.float32)
    edges = np.linspace(start / step, end / step, n_columns + 1)
    first = np.floor(edges[:-1]).astype(np.int64)
    last = np.maximum(np.ceil(edges[1:]).astype(np.int64), first + 1)
    inside = (first < len(pairs)) & (last > 0)
    if not inside.any():
        return found
    first = np.clip(first[inside], 0, len(pairs) - 1)
    last = np.clip(last[inside], 1, len(pairs))
    bounds = np.stack([first, last], axis=1).reshape(-1)
    # reduceat takes every other result: [first, last) of each column; the last bound must exist
    padded = np.concatenate([pairs[: bounds.max() + 1], pairs[-1:]])
    found[inside, 0] = np.minimum.reduceat(padded[:, 0], bounds, axis=0)[::2]
    found[inside, 1] = np.maximum.reduceat(padded[:, 1], bounds, axis=0)[::2]
    return found


def pairs_of(block: NDArray[np.float32]) -> Pairs:
    """Pairs [n, 2, C] of `BASE` samples each; the last one may stand for fewer."""
    n_channels = block.shape[1]
    missing = -len(block) % BASE
    if missing:
        block = np.concatenate([block, np.repeat(block[-1:], missing, axis=0)])
    # Halving rows that hold whole bins keeps every step a long run of memory.
    low = high = block.reshape(-1, BASE * n_channels)
    while low.shape[1] > n_channels:
        half = low.shape[1] // 2
        low = np.minimum(low[:, :half], low[:, half:])
        high = np.maximum(high[:, :half], high[:, half:])
    return np.stack([low, high], axis=1)


def _coarser(pairs: Pairs) -> Pairs:
    missing = -len(pairs) % FACTOR
    if missing:
        pairs = np.concatenate([pairs, np.repeat(pairs[-1:], missing, axis=0)])
    grouped = pairs.reshape(-1, FACTOR, *pairs.shape[1:])
    return np.stack([grouped[:, :, 0].min(axis=1), grouped[:, :, 1].max(axis=1)], axis=1)


def build(
    peaks: Peaks,
    cache_folder: Path | None,
    on_news: Callable[[], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Fill `peaks` from its file, or from an earlier time's cache; tells after every part.

    Meant for a thread of its own. Raises SoundUnreadable when the file is gone or damaged.
    """
    cache = cache_folder / f"{peaks.info.key}.npy" if cache_folder else None
    if cache is not None and _from_cache(peaks, cache):
        on_news()
        return
    with SoundReader(peaks.info.path) as reader:
        if peaks.info.n_samples > 2 * CHUNK:
            _sketch(peaks, reader)
            on_news()
        start = 0
        while start < peaks.info.n_samples and not is_stopped():
            block = reader.read(start, CHUNK)
            if not len(block):
                break
            peaks.put(start, block)
            start += len(block)
            on_news()
    if cache is not None and peaks.is_whole:
        _to_cache(peaks, cache)


def _sketch(peaks: Peaks, reader: SoundReader) -> None:
    """A look at a few samples all over the file, sooner than it can be read."""
    begin_s = time.monotonic()
    step = peaks.info.n_samples / SKETCH_COLUMNS
    sketch = np.zeros((SKETCH_COLUMNS, 2, peaks.info.n_channels), np.float32)
    for stride in (16, 4, 1):
        for column in range(0, SKETCH_COLUMNS, stride):
            if time.monotonic() - begin_s > SKETCH_S:
                break
            block = reader.read(int(column * step), SKETCH_SAMPLES)
            if len(block):
                sketch[column : column + stride] = np.stack([block.min(axis=0), block.max(axis=0)])
    peaks.sketch = sketch


def _from_cache(peaks: Peaks, cache: Path) -> bool:
    try:
        pairs = np.load(cache, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, EOFError):
        return False
    if pairs.shape != peaks.levels[0].shape:
        return False
    for level in range(N_LEVELS):
        peaks.levels[level][:] = pairs
        pairs = _coarser(pairs)
    peaks.n_ready = peaks.info.n_samples
    return True


def _to_cache(peaks: Peaks, cache: Path) -> None:
    """Half precision is finer than a pixel. A cache that cannot be written is done without."""
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache.parent, suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            np.save(stream, peaks.levels[0].astype(np.float16))
        Path(name).replace(cache)
