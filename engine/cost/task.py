"""What is asked of a separator, as the numbers that its cost follows from; torch is not needed."""

import math
from dataclasses import dataclass, replace

from engine.data import AudioClip, Rerun


@dataclass(frozen=True, slots=True)
class Sound:
    """A mixture's sizes. Raises nothing: what makes no sense is refused where it is opened."""

    n_samples: int
    sample_rate: int
    n_channels: int

    @classmethod
    def of(cls, clip: AudioClip) -> "Sound":
        """Those of a clip."""
        return cls(clip.n_samples, clip.sample_rate, clip.n_channels)

    @classmethod
    def lasting(cls, duration_s: float, n_channels: int = 2, sample_rate: int = 48_000) -> "Sound":
        """Those of a mixture that is not there yet."""
        return cls(max(1, round(duration_s * sample_rate)), sample_rate, n_channels)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def channel_s(self) -> float:
        """Seconds times channels."""
        return self.duration_s * self.n_channels

    @property
    def read_bytes(self) -> int:
        """Of all samples as they are read, in float32."""
        return 4 * self.n_samples * self.n_channels


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier runs of the same process left, so that it costs nothing now.

    loaded: the model.   text_encoder: its weights.   heard: the clip's latents.   text: this
    description.   seen: this video.   spotted: the predicted spans of both.
    """

    loaded: bool = False
    text_encoder: bool = False
    heard: bool = False
    text: bool = False
    seen: bool = False
    spotted: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a model.

    n_evaluations: of the network, per window and take.   n_residuals: streams decoded beside the
    targets.   stretch: the part of the sound that is worked on.   is_rerun: whether an earlier
    result is heard as well.   companions: bytes of the models beside the network that this prompt
    needs, by what they do: `spot`, `see`, `rank`.
    """

    sound: Sound
    stretch: Sound
    n_evaluations: int
    n_takes: int = 1
    n_residuals: int = 0
    has_text: bool = True
    is_rerun: bool = False
    spot_bytes: int = 0
    see_bytes: int = 0
    rank_bytes: int = 0
    known: Known = Known()


def stretch_of(sound: Sound, rerun: Rerun | None, context_s: float) -> Sound:
    """The part that a rerun works on, to whole seconds; all of it without one."""
    if rerun is None:
        return sound
    start_s = math.floor(max(rerun.start_s - context_s, 0))
    stop_s = min(math.ceil(rerun.end_s + context_s), sound.duration_s)
    n_samples = round(max(stop_s - start_s, 0.04) * sound.sample_rate)
    return replace(sound, n_samples=min(n_samples, sound.n_samples))


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows over a stretch. n_frames: of each."""

    n_windows: int
    n_frames: int


def windows_over(n_frames: int, longest: int, overlap: int) -> Cut:
    """As many windows of the same length as `plan_windows` makes."""
    if n_frames <= longest:
        return Cut(1, n_frames)
    n_windows = -(-(n_frames - overlap) // (longest - overlap))
    return Cut(n_windows, -(-(n_frames + (n_windows - 1) * overlap) // n_windows))
