"""Masks on a video: shapes at key frames, interpolated between, rendered as the engine reads them.

Coordinates are fractions of the frame, (0, 0) its upper left corner, so that they hold at any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MaskKey:
    """The object at one time.

    kind: `box` (two corners), `polygon` (its corners) or `brush` (the middles of its dabs).
    radius: of the brush, as a fraction of the frame's width.
    """

    time_s: float
    kind: str
    points: tuple[Point, ...]
    radius: float = 0.0


def with_key(keys: Sequence[MaskKey], key: MaskKey, tolerance_s: float) -> tuple[MaskKey, ...]:
    """With a key frame, which takes the place of one at the same time."""
    others = [each for each in keys if abs(each.time_s - key.time_s) > tolerance_s]
    return tuple(sorted([*others, key], key=lambda each: each.time_s))


def shape_at(keys: Sequence[MaskKey], time_s: float) -> MaskKey | None:
    """The shape at any time: before the first and after the last it stays, between it moves.

    Shapes of one kind with as many points move point by point; others change half-way.
    """
    if not keys:
        return None
    before = [key for key in keys if key.time_s <= time_s]
    after = [key for key in keys if key.time_s > time_s]
    if not before or not after:
        return replace((before or keys)[-1] if before else keys[0], time_s=time_s)
    first, second = before[-1], after[0]
    share = (time_s - first.time_s) / (second.time_s - first.time_s)
    if first.kind != second.kind or len(first.points) != len(second.points):
        return replace(first if share < 0.5 else second, time_s=time_s)
    points = tuple(
        (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        for (x0, y0), (x1, y1) in zip(first.points, second.points, strict=True)
    )
    radius = first.radius + share * (second.radius - first.radius)
    return MaskKey(time_s, first.kind, points, radius)


def rasterised(key: MaskKey, height: int, width: int) -> Mask:
    """The mask [height, width]; True is the object."""
    y, x = np.mgrid[0:height, 0:width]
    y, x = (y + 0.5) / height, (x + 0.5) / width
    if key.kind == "box":
        (x0, y0), (x1, y1) = key.points
        inside = (x >= min(x0, x1)) & (x < max(x0, x1)) & (y >= min(y0, y1)) & (y < max(y0, y1))
    elif key.kind == "polygon":
        inside = _in_polygon(x, y, key.points)
    else:
        inside = np.zeros((height, width), bool)
        for centre_x, centre_y in key.points:
            away = np.hypot(x - centre_x, (y - centre_y) * height / width)
            inside |= away <= key.radius
    return np.asarray(inside, bool)


def rendered(
    keys: Sequence[MaskKey], times_s: Sequence[float], height: int, width: int
) -> NDArray[np.uint8]:
    """Masks [N, height, width] at the frames' times, 1 where the object is."""
    masks = np.zeros((len(times_s), height, width), np.uint8)
    for mask, time_s in zip(masks, times_s, strict=True):
        shape = shape_at(keys, time_s)
        if shape is not None:
            mask[:] = rasterised(shape, height, width)
    return masks


def _in_polygon(x: NDArray[np.float64], y: NDArray[np.float64], points: Sequence[Point]) -> Mask:
    """Even-odd rule: a ray to the right crosses the outline an odd number of times."""
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        if y0 == y1:
            continue
        crosses = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        inside ^= crosses
    return inside
