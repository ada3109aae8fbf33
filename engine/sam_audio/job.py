"""One run of the separator: what was asked for, and where it finds things."""

from dataclasses import dataclass

from engine.data import AudioClip, Prompt, SeparationOptions, Span
from engine.model.config import CodecConfig
from engine.model.separation import SAMAudio

from .config import SamAudioConfig
from .recall import Recall
from .scratch import Scratch
from .stretch import Stretch
from .windows import Window, plan_windows


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """spans: the prompt's, cut to the mixture.   stretch: the part of it that is worked on.

    scratch: for this job's files.   recall: what earlier jobs left for this one.
    """

    model: SAMAudio
    config: SamAudioConfig
    mixture: AudioClip
    prompt: Prompt
    options: SeparationOptions
    spans: tuple[Span, ...]
    stretch: Stretch
    scratch: Scratch
    recall: Recall

    @property
    def codec(self) -> CodecConfig:
        """Rate and hop length of the latents."""
        return self.model.config.audio_codec

    @property
    def n_takes(self) -> int:
        """K."""
        return self.options.n_candidates

    @property
    def windows(self) -> tuple[Window, ...]:
        """Windows over the stretch's latent frames."""
        frames_per_s = self.codec.sample_rate / self.codec.hop_length
        n_positions = self.model.config.transformer.max_positions
        longest = max(2, min(round(self.config.window_s * frames_per_s), n_positions))
        overlap = max(1, round(self.config.overlap_s * frames_per_s))
        return plan_windows(self.stretch.frames.n_frames, longest, min(overlap, longest // 2))
