"""The window: what is where. What happens is the workbench's, what keys do is in `commands`."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from .audio.onsets import onsets_s
from .commands import Commands
from .dialogs import Dialogs
from .listening_view import ListeningView
from .news import News
from .opening import Opening
from .panels.empty import EmptyPage
from .panels.jobs import JobsPanel
from .panels.notice import NoticeBar
from .panels.parts import line
from .panels.prompt import PromptPanel
from .panels.result_bar import ResultBar
from .panels.video import STRIP_PX, VideoPanel
from .span_edits import SpanEdits
from .theme import Theme, choose, qt_palette, style_sheet
from .top_bar import TopBar
from .views.overview import Overview
from .views.timeline import TimelineView
from .work.listening import Listening
from .work.workbench import Workbench

SIDE_PX = 340


class Window(QMainWindow):
    """Widgets and how they hang together."""

    def __init__(self, bench: Workbench, listening: Listening) -> None:
        super().__init__()
        self.bench = bench
        self.listening = listening
        self.listen = ListeningView(bench, listening)
        self.setWindowTitle("StemLasso")
        self.setAcceptDrops(True)
        self.resize(1360, 860)
        self.timeline = TimelineView(bench.document, bench.time)
        self.overview = Overview(bench.time, bench.document)
        self.video = VideoPanel(bench.document, bench.time)
        self.prompt = PromptPanel(bench.document)
        self.jobs = JobsPanel(bench.book)
        self.result_bar = ResultBar(bench.book, bench.time)
        self.empty = EmptyPage()
        self.notice = NoticeBar()
        self.bar = TopBar()
        self.news = News(self.notice, bench, listening)
        self.opening = Opening(bench, self)
        self.edits = SpanEdits(bench, self)
        self.dialogs = Dialogs(bench, self)
        self.commands = Commands(self)
        self._fill_bar()
        self._lay_out()
        self._connect()
        self.apply_theme()
        self._on_sound()
        self.empty.button.setFocus()

    @property
    def theme(self) -> Theme:
        """The colours now."""
        return choose(self.bench.settings.values.theme)

    def apply_theme(self) -> None:
        """Take the colours of the settings, or the desktop's."""
        theme = self.theme
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.setPalette(qt_palette(theme))
        application.setStyleSheet(style_sheet(theme))
        for view in (
            *(self.bar, self.timeline, self.overview),
            *(self.prompt, self.listen, self.video),
        ):
            view.set_theme(theme)

    def run(self) -> None:
        """Start, and give the keys back to the picture, so that Space plays."""
        self.bench.run()
        self.timeline.setFocus()

    def copy_manifest(self) -> None:
        """Put the path of the result's timeline manifest on the clipboard, for a DAW's script."""
        job = self.bench.shown_job
        clipboard = QApplication.clipboard()
        if job is None or job.result is None or clipboard is None:
            return
        clipboard.setText(job.result.manifest_path)
        self.notice.show_news(
            f"The path of the timeline manifest was copied: {job.result.manifest_path}"
        )

    def cancel_current(self) -> None:
        """Stop the job that runs or waits longest."""
        for job in self.bench.book.waiting()[:1]:
            self.bench.runs.cancel(job.job_id)

    def show_selection(self) -> None:
        """Fill the screen with the selection."""
        if self.bench.time.selection is not None:
            self.bench.time.set(self.bench.time.window.shown(*self.bench.time.selection))

    def toggle_loop(self) -> None:
        """Repeat the selection, or go on."""
        self.bench.time.loop(not self.bench.time.is_looping)

    def tools_snap(self) -> None:
        """Snapping on or off."""
        self.bar.tools["snap"].click()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Files and folders are welcome anywhere."""
        assert event is not None
        data = event.mimeData()
        if data is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open what was dropped."""
        assert event is not None
        self.opening.take(event.mimeData())

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Save and end the threads."""
        self.video.close_film()
        self.listening.stop()
        self.bench.stop()
        super().closeEvent(event)

    def _fill_bar(self) -> None:
        add = self.bar.add
        add("open", "Open a file", self.opening.ask_for_file, is_left=True)
        snap = add("snap", "Snap to onsets, spans and the loop (S)", self._toggle_snap)
        snap.setCheckable(True)
        snap.setChecked(self.bench.settings.values.is_snapping)
        add("fit", "Show the whole clip (F)", self.show_whole)
        self.bar.add_server()
        add("theme", "Dark or light", self.switch_theme)
        add("gear", "Settings (Ctrl+,)", self.dialogs.show_preferences)
        add("help", "All keys (F1)", self.commands.show_keys)

    def _lay_out(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self._clip_page())
        left = QWidget()
        self.left = QVBoxLayout(left)
        self.left.setContentsMargins(0, 0, 0, 0)
        self.left.setSpacing(0)
        self.left.addWidget(self.pages, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(self._side())
        split.setStretchFactor(0, 1)
        split.setCollapsible(0, False)
        split.setHandleWidth(1)
        split.setSizes([1000, SIDE_PX])
        whole = QWidget()
        whole.setObjectName("ground")
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.bar)
        rows.addWidget(line())
        rows.addWidget(self.notice)
        rows.addWidget(split, 1)
        self.setCentralWidget(whole)

    def _clip_page(self) -> QWidget:
        views = QWidget()
        column = QVBoxLayout(views)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.overview)
        column.addWidget(self.video.strip)
        column.addWidget(self.timeline, 1)
        page = QWidget()
        page.setObjectName("ground")
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.video)
        rows.addLayout(self.listen.beside(views), 1)
        rows.addWidget(line())
        rows.addWidget(self.result_bar)
        rows.addWidget(self.listen.lanes)
        rows.addWidget(line())
        rows.addWidget(self.listen.transport)
        return page

    def _side(self) -> QScrollArea:
        content = QWidget()
        content.setObjectName("panel")
        column = QVBoxLayout(content)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(14)
        column.addWidget(self.prompt)
        column.addWidget(line())
        column.addWidget(self.jobs, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(SIDE_PX)
        area.setWidget(content)
        return area

    def show_whole(self) -> None:
        """Show the whole clip."""
        self.bench.time.set(self.bench.time.window.whole())

    def switch_theme(self) -> None:
        """From dark to light and back."""
        self.bench.settings.set(theme="light" if self.theme.name == "dark" else "dark")

    def _connect(self) -> None:
        bench = self.bench
        self.empty.open_wanted.connect(self.opening.ask_for_file)
        self.empty.models_wanted.connect(self.dialogs.show_models)
        bench.status_changed.connect(self.empty.show_status)
        self.empty.file_wanted.connect(lambda name: bench.open_file(Path(name)))
        self.prompt.run_wanted.connect(self.run)
        self.jobs.cancel_wanted.connect(bench.runs.cancel)
        self.jobs.retry_wanted.connect(bench.runs.retry)
        self.jobs.chosen.connect(bench.show_job)
        self.jobs.reuse_wanted.connect(bench.runs.reuse)
        self.timeline.menu_wanted.connect(self.edits.show_menu)
        self.timeline.playhead_wanted.connect(self.listening.seek)
        bench.sound_changed.connect(self._on_sound)
        bench.document.clip_changed.connect(self._on_clip)
        bench.status_changed.connect(self.prompt.show_status)
        bench.costs.changed.connect(self.prompt.show_cost)
        self.result_bar.refine_wanted.connect(bench.refine)
        self.result_bar.redo_wanted.connect(bench.redo_selection)
        self.result_bar.send_wanted.connect(bench.send_to_timeline)
        self.result_bar.cancel_wanted.connect(bench.runs.cancel)
        self.prompt.finding.wanted.connect(bench.finder.toggle)
        bench.finder.changed.connect(self.prompt.finding.show_search)
        bench.server_changed.connect(self.bar.show_server)
        self.video.troubled.connect(self.notice.show_error)
        bench.document.draft_changed.connect(self._on_draft)
        self.video.strip.seek_wanted.connect(self.listening.seek)
        bench.result_changed.connect(self._on_result)
        bench.known.connect(self.jobs.set_clip)
        bench.known.connect(self._set_ruler)
        bench.settings.changed.connect(self._on_settings)
        self._on_settings()

    def _on_settings(self) -> None:
        values = self.bench.settings.values
        matched = replace(self.listening.audition, is_matched=values.is_level_matched)
        self.listening.hear(matched)
        self.prompt.set_history(list(values.descriptions))
        self.empty.show_recent(values.recent)
        self.timeline.is_snapping = values.is_snapping
        self._set_ruler()
        if self.listening.player.device != values.output:
            self.listening.player.set_device(values.output)
        self.apply_theme()

    def _set_ruler(self) -> None:
        """Bars by the tempo that the clip came with, or else by that of the settings."""
        values, clip = self.bench.settings.values, self.bench.document.clip
        own_bpm = clip.tempo_bpm if clip is not None else 0.0
        self.timeline.ruler.tempo_bpm = own_bpm or values.tempo_bpm
        self.timeline.ruler.set_unit(values.ruler)

    def _on_sound(self) -> None:
        sound = self.bench.sound
        self.pages.setCurrentIndex(0 if sound is None else 1)
        self.timeline.onsets = []
        self.timeline.set_sound(sound)
        self.overview.set_sound(sound)
        if sound is not None:
            # Space plays at once, unless the user is typing.
            if not isinstance(self.focusWidget(), QLineEdit):
                self.timeline.setFocus()
            sound.changed.connect(self.overview.update)
            sound.changed.connect(self._find_onsets)

    def _on_draft(self) -> None:
        has_film = bool(self.bench.document.draft.video_path)
        self.listen.leave_above(STRIP_PX + 1 if has_film else 0)

    def _find_onsets(self) -> None:
        sound = self.bench.sound
        if sound is not None and sound.peaks.is_whole and not self.timeline.onsets:
            pairs, rate = sound.peaks.levels[0], sound.info.sample_rate
            self.timeline.onsets = onsets_s(pairs, rate).tolist()

    def _on_clip(self) -> None:
        clip = self.bench.document.clip
        if clip is None:
            return
        self.setWindowTitle(f"{clip.path.name} – StemLasso")
        self.bar.show_clip(clip)
        self._set_ruler()
        self.jobs.set_clip(clip.clip.clip_id if clip.clip else "")

    def _on_result(self) -> None:
        job = self.bench.shown_job
        self.jobs.set_shown(job.job_id if job else "")
        self.result_bar.show_job(job)

    def _toggle_snap(self, is_on: bool) -> None:
        self.bench.settings.set(is_snapping=is_on)
