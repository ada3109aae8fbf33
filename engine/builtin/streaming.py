"""Pass 2: decode overlapping blocks in threads, hand out consecutive samples in order.

Frames lie on one grid and dictionaries are fixed, so a frame comes out the same in any block:
blocks share one frame at each seam, and evidence sees the same context as in the whole file.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.data import AudioClip, Monitor

from .config import BuiltinConfig
from .front_end import FrontEnd, analyse_frames, read_samples
from .labels import Labels, gate
from .learning import LEARN_SHARE, Model, block_frames
from .stft import Samples, synthesise

_COPIES_OF_A_BLOCK = 24
"""Float32 copies of a block's magnitudes that decoding holds at its peak, spectra included."""


@dataclass(frozen=True, eq=False)
class Decoder:
    """Everything that is fixed while blocks are decoded.

    model: `None` when the target is absent: the estimate is silence.
    labels, gains: [T] for all frames of the file.   band_gains: [B].
    """

    front: FrontEnd
    model: Model | None
    labels: Labels
    gains: NDArray[np.float32]
    band_gains: NDArray[np.float32]
    config: BuiltinConfig


def decode_blocks(
    mixture: AudioClip, decoder: Decoder, n_threads: int, monitor: Monitor
) -> Iterator[NDArray[np.float32]]:
    """Blocks [1, n, C] of the target, consecutive, computed as they are asked for."""
    n_block = block_frames(decoder.front, decoder.config.decode_block_s)
    n_hops = decoder.front.grid.n_frames - 1
    spans = [(first, min(first + n_block, n_hops)) for first in range(0, n_hops, n_block)]
    if decoder.model is None:
        yield from _silence(decoder, spans, monitor)
        return
    n_workers = _n_workers(decoder, n_block, n_threads)
    waiting: deque[Future[Samples]] = deque()
    # BLAS threads on top of ours cost almost three times the CPU
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_workers) as pool:
        try:
            for first, last in spans:
                monitor.report("separate", _progress(first, n_hops))
                samples = read_samples(mixture, decoder.front, first, last + 1)
                waiting.append(pool.submit(decode, samples, decoder, first, last))
                if len(waiting) > n_workers:
                    yield waiting.popleft().result()[None]
            while waiting:
                monitor.check()
                yield waiting.popleft().result()[None]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    monitor.report("separate", 1.0)


def decode(samples: Samples, decoder: Decoder, first: int, last: int) -> Samples:
    """Target samples [n, C] between the centres of the frames `first` and `last`.

    samples: what `read_samples` gives for the frames [first, last + 1).
    """
    assert decoder.model is not None
    front = decoder.front
    frames = analyse_frames(samples, front, first, last + 1)
    inside = slice(first, last + 1)
    gains = decoder.model.gains(frames, decoder.labels[inside] >= 0)
    gains = gains.scaled(decoder.gains[inside, None, None] * decoder.band_gains)
    target = synthesise(gains.apply(frames.spectra, front.bands), front.grid.n_fft)
    return target[: front.grid.n_samples - first * front.grid.hop_length]


def _silence(
    decoder: Decoder, spans: list[tuple[int, int]], monitor: Monitor
) -> Iterator[NDArray[np.float32]]:
    """Zeros for a target that is not there."""
    grid = decoder.front.grid
    for first, last in spans:
        monitor.report("separate", _progress(first, grid.n_frames))
        stop = min(last * grid.hop_length, grid.n_samples)
        yield np.zeros((1, stop - first * grid.hop_length, decoder.front.n_channels), np.float32)
    monitor.report("separate", 1.0)


def _n_workers(decoder: Decoder, n_block: int, n_threads: int) -> int:
    """As many threads as were asked for and as fit into memory."""
    block_bytes = 4 * n_block * decoder.front.n_rows * _COPIES_OF_A_BLOCK
    return max(1, min(n_threads, decoder.config.max_in_flight_bytes // block_bytes))


def _progress(first: int, n_frames: int) -> float:
    return LEARN_SHARE + (1 - LEARN_SHARE) * first / max(n_frames, 1)


def make_decoder(
    front: FrontEnd,
    model: Model | None,
    labels: Labels,
    band_gains: NDArray[np.float32],
    config: BuiltinConfig,
) -> Decoder:
    """A decoder whose gate is closed on '-'."""
    return Decoder(front, model, labels, gate(labels), band_gains, config)
