"""ImageBind: does a candidate sound like what the masked video shows?

candidate -> 16 kHz -> clips -> audio tower -> mean --+
                                                      cosine
masked video -> clips -> vision tower -> mean --------+
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from engine.checkpoints.load import StateDict, load_into, read_state_dict
from engine.data import Monitor

from .base import SILENT, RankingRequest, no_video
from .imagebind_input import SAMPLE_RATE, audio_clips, video_clips
from .imagebind_towers import ImageBind, ImageBindConfig
from .resample import resampled

PARTS = ("preprocessors", "trunks", "heads", "postprocessors")
OTHER_MODALITIES = ("text", "depth", "thermal", "imu")

UNUSED = tuple(f"modality_{part}.{modality}." for part in PARTS for modality in OTHER_MODALITIES)
"""Prefixes of tensors in the official file that ranking does not need."""


class ImageBindRanker:
    """Scores candidates by the cosine between their sound and the masked video."""

    name = "imagebind"

    def __init__(self, network: ImageBind) -> None:
        self.network = network

    def unusable_because(self, request: RankingRequest) -> str | None:
        """Why the request lacks what this ranker looks at; `None` if it can be used."""
        return no_video(request)

    @torch.inference_mode()
    def score(self, request: RankingRequest, monitor: Monitor = SILENT) -> Tensor:
        """Scores [B, K] in -1 to 1. Raises Cancelled."""
        scores = []
        for candidates, video in zip(request.candidates, request.masked_videos, strict=True):
            assert video is not None
            seen = self._see(video, candidates.shape[1] / request.sample_rate)
            scores.append(
                [self._cosine(wav, seen, request.sample_rate, monitor) for wav in candidates]
            )
        return torch.tensor(scores, dtype=torch.float32)

    def _see(self, video: Tensor, duration_s: float) -> Tensor:
        device = next(self.network.parameters()).device
        clips = video_clips(video.to(device), duration_s)
        return functional.normalize(self.network.embed_video(clips), dim=-1)

    def _cosine(self, wav: Tensor, seen: Tensor, sample_rate: int, monitor: Monitor) -> float:
        monitor.check()
        wav = resampled(wav.detach().to(seen.device, torch.float32), sample_rate, SAMPLE_RATE)
        heard = functional.normalize(self.network.embed_audio(audio_clips(wav)), dim=-1)
        return (heard @ seen).item()


def load_imagebind(
    state: StateDict, where: str, config: ImageBindConfig | None = None
) -> ImageBind:
    """The network with the official file's tensors for sound and pictures, in float32.

    Raises CheckpointMismatch.
    """
    with torch.device("meta"):
        network = ImageBind(config or ImageBindConfig())
    load_into(network, state, where=where, dtype=torch.float32, allowed_unexpected=UNUSED)
    return network.eval().requires_grad_(False)


def open_imagebind(
    checkpoint: Path, device: torch.device, config: ImageBindConfig | None = None
) -> ImageBindRanker:
    """The ranker from the official `imagebind_huge.pth`.

    Raises CheckpointNotFound, CheckpointCorrupt or CheckpointMismatch.
    """
    network = load_imagebind(read_state_dict(checkpoint), str(checkpoint), config)
    return ImageBindRanker(network.to(device))
