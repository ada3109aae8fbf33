"""Frozen values that flow through the engine, from the caller's prompt to a separator's estimate.

    AudioClip + Prompt -> Separator -> Estimate -> render -> Separation (in separation.py)

Letters in shapes: N samples, C channels, K candidates. Samples are rows: `[N, C]`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import Cancelled, PromptError

Sign = Literal["+", "-"]
Quality = Literal["draft", "standard", "best"]
StereoMode = Literal["project", "generated", "mono"]
ResidualMode = Literal["exact", "generated"]
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_NUMBER = r"([0-9.]+(?:[eE][+\-]?[0-9]+)?)"
_SPAN = re.compile(rf"^\s*([+\-−]?)\s*{_NUMBER}\s*:\s*{_NUMBER}\s*$")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time where the sound is (`+`) or is not (`-`).

    start_s, end_s: seconds from the start of the mixture, 0 <= start_s < end_s.
    Raises PromptError for reversed, empty, negative or non-finite times and for another sign.
    """

    start_s: float
    end_s: float
    sign: Sign = "+"

    def __post_init__(self) -> None:
        if self.sign not in ("+", "-"):
            raise PromptError(
                f"span sign {self.sign!r}: allowed are '+' (present) and '-' (absent)"
            )
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s)):
            raise PromptError(f"span {self}: both times must be finite numbers of seconds")
        if self.start_s < 0:
            raise PromptError(f"span {self}: it starts before 0 s, the start of the mixture")
        if self.end_s <= self.start_s:
            raise PromptError(
                f"span {self}: the end must come after the start; "
                f"for this stretch write {self.sign}{self.end_s:g}:{self.start_s:g}"
                if self.end_s < self.start_s
                else f"span {self}: it is empty; give it an end after its start"
            )

    def __str__(self) -> str:
        return f"{self.sign}{self.start_s:g}:{self.end_s:g}"

    @classmethod
    def present(cls, start_s: float, end_s: float) -> "Span":
        """The sound is here."""
        return cls(start_s, end_s, "+")

    @classmethod
    def absent(cls, start_s: float, end_s: float) -> "Span":
        """The sound is not here."""
        return cls(start_s, end_s, "-")

    @classmethod
    def parse(cls, text: str) -> "Span":
        """A span from `+1.2:2.5` or `-4:6` (seconds; no sign means `+`)."""
        match = _SPAN.match(text)
        if match is None:
            raise PromptError(
                f"span {text!r}: write SIGN START:END in seconds, for instance +1.2:2.5 or -4:6"
            )
        sign, start, end = match.groups()
        try:
            return cls(float(start), float(end), "+" if sign in ("", "+") else "-")
        except ValueError as error:
            raise PromptError(f"span {text!r}: {start!r} or {end!r} is not a number") from error


@dataclass(frozen=True, slots=True, eq=False)
class MaskedVideo:
    """A video and the mask that marks the sounding object in it.

    video: a file, or frames [N, 3, H, W] uint8.
    mask: a video file, a folder of PNGs, a .npy/.npz file, or [N, H, W]; non-zero marks the object.
    `None` means that the video is masked already.
    """

    video: Path | NDArray[np.uint8]
    mask: Path | NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to take out of the mixture: a description, spans, a masked video, or several of them.

    description: a lower-case noun or verb phrase such as "dog barking"; may be empty with spans.
    spans: kept as a tuple in the given order; later ones win where they overlap.
    Raises PromptError when nothing at all is given.
    """

    description: str = ""
    spans: Sequence[Span] = ()
    masked_video: MaskedVideo | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "description", " ".join(self.description.split()))
        object.__setattr__(self, "spans", tuple(self.spans))
        for span in self.spans:
            if not isinstance(span, Span):
                raise PromptError(f"spans must be Span values, got {span!r}; try Span.parse(...)")
        if not self.description and not self.spans and self.masked_video is None:
            raise PromptError("the prompt is empty: give a description, a span or a masked video")


def clip_spans(spans: Sequence[Span], duration_s: float) -> tuple[Span, ...]:
    """The spans cut to a mixture of `duration_s` seconds.

    A span may reach past the end (it is cut there); one that starts at or after the end is an
    error, because it says something about a sound that is not in this file.
    Raises PromptError.
    """
    cut = []
    for span in spans:
        if span.start_s >= duration_s:
            raise PromptError(
                f"span {span} starts outside the mixture, which is {duration_s:.3f} s long; "
                "move or remove it"
            )
        cut.append(Span(span.start_s, min(span.end_s, duration_s), span.sign))
    return tuple(cut)


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How samples are stored.

    container: libsndfile's name (`WAV`, `RF64`, `W64`, `AIFF`, `FLAC`, ...), or `ARRAY`.
    subtype: `PCM_16`, `PCM_24`, `PCM_32`, `FLOAT`, `DOUBLE`, or a lossy one such as `VORBIS`.
    """

    container: str
    subtype: str


