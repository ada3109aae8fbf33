"""What ImageBind hears and sees: short clips, evenly spaced over a candidate and its video.

wav [N] at 16 kHz  --3 clips of 2 s-->  mel pictures [3, 1, 128, 204]
frames [T, 3, H, W] --5 clips of 2 s, first and last frame of each, 3 crops-->
                                        [15, 3, 2, 224, 224]

duration 5 s      |-- clip 0 --|              starts at 0 s, 1.5 s and 3 s: the first clip
                        |-- clip 1 --|        begins with the audio, the last one ends with it
                              |-- clip 2 --|
"""

import math
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn import functional

from .kaldi import fbank

SAMPLE_RATE = 16_000
CLIP_S = 2

N_AUDIO_CLIPS = 3
N_MELS = 128
N_MEL_FRAMES = 204
MEL_MEAN, MEL_SCALE = -4.268, 9.138

N_VIDEO_CLIPS = 5
IMAGE_SIZE = 224
PIXEL_MEAN = (0.48145466, 0.4578275, 0.40821073)
PIXEL_SCALE = (0.26862954, 0.26130258, 0.27577711)


def clip_starts(duration_s: float, n_clips: int) -> list[Fraction]:
    """Seconds at which clips of two seconds begin; all 0 when there is no more than one."""
    last_start = Fraction(max(duration_s - CLIP_S, 0.0))
    return [last_start * index / (n_clips - 1) for index in range(n_clips)]


def audio_clips(wav: Tensor) -> Tensor:
    """Mel pictures [3, 1, 128, 204] of wav [N], float32 at 16 kHz; wav is left as it is."""
    wav = wav.clone()
    pictures = []
    for start in clip_starts(wav.shape[0] / SAMPLE_RATE, N_AUDIO_CLIPS):
        clip = wav[int(start * SAMPLE_RATE) : int((start + CLIP_S) * SAMPLE_RATE)]
        # In place, as the original does: where clips overlap, the next one sees it.
        if clip.numel():
            clip -= clip.mean()
        mel = fbank(clip, SAMPLE_RATE, N_MELS).T[:, :N_MEL_FRAMES]
        pictures.append(functional.pad(mel, (0, N_MEL_FRAMES - mel.shape[1])))
    return (torch.stack(pictures)[:, None] - MEL_MEAN) / MEL_SCALE


def video_clips(frames: Tensor, duration_s: float) -> Tensor:
    """Clips [15, 3, 2, 224, 224] of frames [T, 3, H, W] uint8 that last `duration_s` together.

    Clip by clip, each with its left, middle and right crop (top, middle and bottom if upright).
    """
    crops = []
    for start in clip_starts(duration_s, N_VIDEO_CLIPS):
        pair = frames[frame_pair(float(start), duration_s, frames.shape[0])]
        crops += _crops(_normalised(_short_side_scaled(pair.float())))
    return torch.stack(crops).transpose(1, 2)


def frame_pair(start_s: float, duration_s: float, n_frames: int) -> list[int]:
    """Indices of the first and the last frame of the clip that begins at `start_s`."""
    frames_per_s = n_frames / duration_s
    first = min(math.ceil(frames_per_s * start_s), n_frames - 1)
    after = min(math.ceil(frames_per_s * (start_s + CLIP_S)), n_frames)
    return [first, max(after - 1, first)]


def _short_side_scaled(frames: Tensor) -> Tensor:
    """frames [n, 3, H, W] with the shorter side at 224 pixels, bilinear, not antialiased."""
    height, width = frames.shape[-2:]
    if width < height:
        size = (math.floor(height / width * IMAGE_SIZE), IMAGE_SIZE)
    else:
        size = (IMAGE_SIZE, math.floor(width / height * IMAGE_SIZE))
    return functional.interpolate(frames / 255, size=size, mode="bilinear", align_corners=False)


def _normalised(frames: Tensor) -> Tensor:
    mean, scale = (frames.new_tensor(v)[:, None, None] for v in (PIXEL_MEAN, PIXEL_SCALE))
    return (frames - mean) / scale


def _crops(frames: Tensor) -> list[Tensor]:
    """Three squares [n, 3, 224, 224] along the longer side: its start, its middle, its end."""
    height, width = frames.shape[-2:]
    spare = max(height, width) - IMAGE_SIZE
    axis = -2 if height > width else -1
    return [frames.narrow(axis, at, IMAGE_SIZE) for at in (0, math.ceil(spare / 2), spare)]
