"""One run of the separator: what was asked for, and where it finds things."""

from dataclasses import dataclass

from engine.data import AudioClip, Notice, Prompt, SeparationOptions, Span
from engine.model.config import CodecConfig
from engine.model.separation import SAMAudio

from .config import SamAudioConfig
from .recall import Recall
from .scratch import Scratch
from .stretch import Stretch
from .windows import Window, plan_windows
from .workplace import Workplace


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """spans: the prompt's, cut to the mixture.   stretch: the part of it that is worked on.

    clip_key: of the mixture's content.   weights: of its channels in what the model hears.
    scratch: for this job's files.   recall: what earlier jobs left for this one.
    work: the device, and how much is done at once.   notices: about how the model was loaded.
    """

    model: SAMAudio
    config: SamAudioConfig
    mixture: AudioClip
    prompt: Prompt
    options: SeparationOptions
    spans: tuple[Span, ...]
    stretch: Stretch
    clip_key: str
    weights: tuple[float, ...]
    scratch: Scratch
    recall: Recall
    work: Workplace
    notices: tuple[Notice, ...] = ()

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
        """Windows over the stretch's latent frames, of the length that fits now."""
        plan, n_positions = self.work.ladder.plan, self.model.config.transformer.max_positions
        longest = min(plan.window_frames, n_positions)
        overlap = min(plan.overlap_frames, longest // 2)
        return plan_windows(self.stretch.frames.n_frames, longest, overlap)
