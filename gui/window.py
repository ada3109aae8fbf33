"""The window: what is where. What happens is the workbench's, what keys do is in `commands`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bridge.protocol.values import Clip

from .audio.onsets import onsets_s
from .commands import Commands
from .dialogs import Dialogs
from .icons import icon
from .listening_view import ListeningView
from .panels.empty import EmptyPage
from .panels.jobs import JobsPanel
from .panels.notice import NoticeBar
from .panels.parts import label, line
from .panels.prompt import PromptPanel
from .panels.video import STRIP_PX, VideoPanel
from .span_edits import SpanEdits
from .theme import Theme, choose, qt_palette, style_sheet
from .views.clock import clock
from .views.overview import Overview
from .views.timeline import TimelineView
from .work.listening import Listening
from .work.workbench import Trouble, Workbench

SIDE_PX = 340
MEDIA = (
    "Sound and video (*.wav *.flac *.aif *.aiff *.mp3 *.ogg *.m4a *.mp4 *.mov *.mkv *.webm)"
    ";;All files (*)"
)


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
        self.empty = EmptyPage()
        self.notice = NoticeBar()
        self.clip_name = label("No clip", "name")
        self.clip_facts = label("", "dim")
        self.server = label("connecting…", "badge")
        self.server.setAccessibleName("State of the engine")
        self.tools: dict[str, QToolButton] = {}
        self.edits = SpanEdits(bench)
        self.dialogs = Dialogs(bench, self)
        self.commands = Commands(self)
        self._lay_out()
        self._connect()
        self.apply_theme()
        self._on_sound()

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
        for view in (self.timeline, self.overview, self.prompt, self.listen, self.video):
            view.set_theme(theme)
        for name, button in self.tools.items():
            button.setIcon(icon(name, theme.text, theme.accent))

    def run(self) -> None:
        """Start, and give the keys back to the picture, so that Space plays."""
        self.bench.run()
        self.timeline.setFocus()

    def ask_for_file(self) -> None:
        """Let the user choose a file."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a clip", "", MEDIA)
        if name:
            self.bench.open_file(Path(name))

    def copy_manifest(self) -> None:
        """Put the path of the result's timeline manifest on the clipboard, for a DAW's script."""
        job = self.bench.shown_job
        clipboard = QApplication.clipboard()
        if job is None or job.result is None or clipboard is None:
            return
        clipboard.setText(job.result.manifest_path)
        self.notice.show_news(
            "Every result is in the outbox for the DAW's script already. "
            f"The path of this one's timeline manifest was copied: {job.result.manifest_path}"
        )

    def ask_for_video(self) -> None:
        """Let the user add the film that a sound belongs to."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a video", "", MEDIA)
        if name and self.bench.document.clip is not None:
            document = self.bench.document
            draft = replace(document.draft, video_path=name, masks=(), mask_path="")
            document.edit("Add video", draft)

    def cancel_current(self) -> None:
        """Stop the job that runs or waits longest."""
        for job in self.bench.book.waiting()[:1]:
            self.bench.cancel(job.job_id)

    def show_selection(self) -> None:
        """Fill the screen with the selection."""
        if self.bench.time.selection is not None:
            self.bench.time.set(self.bench.time.window.shown(*self.bench.time.selection))

    def toggle_loop(self) -> None:
        """Repeat the selection, or go on."""
        self.bench.time.loop(not self.bench.time.is_looping)

    def tools_snap(self) -> None:
        """Snapping on or off."""
        self.tools["snap"].click()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Files and folders are welcome anywhere."""
        assert event is not None
        data = event.mimeData()
        if data is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open the first file, or the first sound in a folder."""
        assert event is not None
        data = event.mimeData()
        paths = [Path(url.toLocalFile()) for url in data.urls()] if data is not None else []
        for path in paths:
            if path.is_dir():
                self.bench.open_folder(path)
            else:
                self.bench.open_file(path)
            return

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Save and end the threads."""
        self.video.close_film()
        self.listening.stop()
        self.bench.stop()
        super().closeEvent(event)

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
        rows.addWidget(self._bar())
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
        rows.addWidget(self.listen.lanes)
        rows.addWidget(line())
        rows.addWidget(self.listen.transport)
        return page

    def _bar(self) -> QFrame:
        bar = QFrame()
        bar.setObjectName("bar")
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(8)
        layout.addWidget(self.tool("open", "Open a file", self.ask_for_file))
        layout.addWidget(self.clip_name)
        layout.addWidget(self.clip_facts)
        layout.addStretch(1)
        snap = self.tool("snap", "Snap to onsets, spans and the loop (S)", self._toggle_snap)
        snap.setCheckable(True)
        snap.setChecked(self.bench.settings.values.is_snapping)
        layout.addWidget(snap)
        layout.addWidget(self.tool("fit", "Show the whole clip (F)", self.show_whole))
        self.server.setFixedHeight(24)
        layout.addWidget(self.server)
        layout.addWidget(self.tool("theme", "Dark or light", self.switch_theme))
        layout.addWidget(self.tool("gear", "Settings (Ctrl+,)", self.dialogs.show_preferences))
        layout.addWidget(self.tool("help", "All keys (F1)", self.commands.show_keys))
        return bar

    def tool(self, name: str, tip: str, on_click: Callable[..., None]) -> QToolButton:
        """A button with a drawing."""
        button = QToolButton()
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(on_click)
        self.tools[name] = button
        return button

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
        self.empty.open_wanted.connect(self.ask_for_file)
        self.empty.models_wanted.connect(self.dialogs.show_models)
        bench.status_changed.connect(self.empty.show_status)
        self.empty.file_wanted.connect(lambda name: bench.open_file(Path(name)))
        self.prompt.run_wanted.connect(self.run)
        self.jobs.cancel_wanted.connect(bench.cancel)
        self.jobs.retry_wanted.connect(bench.retry)
        self.jobs.chosen.connect(bench.show_job)
        self.jobs.reuse_wanted.connect(bench.reuse)
        self.timeline.menu_wanted.connect(self._show_menu)
        self.timeline.playhead_wanted.connect(self.listening.seek)
        bench.sound_changed.connect(self._on_sound)
        bench.document.clip_changed.connect(self._on_clip)
        bench.status_changed.connect(self.prompt.show_status)
        bench.costs.changed.connect(self.prompt.show_cost)
        bench.server_changed.connect(self._on_server)
        bench.troubled.connect(self._on_trouble)
        self.video.troubled.connect(self.notice.show_error)
        bench.document.draft_changed.connect(self._on_draft)
        self.video.strip.seek_wanted.connect(self.listening.seek)
        self.listening.saved.connect(lambda name: self.notice.show_news(f"Saved as {name}."))
        bench.clip_arrived.connect(self._on_arrival)
        bench.result_changed.connect(self._on_result)
        bench.known.connect(self.jobs.set_clip)
        bench.book.engine_restarted.connect(self._on_restart)
        bench.settings.changed.connect(self._on_settings)
        self._on_settings()

    def _on_settings(self) -> None:
        values = self.bench.settings.values
        matched = replace(self.listening.audition, is_matched=values.is_level_matched)
        self.listening.hear(matched)
        self.prompt.set_history(list(values.descriptions))
        self.empty.show_recent(values.recent)
        self.timeline.is_snapping = values.is_snapping
        self.timeline.ruler.tempo_bpm = values.tempo_bpm
        self.timeline.ruler.set_unit(values.ruler)
        if self.listening.player.device != values.output:
            self.listening.player.set_device(values.output)
        if self.tools:
            self.apply_theme()

    def _on_sound(self) -> None:
        sound = self.bench.sound
        self.pages.setCurrentIndex(0 if sound is None else 1)
        self.timeline.onsets = []
        self.timeline.set_sound(sound)
        self.overview.set_sound(sound)
        if sound is not None:
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
        self.clip_name.setText(clip.path.name)
        channels = {1: "mono", 2: "stereo"}.get(clip.n_channels, f"{clip.n_channels} channels")
        self.clip_facts.setText(
            f"{clock(clip.duration_s)}  ·  {clip.sample_rate / 1000:g} kHz  ·  {channels}"
        )
        self.jobs.set_clip(clip.clip.clip_id if clip.clip else "")

    def _on_server(self, is_there: bool, why: str) -> None:
        self.server.setText("engine ready" if is_there else "no engine")
        self.server.setProperty("state", "good" if is_there else "bad")
        self.server.setToolTip(why)
        style = self.server.style()
        assert style is not None
        style.polish(self.server)

    def _on_trouble(self, trouble: Trouble) -> None:
        self.notice.show_error(trouble.text, trouble.advice)

    def _on_arrival(self, clip: Clip) -> None:
        where = clip.origin.host or "another program"
        self.notice.show_news(
            f"“{clip.name}” arrived from {where}.", "Open", lambda: self.bench.open_clip(clip)
        )

    def _on_restart(self, reason: str, job_id: str) -> None:
        self.notice.show_news(
            f"The engine had to be started again ({reason}). "
            + ("Its job is done once more with less memory. " if job_id else "")
            + "Nothing that you drew is lost."
        )

    def _on_result(self) -> None:
        job = self.bench.shown_job
        self.jobs.set_shown(job.job_id if job else "")

    def _show_menu(self, index: int, where: QPointF) -> None:
        document = self.bench.document
        document.select(index)
        span = document.draft.spans[index]
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if span.origin == "predicted":
            menu.addAction("Accept", self.edits.accept_predicted)
        menu.addAction("Change sign", self.edits.flip_selected)
        menu.addAction("Loop this", lambda: self.bench.time.select((span.start_s, span.end_s)))
        menu.addSeparator()
        menu.addAction("Delete", self.edits.delete_selected)
        menu.popup(where.toPoint())

    def _toggle_snap(self, is_on: bool) -> None:
        self.bench.settings.set(is_snapping=is_on)
