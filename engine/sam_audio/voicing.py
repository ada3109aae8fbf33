"""From target latents to waveforms, in chunks that are exact.

The decoder's trunk and head let a latent frame reach 8 frames to either side, so eight frames of
context make chunked decoding equal to decoding the whole. The watermark's LSTMs remember
everything before and would not be the same in chunks. It is not computed here: these waveforms
steer a mask on the user's own samples and are not handed out.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import Monitor
from engine.model.sam_audio import SAMAudioNetwork

from .frames import Frames

DECODER_CONTEXT_FRAMES = 8


def voiced_blocks(
    model: SAMAudioNetwork, latents: Frames, n_samples: int, chunk_s: float, monitor: Monitor
) -> Iterator[NDArray[np.float32]]:
    """Waveforms of K takes in consecutive blocks [n, K] at the model's rate.

    latents: [K, T, C] of one stream.   n_samples: of all blocks together, within the T frames.
    Raises Cancelled.
    """
    codec = model.config.audio_codec
    n_frames = latents.n_frames
    n_chunk = max(1, round(chunk_s * codec.sample_rate / codec.hop_length))
    for first in range(0, n_frames, n_chunk):
        monitor.report("decode", first / n_frames)
        last = min(first + n_chunk, n_frames)
        lead = max(first - DECODER_CONTEXT_FRAMES, 0)
        stop = min(last + DECODER_CONTEXT_FRAMES, n_frames)
        waves = _decoded(model, latents.read(lead, stop))
        begin = (first - lead) * codec.hop_length
        end = begin + min(last * codec.hop_length, n_samples) - first * codec.hop_length
        yield np.ascontiguousarray(waves[:, begin:end].T)


@torch.inference_mode()
def _decoded(model: SAMAudioNetwork, latents: Tensor) -> NDArray[np.float32]:
    """Waveforms [K, N] without watermark; a take at a time bounds the memory."""
    rows = []
    for row in torch.split(latents, 1):
        on_device = row.transpose(1, 2).to(model.device, model.codec_dtype)
        rows.append(model.audio_codec.decode_without_watermark(on_device)[0].float().cpu())
    return torch.cat(rows).numpy()
