"""How files come into the window: chosen in a dialog, or dropped."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QMimeData
from PyQt6.QtWidgets import QFileDialog, QWidget

from .work.workbench import Workbench

MEDIA = (
    "Sound and video (*.wav *.flac *.aif *.aiff *.mp3 *.ogg *.m4a *.mp4 *.mov *.mkv *.webm)"
    ";;All files (*)"
)


class Opening:
    """Asks for files and hands them to the workbench."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        self._bench = bench
        self._parent = parent

    def ask_for_file(self) -> None:
        """Let the user choose a file."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open a clip", "", MEDIA)
        if name:
            self._bench.open_file(Path(name))

    def ask_for_video(self) -> None:
        """Let the user add the film that a sound belongs to."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open a video", "", MEDIA)
        document = self._bench.document
        if name and document.clip is not None:
            draft = replace(document.draft, video_path=name, masks=(), mask_path="")
            document.edit("Add video", draft)

    def take(self, dropped: QMimeData | None) -> None:
        """Open the first file that was dropped, or the first sound in a folder."""
        urls = dropped.urls() if dropped is not None else []
        if not urls:
            return
        path = Path(urls[0].toLocalFile())
        if path.is_dir():
            self._bench.open_folder(path)
        else:
            self._bench.open_file(path)
