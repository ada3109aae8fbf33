"""Overlapping spectra of a stream on one absolute frame grid: block sizes never show.

Rows arrive in blocks of any size. They are cut into chunks of `CHUNK_HOPS` hops, and each chunk is
handed on with `context` frames on both sides, so that what is computed for it depends on its place
in the file only. Square-root Hann windows at three-quarter overlap on both sides add up to two.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex64]

CHUNK_HOPS = 256
"""Hops of each chunk: 2.7 s at 48 kHz."""

OVERLAP = 4
"""Frames that cover a sample."""

_SHORTEST_N_FFT = 256


def n_fft_for(sample_rate: int) -> int:
    """Window length in samples: 2048 at 44.1 and 48 kHz and about as many ms at other rates."""
    n_fft = _SHORTEST_N_FFT
    while sample_rate > 25_000 * n_fft / 1024:
        n_fft *= 2
    return n_fft


def resized(blocks: Iterable[NDArray[np.floating]], n_rows: int) -> Iterator[Samples]:
    """The same rows [n, C] as float32 in blocks of `n_rows`; the last one may be shorter."""
    held: list[Samples] = []
    n_held = 0
    for given in blocks:
        block = np.asarray(given, np.float32)
        while n_held + len(block) >= n_rows:
            taken = n_rows - n_held
            yield np.concatenate([*held, block[:taken]])
            block, held, n_held = block[taken:], [], 0
        if len(block):
            # A copy: the caller may fill its buffer again.
            held.append(block.copy())
            n_held += len(block)
    if n_held:
        yield np.concatenate(held)


def windows(chunks: Iterable[Samples], n_fft: int, context: int) -> Iterator[tuple[Samples, int]]:
    """The stream cut into windows of a chunk and what it depends on, each by itself.

    chunks: rows [n, C], each of `CHUNK_HOPS` hops (a quarter of `n_fft`) but the last.
    context: frames before and after a frame on which its result depends.
    Gives rows [m, C], of one length, and how many rows of the stream come of them, which are the
    first that `synthesise` makes of their frames without the `context` at both ends. Outside the
    stream there is silence.
    """
    hop = n_fft // OVERLAP
    n_chunk = CHUNK_HOPS * hop
    margin = (context + OVERLAP - 1) * hop
    window_rows = n_chunk + 2 * margin
    held: Samples | None = None
    n_left = 0
    for chunk in chunks:
        if held is None:
            held = np.zeros((margin, chunk.shape[1]), np.float32)
        held = np.concatenate([held, chunk])
        n_left += len(chunk)
        while len(held) >= window_rows:
            yield held[:window_rows], n_chunk
            held, n_left = held[n_chunk:], n_left - n_chunk
    while held is not None and n_left > 0:
        window = np.zeros((window_rows, held.shape[1]), np.float32)
        window[: len(held)] = held[:window_rows]
        yield window, min(n_left, n_chunk)
        held, n_left = held[n_chunk:], n_left - n_chunk


def through_frames(
    chunks: Iterable[Samples],
    n_fft: int,
    context: int,
    transform: Callable[[Spectra], Spectra],
) -> Iterator[Samples]:
    """Rows [n, C'] of the stream after `transform` of its spectra, in blocks of a chunk each.

    chunks, context: as for `windows`.   transform: spectra [C, T, F] to [C', T, F].
    """
    for window, n_rows in windows(chunks, n_fft, context):
        spectra = transform(analyse(window, n_fft))
        yield synthesise(inner(spectra, context), n_fft)[:n_rows]


def inner(spectra: Spectra, context: int) -> Spectra:
    """Spectra [..., T, F] without `context` frames at both ends."""
    return spectra[..., context : spectra.shape[-2] - context, :]


def analyse(rows: Samples, n_fft: int) -> Spectra:
    """Spectra [C, T, F] of every whole frame in rows [n, C], at hops of a quarter window."""
    hop = n_fft // OVERLAP
    frames = np.lib.stride_tricks.sliding_window_view(rows, n_fft, axis=0)[::hop]
    windowed = frames.transpose(1, 0, 2) * _window(n_fft)
    return np.asarray(fft.rfft(windowed, axis=2), np.complex64)


def synthesise(spectra: Spectra, n_fft: int) -> Samples:
    """Rows [(T - 3) * hop, C] where four frames of spectra [C, T, F] overlap."""
    frames = np.asarray(fft.irfft(spectra, n_fft, axis=2), np.float32)
    frames *= _window(n_fft) * np.float32(2 / OVERLAP)
    n_channels, n_frames, _ = frames.shape
    n_hops = n_frames - OVERLAP + 1
    parts = frames.reshape(n_channels, n_frames, OVERLAP, n_fft // OVERLAP)
    summed = sum(
        (parts[:, OVERLAP - 1 - part :][:, :n_hops, part] for part in range(OVERLAP)),
        start=np.zeros((), np.float32),
    )
    return np.ascontiguousarray(summed.reshape(n_channels, -1).T)


def _window(n_fft: int) -> NDArray[np.float32]:
    """Square root of the periodic Hann window."""
    return np.sin(np.pi * np.arange(n_fft) / n_fft).astype(np.float32)
