"""Everything that steers one prompt over the whole file, on the host, and cut to a window.

Only the window in hand is on the device: its memory does not grow with the file. The sums that
`condition` makes are a small part of an evaluation, so several windows make them anew each time.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data import MaskedVideo, Prompt, Span
from engine.model.anchors import Anchors, anchors_from_spans
from engine.model.conditioning import Conditioning
from engine.model.masked_video import masked_frames
from engine.model.separation import SAMAudio
from engine.model.text_encoder import EncodedText
from engine.model.vision_encoder import pad_features

from .windows import Window, WindowVelocity


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """audio: [1, T, C], video: [1, V, T] or `None`, anchors: of T frames, all on the host.

    text: on the device, the same for every window.
    """

    audio: Tensor
    text: EncodedText
    anchors: Anchors
    video: Tensor | None


@torch.inference_mode()
def guidance_for(
    model: SAMAudio, audio: Tensor, prompt: Prompt, spans: tuple[Span, ...]
) -> Guidance:
    """What the prompt says about every frame of `audio`, the mixture's latents [1, T, C].

    Loads the models that this prompt needs, and no other.
    Raises CheckpointError when one of them is missing, or PromptError for the video.
    """
    codec = model.config.audio_codec
    n_frames = audio.shape[1]
    text = model.companions.text_encoder.on(model.device)((prompt.description,))
    anchors = anchors_from_spans((spans,), (n_frames,), codec.sample_rate, codec.hop_length)
    video = None if prompt.masked_video is None else _seen(model, prompt.masked_video, n_frames)
    return Guidance(audio, text, anchors, video)


def window_velocity(model: SAMAudio, guidance: Guidance, n_takes: int) -> WindowVelocity:
    """The network's velocity in a window of the state [K, n, 2C], which stays on the host."""
    kept: dict[Window, Conditioning] = {}

    def velocity(window: Window, x: Tensor, t: float) -> Tensor:
        if window not in kept:
            kept.clear()
            kept[window] = window_conditioning(model, guidance, window).repeated(n_takes)
        times = torch.full((n_takes,), t, device=model.device)
        out: Tensor = model(x.to(model.device), times, kept[window])
        return out.to(x.device)

    return velocity


def window_conditioning(model: SAMAudio, guidance: Guidance, window: Window) -> Conditioning:
    """What the network is told about the frames of a window, on its device."""
    cut = slice(window.start, window.stop)
    anchors = Anchors(guidance.anchors.ids, guidance.anchors.alignment[:, cut])
    video = None if guidance.video is None else guidance.video[:, :, cut].to(model.device)
    return model.condition(
        guidance.audio[:, cut].to(model.device), guidance.text, anchors.to(model.device), video
    )


def _seen(model: SAMAudio, video: MaskedVideo, n_frames: int) -> Tensor:
    """Features [1, V, T]; the tower is let go of again, for it is a third of the small model."""
    encoder = model.companions.vision_encoder.on(model.device)
    features = encoder.encode_video(masked_frames(video, n_frames))
    model.companions.vision_encoder.release()
    return pad_features([features], n_frames).cpu()
