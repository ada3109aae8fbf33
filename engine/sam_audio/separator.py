"""SAM-Audio behind the `Separator` protocol.

mixture --hearing--> latents [T, C], host                    chunks with context: exact
prompt ---guidance-> text, anchors, video                    once
noise by frame ----> windows, joined at every evaluation --> target latents [K, T, C]
voicing: mono, 48 kHz, chunks --> session's rate --> placing: the mixture's own channels
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints.catalog import find
from engine.checkpoints.store import Store, default_root
from engine.data import (
    AudioClip,
    Estimate,
    JsonValue,
    Monitor,
    Notice,
    Prompt,
    SeparationOptions,
    Span,
    clip_spans,
)
from engine.errors import PromptError
from engine.model.separation import SAMAudio
from engine.resample import resample_blocks
from engine.samplers import Draw, Step

from .config import SamAudioConfig
from .device import chosen_device, chosen_dtype, computing, dtype_name
from .guidance import guidance_for, window_velocity
from .hearing import hear
from .placing import placed_blocks
from .ranking import RankedTakes, rank_takes
from .voicing import voiced_blocks
from .windows import Window, joined_field, noise_field, plan_windows

_LOADED, _HEARD, _SAMPLED, _RANKED = 0.02, 0.1, 0.8, 0.95  # shares of the whole work, roughly

_UNKNOWN_CONFIDENCE = 0.5
"""Nothing here estimates yet whether the sound is there; neither sure nor a mere guess."""


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """target: [K, T, C] on the host.   n_samples: of the mono mixture at the model's rate."""

    target: Tensor
    n_samples: int
    windows: tuple[Window, ...]
    notices: tuple[Notice, ...]


