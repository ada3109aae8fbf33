"""The blocking client: clips in, jobs on, progress and stems back. Needs neither engine nor torch.

with connect() as client:
    clip = client.put_file("song.wav")
    job = client.submit(clip.clip_id, WirePrompt("snare drum", (WireSpan(1.2, 2.5),)))
    for event in client.watch(job.job_id):
        print(event.name, event.job.progress.fraction)
    print(client.result(job.job_id).result.stems)
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .asking import TIMEOUT_S, Asker
from .connection import read_connection
from .errors import JobFailed, NotFound, RequestTimeout
from .folders import find_folders
from .job_events import JobEvent, news_of, state_of
from .link import Subscriber
from .protocol.messages import (
    EVENT_FAMILIES,
    ClipReference,
    ClipReply,
    Empty,
    EstimateAsk,
    EstimateReply,
    JobQuery,
    JobReference,
    JobReply,
    JobSubmit,
    ModelReference,
    Page,
    Status,
    StoreClean,
    StoreCleaned,
    Subscribe,
    Subscription,
)
from .protocol.offers import TimelineOffer
from .protocol.searches import SpanAsk, SpanSearch, SpanSearchReference, SpanSearchReply
from .protocol.transfers import (
    ClipPut,
    Upload,
)
from .protocol.values import (
    CANCELLED,
    DONE,
    Clip,
    ClipOrigin,
    Job,
    JobOptions,
    ModelState,
    Stem,
    WirePrompt,
)
from .transfer import UPLOAD_CHUNK_BYTES, fetch_stem, file_chunks, send_chunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_QUIET_S = 1.0
"""Silence after which `watch` asks for the job's state, in case an event was lost."""