@dataclass(frozen=True, slots=True)
class BroadcastInfo:
    """The `bext` chunk of a Broadcast Wave file (EBU Tech 3285).

    time_reference_samples: position of the first sample, counted from midnight, at the file's rate.
    """

    time_reference_samples: int = 0
    description: str = ""
    originator: str = ""
    originator_reference: str = ""
    origination_date: str = ""
    origination_time: str = ""
    umid: bytes = b""
    coding_history: str = ""


class AudioSource(Protocol):
    """Samples that can be read from anywhere, any number of times; one reader at a time."""

    @property
    def sample_rate(self) -> int:
        """In Hz."""

    @property
    def n_channels(self) -> int:
        """C of what is read."""

    @property
    def n_samples(self) -> int:
        """Of one channel."""

    @property
    def native_dtype(self) -> np.dtype[Any]:
        """Type that holds every stored sample exactly: int16, int32, float32 or float64.

        24-bit samples are held in int32, right-aligned (-2**23 .. 2**23 - 1).
        """

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples [stop - start, C] as float32, full scale 1.0; never clamped."""

    def read_native(self, start: int, stop: int) -> NDArray[Any]:
        """Samples [stop - start, C] exactly as stored, in `native_dtype`."""

    def close(self) -> None:
        """Release the file, if there is one. A closed source is not read again."""


@dataclass(frozen=True, eq=False)
class AudioClip:
    """Audio with its name and the format it came in; samples are read when asked for."""

    source: AudioSource
    name: str
    format: AudioFormat
    path: Path | None = None
    broadcast: BroadcastInfo | None = None

    @property
    def sample_rate(self) -> int:
        """Samples per second and channel, in Hz."""
        return self.source.sample_rate

    @property
    def n_channels(self) -> int:
        """Number of channels, 1 to 32."""
        return self.source.n_channels

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return self.source.n_samples

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def samples(self) -> NDArray[Any]:
        """All samples [N, C] exactly as stored: int16, int32, float32 or float64."""
        return self.source.read_native(0, self.n_samples)


@dataclass(frozen=True, slots=True, eq=False)
class Rerun:
    """A selection to separate anew; everywhere else an earlier target stays, to the last bit.

    start_s, end_s: seconds from the start of the mixture, 0 <= start_s < end_s.
    base_target: the earlier target, of the mixture's rate, channels and length.
    Raises PromptError for times that are no selection.
    """

    start_s: float
    end_s: float
    base_target: AudioClip

    def __post_init__(self) -> None:
        Span(self.start_s, self.end_s)

    @classmethod
    def parse(cls, text: str, base_target: AudioClip) -> "Rerun":
        """A selection from `12.5:16`, in seconds."""
        span = Span.parse(text)
        if span.sign != "+":
            raise PromptError(f"selection {text!r}: write START:END in seconds, without a sign")
        return cls(span.start_s, span.end_s, base_target)


@dataclass(frozen=True, slots=True)
class SeparationOptions:
    """What a caller may choose for any separator.

    seed: of everything random; the same seed gives the same stems.
    n_candidates: how many takes to make and keep; a separator may make fewer and says so.
    n_threads: how many cores to use; `None` means all of them.
    quality: what a model may spend: `draft` to hear quickly, `standard`, `best`.
    stereo: how a mono model's target is placed in the mixture's channels: `project` takes it out of
        the mixture's own samples, `generated` is the model's own sound placed where the target
        lies, `mono` is the model's own sound alike in every channel.
    residual: `exact` is mixture - target, so that both add up; `generated` is the model's own.
    presence_gate: how sure a separator has to be that the sound is there before it is let through,
        from 0 (everything is let through) to 1 (only what it is sure of).
    rerun: do only a selection, and keep an earlier target elsewhere; `None` does everything.
    Raises PromptError for a value that is none of these.
    """

    seed: int = 0
    n_candidates: int = 1
    n_threads: int | None = None
    quality: Quality = "standard"
    stereo: StereoMode = "project"
    residual: ResidualMode = "exact"
    presence_gate: float = 0.5
    rerun: Rerun | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("quality", get_args(Quality)),
            ("stereo", get_args(StereoMode)),
            ("residual", get_args(ResidualMode)),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise PromptError(f"{name} {value!r}: allowed are {', '.join(allowed)}")
        if not 0 <= self.presence_gate <= 1:
            raise PromptError(
                f"presence_gate {self.presence_gate!r}: allowed is 0 (off) to 1 (strict)"
            )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is. stage: one word or two; fraction: 0 to 1 of the whole job."""

    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Monitor:
    """Where a separator reports progress and learns that it should stop."""

    on_progress: Callable[[Progress], None] | None = None
    is_cancelled: Callable[[], bool] | None = None

    def report(self, stage: str, fraction: float) -> None:
        """Report progress. Raises Cancelled when the caller asked to stop."""
        self.check()
        if self.on_progress is not None:
            self.on_progress(Progress(stage, min(max(fraction, 0.0), 1.0)))

    def part(self, start: float, end: float) -> "Monitor":
        """A monitor for one part of the work, whose 0 to 1 is `start` to `end` of the whole."""
        outer = self.on_progress
        if outer is None:
            return self

        def on_progress(progress: Progress) -> None:
            outer(Progress(progress.stage, start + (end - start) * progress.fraction))

        return Monitor(on_progress, self.is_cancelled)

    def check(self) -> None:
        """Raises Cancelled when the caller asked to stop."""
        if self.is_cancelled is not None and self.is_cancelled():
            raise Cancelled("cancelled by the caller; nothing was kept")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know about a result. code: stable; message: one sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Presence:
    """How sure it is that the described sound is there, over time: a lane of values from 0 to 1.

    period_s: from one value to the next; the first one is about `start_s` and what follows it.
    """

    period_s: float
    values: tuple[float, ...]
    start_s: float = 0.0

    def as_json(self) -> dict[str, JsonValue]:
        """For receipts, and for whoever draws it."""
        return {
            "period_s": self.period_s,
            "start_s": self.start_s,
            "values": list(self.values),
        }


