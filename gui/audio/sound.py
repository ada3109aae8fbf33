"""A sound on the screen: peaks, close-up samples and spectrogram tiles, all computed elsewhere."""

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, pyqtSignal

from .files import SoundInfo, SoundReader, SoundUnreadable
from .peaks import BASE, Pairs, Peaks, build, columns_of
from .spectra import TileKey, tile

N_TILES = 160
JOIN_S = 10.0
DETAIL_MARGIN = 0.5
"""How much more than the screen is read for a close-up, as a share of the screen on each side."""


class ShownSound(QObject):
    """What views ask for is given if it is there, and otherwise computed and told with `changed`.

    Owner of its threads; `close` ends them.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, info: SoundInfo, cache_folder: Path | None = None) -> None:
        super().__init__()
        self.info = info
        self.peaks = Peaks(info)
        self._cache_folder = cache_folder
        self._tiles: OrderedDict[TileKey, NDArray[np.uint8]] = OrderedDict()
        self._detail: tuple[int, NDArray[np.float32]] = (0, np.zeros((0, 1), np.float32))
        self._wanted_tiles: list[TileKey] = []
        self._wanted_detail: tuple[int, int] | None = None
        self._wish = threading.Condition()
        self._is_stopped = False
        self._threads = [
            threading.Thread(target=self._fill, name="peaks", daemon=True),
            threading.Thread(target=self._serve, name="tiles", daemon=True),
        ]

    def start(self) -> None:
        """Begin to compute."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads."""
        self._is_stopped = True
        with self._wish:
            self._wish.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(JOIN_S)

    def columns(self, start: float, end: float, n_columns: int) -> Pairs:
        """Pairs [n_columns, 2, C] to draw; from close-up samples where there are such."""
        if (end - start) / max(n_columns, 1) < BASE:
            first, samples = self._detail
            if first <= max(start, 0) and min(end, self.info.n_samples) <= first + len(samples):
                pairs = np.stack([samples, samples], axis=1)
                return columns_of(pairs, start - first, end - first, n_columns, 1)
            self._want_detail(start, end)
        return self.peaks.columns(start, end, n_columns)

    def samples(self, start: float, end: float) -> tuple[int, NDArray[np.float32]] | None:
        """First sample and samples [n, C] around a stretch, `None` until they were read."""
        first, samples = self._detail
        begin, stop = max(int(start), 0), min(int(end) + 2, self.info.n_samples)
        if first <= begin and stop <= first + len(samples):
            return begin, samples[begin - first : stop - first]
        self._want_detail(start, end)
        return None

    def tile(self, key: TileKey) -> NDArray[np.uint8] | None:
        """A tile, `None` until it was computed (after `want_tiles`)."""
        return self._tiles.get(key)

    def want_tiles(self, keys: list[TileKey]) -> None:
        """Compute these tiles, the first one first, and no others that were wanted before."""
        missing = [key for key in keys if key not in self._tiles]
        if missing or self._wanted_tiles:
            with self._wish:
                self._wanted_tiles = missing
                self._wish.notify_all()

    def _want_detail(self, start: float, end: float) -> None:
        margin = (end - start) * DETAIL_MARGIN
        with self._wish:
            first = max(int(start - margin), 0)
            self._wanted_detail = (first, min(int(end + margin) + 2, self.info.n_samples))
            self._wish.notify_all()

    def _fill(self) -> None:
        try:
            build(self.peaks, self._cache_folder, self._tell, lambda: self._is_stopped)
        except (SoundUnreadable, OSError) as error:
            self._fail(error)

    def _serve(self) -> None:
        try:
            with SoundReader(self.info.path) as reader:
                while not self._is_stopped:
                    self._serve_next(reader)
        except (SoundUnreadable, OSError) as error:
            self._fail(error)

    def _serve_next(self, reader: SoundReader) -> None:
        with self._wish:
            while not (self._is_stopped or self._wanted_tiles or self._wanted_detail):
                self._wish.wait()
            detail, self._wanted_detail = self._wanted_detail, None
            key = self._wanted_tiles.pop(0) if self._wanted_tiles else None
        if self._is_stopped:
            return
        if detail is not None:
            first, end = detail
            self._detail = (first, reader.read(first, end - first))
        if key is not None:
            self._tiles[key] = tile(reader, key)
            while len(self._tiles) > N_TILES:
                self._tiles.popitem(last=False)
        self._tell()

    def _tell(self) -> None:
        if not self._is_stopped:
            self.changed.emit()

    def _fail(self, error: Exception) -> None:
        if not self._is_stopped:
            self.failed.emit(str(error))