class Client(Asker):
    """Everything that a server does, as methods. find: gives the connection to it.

    Every method waits for its reply and raises BridgeError: RequestTimeout, ServerUnavailable, or
    what the server answered. Threads may share a client; their requests take turns.
    """

    def status(self) -> Status:
        """What the server has and does."""
        status: Status = self._ask("status", Empty())
        return status

    def put_file(self, path: str | Path, name: str = "", origin: ClipOrigin | None = None) -> Clip:
        """A clip from an audio or video file; sent over when the server is elsewhere."""
        file = Path(path).expanduser().absolute()
        put = ClipPut(str(file), None, name, origin or ClipOrigin())
        if self.welcome.paths:
            reply = self._ask("clip.put", put)
            clip: Clip = reply.clip
            return clip
        try:
            n_bytes = file.stat().st_size
        except OSError as error:
            raise NotFound(
                f"{file}: it cannot be read ({error.strerror})", "file_not_found"
            ) from error
        put = ClipPut("", Upload("file", n_bytes=n_bytes), name or file.name, put.origin)
        return self._upload(put, lambda: file_chunks(file))

    def put_samples(
        self,
        samples: "NDArray[np.float32]",
        sample_rate: int,
        name: str,
        origin: ClipOrigin | None = None,
    ) -> Clip:
        """A clip from samples [N, C] float32, full scale 1.0; kept by the server to the bit."""
        from .protocol.audio import chunks_of

        n_samples, n_channels = samples.shape
        upload = Upload("float32", sample_rate, n_channels, n_samples, samples.nbytes)
        put = ClipPut("", upload, name, origin or ClipOrigin())
        return self._upload(put, lambda: chunks_of(samples, UPLOAD_CHUNK_BYTES))

    def clips(self) -> list[Clip]:
        """All clips, newest first."""
        found: list[Clip] = []
        while True:
            page = self._ask("clip.list", Page(len(found)))
            found += page.clips
            if len(found) >= page.total or not page.clips:
                return found

    def clip(self, clip_id: str) -> Clip:
        """One clip."""
        reply: ClipReply = self._ask("clip.get", ClipReference(clip_id))
        return reply.clip

    def remove_clip(self, clip_id: str) -> Clip:
        """Remove a clip that no waiting job needs. The user's own file stays."""
        reply: ClipReply = self._ask("clip.remove", ClipReference(clip_id))
        return reply.clip

    def submit(self, clip_id: str, prompt: WirePrompt, options: JobOptions | None = None) -> Job:
        """Ask for a separation; returns at once. Never makes two jobs, even when sent again."""
        submit = JobSubmit(clip_id, prompt, options or JobOptions(), secrets.token_hex(16))
        return self._job("job.submit", submit)

    def jobs(self, states: Sequence[str] = (), limit: int | None = None) -> list[Job]:
        """Jobs in one of `states`, or in any; newest first; at most `limit`."""
        found: list[Job] = []
        while limit is None or len(found) < limit:
            wanted = 200 if limit is None else min(limit - len(found), 200)
            page = self._ask("job.list", JobQuery(tuple(states), "", len(found), wanted))
            found += page.jobs
            if len(found) >= page.total or not page.jobs:
                break
        return found

    def job(self, job_id: str) -> Job:
        """One job as it is now."""
        return self._job("job.get", JobReference(job_id))

    def cancel(self, job_id: str) -> Job:
        """Stop a job. One that has ended already stays as it is."""
        return self._job("job.cancel", JobReference(job_id))

    def retry(self, job_id: str) -> Job:
        """Do a failed or cancelled job again, as a new job."""
        return self._job("job.retry", JobReference(job_id))

    def watch(self, job_id: str, timeout_s: float | None = None) -> Iterator[JobEvent]:
        """What happens to a job, from its present state to its final one.

        Goes on over a restart of the server. Raises RequestTimeout when it is not over in time.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        subscriber = self.subscribe(("job",))
        try:
            job = self.job(job_id)
            yield state_of(job)
            while not job.is_final:
                if deadline_s is not None and time.monotonic() >= deadline_s:
                    raise RequestTimeout(f"job {job_id} is not over after {timeout_s:g} s")
                event = subscriber.next(_QUIET_S)
                if event is not None:
                    news = news_of(event, job)
                else:
                    subscriber, news = self._after_silence(subscriber, job)
                if news is not None:
                    job = news.job
                    yield news
        finally:
            subscriber.close()

    def result(self, job_id: str, timeout_s: float | None = None) -> Job:
        """The job once it is done. Raises JobFailed when it failed or was cancelled."""
        for event in self.watch(job_id, timeout_s):
            job = event.job
        if job.state == DONE:
            return job
        if job.state == CANCELLED:
            raise JobFailed(f"job {job_id} was cancelled", "cancelled")
        assert job.error is not None, f"job {job_id} is {job.state} without an error"
        raise JobFailed(job.error.message, job.error.code)

    def fetch_stem(
        self, job_id: str, stem: Stem, folder: str | Path, *, overwrite: bool = False
    ) -> Path:
        """Copy a stem's file over the wire into `folder`. Raises OSError, also FileExistsError."""
        return fetch_stem(self._ask_whole, job_id, stem, Path(folder), overwrite=overwrite)

    def offer(self, job_id: str) -> TimelineOffer:
        """Offer a finished job's stems to the DAW of its clip; waits some seconds for Live."""
        offer: TimelineOffer = self._ask("timeline.offer", JobReference(job_id))
        return offer

    def predict_spans(self, ask: SpanAsk) -> SpanSearch:
        """Begin to look for where a sound is; `clip.spans` events and `span_search` tell more."""
        asked = replace(ask, submission_id=ask.submission_id or secrets.token_hex(16))
        return self._search("spans.predict", asked)

    def span_search(self, search_id: str) -> SpanSearch:
        """One search as it is now."""
        return self._search("spans.get", SpanSearchReference(search_id))

    def cancel_search(self, search_id: str) -> SpanSearch:
        """Stop a search. One that has ended already stays as it is."""
        return self._search("spans.cancel", SpanSearchReference(search_id))

    def estimate(self, ask: EstimateAsk) -> EstimateReply:
        """What a job would take, from what earlier ones took."""
        reply: EstimateReply = self._ask("estimate", ask)
        return reply

    def models(self) -> list[ModelState]:
        """Models, there or not."""
        return list(self._ask("models.list", Empty()).models)

    def download_model(self, name: str) -> ModelState:
        """Start fetching a model; events `models.progress` tell how far it is."""
        model: ModelState = self._ask("models.download", ModelReference(name)).model
        return model

    def cancel_download(self, name: str) -> ModelState:
        """Stop fetching a model; what arrived is kept for the next time."""
        model: ModelState = self._ask("models.cancel", ModelReference(name)).model
        return model

    def remove_model(self, name: str) -> ModelState:
        """Remove a model's weights from the server's disk."""
        model: ModelState = self._ask("models.remove", ModelReference(name)).model
        return model

    def clean(self, clean: StoreClean) -> StoreCleaned:
        """Remove old jobs from the store."""
        reply: StoreCleaned = self._ask("store.clean", clean)
        return reply

    def stop_server(self) -> None:
        """Ask the server to stop. Jobs that wait or run are taken up by the next one."""
        self._ask("server.stop", Empty())

    def subscribe(self, families: Sequence[str] = EVENT_FAMILIES) -> Subscriber:
        """Events of these families from now on. The caller closes it."""
        with self._lock:
            subscription: Subscription = self._ask("events.subscribe", Subscribe(tuple(families)))
            assert self._link is not None
            subscriber = Subscriber(self._context, self._link.connection, subscription.port)
        try:
            subscriber.open(families, TIMEOUT_S)
        except BaseException:
            subscriber.close()
            raise
        return subscriber

    def _job(self, op: str, body: object) -> Job:
        reply: JobReply = self._ask(op, body)
        return reply.job

    def _search(self, op: str, body: object) -> SpanSearch:
        reply: SpanSearchReply = self._ask(op, body)
        return reply.search

    def _upload(self, put: ClipPut, chunks: Callable[[], Iterator[bytes]]) -> Clip:
        with self._lock:
            self.welcome  # noqa: B018 - connects when that was not done yet
            assert self._link is not None
            return send_chunks(self._link, self._ask, put, chunks())

    def _after_silence(
        self, subscriber: Subscriber, job: Job
    ) -> tuple[Subscriber, "JobEvent | None"]:
        """Ask for the job, as events may have been lost or the server may be a new one."""
        before = self._link
        now = self.job(job.job_id)
        if self._link is not before:
            subscriber.close()
            subscriber = self.subscribe(("job",))
            now = self.job(job.job_id)
        if now == job:
            return subscriber, None
        return subscriber, state_of(now)


def connect(
    home: str | Path | None = None,
    *,
    server: str = "",
    start: bool = True,
    name: str = "python",
    timeout_s: float = TIMEOUT_S,
) -> Client:
    """A client of this user's server, which is started when none runs.

    home: the folder with everything, when it is not the usual one (see `folders.py`).
    server: the name of a server elsewhere (`stemlasso keys trust`), instead of the local one.
    Raises ServerUnavailable, AuthenticationError or VersionMismatch.
    """
    from .launcher import find_or_start, find_remote

    folders = find_folders(home)
    if server:
        client = Client(lambda: find_remote(folders, server), name)
    else:
        client = Client(lambda: read_connection(folders.connection), name)
    try:
        if server or not start:
            client.open(timeout_s)
        else:
            find_or_start(client, folders, timeout_s)
    except BaseException:
        client.close()
        raise
    return client
