"""Where the described sound is, predicted in windows and joined: spans for prompts without."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import Monitor, Span
from engine.model.span_predictor import SpanPredictor, spans_from_logits

from .frames import Frames
from .windows import Window, joined


@dataclass(frozen=True, slots=True, eq=False)
class Spotted:
    """spans: all `+`, in order of time.   probability: [T] that the sound is in a latent frame."""

    spans: tuple[Span, ...]
    probability: NDArray[np.float32]

    def mean_probability(self, start: float, stop: float) -> float:
        """Of the frames between two positions, counted in frames; of one frame at least."""
        first = min(round(start), len(self.probability) - 1)
        return float(self.probability[first : max(round(stop), first + 1)].mean())


@torch.inference_mode()
def spot(
    predictor: SpanPredictor,
    latents: Frames,
    description: str,
    windows: tuple[Window, ...],
    monitor: Monitor,
) -> Spotted:
    """Spans of the described sound in latents [1, T, C]; where windows overlap, of their mean.

    Raises Cancelled.
    """
    device = predictor.logit_bias.device

    def compute(group: tuple[Window, ...]) -> Tensor:
        (window,) = group
        monitor.report("spot", window.start / latents.n_frames)
        heard = latents.read(window.start, window.stop).to(device)
        return predictor.predict(heard, (description,)).logits.cpu()[:, None, :, None]

    pieces = [piece[0, :, 0] for piece in joined(windows, 1, compute)]
    logits = torch.cat(pieces)
    return Spotted(spans_from_logits(logits[None])[0], logits.sigmoid().numpy())
