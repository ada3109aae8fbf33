"""Warp markers: which beat of a clip plays which place of its file, and how to give a clip others.

Markers are pairs [sample time, beat time] in rising order, straight lines between them. Live shows
all but the last, which says how fast the clip goes on after the others; it sets that one itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import Live

_NEAR = 1e-6
_ALIKE_BEATS = 1e-4  # two samples at 120 beats a minute
_MOST_SECONDS_PER_BEAT = 60.0  # Live plays 5 to 999 beats a minute: more can only be samples


def markers_of(clip: Live.Clip.Clip) -> list[list[float]]:
    """The markers of a warped clip."""
    return [[marker.sample_time, marker.beat_time] for marker in clip.warp_markers]


def time_at(markers: list[list[float]], beat: float) -> float:
    """The sample time at a beat, by at least two markers."""
    return _along(markers, beat, 1, 0)


def beat_at(markers: list[list[float]], sample_time: float) -> float:
    """The beat at a sample time, by at least two markers."""
    return _along(markers, sample_time, 0, 1)


def counts_per_second(markers: list[list[float]], sample_rate: float) -> float:
    """How many sample times a second has: Live's documents do not say what they count."""
    (first, first_beat), (last, last_beat) = markers[0], markers[-1]
    counts_samples = last - first > _MOST_SECONDS_PER_BEAT * (last_beat - first_beat)
    return sample_rate if counts_samples else 1.0


def warp_alike(
    live: Any, clip: Live.Clip.Clip, wanted: list[list[float]], end: float
) -> Iterator[str | None]:
    """Let `clip` play its file as the markers `wanted` say; one call of Live's per tick.

    end: sample time of the end of the file. A marker there holds the speed after the last one that
    Live shows. Where Live refuses one and the clip would play otherwise, the last thing yielded
    says so.
    """
    pins = wanted[:-1]
    if end > pins[-1][0] + _NEAR:
        pins = [*pins, [end, beat_at(wanted, end)]]
    if _is_alike(clip, pins):
        return
    for marker in reversed(list(clip.warp_markers)[1:-1]):
        yield from _tried(clip.remove_warp_marker, marker.beat_time)
    first = clip.warp_markers[0].sample_time
    off = beat_at(wanted, first) - clip.warp_markers[0].beat_time
    if abs(off) > _NEAR:
        yield from _tried(clip.move_warp_marker, clip.warp_markers[0].beat_time, off)
    for sample_time, beat in pins:
        if abs(sample_time - first) > _NEAR:
            yield from _tried(clip.add_warp_marker, live.Clip.WarpMarker(sample_time, beat))
    if all(abs(sample_time - first) > _NEAR for sample_time, _ in pins):
        yield from _tried(clip.remove_warp_marker, beat_at(wanted, first))
    if not _is_alike(clip, pins):
        yield (
            f"not all warp markers of '{clip.name}' could be set; compare them with the original, "
            "or capture the clip with the plug-in, as it sounds"
        )


def _is_alike(clip: Live.Clip.Clip, pins: list[list[float]]) -> bool:
    there = markers_of(clip)
    return len(there) > 1 and all(
        abs(beat_at(there, sample_time) - beat) < _ALIKE_BEATS for sample_time, beat in pins
    )


def _tried(change: Callable[..., object], *arguments: object) -> Iterator[None]:
    try:
        change(*arguments)
    except RuntimeError:
        pass
    yield


def _along(markers: list[list[float]], place: float, given: int, asked: int) -> float:
    index = 0
    while index < len(markers) - 2 and markers[index + 1][given] <= place:
        index += 1
    start, stop = markers[index], markers[index + 1]
    share = (place - start[given]) / (stop[given] - start[given])
    return start[asked] + share * (stop[asked] - start[asked])
