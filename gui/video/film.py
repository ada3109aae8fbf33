"""A film on the screen: the frame under the playhead and a strip of small ones."""

import threading
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from gui.audio.files import SoundUnreadable
from gui.state.masks import Mask

from .frames import FrameReader, Image, VideoInfo, video_info
from .mask_import import ImportedMask, stretched

LONGER_SIDE = 720
STRIP_SIDE = 96
N_STRIP = 24
JOIN_S = 15.0


class Film(QObject):
    """Owner of a thread that decodes what was wanted last. `close` ends it."""

    opened = pyqtSignal()
    frame_ready = pyqtSignal()
    strip_ready = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, path: Path, mask_path: str) -> None:
        super().__init__()
        self.path = path
        self.mask_path = mask_path
        self.info: VideoInfo | None = None
        self.frame: Image | None = None
        self.frame_s = 0.0
        self.mask: Mask | None = None
        self.strip: list[tuple[float, Image]] = []
        self._wanted_s: float | None = 0.0
        self._wish = threading.Condition()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="film", daemon=True)

    def start(self) -> None:
        """Begin to decode."""
        self._thread.start()

    def want(self, time_s: float) -> None:
        """Decode the frame at a time, and no other that was wanted before."""
        with self._wish:
            self._wanted_s = time_s
            self._wish.notify_all()

    def close(self) -> None:
        """End the thread."""
        self._is_stopped = True
        with self._wish:
            self._wish.notify_all()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            self._serve()
        except (SoundUnreadable, OSError) as error:
            if not self._is_stopped:
                self.failed.emit(str(error))

    def _serve(self) -> None:
        info = video_info(self.path)
        imported = ImportedMask(Path(self.mask_path)) if self.mask_path else None
        big, small = FrameReader(info, LONGER_SIDE), FrameReader(info, STRIP_SIDE)
        try:
            self.info = info
            self.opened.emit()
            strip = list(np.linspace(0, info.times_s[-1], N_STRIP))
            while not self._is_stopped:
                with self._wish:
                    wanted_s, self._wanted_s = self._wanted_s, None
                    if wanted_s is None and not strip:
                        self._wish.wait()
                        continue
                if wanted_s is not None:
                    self._decode(big, imported, wanted_s)
                elif strip:
                    at_s = float(strip.pop(0))
                    self.strip.append((at_s, small.frame(at_s)))
                    self.strip_ready.emit()
        finally:
            big.close()
            small.close()
            if imported is not None:
                imported.close()

    def _decode(self, reader: FrameReader, imported: ImportedMask | None, time_s: float) -> None:
        frame = reader.frame(time_s)
        if imported is not None:
            share = reader.info.index_at(time_s) / max(len(reader.info.times_s) - 1, 1)
            self.mask = stretched(imported.at(share), *frame.shape[:2])
        self.frame, self.frame_s = frame, reader.info.times_s[reader.info.index_at(time_s)]
        self.frame_ready.emit()