class SamAudioSeparator:
    """Takes a described, marked or shown sound out of a mixture of any length.

    load: gives the model or raises a CheckpointError; called at the first use.
    weights_sha256: for the receipt, empty when unknown.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], SAMAudio],
        config: SamAudioConfig | None = None,
        weights_sha256: str = "",
    ) -> None:
        self._name = name
        self._load = load
        self._config = config or SamAudioConfig()
        self._weights_sha256 = weights_sha256
        self._model: SAMAudio | None = None

    @classmethod
    def installed(
        cls, name: str, root: Path | None = None, config: SamAudioConfig | None = None
    ) -> "SamAudioSeparator":
        """The separator of a model in the store at `root`, by default the user's.

        Raises CheckpointNotFound, which says how to get it, or CheckpointCorrupt.
        """
        config = config or SamAudioConfig()
        found = Store(root or default_root()).get(find(name)[0])
        names = {file.name for file in found.model.weights} | {"model.safetensors"}
        digests = [file.sha256 for file in found.manifest.files if file.name in names]
        load = partial(_load_installed, found.folder, root, config)
        return cls(found.model.name, load, config, digests[0] if digests else "")

    @property
    def name(self) -> str:
        """Name in `stemlasso separators`."""
        return self._name

    @property
    def is_loaded(self) -> bool:
        """Whether the model takes memory now."""
        return self._model is not None

    def estimate(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Estimate:
        """The target of every candidate, best first, as the mixture's own samples through a mask.

        Everything up to the latents happens here. With one candidate, decoding happens while the
        blocks are consumed; several are decoded and ranked here.
        Raises PromptError, CheckpointError, BackendError or Cancelled.
        """
        if options.n_candidates < 1:
            raise PromptError(f"n_candidates {options.n_candidates}: at least 1 is needed")
        spans = clip_spans(prompt.spans, mixture.duration_s)
        with computing(options.n_threads):
            monitor.report("load", 0.0)
            model = self._loaded()
            sampled = self._sample(model, mixture, prompt, spans, options, monitor)
            ranked = None
            if options.n_candidates > 1:
                waves = np.concatenate(
                    list(self._voiced(model, sampled, monitor.part(_SAMPLED, _RANKED)))
                )
                ranked = rank_takes(
                    model, mixture, waves, prompt, spans, monitor.part(_RANKED, _RANKED)
                )
        return Estimate(
            blocks=self._blocks(model, mixture, sampled, ranked, options, monitor),
            spans=spans,
            n_candidates=options.n_candidates,
            scores=ranked.scores if ranked else (),
            confidence=_UNKNOWN_CONFIDENCE,
            notices=self._notices(model, prompt, spans, sampled, ranked),
            settings=self._settings(model, options, sampled, ranked),
        )

    def _loaded(self) -> SAMAudio:
        if self._model is None:
            self._model = self._load()
        return self._model

    @torch.inference_mode()
    def _sample(
        self,
        model: SAMAudio,
        mixture: AudioClip,
        prompt: Prompt,
        spans: tuple[Span, ...],
        options: SeparationOptions,
        monitor: Monitor,
    ) -> Sampled:
        """The target's latents of every take, from one noise field over all of the file."""
        config = self._config
        heard = hear(model, mixture, config.codec_chunk_s, monitor.part(_LOADED, _HEARD))
        guidance = guidance_for(model, heard.latents, prompt, spans)
        n_takes, n_frames = options.n_candidates, heard.latents.shape[1]
        windows = plan_windows(n_frames, *self._window_frames(model))
        draws = [Draw(options.seed, take) for take in range(n_takes)]
        noise = noise_field(draws, n_frames, model.n_latent_channels)

        sampling_part = monitor.part(_HEARD, _SAMPLED)

        def on_step(step: Step) -> None:
            sampling_part.report("sample", step.n_done / step.n_steps)

        velocity = window_velocity(model, guidance, n_takes)
        field = joined_field(windows, velocity, monitor.check)
        sampling_part.report("sample", 0.0)
        latent = config.sampling.solve(field, noise, on_step)
        target = latent.chunk(2, dim=-1)[0].clone()
        return Sampled(target, heard.n_samples, windows, heard.notices)

    def _window_frames(self, model: SAMAudio) -> tuple[int, int]:
        """Frames of the longest window, and of the overlap."""
        codec = model.config.audio_codec
        frames_per_s = codec.sample_rate / codec.hop_length
        longest = max(2, round(self._config.window_s * frames_per_s))
        overlap = max(1, round(self._config.overlap_s * frames_per_s))
        return longest, min(overlap, longest // 2)

    def _voiced(
        self, model: SAMAudio, sampled: Sampled, monitor: Monitor
    ) -> Iterator[NDArray[np.float32]]:
        chunk_s = self._config.codec_chunk_s
        return voiced_blocks(model, sampled.target, sampled.n_samples, chunk_s, monitor)

    def _blocks(
        self,
        model: SAMAudio,
        mixture: AudioClip,
        sampled: Sampled,
        ranked: RankedTakes | None,
        options: SeparationOptions,
        monitor: Monitor,
    ) -> Iterator[NDArray[np.float32]]:
        """Targets [K, n, C] in the mixture's channels and rate."""
        mono = (
            self._voiced(model, sampled, monitor.part(_SAMPLED, 1.0))
            if ranked is None
            else ranked.blocks(monitor.part(_RANKED, 1.0))
        )
        rate = model.config.audio_codec.sample_rate
        takes = resample_blocks(mono, rate, mixture.sample_rate, mixture.n_samples)
        placed = placed_blocks(mixture, takes, options.n_candidates, monitor)
        return _within(placed, options.n_threads)

    def _notices(
        self,
        model: SAMAudio,
        prompt: Prompt,
        spans: tuple[Span, ...],
        sampled: Sampled,
        ranked: RankedTakes | None,
    ) -> tuple[Notice, ...]:
        notices = sampled.notices
        if not prompt.description and prompt.masked_video is None:
            notices += (
                Notice(
                    "no_description",
                    "The prompt has spans alone; a description beside them helps, most of all "
                    "for sounds that last.",
                ),
            )
        n_without = _windows_without(sampled.windows, spans, model)
        if spans and n_without:
            notices += (
                Notice(
                    "windows_without_spans",
                    f"{n_without} of the {len(sampled.windows)} windows of "
                    f"{self._config.window_s:g} s at most hold none of the spans; there the rest "
                    "of the prompt decides alone.",
                ),
            )
        return notices if ranked is None else notices + ranked.notices()

    def _settings(
        self,
        model: SAMAudio,
        options: SeparationOptions,
        sampled: Sampled,
        ranked: RankedTakes | None,
    ) -> dict[str, JsonValue]:
        """What makes the same again, for the receipt."""
        config = self._config
        return {
            "model": self._name,
            "weights_sha256": self._weights_sha256 or None,
            "device": model.device.type,
            "precision": dtype_name(model.proj.weight.dtype),
            "sampler": config.sampling.sampler,
            "n_steps": config.sampling.n_steps,
            "shift": config.sampling.shift,
            "seed": options.seed,
            "window_s": config.window_s,
            "overlap_s": config.overlap_s,
            "n_windows": len(sampled.windows),
            "codec_chunk_s": config.codec_chunk_s,
            "placing": "project",
            "ranking": None if ranked is None else ranked.as_json(),
            "torch": torch.__version__,
        }


def _load_installed(folder: Path, root: Path | None, config: SamAudioConfig) -> SAMAudio:
    device = chosen_device(config.device)
    return SAMAudio.from_pretrained(
        folder, device=device, dtype=chosen_dtype(config.precision, device), root=root
    )


def _windows_without(windows: tuple[Window, ...], spans: tuple[Span, ...], model: SAMAudio) -> int:
    """Of several windows, how many hold none of the spans."""
    if len(windows) == 1:
        return 0
    codec = model.config.audio_codec
    frame_s = codec.hop_length / codec.sample_rate
    return sum(
        not any(
            span.start_s < window.stop * frame_s and span.end_s > window.start * frame_s
            for span in spans
        )
        for window in windows
    )


def _within(blocks: Iterator[NDArray[Any]], n_threads: int | None) -> Iterator[NDArray[Any]]:
    """The blocks, each computed with `n_threads` threads."""
    while True:
        with computing(n_threads):
            block = next(blocks, None)
        if block is None:
            return
        yield block
