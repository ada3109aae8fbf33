"""From target latents to waveforms, in chunks that are exact.

The decoder's trunk and head let a latent frame reach 8 frames to either side, so eight frames of
context make chunked decoding equal to decoding the whole. The watermark's LSTMs remember
everything before and would not be the same in chunks. It is not computed here: these waveforms
steer a mask on the user's own samples and are not handed out.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.data import Monitor

from .frames import Frames
from .workplace import DECODER_CONTEXT_FRAMES, Workplace


def voiced_blocks(
    work: Workplace, latents: Frames, n_samples: int, chunk_s: float, monitor: Monitor
) -> Iterator[NDArray[np.float32]]:
    """Waveforms of K takes in consecutive blocks [n, K] at the model's rate.

    latents: [K, T, C] of one stream.   n_samples: of all blocks together, within the T frames.
    Raises Cancelled.
    """
    codec = work.codec
    n_frames = latents.n_frames
    n_chunk = max(1, round(chunk_s * codec.sample_rate / codec.hop_length))
    for first in range(0, n_frames, n_chunk):
        monitor.report("decode", first / n_frames)
        last = min(first + n_chunk, n_frames)
        lead = max(first - DECODER_CONTEXT_FRAMES, 0)
        stop = min(last + DECODER_CONTEXT_FRAMES, n_frames)
        waves = work.decode(latents.read(lead, stop)).numpy()
        begin = (first - lead) * codec.hop_length
        end = begin + min(last * codec.hop_length, n_samples) - first * codec.hop_length
        yield np.ascontiguousarray(waves[:, begin:end].T)
