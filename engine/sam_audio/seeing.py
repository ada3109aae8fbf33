"""The masked video as features per latent frame, in a file: hours of video, one batch in memory."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

import torch
from torch import Tensor

from engine.data import MaskedVideo
from engine.model.masked_video import masked_frames
from engine.model.separation import SAMAudio
from engine.model.video_frames import SelectedFrame
from engine.model.vision_encoder import VisionEncoder

from .beside import BesidePlan
from .frames import Frames
from .scratch import Scratch
from .windows import Window

_PIECE_FRAMES = 512


def see(
    model: SAMAudio,
    plan: BesidePlan,
    video: MaskedVideo,
    n_frames: int,
    stretch: Window,
    scratch: Scratch,
) -> Frames:
    """Features [1, n, V] of the latent frames in `stretch`, of the `n_frames` of the whole sound.

    plan: where, and how many frames at once.
    The vision tower is let go of again, for it is a third of the small model.
    Raises PromptError for the video, CheckpointError, or DiskFull.
    """
    shown = shown_in(masked_frames(video, n_frames), stretch)
    try:
        encoder = model.companions.vision_encoder.on(plan.device)
        return Frames.stored(_features(encoder, shown, plan.n_at_once), scratch)
    finally:
        model.companions.vision_encoder.release()


def shown_in(frames: Iterator[SelectedFrame], stretch: Window) -> Iterator[SelectedFrame]:
    """Of the frames for a whole sound those in `stretch`; their repeats add up to its length."""
    position = 0
    for frame in frames:
        start, position = position, position + frame.n_repeats
        n_inside = min(position, stretch.stop) - max(start, stretch.start)
        if n_inside > 0:
            yield replace(frame, n_repeats=n_inside)
        if start >= stretch.stop:
            return


@torch.inference_mode()
def _features(
    encoder: VisionEncoder, frames: Iterator[SelectedFrame], n_at_once: int
) -> Iterator[Tensor]:
    while (first := next(frames, None)) is not None:
        repeats: list[int] = []
        group = _once(chain([first], islice(frames, n_at_once - 1)), repeats)
        features = encoder.encode_video(group).cpu()
        # A still picture may be shown for hours: its repeats are written piece by piece.
        for feature, n_repeats in zip(features, repeats, strict=True):
            for start in range(0, n_repeats, _PIECE_FRAMES):
                yield feature.expand(1, min(_PIECE_FRAMES, n_repeats - start), -1)


def _once(frames: Iterator[SelectedFrame], repeats: list[int]) -> Iterator[SelectedFrame]:
    for frame in frames:
        repeats.append(frame.n_repeats)
        yield replace(frame, n_repeats=1)
