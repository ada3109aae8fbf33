"""The open clip and everything done with it: one place that knows document, bridge and sessions."""

import logging
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from bridge.protocol.messages import ClipReply, ModelProgress, Status
from bridge.protocol.values import DONE, Clip, Job
from gui.audio.decode import readable
from gui.audio.files import SoundInfo, SoundUnreadable
from gui.audio.sound import ShownSound
from gui.link.background import Background
from gui.link.bridge import BridgeLink
from gui.link.jobs import JobBook
from gui.state.document import Document, OpenClip
from gui.state.places import Places
from gui.state.refinement import is_refined
from gui.state.sessions import Session, Sessions
from gui.state.settings import SettingsStore
from gui.state.time_window import TimeWindow

from .costs import Costs
from .finding import SpanFinder
from .media import first_draft, first_sound
from .placing import Placing
from .results import fetched, predicted_spans
from .runs import Runs
from .trouble import Trouble, trouble_of

log = logging.getLogger(__name__)

SAVE_MS = 250
STATUS_MS = 5_000


class Workbench(QObject):
    """What the window's buttons call. All results come as signals; nothing here waits."""

    troubled = pyqtSignal(object)
    sound_changed = pyqtSignal()
    result_changed = pyqtSignal()
    status_changed = pyqtSignal(object)
    server_changed = pyqtSignal(bool, str)
    clip_arrived = pyqtSignal(object)
    model_moved = pyqtSignal(object)
    opening = pyqtSignal(str)
    known = pyqtSignal(str)
    """The server's id of the clip that is open."""

    def __init__(self, link: BridgeLink, settings: SettingsStore, places: Places) -> None:
        super().__init__()
        self.link = link
        self.settings = settings
        self.places = places
        self.document = Document(self)
        self.time = TimeWindow(self)
        self.book = JobBook(self)
        self.sessions = Sessions(places)
        self.sound: ShownSound | None = None
        self.shown_job: Job | None = None
        self.status: Status | None = None
        self.files = Background("files", (SoundUnreadable, OSError))
        self.runs = Runs(link, self.document, self.book, self.files, places)
        self._own_clips: set[str] = set()
        self._n_opened = 0
        self._put_turn = 0
        self._wanted_job_id = ""
        self._save = self._timer(SAVE_MS, self.save_session)
        self.costs = Costs(link, self.document, self)
        self.finder = SpanFinder(link, self.document)
        self.placing = Placing(link, self)
        self._ask_status = QTimer(self)
        self._ask_status.setInterval(STATUS_MS)
        self._ask_status.timeout.connect(self.refresh_status)
        self._connect()

    def start(self) -> None:
        """Start the threads and look for the server."""
        self.files.start()
        self.link.start()
        self._ask_status.start()

    def stop(self) -> None:
        """Save and end the threads."""
        self.save_session()
        for timer in (self._save, self.costs, self._ask_status):
            timer.stop()
        self.finder.end()
        self.link.stop()
        self.files.stop()
        if self.sound is not None:
            self.sound.close()

    def open_file(self, path: Path, clip: Clip | None = None) -> None:
        """Open a sound or video file. clip: when the server has it already."""
        self.save_session()
        self._n_opened += 1
        turn = self._n_opened
        cache = self.places.cache / "sound"
        self.opening.emit(path.name)
        self.files.run(
            lambda: (readable(path, cache), self.sessions.load(path)),
            lambda found: self._on_readable(turn, path, clip, *found),
            self._on_trouble,
        )

    def open_folder(self, folder: Path) -> None:
        """Open the first sound of a folder."""
        self.files.run(lambda: first_sound(folder), self.open_file, self._on_trouble)

    def open_clip(self, clip: Clip) -> None:
        """Open a clip that the server has, such as one that the plug-in sent."""
        if clip.path:
            self.open_file(Path(clip.path), clip)
        else:
            self.troubled.emit(
                Trouble(f"{clip.name} lies on another computer.", "Open the file itself instead.")
            )

    def open_clip_by_id(self, clip_id: str) -> None:
        """The same, asking the server for it first: all that a plug-in hands over is the id."""
        self.link.call(
            lambda client: client.clip(clip_id), self.open_clip, self._on_trouble, slow=True
        )

    def run(self) -> None:
        """Submit the draft; at once, or when the server knows the clip."""
        document = self.document
        if document.clip is not None and not document.draft.is_empty:
            self.settings.remember_description(document.draft.prompt().description)
            if self.finder.is_busy:
                self.finder.stop()  # the run would wait for it
            self.runs.run()

    def refine(self, quality: str) -> None:
        """Do the job that is shown in a better quality; its lanes stay until that is done."""
        if self.shown_job is not None:
            self.runs.refine(self.shown_job, quality)

    def redo_selection(self) -> None:
        """Do the selection of the job that is shown anew, with what is drawn and typed now."""
        if self.shown_job is not None and self.time.selection is not None:
            self.runs.redo(self.shown_job, self.time.selection)

    def send_to_timeline(self) -> None:
        """Offer the stems that are shown to the DAW of the clip."""
        if self.shown_job is not None:
            self.placing.send(self.shown_job)

    def show_job(self, job_id: str) -> None:
        """Put a finished job's stems on the screen."""
        job = self.book.job(job_id)
        if job is None or job.state != DONE or job.result is None:
            return
        if all(stem.path for stem in job.result.stems):
            self._show_result(job)
            return
        folder = self.places.cache / "stems" / job_id
        self.link.call(
            lambda client: fetched(client, job, folder),
            self._show_result,
            self._on_trouble,
            slow=True,
        )

    def refresh_status(self) -> None:
        """Ask what the server has and does."""
        self.link.call(lambda client: client.status(), self._on_status, lambda _: None)
        if self.book.waiting():
            # Events can be lost: over a restart of the server, or when there are too many.
            self.link.call(lambda client: client.jobs(limit=400), self._on_jobs, lambda _: None)

    def save_session(self) -> None:
        """Keep what was drawn and typed."""
        clip = self.document.clip
        if clip is None:
            return
        session = Session(
            draft=self.document.draft,
            job_id=self.shown_job.job_id if self.shown_job else "",
            selection=self.time.selection,
            is_looping=self.time.is_looping,
            playhead_s=self.time.playhead_s,
        )
        try:
            self.sessions.save(clip.path, session)
        except OSError as error:
            log.warning("the session cannot be kept: %s", error)

    def _timer(self, wait_ms: int, on_end: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(wait_ms)
        timer.timeout.connect(on_end)
        return timer

    def _connect(self) -> None:
        for signal in (self.document.draft_changed, self.time.selection_changed):
            signal.connect(self._save.start)
        self.runs.troubled.connect(self.troubled)
        self.placing.troubled.connect(self.troubled)
        self.link.happened.connect(self.book.on_event)
        self.link.happened.connect(self._on_event)
        self.link.opened.connect(self._on_opened)
        self.link.lost.connect(self._on_lost)
        self.book.ended.connect(self._on_ended)

    def _on_readable(
        self, turn: int, path: Path, clip: Clip | None, info: SoundInfo, session: Session | None
    ) -> None:
        if turn != self._n_opened:
            return
        if self.sound is not None:
            self.sound.close()
        self.sound = ShownSound(info, self.places.cache / "peaks")
        self.sound.failed.connect(lambda text: self.troubled.emit(Trouble(text)))
        self.shown_job = None
        kept = session or Session()
        self._wanted_job_id = kept.job_id
        opened = OpenClip(path, info.sample_rate, info.n_channels, info.n_samples, clip)
        self.time.open(info.duration_s, info.sample_rate)
        self.sound_changed.emit()
        self.result_changed.emit()
        self.document.open(opened, session.draft if session else first_draft(path))
        self.time.select(kept.selection)
        self.time.loop(kept.is_looping)
        self.time.put_playhead(kept.playhead_s)
        self.sound.start()
        self.settings.remember_file(str(path))
        if clip is not None:
            self._on_known(turn, clip)
        else:
            self._put(turn, path)

    def _put(self, turn: int, path: Path) -> None:
        """Tell the server of the clip; only once at a time, for it makes a clip of each."""
        self._put_turn = turn

        def failed(error: Exception) -> None:
            self._put_turn = 0
            self._on_trouble(error)

        self.link.call(
            lambda client: client.put_file(path),
            lambda clip: self._on_known(turn, clip),
            failed,
            slow=True,
        )

    def _on_known(self, turn: int, clip: Clip) -> None:
        self._own_clips.add(clip.clip_id)
        if turn != self._n_opened:
            return
        self.document.know(clip)
        self.known.emit(clip.clip_id)
        self.link.call(lambda client: client.jobs(limit=400), self._on_jobs, self._on_trouble)
        self.costs.refresh()
        self.runs.on_known()

    def _on_jobs(self, jobs: list[Job]) -> None:
        self.book.take_in(jobs)
        if self._wanted_job_id:
            wanted, self._wanted_job_id = self._wanted_job_id, ""
            self.show_job(wanted)

    def _on_event(self, name: str, body: object) -> None:
        if name == "clip.added" and isinstance(body, ClipReply):
            # Our own clips are announced too, maybe before the reply that names them.
            clip = body.clip
            is_open = self.document.clip is not None and str(self.document.clip.path) == clip.path
            if clip.clip_id not in self._own_clips and not is_open:
                self.clip_arrived.emit(clip)
        elif isinstance(body, ModelProgress):
            self.model_moved.emit(body)

    def _on_lost(self, why: str) -> None:
        self.server_changed.emit(False, why)

    def _on_opened(self, _: object) -> None:
        self.server_changed.emit(True, "")
        self.refresh_status()
        clip = self.document.clip
        if clip is not None and clip.clip is None and self._put_turn != self._n_opened:
            self._put(self._n_opened, clip.path)
        else:
            self.link.call(lambda client: client.jobs(limit=400), self._on_jobs, lambda _: None)

    def _on_status(self, status: Status) -> None:
        self.status = status
        self.status_changed.emit(status)

    def _on_ended(self, job: Job) -> None:
        clip = self.document.clip
        if job.state == DONE and clip and clip.clip and clip.clip.clip_id == job.clip_id:
            was_shown = self.shown_job
            self.show_job(job.job_id)
            if not is_refined(job, was_shown):  # its spans lie there, or were refused
                spans = self.document.draft.spans
                self.document.edit_spans("Predicted spans", (*spans, *predicted_spans(job, spans)))
        self.costs.refresh()

    def _show_result(self, job: Job) -> None:
        self.shown_job = job
        self.result_changed.emit()
        self._save.start()

    def _on_trouble(self, error: Exception) -> None:
        self.troubled.emit(trouble_of(error))
