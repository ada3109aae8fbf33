"""The film of a clip: the frame under the playhead to mark the object on, and a strip in sync."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QRectF, QSize, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.state.document import Document
from gui.state.masks import MaskKey, shape_at, with_key
from gui.state.time_window import TimeWindow
from gui.theme import DARK, Theme
from gui.video.film import Film
from gui.views.clock import clock
from gui.views.frame_view import TOOLS, FrameView

from .parts import label, row

HINTS = {
    "box": "Drag a box around the object.",
    "polygon": "Click its corners; double-click closes.",
    "brush": "Paint over the object.",
}
STRIP_PX = 44
PANEL_PX = 264


class FrameStrip(QWidget):
    """Small frames along the time axis, with the key frames marked."""

    seek_wanted = pyqtSignal(float)

    def __init__(self, document: Document, time: TimeWindow) -> None:
        super().__init__()
        self._document, self._time = document, time
        self._film: Film | None = None
        self._theme = DARK
        self.setAccessibleName("Frames of the video along time")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for signal in (time.changed, time.playhead_changed, document.draft_changed):
            signal.connect(self.update)

    def sizeHint(self) -> QSize:
        """A thin strip."""
        return QSize(300, STRIP_PX)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def set_film(self, film: Film | None) -> None:
        """Show another film."""
        self._film = film
        if film is not None:
            film.strip_ready.connect(self.update)
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Put the playhead."""
        assert event is not None
        window = self._time.window
        share = event.position().x() / max(self.width(), 1)
        self.seek_wanted.emit(window.start_s + share * window.length_s)

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the frames that are there at their times."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.canvas))
        for at_s, frame in tuple(self._film.strip) if self._film is not None else ():
            height, width = frame.shape[:2]
            bits = frame.tobytes()
            image = QImage(bits, width, height, 3 * width, QImage.Format.Format_RGB888)
            shown = self.height() * width / height
            painter.drawImage(QRectF(self._x(at_s), 0, shown, self.height()), image)
        painter.setPen(QPen(QColor(self._theme.plus), 3))
        for key in self._document.draft.masks:
            x = round(self._x(key.time_s))
            painter.drawLine(x, 0, x, 10)
        painter.setPen(QPen(QColor(self._theme.playhead), 1))
        x = round(self._x(self._time.playhead_s))
        painter.drawLine(x, 0, x, self.height())

    def _x(self, time_s: float) -> float:
        window = self._time.window
        return (time_s - window.start_s) / window.length_s * self.width()