@dataclass(frozen=True)
class Estimate:
    """What a separator makes: the target in the mixture's own rate and channels, block by block.

    blocks: consecutive blocks [K, n, C] that cover the mixture exactly, best candidate first,
        float32 or float64, full scale 1.0. Consumed once; computing happens while iterating.
    with_residual: whether blocks are [K + 1, n, C], with the separator's own residual of the best
        candidate at the end; otherwise the residual is mixture - target.
    spans: spans that were used, given or predicted.
    scores: one per candidate, larger is better; empty when there is nothing to rank.
    confidence: 0 (a guess) to 1, the separator's own estimate of how well this prompt works.
    presence: confidence over time, `None` from a separator that does not estimate it.
    settings: everything that is needed to make the same again; goes into the receipt.
    """

    blocks: Iterator[NDArray[Any]]
    spans: tuple[Span, ...] = ()
    n_candidates: int = 1
    with_residual: bool = False
    scores: tuple[float, ...] = ()
    confidence: float = 1.0
    presence: Presence | None = None
    notices: tuple[Notice, ...] = ()
    settings: Mapping[str, JsonValue] = field(default_factory=dict)


class Separator(Protocol):
    """Anything that takes a prompted sound out of a mixture."""

    @property
    def name(self) -> str:
        """Name in `stemlasso separators`."""

    def estimate(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Estimate:
        """Estimate the target. Raises PromptError, BackendError or Cancelled."""
