"""What the wire speaks about: clips, prompts, options, jobs, stems, models. Times in seconds."""

from dataclasses import dataclass

from .fields import (
    choice,
    count,
    counts,
    flag,
    identifier,
    later,
    later_part,
    number,
    part,
    parts,
    text,
    words,
)

PATH_BYTES = 16 * 1024
"""Longest path; systems allow 4 KiB (Linux) to 32,767 UTF-16 units (Windows)."""

MAX_SPANS = 256
MAX_CHANNELS = 32
MAX_SAMPLE_RATE = 768_000
MAX_CANDIDATES = 8
SEED_MAX = 2**32 - 1
MAX_PRESENCE = 1024
"""Longest lane on the wire, as many entries as a list may have."""

SEPARATORS = (
    "auto",
    "builtin",
    *(f"sam-audio-{size}{tv}" for size in ("small", "base", "large") for tv in ("", "-tv")),
)
QUALITIES = ("draft", "standard", "best")
STEREO_MODES = ("project", "generated", "mono")
RESIDUAL_MODES = ("exact", "generated")
PRIORITIES = ("interactive", "batch")
FORMATS = (
    "",
    *(
        f"{box}{kind}"
        for box in ("wav", "rf64", "w64", "aiff", "flac")
        for kind in ("", ":16", ":24", ":32", ":float", ":double")
    ),
)

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
JOB_STATES = (QUEUED, RUNNING, DONE, FAILED, CANCELLED)
FINAL_STATES = (DONE, FAILED, CANCELLED)


@dataclass(frozen=True, slots=True)
class ClipOrigin:
    """Where a clip comes from on a timeline. `None`: the position is not known.

    position_samples: counted at the clip's own sample rate.
    tempo_bpm: of the timeline there, where the clip runs in step with it.
    """

    host: str = text(default="")
    project: str = text(max_bytes=PATH_BYTES, default="")
    track: str = text(default="")
    position_s: float | None = number(or_none=True, default=None)
    position_samples: int | None = count(at_least=-(2**53), or_none=True, default=None)
    tempo_bpm: float | None = later(number(at_least=0, at_most=1000, or_none=True, default=None))


@dataclass(frozen=True, slots=True)
class Clip:
    """A mixture that the server knows; every client sees it.

    path: the file, empty for a client that gets no paths.
    kind: `file` for one that stays where the user has it, `stored` for one that was uploaded.
    """

    clip_id: str = identifier()
    name: str = text()
    path: str = text(max_bytes=PATH_BYTES, default="")
    kind: str = choice("file", "stored", default="file")
    sample_rate: int = count(default=0)
    n_channels: int = count(default=0)
    n_samples: int = count(default=0)
    n_bytes: int = count(default=0)
    created_s: float = number(default=0.0)
    origin: ClipOrigin = part(ClipOrigin, default=ClipOrigin())

    @property
    def duration_s(self) -> float:
        """Length in seconds, 0 when the rate is not known."""
        return self.n_samples / self.sample_rate if self.sample_rate else 0.0


@dataclass(frozen=True, slots=True)
class WireSpan:
    """A stretch of time where the sound is (`+`) or is not (`-`), from the clip's start."""

    start_s: float = number(at_least=0)
    end_s: float = number(at_least=0)
    sign: str = choice("+", "-", default="+")


@dataclass(frozen=True, slots=True)
class WirePrompt:
    """What to take out of the clip.

    video_path, mask_path: a video and the mask that marks the object, as files on the server.
    """

    description: str = text(max_bytes=2000, default="")
    spans: tuple[WireSpan, ...] = parts(WireSpan, at_most=MAX_SPANS)
    video_path: str = text(max_bytes=PATH_BYTES, default="")
    mask_path: str = text(max_bytes=PATH_BYTES, default="")


