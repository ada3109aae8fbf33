"""Spectrogram tiles: levels in dB of a stretch at a zoom, as bytes that a palette colours."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .files import SoundReader

WINDOW = 2048
N_ROWS = 320
TILE_COLUMNS = 128
SHORTEST_HOP = 64
FLOOR_DB, TOP_DB = -100.0, -6.0
LOWEST_HZ = 40.0


@dataclass(frozen=True, slots=True)
class TileKey:
    """A tile: `TILE_COLUMNS` columns of `hop` samples, counted from the file's start."""

    hop: int
    index: int

    @property
    def start(self) -> int:
        """Its first sample."""
        return self.index * self.hop * TILE_COLUMNS

    @property
    def end(self) -> int:
        """The sample after its last."""
        return (self.index + 1) * self.hop * TILE_COLUMNS


def hop_for(samples_per_pixel: float) -> int:
    """The hop of the tiles to draw at a zoom: a power of two near two pixels a column."""
    hop = SHORTEST_HOP
    while hop * 2 <= samples_per_pixel * 2:
        hop *= 2
    return hop


def keys_between(start: float, end: float, hop: int) -> list[TileKey]:
    """The tiles that a stretch in samples needs."""
    step = hop * TILE_COLUMNS
    return [
        TileKey(hop, index) for index in range(int(max(start, 0) // step), int(end // step) + 1)
    ]


def tile(reader: SoundReader, key: TileKey) -> NDArray[np.uint8]:
    """Levels [rows, columns] of one tile, the highest frequency in row 0.

    Where the hop is longer than the window, columns are samples of time rather than means over it:
    an hour on the screen needs few seconds of sound.
    """
    window = np.hanning(WINDOW).astype(np.float32)
    frames = np.zeros((TILE_COLUMNS, WINDOW), np.float32)
    if key.hop <= WINDOW:
        lead = WINDOW // 2
        begin = key.start - lead
        mono = reader.read(begin, key.hop * TILE_COLUMNS + WINDOW).mean(axis=1)
        mono = np.pad(mono, (max(-begin, 0), 0))
        mono = np.pad(mono, (0, max(key.hop * TILE_COLUMNS + WINDOW - len(mono), 0)))
        view = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)
        frames[:] = view[:: key.hop][:TILE_COLUMNS]
    else:
        for column in range(TILE_COLUMNS):
            block = reader.read(key.start + column * key.hop, WINDOW)
            frames[column, : len(block)] = block.mean(axis=1) if len(block) else 0
    power = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32)
    power *= np.float32(2 / window.sum())
    rows = power @ _bands(reader.info.sample_rate)
    decibels = 20 * np.log10(np.maximum(rows, 1e-7))
    scaled = (decibels - FLOOR_DB) * (255 / (TOP_DB - FLOOR_DB))
    return np.ascontiguousarray(np.clip(scaled, 0, 255).astype(np.uint8).T[::-1])


def row_of(frequency_hz: float, sample_rate: int) -> float:
    """Height of a frequency, 0 at the bottom and 1 at the top; the scale bends as hearing does."""
    top = _bend(sample_rate / 2)
    return float(
        (_bend(max(frequency_hz, LOWEST_HZ)) - _bend(LOWEST_HZ)) / (top - _bend(LOWEST_HZ))
    )


def _bend(frequency_hz: float) -> float:
    return float(np.log2(1 + frequency_hz / 400.0))


@lru_cache(maxsize=8)
def _bands(sample_rate: int) -> NDArray[np.float32]:
    """Weights [bins, rows] of triangles around each row's frequency, one bin wide at least."""
    bins = np.fft.rfftfreq(WINDOW, 1 / sample_rate)
    low, high = _bend(LOWEST_HZ), _bend(sample_rate / 2)
    centres = 400.0 * (2 ** (low + (high - low) * (np.arange(N_ROWS) + 0.5) / N_ROWS) - 1)
    spacing = np.gradient(centres)
    width = np.maximum(spacing, bins[1])
    weights = np.maximum(1 - np.abs(bins[:, None] - centres[None]) / width[None], 0)
    sums = weights.sum(axis=0)
    return np.asarray(weights / np.where(sums > 0, sums, 1), np.float32)