class VideoPanel(QFrame):
    """Opens the film of the draft, follows the playhead, edits the masks."""

    troubled = pyqtSignal(str)

    def __init__(self, document: Document, time: TimeWindow) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._document, self._time = document, time
        self.film: Film | None = None
        self.view = FrameView()
        self.strip = FrameStrip(document, time)
        self.tools = {name: self._tool(name) for name in TOOLS}
        self.hint = label(HINTS["box"], "dim", wrap=True)
        self.keys = label("", "dim", wrap=True)
        self.masked = QCheckBox("As the model sees it")
        self.masked.setAccessibleName("Show the video as the model sees it")
        self.masked.toggled.connect(self._show_masked)
        self.remove = QPushButton("Remove mark")
        self.remove.clicked.connect(self._remove_key)
        self.load = QPushButton("Import mask…")
        self.load.setToolTip("A video, an .npz or .npy file, or one PNG of a folder of them")
        self.load.clicked.connect(self._ask_for_mask)
        self.tools["box"].setChecked(True)
        self._lay_out()
        document.draft_changed.connect(self._follow_draft)
        document.clip_changed.connect(self._follow_draft)
        time.playhead_changed.connect(self._follow_playhead)
        self.view.drawn.connect(self._on_drawn)
        self.hide()
        self.strip.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.view.set_theme(theme)
        self.strip.set_theme(theme)

    def close_film(self) -> None:
        """End the thread that decodes."""
        if self.film is not None:
            self.film.close()
            self.film = None
            self.strip.set_film(None)

    def import_mask(self, path: Path) -> None:
        """Take masks from files instead of drawing them."""
        draft = replace(self._document.draft, mask_path=str(path), masks=())
        self._document.edit("Import mask", draft)

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.addWidget(label("MARK THE OBJECT", "heading"))
        side.addLayout(row(*self.tools.values(), 1))
        side.addWidget(self.hint)
        side.addWidget(self.keys)
        side.addStretch(1)
        side.addWidget(self.masked)
        side.addLayout(row(self.remove, self.load))
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 12, 8)
        line.setSpacing(14)
        line.addLayout(side)
        line.addWidget(self.view, 1)
        self.setFixedHeight(PANEL_PX)

    def _tool(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setText(name.capitalize())
        button.setCheckable(True)
        button.setAutoExclusive(True)
        button.setAccessibleName(f"Draw a {name}")
        button.setToolTip(HINTS[name])
        button.clicked.connect(lambda: self._choose(name))
        return button

    def _choose(self, name: str) -> None:
        self.view.tool = name
        self.hint.setText(HINTS[name])

    def _follow_draft(self) -> None:
        draft = self._document.draft
        is_other = self.film is None or (str(self.film.path), self.film.mask_path) != (
            draft.video_path,
            draft.mask_path,
        )
        if is_other:
            self.close_film()
            self.view.show_frame(None, 0.0)
            if draft.video_path:
                self._open(Path(draft.video_path), draft.mask_path)
        self.setVisible(bool(draft.video_path))
        self.strip.setVisible(bool(draft.video_path))
        self._show_shape()

    def _open(self, path: Path, mask_path: str) -> None:
        self.film = Film(path, mask_path)
        self.film.frame_ready.connect(self._on_frame)
        self.film.failed.connect(self.troubled)
        self.strip.set_film(self.film)
        self.film.start()
        self.film.want(self._time.playhead_s)

    def _follow_playhead(self) -> None:
        if self.film is not None:
            self.film.want(self._time.playhead_s)

    def _on_frame(self) -> None:
        if self.film is not None and self.film.frame is not None:
            self.view.show_frame(self.film.frame, self.film.frame_s, self.film.mask)
            self._show_shape()

    def _tolerance_s(self) -> float:
        info = self.film.info if self.film is not None else None
        return info.frame_s / 2 if info is not None else 0.02

    def _show_shape(self) -> None:
        masks = self._document.draft.masks
        at_s = self.film.frame_s if self.film is not None else 0.0
        is_key = any(abs(key.time_s - at_s) <= self._tolerance_s() for key in masks)
        self.view.show_shape(shape_at(masks, at_s), is_key)
        self.remove.setEnabled(is_key)
        mask_path = self._document.draft.mask_path
        if mask_path:
            self.keys.setText(f"Imported: {Path(mask_path).name}")
        elif masks:
            marks = f"{len(masks)} mark{'s' if len(masks) > 1 else ''}"
            state = "marked here" if is_key else "moved between marks"
            self.keys.setText(f"{marks}; {clock(at_s, 2)} is {state}")
        else:
            self.keys.setText("Nothing is marked: the video is not used.")

    def _on_drawn(self, key: MaskKey) -> None:
        draft = self._document.draft
        masks = with_key(draft.masks, key, self._tolerance_s())
        self._document.edit("Draw mask", replace(draft, masks=masks, mask_path=""))

    def _remove_key(self) -> None:
        at_s = self.film.frame_s if self.film is not None else 0.0
        draft = self._document.draft
        kept = tuple(k for k in draft.masks if abs(k.time_s - at_s) > self._tolerance_s())
        self._document.edit("Remove mark", replace(draft, masks=kept))

    def _show_masked(self, is_on: bool) -> None:
        self.view.is_masked = is_on
        self.view.update()

    def _ask_for_mask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import a mask", "", "Masks (*)")
        if name:
            path = Path(name)
            self.import_mask(path.parent if path.suffix.lower() == ".png" else path)
