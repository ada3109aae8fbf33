"""Jobs of the open clip: submitting, stopping, doing it again."""

from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.client import Client
from bridge.errors import VersionMismatch
from bridge.protocol.values import SEED_MAX, Job, JobOptions, JobRerun, WirePrompt
from bridge.protocol.version import RERUN_SINCE, speaks
from gui.link.background import Background
from gui.link.bridge import BridgeLink
from gui.link.jobs import JobBook
from gui.state.document import Document
from gui.state.draft import Draft
from gui.state.places import Places
from gui.state.spans import SpanMark

from .masking import write_mask
from .trouble import trouble_of


class Runs(QObject):
    """Nothing here waits: what the server says of jobs goes into the book."""

    troubled = pyqtSignal(object)

    def __init__(
        self, link: BridgeLink, document: Document, book: JobBook, files: Background, places: Places
    ) -> None:
        super().__init__(document)
        self._link = link
        self._document = document
        self._book = book
        self._files = files
        self._places = places
        self._waits_for_clip = False

    def run(self) -> None:
        """Submit the draft; at once, or when the server knows the clip."""
        document = self._document
        if document.clip is None or document.draft.is_empty:
            return
        if document.clip.clip is None:
            self._waits_for_clip = True
            return
        if document.draft.has_mask and not document.draft.mask_path:
            draft, folder = document.draft, self._places.cache / "masks"
            self._files.run(
                lambda: write_mask(draft, folder),
                lambda path: self._submit(replace(draft, mask_path=str(path))),
                self._on_error,
            )
        else:
            self._submit(document.draft)

    def on_known(self) -> None:
        """The server knows the clip: submit what waited for it."""
        if self._waits_for_clip:
            self._waits_for_clip = False
            self.run()

    def cancel(self, job_id: str) -> None:
        """Stop a job."""
        self._ask_job(lambda client: client.cancel(job_id))

    def retry(self, job_id: str) -> None:
        """Do a job again."""
        self._ask_job(lambda client: client.retry(job_id))

    def refine(self, job: Job, quality: str) -> None:
        """Do a finished job in a better quality: the same prompt, the same seed."""
        options = replace(job.options, quality=quality)
        self._ask_job(lambda client: client.submit(job.clip_id, job.prompt, options))

    def redo(self, job: Job, selection: tuple[float, float]) -> None:
        """Do a selection of a finished job anew, by the draft; it stays as it is elsewhere.

        With the job's own prompt it is another take: the seed is the next one.
        """
        draft = self._document.draft
        prompt = job.prompt if draft.is_empty or draft.has_mask else draft.prompt()
        options = replace(draft.options, rerun=JobRerun(job.job_id, *selection))
        if prompt == job.prompt and options.seed == job.options.seed:
            options = replace(options, seed=(options.seed + 1) % SEED_MAX)
        self._ask_job(lambda client: _redone(client, job, prompt, options))

    def reuse(self, job_id: str) -> None:
        """Take over a job's prompt and options as one undoable step."""
        job = self._book.job(job_id)
        if job is None:
            return
        spans = tuple(SpanMark(each.start_s, each.end_s, each.sign) for each in job.prompt.spans)
        draft = replace(
            self._document.draft,
            description=job.prompt.description,
            spans=spans,
            options=replace(job.options, rerun=None),
            video_path=job.prompt.video_path,
            mask_path=job.prompt.mask_path,
        )
        self._document.edit("Reuse prompt", draft)

    def _submit(self, draft: Draft) -> None:
        clip = self._document.clip
        if clip is None or clip.clip is None:
            return
        clip_id = clip.clip.clip_id
        self._ask_job(lambda client: client.submit(clip_id, draft.prompt(), draft.options))

    def _ask_job(self, ask: Callable[[Client], Job]) -> None:
        self._link.call(ask, lambda job: self._book.take_in([job]), self._on_error)

    def _on_error(self, error: Exception) -> None:
        self.troubled.emit(trouble_of(error))


def _redone(client: Client, job: Job, prompt: WirePrompt, options: JobOptions) -> Job:
    """Submit a part; an older server would do all of it."""
    if not speaks(client.welcome.protocol, RERUN_SINCE):
        raise VersionMismatch(
            "the engine process is an older one that cannot redo a part; stop it with "
            "`stemlasso stop` and try again"
        )
    return client.submit(job.clip_id, prompt, options)
