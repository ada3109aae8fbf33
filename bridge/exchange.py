"""Requests and answers as files, for hosts that cannot speak ZeroMQ. `plugin_shim/daw/manifest.md`.

inbox/NAME.json         a request, put there by rename; taken away once its job is in the store
outbox/NAME.answer.json what became of it, replaced as that changes
outbox/JOB.timeline.json  the manifest of every finished job, whoever asked for it
"""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from .atomic import write_json
from .errors import BridgeError, NotFound, ProtocolError, StoreFailed
from .jobs import Jobs
from .offers import Offers, check_offered
from .pending import Answer
from .protocol.fields import FieldError, from_wire
from .protocol.messages import (
    JobSubmit,
)
from .protocol.offers import TimelineOffer
from .protocol.transfers import (
    ClipPut,
    ClipPutReply,
)
from .protocol.values import DONE, ClipOrigin, Job, JobOptions, WirePrompt
from .store_layout import StoreLayout

log = logging.getLogger(__name__)

REQUEST_VERSION = 1
MOST_BYTES = 256 * 1024
_MOST_FILES = 2000
"""In the outbox; the oldest go. A script takes away what it has placed."""

_LOOK_EVERY = 100
_MOST_AT_ONCE = 32
_SUBMISSION = "inbox-"


@dataclass(frozen=True)
class ExchangeDesk:
    """What the exchange works with: putting a clip and submitting a job, as clients do.

    live_patience_s: how long Live has to take what it is asked for.
    """

    layout: StoreLayout
    put_clip: Callable[[ClipPut, bool, Callable[[ClipPutReply | BridgeError], None]], None]
    submit: Callable[[JobSubmit, bool], Job]
    live_patience_s: float


