"""Painting one waveform into a rectangle, for the big view, the lanes and the overview alike."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from gui.audio.sound import ShownSound

FULL = 0.92
MOST_GAIN = 30.0


def height_gain(sound: ShownSound) -> float:
    """What makes the loudest sample nearly fill the strip."""
    top = sound.peaks.top
    return min(FULL / top, MOST_GAIN) if top > 0 else 1.0


CURVE_PX = 0.25
"""Fewer pixels per sample than this and single samples cannot be told apart."""

DOT_PX = 5.0


def paint_wave(
    painter: QPainter,
    box: QRectF,
    sound: ShownSound,
    stretch: tuple[float, float],
    colour: str,
    gain: float = 1.0,
) -> None:
    """Draw samples `stretch[0]` to `stretch[1]` across `box`, its channels one above the other."""
    start, end = stretch
    n_shown = min(sound.info.n_channels, 2)
    height = box.height() / n_shown
    boxes = [
        QRectF(box.x(), box.y() + index * height, box.width(), height) for index in range(n_shown)
    ]
    if box.width() / max(end - start, 1) > CURVE_PX:
        found = sound.samples(start, end)
        if found is not None:
            for index, part in enumerate(boxes):
                _curve(painter, part, (*found, start, end), index, colour, gain)
            return
    pairs = sound.columns(start, end, max(round(box.width()), 1)) * gain
    for index, part in enumerate(boxes):
        _envelope(painter, part, pairs[:, :, index], colour)


def _envelope(painter: QPainter, box: QRectF, pairs: NDArray[np.float32], colour: str) -> None:
    """Columns as an image: many times faster than a polygon of as many points."""
    height = max(round(box.height()), 2)
    middle, half = np.float32(height / 2), np.float32(height / 2 - 1.5)
    low = middle - np.clip(pairs[:, 0], -1, 1) * half + np.float32(0.5)
    high = middle - np.clip(pairs[:, 1], -1, 1) * half - np.float32(0.5)
    # How much of each pixel lies between the two: the edges are smooth.
    rows = np.arange(height, dtype=np.float32)[:, None]
    covered = np.minimum(low, rows + 1) - np.maximum(high, rows)
    levels = (np.clip(covered, 0, 1) * 255).astype(np.uint8)
    width = len(pairs)
    image = QImage(levels.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(_shades(colour))
    painter.drawImage(QRectF(box.x(), box.y(), box.width(), height), image)


@lru_cache(maxsize=16)
def _shades(colour: str) -> list[int]:
    """The colour from clear to solid."""
    red, green, blue, _ = QColor(colour).getRgb()
    return [QColor(red or 0, green or 0, blue or 0, alpha).rgba() for alpha in range(256)]


def _curve(
    painter: QPainter,
    box: QRectF,
    shown: tuple[int, NDArray[np.float32], float, float],
    channel: int,
    colour: str,
    gain: float,
) -> None:
    first, samples, start, end = shown
    middle, half = box.center().y(), box.height() / 2 - 1.5
    per_sample = box.width() / (end - start)
    x = box.x() + (first + np.arange(len(samples)) - start) * per_sample
    y = middle - np.clip(samples[:, channel] * gain, -1, 1) * half
    painter.setPen(QPen(QColor(colour), 1.3))
    painter.drawPolyline(polygon(x, y))
    if per_sample >= DOT_PX:
        painter.setPen(QPen(QColor(colour), 4.5))
        painter.drawPoints(polygon(x, y))


def polygon(x: NDArray[np.floating], y: NDArray[np.floating]) -> QPolygonF:
    """Points as Qt takes them."""
    return QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)])
