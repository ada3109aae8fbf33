"""Every operation with its request and its reply, and every event. `PROTOCOL.md` explains them."""

from dataclasses import dataclass
from typing import Any

from .fields import choice, count, flag, identifier, later, number, part, parts, text, words
from .limits import Limits
from .offers import TimelineOffer
from .searches import SpanAsk, SpanSearchReference, SpanSearchReply
from .transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipPutReply,
    ClipRead,
    FileBytes,
    StemRead,
    UploadProgress,
    UploadReference,
)
from .values import (
    JOB_STATES,
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    Clip,
    Device,
    EngineState,
    Job,
    JobOptions,
    JobProgress,
    ModelState,
    Problem,
    SeparatorState,
    StoreUsage,
    WirePrompt,
)

PAGE = 200
"""Most clips or jobs in one reply."""

EVENT_FAMILIES = ("clip", "job", "engine", "models", "server")


@dataclass(frozen=True, slots=True)
class Empty:
    """A request or reply without fields."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who connects: the first request of every client."""

    client: str = text(max_bytes=200, default="")
    version: str = text(max_bytes=64, default="")


@dataclass(frozen=True, slots=True)
class Welcome:
    """paths: whether this client may name files and is told where stems lie."""

    protocol: str = text(max_bytes=16)
    server_version: str = text(max_bytes=64)
    server_id: str = identifier()
    pid: int = count(default=0)
    paths: bool = flag(default=True)
    limits: Limits = part(Limits, default=Limits())


@dataclass(frozen=True, slots=True)
class Ping:
    """Comes back as it went."""

    echo: str = text(max_bytes=256, default="")


@dataclass(frozen=True, slots=True)
class Status:
    """What the server has and does. Memory in bytes; `None` where the system does not tell."""

    server_version: str = text(max_bytes=64, default="")
    uptime_s: float = number(default=0.0)
    server_memory_bytes: int = count(default=0)
    memory_total_bytes: int | None = count(or_none=True, default=None)
    memory_free_bytes: int | None = count(or_none=True, default=None)
    devices: tuple[Device, ...] = parts(Device)
    separators: tuple[SeparatorState, ...] = parts(SeparatorState)
    engine: EngineState = part(EngineState, default=EngineState())
    n_queued: int = count(default=0)
    n_running: int = count(default=0)
    n_clients: int = count(default=0)
    store: StoreUsage = part(StoreUsage, default=StoreUsage())


@dataclass(frozen=True, slots=True)
class ClipReference:
    """One clip."""

    clip_id: str = identifier()


@dataclass(frozen=True, slots=True)
class ClipReply:
    """A clip, as it is now or was before it went."""

    clip: Clip = part(Clip)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list; `offset` counts from its first entry."""

    offset: int = count(default=0)
    limit: int = count(at_least=1, at_most=PAGE, default=PAGE)


@dataclass(frozen=True, slots=True)
class ClipPage:
    """clips: newest first. total: of all pages."""

    clips: tuple[Clip, ...] = parts(Clip, at_most=PAGE)
    total: int = count(default=0)


@dataclass(frozen=True, slots=True)
class JobSubmit:
    """submission_id: made by the client; sent again, it gives the same job and not a second one."""

    clip_id: str = identifier()
    prompt: WirePrompt = part(WirePrompt)
    options: JobOptions = part(JobOptions, default=JobOptions())
    submission_id: str = identifier(default="")


@dataclass(frozen=True, slots=True)
class JobReference:
    """One job."""

    job_id: str = identifier()


@dataclass(frozen=True, slots=True)
class JobReply:
    """A job, as it is now."""

    job: Job = part(Job)


@dataclass(frozen=True, slots=True)
class JobQuery:
    """states: only jobs in one of them; empty means all."""

    states: tuple[str, ...] = words(*JOB_STATES)
    clip_id: str = identifier(default="")
    offset: int = count(default=0)
    limit: int = count(at_least=1, at_most=PAGE, default=50)


@dataclass(frozen=True, slots=True)
class JobPage:
    """jobs: newest first. total: of all pages."""

    jobs: tuple[Job, ...] = parts(Job, at_most=PAGE)
    total: int = count(default=0)


@dataclass(frozen=True, slots=True)
class EstimateAsk:
    """For a clip, or for a length in seconds and a number of channels without one."""

    clip_id: str = identifier(default="")
    duration_s: float = number(at_least=0, default=0.0)
    n_channels: int = count(at_most=MAX_CHANNELS, default=2)
    sample_rate: int = count(at_most=MAX_SAMPLE_RATE, default=48_000)
    options: JobOptions = part(JobOptions, default=JobOptions())


@dataclass(frozen=True, slots=True)
class EstimateReply:
    """What a job would take. n_measured: earlier jobs that this rests on; 0 is a first guess.

    disk_bytes: of the stems. memory_bytes: of the worker process.
    separator: that would be used, which `auto` does not say; empty until that is known.
    memory_free_bytes: where it computes, as far as the system tells.
    """

    seconds: float = number(at_least=0)
    disk_bytes: int = count()
    memory_bytes: int = count(default=0)
    n_measured: int = count(default=0)
    wait_s: float = number(at_least=0, default=0.0)
    separator: str = later(text(max_bytes=64, default=""))
    memory_free_bytes: int | None = later(count(or_none=True, default=None))


@dataclass(frozen=True, slots=True)
class ModelList:
    """Every model that the engine knows, here or not."""

    models: tuple[ModelState, ...] = parts(ModelState)


@dataclass(frozen=True, slots=True)
class ModelReference:
    """One model, by the name in the list."""

    name: str = text(max_bytes=64)


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A model, as it is now."""

    model: ModelState = part(ModelState)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """families: which events; empty means all."""

    families: tuple[str, ...] = words(*EVENT_FAMILIES)