class Exchange:
    """Watches the inbox and keeps the outbox. Called by the desk thread's clock."""

    def __init__(self, desk: ExchangeDesk) -> None:
        self._desk = desk
        self._inbox, self._outbox = desk.layout.inbox, desk.layout.outbox
        self._under_way: set[Path] = set()
        self._names: dict[str, str] = {}
        self._n_put = 0
        self._offers = Offers(self._outbox, desk.live_patience_s)

    def resume(self, jobs: Jobs) -> None:
        """After a start: answers that say `queued` are followed up."""
        for path in self._outbox.glob("*.answer.json"):
            try:
                answer = json.loads(path.read_text("utf-8"))
                if answer["state"] == "queued":
                    job = jobs.get(answer["job_id"])
                    self._names[job.job_id] = answer["request"]
                    if job.is_final:
                        self.on_final(job)
            except (OSError, ValueError, KeyError, TypeError, BridgeError) as error:
                log.warning("outbox: an answer cannot be followed up: %s", error)

    def tick(self) -> None:
        """Take what lies in the inbox."""
        self._offers.tick()
        try:
            waiting = sorted(self._inbox.glob("*.json"))
        except OSError as error:
            log.warning("the inbox cannot be read: %s", error)
            return
        for path in waiting[:_MOST_AT_ONCE]:
            if path not in self._under_way and not path.name.startswith("."):
                self._take(path)

    def on_final(self, job: Job) -> None:
        """Put a finished job's manifest, and the answer to its request, into the outbox."""
        name = self._names.pop(job.job_id, "")
        try:
            if job.state == DONE and job.result is not None:
                self._publish_manifest(job)
            if name:
                self._answer(name, _final_answer(name, job, self._outbox))
            self._bound()
        except OSError as error:
            log.error("job %s: the outbox cannot be written: %s", job.job_id, error)

    def offer(self, job: Job, answer: Answer[TimelineOffer]) -> None:
        """Offer a finished job's stems to the DAW of its clip, once more if need be.

        Raises RequestRefused, NotFound, LimitReached, StoreFailed.
        """
        check_offered(job)
        try:
            path = self._publish_manifest(job)
        except FileNotFoundError as error:
            raise NotFound(
                f"job {job.job_id}: its manifest is gone; separate the clip again",
                "file_not_found",
            ) from error
        except (OSError, ValueError) as error:
            raise StoreFailed(f"{self._outbox}: it cannot be written ({error})") from error
        self._offers.offer(job, path, answer)

    def close(self) -> None:
        """Leave nothing for a host that would be stale."""
        self._offers.close()

    def _take(self, path: Path) -> None:
        self._under_way.add(path)
        try:
            content = _read(path)
            put, request = _parsed(content, _submission_id(path, content))
            only_put = "prompt" not in content
        except (ProtocolError, OSError) as error:
            self._refuse(path, getattr(error, "code", "bad_message"), str(error))
            return

        def on_clip(reply: ClipPutReply | BridgeError) -> None:
            if isinstance(reply, BridgeError):
                self._refuse(path, reply.code, str(reply))
            elif reply.clip is not None and only_put:
                done = {"state": DONE, "job_id": "", "clip_id": reply.clip.clip_id}
                self._finish(path, {**_head(path.name), **done})
            elif reply.clip is not None:
                self._submit(
                    path,
                    JobSubmit(
                        clip_id=reply.clip.clip_id,
                        prompt=request.prompt,
                        options=request.options,
                        submission_id=request.submission_id,
                    ),
                )

        try:
            if put is None:
                self._submit(path, request)
            else:
                self._desk.put_clip(put, True, on_clip)
        except BridgeError as error:
            self._refuse(path, error.code, str(error))

    def _submit(self, path: Path, request: JobSubmit) -> None:
        try:
            job = self._desk.submit(request, True)
        except BridgeError as error:
            self._refuse(path, error.code, str(error))
            return
        self._names[job.job_id] = path.name
        answer = {"state": "queued", "job_id": job.job_id}
        self._finish(path, {**_head(path.name), **answer})
        if job.is_final:
            self.on_final(job)

    def _refuse(self, path: Path, code: str, message: str) -> None:
        log.warning("inbox: a request is refused: %s", code)
        error = {"code": code, "message": message}
        self._finish(path, {**_head(path.name), "state": "failed", "job_id": "", "error": error})

    def _finish(self, path: Path, answer: dict[str, Any]) -> None:
        """Answer first, then take the request away: after a crash it is answered the same again."""
        try:
            self._answer(path.name, answer)
            path.unlink(missing_ok=True)
        except OSError as error:
            log.error("a request cannot be answered in the outbox: %s", error)
        self._under_way.discard(path)

    def _answer(self, name: str, answer: dict[str, Any]) -> None:
        write_json(self._outbox / f"{Path(name).stem}.answer.json", answer)

    def _publish_manifest(self, job: Job) -> Path:
        """The manifest that is on the disk already, under a second name."""
        assert job.result is not None
        source = Path(job.result.manifest_path)
        target = self._outbox / f"{job.job_id}.timeline.json"
        try:
            target.unlink(missing_ok=True)
            os.link(source, target)
        except OSError:
            # No hard links here (FAT, some network drives).
            write_json(target, json.loads(source.read_text("utf-8")))
        return target

    def _bound(self) -> None:
        """Look at the outbox now and then, and throw the oldest files away."""
        self._n_put += 1
        if self._n_put % _LOOK_EVERY:
            return
        files = sorted(self._outbox.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[: max(len(files) - _MOST_FILES, 0)]:
            path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file():
        raise ProtocolError(f"{path.name}: it is not a file")
    with path.open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ProtocolError(f"{path.name}: it has more than {MOST_BYTES} bytes")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{path.name}: it is not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("request") != REQUEST_VERSION:
        raise ProtocolError(f'{path.name}: give an object with "request": {REQUEST_VERSION}')
    return content


def _parsed(content: dict[str, Any], submission_id: str) -> tuple[ClipPut | None, JobSubmit]:
    """The clip to be put, if it is not named by its id, and the job."""
    try:
        clip = content.get("clip", {})
        if not isinstance(clip, dict):
            raise FieldError("clip: an object was expected")
        clip_id = str(clip.get("clip_id", ""))
        put = None if clip_id else _put(clip)
        said = content.get("prompt", {} if put is not None else None)
        prompt = from_wire(WirePrompt, said, "prompt")
        options = from_wire(JobOptions, content.get("options", {}), "options")
    except FieldError as error:
        raise ProtocolError(str(error), "bad_body") from error
    return put, JobSubmit(
        clip_id=clip_id, prompt=prompt, options=options, submission_id=submission_id
    )


def _put(clip: dict[str, Any]) -> ClipPut:
    put = from_wire(ClipPut, {**clip, "upload": None}, "clip")
    origin = from_wire(ClipOrigin, clip.get("origin", {}), "clip.origin")
    return ClipPut(path=put.path, name=put.name, origin=origin)


def _submission_id(path: Path, content: dict[str, Any]) -> str:
    """The same request file gives the same job, also when a crash came before it was taken away."""
    own = json.dumps([path.name, path.stat().st_mtime_ns, content], sort_keys=True)
    return _SUBMISSION + sha256(own.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _head(name: str) -> dict[str, Any]:
    return {"answer": REQUEST_VERSION, "request": name, "at_s": time.time()}


def _final_answer(name: str, job: Job, outbox: Path) -> dict[str, Any]:
    answer: dict[str, Any] = {**_head(name), "state": job.state, "job_id": job.job_id}
    if job.state == DONE:
        answer["manifest"] = str(outbox / f"{job.job_id}.timeline.json")
    if job.error is not None:
        answer["error"] = {"code": job.error.code, "message": job.error.message}
    return answer
