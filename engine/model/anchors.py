"""Spans as the model sees them: an anchor id per latent frame.

spans (seconds) -> ids [B, n]: what is meant, and alignment [B, T]: which of them, per frame

ids        <null>  <pad>   "+"    "-"      position in the row
              0      1      2      3
alignment  0 0 0 2 2 2 2 0 0 3 3 3 0 0 1 1   frames of the item | padding of the batch
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data import Span
from engine.units import SAM_HOP_LENGTH, SAM_SAMPLE_RATE, anchor_frame

NULL_ID, PRESENT_ID, ABSENT_ID, PAD_ID = range(4)

_ID_OF_SIGN = {"+": PRESENT_ID, "-": ABSENT_ID}
_NULL_PLACE, _PAD_PLACE, _FIRST_SPAN_PLACE = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Anchors of a batch. ids: [B, n] int64.   alignment: [B, T] int64, places in the ids row."""

    ids: Tensor
    alignment: Tensor

    def to(self, device: torch.device | str) -> "Anchors":
        """The same on another device."""
        return Anchors(self.ids.to(device), self.alignment.to(device))

    def repeated(self, n_candidates: int) -> "Anchors":
        """Every row `n_candidates` times, all of prompt 0 first."""
        return Anchors(
            self.ids.repeat_interleave(n_candidates, dim=0),
            self.alignment.repeat_interleave(n_candidates, dim=0),
        )

    def per_frame(self) -> Tensor:
        """The anchor id of every frame, [B, T]."""
        return self.ids.gather(1, self.alignment)


def anchors_from_spans(
    spans: Sequence[Sequence[Span]],
    n_frames: Sequence[int],
    sample_rate: int = SAM_SAMPLE_RATE,
    hop_length: int = SAM_HOP_LENGTH,
) -> Anchors:
    """Anchors of B prompts with `n_frames` latent frames each.

    A span covers the frames from the first at or after its start up to the first at or after its
    end. Later spans win over earlier ones. As in the original, a span that runs past the end of a
    shorter item reaches into its padding, where nothing listens.
    """
    assert len(spans) == len(n_frames) > 0
    longest = max(n_frames)
    n_ids = _FIRST_SPAN_PLACE + max(len(item) for item in spans)

    ids = torch.full((len(spans), n_ids), PAD_ID)
    alignment = torch.full((len(spans), longest), _NULL_PLACE)
    ids[:, _NULL_PLACE] = NULL_ID
    for row, (item, length) in enumerate(zip(spans, n_frames, strict=True)):
        alignment[row, length:] = _PAD_PLACE
        for place, span in enumerate(item, _FIRST_SPAN_PLACE):
            start = anchor_frame(span.start_s, sample_rate, hop_length)
            end = anchor_frame(span.end_s, sample_rate, hop_length)
            ids[row, place] = _ID_OF_SIGN[span.sign]
            alignment[row, start:end] = place

    return Anchors(ids, alignment)
