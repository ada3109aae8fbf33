"""Waveform and spectrogram of the mixture: drawing only."""

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen

from gui.audio.sound import ShownSound
from gui.audio.spectra import TILE_COLUMNS, TileKey, hop_for, keys_between, row_of
from gui.state.time_window import TimeWindow
from gui.theme import DARK, Theme, colour_table

from .wave_paint import height_gain, paint_wave

FREQUENCIES_HZ = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
COARSER = (2, 4, 8, 16, 32, 64)
"""How much longer hops are looked for when a tile is not there yet."""


class Track(pyqtgraph.GraphicsWidget):
    """A strip along time. Subclasses paint in its own pixels."""

    def __init__(self, time: TimeWindow) -> None:
        super().__init__()
        self.time = time
        self.theme = DARK
        self.sound: ShownSound | None = None
        self.setFlag(self.GraphicsItemFlag.ItemClipsToShape)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.theme = theme
        self.update()

    def set_sound(self, sound: ShownSound | None) -> None:
        """Show another sound."""
        self.sound = sound
        self.update()

    def box(self) -> QRectF:
        """Its area in its own pixels."""
        return QRectF(0, 0, self.size().width(), self.size().height())

    def x_of(self, time_s: float) -> float:
        """Where a time is."""
        window = self.time.window
        return float((time_s - window.start_s) / window.length_s * self.size().width())

    def stretch(self) -> tuple[float, float]:
        """The samples on the screen."""
        window = self.time.window
        return window.start_s * window.sample_rate, window.end_s * window.sample_rate


class WaveTrack(Track):
    """The mixture's waveform, as high as the strip allows."""

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw it."""
        box = self.box()
        painter.fillRect(box, QColor(self.theme.canvas))
        if self.sound is None:
            return
        n_shown = min(self.sound.info.n_channels, 2)
        painter.setPen(QPen(QColor(self.theme.grid), 0))
        for index in range(2 * n_shown + 1):
            y = box.height() * index / (2 * n_shown)
            painter.drawLine(QPointF(0, y), QPointF(box.width(), y))
        paint_wave(
            painter, box, self.sound, self.stretch(), self.theme.mixture, height_gain(self.sound)
        )


class SpectrogramTrack(Track):
    """The mixture's spectrogram from tiles; a coarser tile stands in for one that is not there."""

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw what is there and ask for the rest."""
        box = self.box()
        painter.fillRect(box, QColor(self.theme.palette[0]))
        if self.sound is None or box.width() < 1:
            return
        start, end = self.stretch()
        end = min(end, self.sound.info.n_samples)
        hop = hop_for((end - start) / box.width())
        keys = keys_between(start, end - 1, hop)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for key in keys:
            self._paint_tile(painter, key)
        margin = [TileKey(hop, keys[-1].index + 1)]
        if keys[0].index:
            margin.append(TileKey(hop, keys[0].index - 1))
        n_samples = self.sound.info.n_samples
        self.sound.want_tiles([*keys, *(key for key in margin if key.start < n_samples)])
        self._paint_frequencies(painter)

    def _paint_tile(self, painter: QPainter, key: TileKey) -> None:
        assert self.sound is not None
        levels = self.sound.tile(key)
        stand_in = key
        if levels is None:
            for factor in COARSER:
                hop = key.hop * factor
                stand_in = TileKey(hop, key.start // (hop * TILE_COLUMNS))
                levels = self.sound.tile(stand_in)
                if levels is not None:
                    break
        if levels is None:
            return
        rate = self.time.window.sample_rate
        left, right = self.x_of(key.start / rate), self.x_of(key.end / rate)
        first = (key.start - stand_in.start) / stand_in.hop
        columns = (key.end - key.start) / stand_in.hop
        target = QRectF(left, 0, right - left, self.size().height())
        painter.drawImage(target, self._image(levels), QRectF(first, 0, columns, levels.shape[0]))

    def _image(self, levels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> QImage:
        height, width = levels.shape
        image = QImage(levels.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
        image.setColorTable(colour_table(self.theme.palette))
        # smooth scaling works on true colours; converting copies, so the bytes may go
        return image.convertToFormat(QImage.Format.Format_RGB32)

    def _paint_frequencies(self, painter: QPainter) -> None:
        assert self.sound is not None
        rate = self.sound.info.sample_rate
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        plate = QColor(self.theme.canvas)
        plate.setAlpha(170)
        height, width = self.size().height(), self.size().width()
        last_y = height + 20
        for frequency_hz in FREQUENCIES_HZ:
            y = height * (1 - row_of(frequency_hz, rate))
            if frequency_hz >= rate / 2 or last_y - y < 15 or y < 8:
                continue
            last_y = y
            text = f"{frequency_hz // 1000}k" if frequency_hz >= 1000 else f"{frequency_hz}"
            box = QRectF(width - 32, y - 7, 30, 14)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(plate)
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(QColor(self.theme.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
