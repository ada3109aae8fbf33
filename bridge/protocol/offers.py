"""A finished job's stems offered to the DAW that its clip came from."""

from dataclasses import dataclass

from .fields import choice, flag, number, text
from .values import PATH_BYTES


@dataclass(frozen=True, slots=True)
class TimelineOffer:
    """What became of it. host: of the clip, empty when it came from none.

    is_taken: whether the host took it at once; otherwise its script places it when it is told to.
    placed_by, start_s: who said where the clip begins on the timeline, and where.
    """

    host: str = text(default="")
    is_taken: bool = flag(default=False)
    placed_by: str = choice("host", "time_reference", "nobody", default="nobody")
    start_s: float = number(default=0.0)
    manifest_path: str = text(max_bytes=PATH_BYTES, default="")
