"""From files, tensors and words to a batch, in the words of the original's processor.

    audios, descriptions, anchors, masked_videos -> SAMAudioProcessor -> Batch

Files are resampled and mixed down to mono, tensors are taken as they are, at the model's rate.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.audio_files import open_clip
from engine.checkpoints.store import resolve
from engine.data import MaskedVideo, Span
from engine.errors import AudioError, PromptError
from engine.rankers.resample import resampled
from engine.units import SAM_HOP_LENGTH, SAM_SAMPLE_RATE

from .batch import Batch
from .config import SAMAudioConfig, from_dict, read_json
from .masked_video import apply_mask

PathLike = str | os.PathLike[str]
AudioInput = PathLike | Tensor | NDArray[Any]
VideoInput = PathLike | Tensor | NDArray[Any] | MaskedVideo
Anchor = Span | Sequence[Any]
"""A span, or the original's `["+", start_s, end_s]`."""


class SAMAudioProcessor:
    """Makes batches for a model of this rate and hop."""

    def __init__(
        self, sample_rate: int = SAM_SAMPLE_RATE, hop_length: int = SAM_HOP_LENGTH
    ) -> None:
        self.audio_sampling_rate = sample_rate
        self.audio_hop_length = hop_length

    @classmethod
    def from_pretrained(
        cls, folder_or_name: PathLike, *, root: Path | None = None
    ) -> "SAMAudioProcessor":
        """The processor of a model in a folder, or of a known name in the store at `root`.

        Raises CheckpointNotFound or CheckpointMismatch.
        """
        path = resolve(os.fspath(folder_or_name), root) / "config.json"
        codec = from_dict(SAMAudioConfig, read_json(path), str(path)).audio_codec
        return cls(codec.sample_rate, codec.hop_length)

    def __call__(
        self,
        descriptions: Sequence[str],
        audios: Sequence[AudioInput],
        anchors: Sequence[Sequence[Anchor] | None] | None = None,
        masked_videos: Sequence[VideoInput | None] | None = None,
    ) -> Batch:
        """A batch of B prompts.

        descriptions: B texts, best lower-case noun phrases; may be empty beside spans or a video.
        audios: B files, or arrays [C, N] or [N] at the model's rate; channels are averaged.
        anchors: per prompt a list of spans, or of `["+", start_s, end_s]`; later ones win.
        masked_videos: per prompt a file, frames [N, 3, H, W], or a `MaskedVideo`, of which the
            model sees what the mask marks; see `mask_videos`.
        Raises PromptError, AudioError, or BackendUnavailable when a file needs PyAV.
        """
        n_prompts = len(descriptions)
        if n_prompts == 0:
            raise PromptError("the batch is empty: give at least one description and its audio")
        _check_length("audios", audios, n_prompts)
        _check_length("anchors", anchors, n_prompts)
        _check_length("masked_videos", masked_videos, n_prompts)

        wavs = [self.load(audio) for audio in audios]
        longest = max(len(wav) for wav in wavs)
        padded = [functional.pad(wav, (0, longest - len(wav))) for wav in wavs]
        return Batch(
            audios=torch.stack(padded)[:, None],
            wav_sizes=tuple(len(wav) for wav in wavs),
            descriptions=tuple(descriptions),
            spans=tuple(_spans(item) for item in anchors or [None] * n_prompts),
            videos=tuple(_video(item) for item in masked_videos or [None] * n_prompts),
            sample_rate=self.audio_sampling_rate,
            hop_length=self.audio_hop_length,
        )

    def load(self, audio: AudioInput) -> Tensor:
        """A mixture as one channel at the model's rate, [N] float32.

        Raises AudioError, or what `open_clip` raises.
        """
        if isinstance(audio, Tensor | np.ndarray):
            return _mono(torch.as_tensor(audio))
        clip = open_clip(audio)
        try:
            samples = torch.from_numpy(clip.source.read(0, clip.n_samples))
        finally:
            clip.source.close()
        return _mono(resampled(samples.T.contiguous(), clip.sample_rate, self.audio_sampling_rate))

    def mask_videos(
        self, videos: Sequence[VideoInput], masks: Sequence[Any]
    ) -> list[Tensor | MaskedVideo]:
        """Videos in which only what the mask marks is left, for `masked_videos`.

        videos: frames [N, 3, H, W], or files.   masks: [N, 1, H, W] or [N, H, W], or files, for
        each video; non-zero marks the object. Frames come back masked; files are only paired with
        their masks and read while they are encoded.

        The original's helper does the opposite: it blacks the marked object out. The paper and
        the published evaluation keep it, and so does this; to hide an object, invert its mask.
        """
        _check_length("masks", masks, len(videos))
        return [_masked(video, mask) for video, mask in zip(videos, masks, strict=True)]


def _mono(wav: Tensor) -> Tensor:
    if wav.ndim not in (1, 2):
        raise AudioError(
            f"audio of shape {tuple(wav.shape)}: give [samples] or [channels, samples]"
        )
    if not wav.is_floating_point():
        raise AudioError(f"audio of type {wav.dtype}: give floating point with full scale 1.0")
    if wav.shape[-1] == 0:
        raise AudioError("the audio has 0 samples; at least one is needed")
    if wav.ndim == 2 and wav.shape[0] > wav.shape[1]:
        raise AudioError(
            f"audio of shape {tuple(wav.shape)}: channels come first, so transpose the array"
        )
    return wav.float() if wav.ndim == 1 else wav.float().mean(dim=0)


def _spans(anchors: Sequence[Anchor] | None) -> tuple[Span, ...]:
    return tuple(_span(anchor) for anchor in anchors or ())


def _span(anchor: Anchor) -> Span:
    if isinstance(anchor, Span):
        return anchor
    if len(anchor) != 3:
        raise PromptError(f"anchor {anchor!r}: write ['+', start_s, end_s] or ['-', ...]")
    sign, start_s, end_s = anchor
    try:
        return Span(float(start_s), float(end_s), sign)
    except (TypeError, ValueError) as error:
        raise PromptError(f"anchor {anchor!r}: both times must be numbers of seconds") from error


def _video(video: VideoInput | None) -> MaskedVideo | None:
    if video is None or isinstance(video, MaskedVideo):
        return video
    return MaskedVideo(_source(video))


def _masked(video: VideoInput, mask: Any) -> Tensor | MaskedVideo:
    if isinstance(video, Tensor):
        marks = np.asarray(mask)
        if marks.ndim == 3:
            marks = marks[:, None]
        return torch.from_numpy(apply_mask(video.cpu().numpy(), marks))
    if isinstance(video, MaskedVideo):
        video = video.video
    return MaskedVideo(_source(video), _source(mask))


def _source(source: Any) -> Any:
    """A path as such, or an array."""
    if isinstance(source, str | os.PathLike):
        return Path(source)
    return source.cpu().numpy() if isinstance(source, Tensor) else source


def _check_length(name: str, values: Sequence[Any] | None, n_prompts: int) -> None:
    if values is not None and len(values) != n_prompts:
        raise PromptError(f"{name} has {len(values)} items for {n_prompts} prompts; give one each")
