"""Everything that clients can ask of the server beyond its sockets: clips, jobs, models, store.

The desk thread alone uses a `Desk`: no locks, and a slow disk never holds up the sockets.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .clips import Clips, Shelf
from .errors import BridgeError, StoreFailed
from .exchange import Exchange, ExchangeDesk
from .jobs import Jobs
from .lane import Lane, LaneHooks, LaneRules
from .live_jobs import JobDesk
from .lock import FileLock
from .machine import give_back_memory, memory_bytes
from .models_desk import ModelLanes, Models
from .pending import Answer
from .protocol.limits import Limits
from .protocol.messages import (
    ClipPage,
    ClipReply,
    Empty,
    EngineRestarted,
    EstimateAsk,
    EstimateReply,
    JobPage,
    JobQuery,
    JobSubmit,
    ModelList,
    ModelReply,
    Page,
    Status,
    StoreClean,
    StoreCleaned,
)
from .protocol.offers import TimelineOffer
from .protocol.searches import SpanAsk, SpanSearch
from .protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipPutReply,
    UploadProgress,
    UploadReference,
)
from .protocol.values import QUEUED, RUNNING, Clip, EngineState, Job, StoreUsage
from .retention import Retention, clean, usage
from .span_searches import SearchDesk, SpanSearches
from .store import Store
from .store_layout import StoreLayout

log = logging.getLogger(__name__)

_RETENTION_S = 3600.0
_USAGE_S = 10.0
_CLOSE_S = 5.0
_REST_S = 1.0


@dataclass(frozen=True)
class DeskSettings:
    """How the desk works. root: of the store. retention: what goes by itself; by default nothing.

    exchange_s: how often the inbox is looked at.   live_patience_s: see `Offers`.
    """

    root: Path
    limits: Limits = field(default_factory=Limits)
    retention: Retention = field(default_factory=Retention)
    rules: LaneRules = field(default_factory=LaneRules)
    exchange_s: float = 0.5
    live_patience_s: float = 5.0


class Desk:
    """Made on any thread; `open` and everything after it on the desk thread."""

    def __init__(
        self,
        settings: DeskSettings,
        post: Callable[[Callable[[], None]], None],
        on_event: Callable[[str, object], None],
    ) -> None:
        self._settings, self._on_event = settings, on_event
        layout = StoreLayout(settings.root)
        hooks = LaneHooks(post, self._on_restart)
        quiet = LaneHooks(post, _unheard)
        self._lock = FileLock(settings.root / "store.lock")
        self._store = Store(layout)
        self._separate = Lane("separate", layout.scratch, settings.rules, hooks)
        self._probe = Lane("probe", layout.scratch, settings.rules, quiet)
        self._models_lane = Lane("models", layout.scratch, settings.rules, quiet)
        self._clips = Clips(
            Shelf(self._store, self._probe, self._separate, settings.limits, on_event)
        )
        self._models = Models(ModelLanes(self._probe, self._models_lane, on_event))
        self._exchange = Exchange(
            ExchangeDesk(layout, self.put_clip, self.submit, settings.live_patience_s)
        )
        self._jobs = Jobs(
            JobDesk(
                store=self._store,
                probe=self._probe,
                separate=self._separate,
                limits=settings.limits,
                publish=on_event,
                on_final=self._exchange.on_final,
                is_searching=lambda: self._searches.n_live > 0,
                costs=self._models.costs,
                auto=lambda: self._models.auto(self._separate.loaded),
                free_bytes=self._free_bytes,
            )
        )
        self._searches = SpanSearches(
            SearchDesk(
                store=self._store,
                separate=self._separate,
                publish=on_event,
                is_wanted=lambda: self._jobs.wants_to_run,
                on_over=lambda: self._jobs.start_next(),
            )
        )
        self._usage, self._usage_at_s = StoreUsage(), -_USAGE_S
        self._is_rested = True
        self._busy_at_s = self._exchange_at_s = self._retention_at_s = time.monotonic()

    def open(self) -> None:
        """Open the store and take up its jobs. Raises StoreFailed; `store_in_use` by another."""
        root = self._settings.root
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_ours = self._lock.acquire()
        except OSError as error:
            raise StoreFailed(
                f"{root}: the store cannot be made or locked ({error.strerror}); "
                "choose another folder"
            ) from error
        if not is_ours:
            raise StoreFailed(
                f"{root}: another server has this store; `stemlasso status` shows it",
                "store_in_use",
            )
        try:
            self._store.open()
            self._jobs.resume()
            self._exchange.resume(self._jobs)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers and close the store; unfinished jobs go on at the next start."""
        if not self._lock.is_held:
            return
        self._jobs.close()
        self._exchange.close()
        for lane in (self._separate, self._probe, self._models_lane):
            lane.close(_CLOSE_S)
        self._clips.close()
        self._store.close()
        self._lock.release()

    def tick(self) -> None:
        """Look after everything; called several times a second."""
        now_s = time.monotonic()
        for lane in (self._separate, self._probe, self._models_lane):
            lane.tick()
        self._clips.tick()
        self._jobs.tick()
        self._searches.start_next()
        self._rest(now_s)
        if now_s - self._exchange_at_s >= self._settings.exchange_s:
            self._exchange_at_s = now_s
            self._exchange.tick()
        if now_s - self._retention_at_s >= _RETENTION_S:
            self._retention_at_s = now_s
            self._apply_retention()

    def after_crash(self, why: str) -> None:
        """After an error in our own code: no job may be left without anything that drives it."""
        self._jobs.after_crash(why)
        self._searches.after_crash(why)

    def put_clip(
        self,
        request: ClipPut,
        allow_paths: bool,
        answer: Callable[[ClipPutReply | BridgeError], None],
    ) -> None:
        """Add a clip by path, or begin an upload."""
        self._clips.put(request, allow_paths, Answer(answer))

    def add_chunk(self, request: ClipChunk, data: bytes) -> UploadProgress:
        """Take the next piece of an upload."""
        return self._clips.add_chunk(request, data)

    def commit_upload(
        self, request: ClipCommit, answer: Callable[[ClipReply | BridgeError], None]
    ) -> None:
        """Make a clip of an upload."""
        self._clips.commit(request, Answer(answer))

    def abort_upload(self, request: UploadReference) -> Empty:
        """Throw an upload away."""
        self._clips.abort(request)
        return Empty()

    def clips(self, page: Page) -> ClipPage:
        """Clips, newest first."""
        return self._clips.page(page)

    def clip(self, clip_id: str) -> Clip:
        """One clip. Raises NotFound."""
        return self._clips.get(clip_id)

    def remove_clip(self, clip_id: str) -> Clip:
        """Take a clip off the shelf."""
        clip = self._clips.remove(clip_id)
        self._searches.cancel_of(clip_id)
        return clip

    def submit(self, request: JobSubmit, allow_paths: bool) -> Job:
        """Take a job."""
        return self._jobs.submit(request, allow_paths)

    def jobs(self, query: JobQuery) -> JobPage:
        """Jobs, newest first."""
        return self._jobs.page(query)

    def job(self, job_id: str) -> Job:
        """One job. Raises NotFound."""
        return self._jobs.get(job_id)

    def cancel(self, job_id: str) -> Job:
        """Stop a job soon."""
        return self._jobs.cancel(job_id)

    def retry(self, job_id: str, allow_paths: bool = True) -> Job:
        """Do a failed or cancelled job again, as a new one."""
        return self._jobs.retry(job_id, allow_paths)

    def offer(self, job_id: str, answer: Callable[[TimelineOffer | BridgeError], None]) -> None:
        """Offer a job's stems to the DAW of its clip."""
        self._exchange.offer(self._jobs.get(job_id), Answer(answer))

    def predict_spans(self, ask: SpanAsk) -> SpanSearch:
        """Begin to look for a sound in a clip."""
        return self._searches.predict(ask)

    def span_search(self, search_id: str) -> SpanSearch:
        """One search. Raises NotFound."""
        return self._searches.get(search_id)

    def cancel_search(self, search_id: str) -> SpanSearch:
        """Stop a search soon."""
        return self._searches.cancel(search_id)

    def estimate(self, ask: EstimateAsk) -> EstimateReply:
        """What a job would take."""
        return self._jobs.estimate(ask)

    def list_models(self, answer: Callable[[ModelList | BridgeError], None]) -> None:
        """Every known model."""
        self._models.page(Answer(answer))

    def download_model(self, name: str, answer: Callable[[ModelReply | BridgeError], None]) -> None:
        """Start to fetch a model."""
        self._models.download(name, Answer(answer))

    def cancel_download(
        self, name: str, answer: Callable[[ModelReply | BridgeError], None]
    ) -> None:
        """Stop fetching a model."""
        self._models.cancel(name, Answer(answer))

    def remove_model(self, name: str, answer: Callable[[ModelReply | BridgeError], None]) -> None:
        """Delete a model."""
        self._models.remove(name, Answer(answer))

    def status(self, status: Status) -> Status:
        """`status` with what the desk knows; devices are found out at the first question."""
        self._models.refresh()
        now_s = time.monotonic()
        if now_s - self._usage_at_s >= _USAGE_S:
            self._usage, self._usage_at_s = usage(self._store), now_s
        lane = self._separate
        return replace(
            status,
            devices=self._models.devices,
            separators=self._models.separators,
            engine=EngineState(
                state=lane.state,
                pid=lane.pid,
                restarts=lane.restarts,
                loaded=lane.loaded,
                memory_bytes=lane.memory_bytes,
            ),
            n_queued=self._jobs.count(QUEUED),
            n_running=self._jobs.count(RUNNING),
            store=self._usage,
        )

    def clean(self, request: StoreClean) -> StoreCleaned:
        """Remove finished jobs by age and size."""
        self._usage_at_s = -_USAGE_S
        return clean(self._store, request)

    def _free_bytes(self, separator: str) -> int | None:
        """Memory for a separator: of the device that models use, or of the computer."""
        device = next((each for each in self._models.devices if each.kind != "cpu"), None)
        if device is not None and separator != "builtin":
            return device.free_bytes
        free_bytes = memory_bytes()[1]
        return None if free_bytes is None else free_bytes + self._separate.memory_bytes

    def _rest(self, now_s: float) -> None:
        """When the work is done, give the memory of the burst back, once."""
        if self._jobs.n_live:
            self._busy_at_s, self._is_rested = now_s, False
        elif not self._is_rested and now_s - self._busy_at_s >= _REST_S:
            self._is_rested = True
            give_back_memory()

    def _apply_retention(self) -> None:
        rules = self._settings.retention
        if rules.older_than_s is None and rules.keep_bytes is None:
            return
        done = clean(self._store, StoreClean(rules.older_than_s, rules.keep_bytes))
        log.info("retention: %d jobs with %d bytes removed", done.n_jobs, done.n_bytes)

    def _on_restart(self, reason: str, message: str, job_id: str) -> None:
        body = EngineRestarted(reason=reason[:64], message=message[:4000], job_id=job_id)
        self._on_event("engine.restarted", body)


def _unheard(_reason: str, _message: str, _job_id: str) -> None:
    """Restarts of the workers that clients do not know about."""