@dataclass(frozen=True, slots=True)
class JobRerun:
    """A selection to do anew, from the clip's start; the earlier target stays everywhere else.

    base_job_id: a job of the same clip that is over and has its stems.
    """

    base_job_id: str = identifier()
    start_s: float = number(at_least=0)
    end_s: float = number(at_least=0)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How to take it out, and where the stems go.

    n_threads: cores to use; 0 means all.
    format: of the stems, such as `wav:24`; empty means the clip's own.
    output_folder: an absolute folder for copies of the stems; empty means the store only.
    rerun: do only a selection, and keep an earlier job's target elsewhere; `None` does everything.
    """

    separator: str = choice(*SEPARATORS, default="auto")
    quality: str = choice(*QUALITIES, default="standard")
    n_candidates: int = count(at_least=1, at_most=MAX_CANDIDATES, default=1)
    seed: int = count(at_most=SEED_MAX, default=0)
    stereo: str = choice(*STEREO_MODES, default="project")
    residual: str = choice(*RESIDUAL_MODES, default="exact")
    presence_gate: float = number(at_least=0, at_most=1, default=0.5)
    n_threads: int = count(at_most=1024, default=0)
    format: str = choice(*FORMATS, default="")
    output_folder: str = text(max_bytes=PATH_BYTES, default="")
    allow_overwrite: bool = flag(default=False)
    priority: str = choice(*PRIORITIES, default="interactive")
    rerun: JobRerun | None = later_part(JobRerun)


@dataclass(frozen=True, slots=True)
class Stem:
    """A rendered file of a finished job. path: empty for a client that gets no paths.

    index: counts the takes, best first, for role `candidate`.
    """

    role: str = choice("target", "residual", "candidate")
    name: str = text()
    path: str = text(max_bytes=PATH_BYTES, default="")
    index: int = count(default=0)
    n_bytes: int = count(default=0)
    sha256: str = text(max_bytes=64, default="")
    sample_rate: int = count(default=0)
    n_channels: int = count(default=0)
    n_samples: int = count(default=0)
    score: float | None = number(or_none=True, default=None)


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is. seconds_left: `None` until there is something to judge it by."""

    stage: str = text(default="")
    fraction: float = number(at_least=0, at_most=1, default=0.0)
    seconds_left: float | None = number(or_none=True, default=None)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error or notice: a stable code and a sentence that says what to do."""

    code: str = text(max_bytes=64)
    message: str = text(max_bytes=4096)


@dataclass(frozen=True, slots=True)
class PresenceLane:
    """How sure it is that the sound is there, over time: each value holds for one period.

    start_s: where the first period begins, in seconds from the start of the clip.
    percent: 0, absent, to 100, sure.
    """

    period_s: float = number(at_least=0)
    start_s: float = number(at_least=0, default=0.0)
    percent: tuple[int, ...] = counts(at_most=100, most_entries=MAX_PRESENCE, default=())

    @property
    def end_s(self) -> float:
        """Where the last period ends."""
        return self.start_s + self.period_s * len(self.percent)

    def at(self, time_s: float) -> int | None:
        """Percent at a time; `None` where the lane says nothing."""
        if not self.start_s <= time_s < self.end_s:
            return None
        return self.percent[
            min(int((time_s - self.start_s) / self.period_s), len(self.percent) - 1)
        ]


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a finished job made. Paths are empty for a client that gets no paths.

    null_db: level of mixture - target - residual; `None` when they add up exactly.
    presence: confidence over time, `None` from a separator that does not estimate it.
    from_store: whether the same work had been done before and was answered from the store.
    """

    stems: tuple[Stem, ...] = parts(Stem, at_most=2 + MAX_CANDIDATES)
    manifest_path: str = text(max_bytes=PATH_BYTES, default="")
    receipt_path: str = text(max_bytes=PATH_BYTES, default="")
    folder: str = text(max_bytes=PATH_BYTES, default="")
    separator: str = text(max_bytes=64, default="")
    spans: tuple[WireSpan, ...] = parts(WireSpan, at_most=MAX_SPANS)
    confidence: float = number(at_least=0, at_most=1, default=1.0)
    null_db: float | None = number(or_none=True, default=None)
    notices: tuple[Problem, ...] = parts(Problem, at_most=16)
    took_s: float = number(default=0.0)
    from_store: bool = flag(default=False)
    presence: PresenceLane | None = later_part(PresenceLane)


@dataclass(frozen=True, slots=True)
class Job:
    """A separation that was asked for, in exactly one state of `JOB_STATES`.

    attempt: 1 for the first run; 2 when it is run again after the engine was lost.
    retry_of: the finished job that this one repeats, empty when it repeats none.
    created_s, started_s, finished_s: seconds since 1970; `None` before that happened.
    error: set in state `failed`; result: set in state `done`.
    """

    job_id: str = identifier()
    clip_id: str = identifier()
    prompt: WirePrompt = part(WirePrompt)
    options: JobOptions = part(JobOptions, default=JobOptions())
    state: str = choice(*JOB_STATES, default=QUEUED)
    clip_name: str = text(default="")
    origin: ClipOrigin = part(ClipOrigin, default=ClipOrigin())
    progress: JobProgress = part(JobProgress, default=JobProgress())
    attempt: int = count(default=0)
    retry_of: str = identifier(default="")
    created_s: float = number(default=0.0)
    started_s: float | None = number(or_none=True, default=None)
    finished_s: float | None = number(or_none=True, default=None)
    error: Problem | None = part(Problem, or_none=True, default=None)
    result: JobResult | None = part(JobResult, or_none=True, default=None)

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes. free_bytes: `None` when the system does not tell."""

    name: str = text()
    kind: str = choice("cpu", "cuda", "mps", "other", default="cpu")
    total_bytes: int | None = count(or_none=True, default=None)
    free_bytes: int | None = count(or_none=True, default=None)


@dataclass(frozen=True, slots=True)
class SeparatorState:
    """A separator and whether it can be used. missing: what it lacks, empty when ready."""

    name: str = text(max_bytes=64)
    summary: str = text(default="")
    available: bool = flag(default=True)
    missing: str = text(max_bytes=4096, default="")


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model: not there, on its way, or there."""

    name: str = text(max_bytes=64)
    summary: str = text(default="")
    installed: bool = flag(default=False)
    n_bytes: int = count(default=0)
    licence: str = text(default="")
    needs: tuple[str, ...] = words()


@dataclass(frozen=True, slots=True)
class EngineState:
    """The worker process. loaded: the separator that is in memory, empty when none is."""

    state: str = choice("stopped", "starting", "idle", "busy", default="stopped")
    pid: int = count(default=0)
    restarts: int = count(default=0)
    loaded: str = text(max_bytes=64, default="")
    memory_bytes: int = count(default=0)


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """What the store holds on disk."""

    n_clips: int = count(default=0)
    n_jobs: int = count(default=0)
    n_bytes: int = count(default=0)
    folder: str = text(max_bytes=PATH_BYTES, default="")
