"""Painting one waveform into a rectangle, for the big view, the lanes and the overview alike."""

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

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
    middle, half = box.center().y(), box.height() / 2 - 1.5
    low = middle - np.clip(pairs[:, 0], -1, 1) * half + 0.5
    high = middle - np.clip(pairs[:, 1], -1, 1) * half - 0.5
    x = box.x() + np.arange(len(pairs)) * (box.width() / len(pairs)) + 0.5
    outline = polygon(np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]]))
    fill = QColor(colour)
    painter.setPen(QPen(fill, 0))
    painter.setBrush(fill)
    painter.drawPolygon(outline)


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