@dataclass(frozen=True, slots=True)
class FamilySequence:
    """The number of the last event published in a family, 0 when there was none."""

    family: str = choice(*EVENT_FAMILIES)
    sequence: int = count()


@dataclass(frozen=True, slots=True)
class Subscription:
    """port: of the event socket, on the host the client reached the server at."""

    port: int = count(at_least=1, at_most=65535)
    sequences: tuple[FamilySequence, ...] = parts(FamilySequence)


@dataclass(frozen=True, slots=True)
class StoreClean:
    """Remove finished jobs older than an age, then the oldest until the store fits a size.

    `None` leaves that rule out. dry_run: only say what would go.
    """

    older_than_s: float | None = number(at_least=0, or_none=True, default=None)
    keep_bytes: int | None = count(or_none=True, default=None)
    dry_run: bool = flag(default=False)


@dataclass(frozen=True, slots=True)
class StoreCleaned:
    """What went, or would go, and what the store holds after it."""

    n_jobs: int = count()
    n_clips: int = count(default=0)
    n_bytes: int = count(default=0)
    usage: StoreUsage = part(StoreUsage, default=StoreUsage())


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """How far a running job is."""

    job_id: str = identifier()
    progress: JobProgress = part(JobProgress)


@dataclass(frozen=True, slots=True)
class EngineRestarted:
    """reason: an error code. job_id: what it was working on, empty when nothing."""

    reason: str = text(max_bytes=64)
    message: str = text(max_bytes=4096, default="")
    job_id: str = identifier(default="")


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """How far the download or the removal of a model is. error: in state `failed`."""

    name: str = text(max_bytes=64)
    state: str = choice("running", "done", "failed", "cancelled", "removed")
    fraction: float = number(at_least=0, at_most=1, default=0.0)
    done_bytes: int = count(default=0)
    total_bytes: int = count(default=0)
    error: Problem | None = part(Problem, or_none=True, default=None)


@dataclass(frozen=True, slots=True)
class Operation:
    """request, reply: the bodies.

    repeatable: doing it twice is as doing it once, so a client may send it again.
    takes_data: the request has a data frame.
    """

    request: type[Any]
    reply: type[Any]
    repeatable: bool = True
    takes_data: bool = False


OPERATIONS = {
    "hello": Operation(Hello, Welcome),
    "ping": Operation(Ping, Ping),
    "status": Operation(Empty, Status),
    "clip.put": Operation(ClipPut, ClipPutReply, repeatable=False),
    "clip.chunk": Operation(ClipChunk, UploadProgress, repeatable=False, takes_data=True),
    "clip.commit": Operation(ClipCommit, ClipReply, repeatable=False),
    "clip.abort": Operation(UploadReference, Empty),
    "clip.list": Operation(Page, ClipPage),
    "clip.get": Operation(ClipReference, ClipReply),
    "clip.read": Operation(ClipRead, FileBytes),
    "clip.remove": Operation(ClipReference, ClipReply, repeatable=False),
    "job.submit": Operation(JobSubmit, JobReply),
    "job.list": Operation(JobQuery, JobPage),
    "job.get": Operation(JobReference, JobReply),
    "job.cancel": Operation(JobReference, JobReply),
    "job.retry": Operation(JobReference, JobReply, repeatable=False),
    "stem.read": Operation(StemRead, FileBytes),
    "timeline.offer": Operation(JobReference, TimelineOffer),
    "spans.predict": Operation(SpanAsk, SpanSearchReply),
    "spans.get": Operation(SpanSearchReference, SpanSearchReply),
    "spans.cancel": Operation(SpanSearchReference, SpanSearchReply),
    "estimate": Operation(EstimateAsk, EstimateReply),
    "models.list": Operation(Empty, ModelList),
    "models.download": Operation(ModelReference, ModelReply),
    "models.cancel": Operation(ModelReference, ModelReply),
    "models.remove": Operation(ModelReference, ModelReply),
    "events.subscribe": Operation(Subscribe, Subscription),
    "store.clean": Operation(StoreClean, StoreCleaned),
    "server.stop": Operation(Empty, Empty),
}

EVENTS = {
    "clip.added": ClipReply,
    "clip.removed": ClipReply,
    "clip.spans": SpanSearchReply,
    "job.queued": JobReply,
    "job.started": JobReply,
    "job.progress": JobProgressed,
    "job.done": JobReply,
    "job.failed": JobReply,
    "job.cancelled": JobReply,
    "engine.restarted": EngineRestarted,
    "models.progress": ModelProgress,
    "server.stopping": Empty,
}
