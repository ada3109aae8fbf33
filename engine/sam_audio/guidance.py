"""Everything that steers one prompt over the whole file, and cut to windows.

On the device are the windows in hand, and the conditions of the first ten minutes: its memory does
not grow with the file. The sums that `condition` makes are a small part of an evaluation, so the
windows behind make them anew each time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data import Span
from engine.model.anchors import Anchors, anchors_from_spans
from engine.model.config import CodecConfig
from engine.model.evaluator import Evaluator
from engine.model.separation import SAMAudio
from engine.model.text_encoder import EncodedText
from engine.units import anchor_frame

from .frames import Frames
from .windows import Window, WindowVelocity


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """What the prompt says about every frame of the sound that is worked on.

    audio: the mixture's latents [1, T, C].   video: features [1, T, V] or `None`.
    text: of one description, on the device.
    spans: given or predicted, in seconds of the file, whose frame `first_frame` is the first here.
    """

    audio: Frames
    text: EncodedText
    spans: tuple[Span, ...] = ()
    video: Frames | None = None
    first_frame: int = 0


_KEPT_BYTES = 1 << 27
"""Of a device's memory, for conditions of windows: those of ten minutes of sound and more."""

Network = Callable[[SAMAudio, Guidance, Sequence[float]], WindowVelocity]
"""What makes a prompt's velocity for the times of a schedule: `window_velocity`, or a stand-in."""


def window_velocity(
    model: SAMAudio, guidance: Guidance, times: Sequence[float] = ()
) -> WindowVelocity:
    """The network's velocity in windows of the state [W, K, n, 2C], which stays on the host.

    times: at which it will be asked for; what depends on them alone is computed here.
    """
    evaluator = model.evaluator(guidance.text, times)
    kept = _Conditions(0 if model.device.type == "cpu" else _KEPT_BYTES)

    @torch.inference_mode()
    def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        condition = kept.of(windows, lambda: window_condition(evaluator, model, guidance, windows))
        rows = x.flatten(0, 1).to(model.device)
        return evaluator.velocity(rows, t, condition).to(x.device).view(x.shape)

    return velocity


class _Conditions:
    """Those of the windows seen last, or of as many windows as `n_bytes` hold."""

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes
        self._kept: dict[tuple[Window, ...], Tensor] = {}

    def of(self, windows: tuple[Window, ...], make: Callable[[], Tensor]) -> Tensor:
        """The condition of these windows, made if it is not kept."""
        if windows in self._kept:
            return self._kept[windows]
        made = make()
        others = [each for each in self._kept.values() if each.shape[1:] == made.shape[1:]]
        # Windows are gone through in turns, so what is kept stays, rather than what came last.
        if len(others) < len(self._kept) or self._n_bytes == 0:
            self._kept.clear()
        elif sum(each.nbytes for each in others) + made.nbytes > self._n_bytes:
            return made
        self._kept[windows] = made
        return made


@torch.inference_mode()
def window_condition(
    evaluator: Evaluator, model: SAMAudio, guidance: Guidance, windows: Sequence[Window]
) -> Tensor:
    """What the frames of W windows of one length are told, [W, n, D] on the network's device."""
    device = model.device
    audio = _cut(guidance.audio, windows).to(device)
    anchors = window_anchors(guidance, windows, model.config.audio_codec).to(device)
    video = None if guidance.video is None else _cut(guidance.video, windows).mT.to(device)
    return evaluator.condition(audio, anchors, video)


def window_anchors(guidance: Guidance, windows: Sequence[Window], codec: CodecConfig) -> Anchors:
    """The spans as `anchors_from_spans` places them in the whole file, cut to every window."""
    ids = anchors_from_spans((guidance.spans,), (1,)).ids
    n_reserved = ids.shape[1] - len(guidance.spans)
    alignment = torch.zeros(len(windows), windows[0].n_frames, dtype=torch.int64)
    for place, span in enumerate(guidance.spans, n_reserved):
        start, stop = (
            anchor_frame(time_s, codec.sample_rate, codec.hop_length) - guidance.first_frame
            for time_s in (span.start_s, span.end_s)
        )
        for row, window in enumerate(windows):
            alignment[row, max(start - window.start, 0) : max(stop - window.start, 0)] = place
    return Anchors(ids.expand(len(windows), -1), alignment)


def _cut(frames: Frames, windows: Sequence[Window]) -> Tensor:
    """[W, n, C]."""
    return torch.cat([frames.read(window.start, window.stop) for window in windows])
