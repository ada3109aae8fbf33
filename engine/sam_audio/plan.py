"""How a run is cut so that it fits: rows at once, codec chunk, what stays on the device, windows.

    plan --fewer rows--> plan --shorter codec chunks--> plan --offload--> plan --shorter windows-->

Rows, chunks and offloading change nothing in what comes out; windows do, and come last. Numbers
only: torch is not needed to plan.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

LEAST_CODEC_FRAMES = 12
"""Below this, a chunk is mostly the context that makes it exact."""

LEAST_WINDOW_FRAMES = 125
"""5 s; with less around them, sounds are hardly recognised."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """How one run is cut.

    window_frames, overlap_frames: of the longest window, and what neighbours share at least.
    n_rows: windows times takes in one evaluation of the network at most, 1 or more.
    codec_chunk_frames: latent frames that the codec encodes or decodes at once.
    offload: whether a network leaves the device when it is not in use.
    """

    window_frames: int
    overlap_frames: int
    n_rows: int
    codec_chunk_frames: int
    offload: bool = False

    def n_windows_at_once(self, n_takes: int) -> int:
        """Windows in one evaluation, when each of them has `n_takes` rows."""
        return max(1, self.n_rows // n_takes)

    def describe(self, frame_s: float) -> str:
        """The plan for a person. frame_s: length of a latent frame in seconds."""
        return (
            f"{self.n_rows} row{'s' if self.n_rows > 1 else ''} of {self.window_frames * frame_s:g}"
            f" s at once, codec chunks of {self.codec_chunk_frames * frame_s:g} s"
            f"{', networks on the device only while in use' if self.offload else ''}"
        )


def rungs(plan: RunPlan) -> tuple[RunPlan, ...]:
    """The plan and, after it, every smaller one in the order in which they are tried."""
    return tuple(_descent(plan))


def first_that_fits(
    plans: tuple[RunPlan, ...], needed_bytes: Callable[[RunPlan], int], free_bytes: int
) -> RunPlan:
    """The first of `plans` that needs no more than is free; the last one when none does."""
    return next((plan for plan in plans if needed_bytes(plan) <= free_bytes), plans[-1])


def _descent(plan: RunPlan) -> Iterator[RunPlan]:
    yield plan
    while plan.n_rows > 1:
        plan = replace(plan, n_rows=plan.n_rows // 2)
        yield plan
    while plan.codec_chunk_frames > LEAST_CODEC_FRAMES:
        n_frames = max(LEAST_CODEC_FRAMES, plan.codec_chunk_frames // 2)
        plan = replace(plan, codec_chunk_frames=n_frames)
        yield plan
    if not plan.offload:
        plan = replace(plan, offload=True)
        yield plan
    while plan.window_frames > LEAST_WINDOW_FRAMES:
        n_frames = max(LEAST_WINDOW_FRAMES, plan.window_frames // 2)
        overlap = min(plan.overlap_frames, n_frames // 2)
        plan = replace(plan, window_frames=n_frames, overlap_frames=overlap)
        yield plan
