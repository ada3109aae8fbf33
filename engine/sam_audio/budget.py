"""From the memory that there is to weights that fit, and to the plan of a run.

    settings, free bytes --> precision, int8, offload    when the model is loaded
    settings, free bytes --> RunPlan                      when a run starts

Asked beforehand, because too late is too late: Linux ends a process that takes more than there is,
without a word that could be caught.
"""

from dataclasses import dataclass

from engine.checkpoints.space import gigabytes
from engine.cost.footprint import WeightFormat, footprint
from engine.cost.shape import ModelShape
from engine.data import Notice
from engine.errors import OutOfMemory

from .plan import LEAST_CODEC_FRAMES, RunPlan, first_that_fits, rungs
from .settings import ModelSettings

_USABLE = 0.9
"""Share of the free memory that is planned with; the rest is for what nobody counts."""

_LEAST = RunPlan(250, 62, n_rows=1, codec_chunk_frames=2 * LEAST_CODEC_FRAMES)
"""What has to fit beside the weights: 10 s at once."""


@dataclass(frozen=True, slots=True)
class Loading:
    """How a model is loaded. offload: only what is in use is on the device."""

    weights: WeightFormat
    offload: bool
    notices: tuple[Notice, ...] = ()


def wanted_plan(
    shape: ModelShape, settings: ModelSettings, n_rows: int, codec_chunk_s: float
) -> RunPlan:
    """What is done when memory is no matter."""
    longest = max(2, round(settings.window_s / shape.frame_s))
    overlap = max(1, round(settings.overlap_s / shape.frame_s))
    return RunPlan(
        window_frames=longest,
        overlap_frames=min(overlap, longest // 2),
        n_rows=n_rows,
        codec_chunk_frames=max(1, round(codec_chunk_s / shape.frame_s)),
        offload=settings.offload == "on",
    )


def plan_loading(
    shape: ModelShape,
    settings: ModelSettings,
    best: WeightFormat,
    free_bytes: int,
    *,
    can_offload: bool = True,
) -> Loading:
    """The weights asked for or, where `auto` leaves a choice, the first that fit.

    best: what `auto` is on this device when memory is no matter.
    can_offload: whether the device has memory of its own; on the processor, leaving it frees none.
    Raises OutOfMemory when what was asked for does not fit, naming what would.
    """
    for weights in _choices(settings, best):
        needed = footprint(shape, weights, _LEAST)
        for offload in _offloads(settings, can_offload):
            if needed.peak(offload=offload and can_offload) <= _USABLE * free_bytes:
                wanted = _choices(settings, best)[0]
                return Loading(weights, offload, _less_notice(weights, wanted, free_bytes))
    raise OutOfMemory(_too_large(shape, settings, best, free_bytes, can_offload))


def plan_run(
    shape: ModelShape,
    weights: WeightFormat,
    wanted: RunPlan,
    free_bytes: int,
    loaded_bytes: int,
    *,
    can_offload: bool = True,
) -> RunPlan:
    """`wanted`, or the first smaller plan that fits; the least one when none does.

    free_bytes: of the device, now.   loaded_bytes: what of the model is on it already.
    can_offload: see `plan_loading`.
    """

    def needed(plan: RunPlan) -> int:
        return footprint(shape, weights, plan).peak(offload=plan.offload and can_offload)

    return first_that_fits(rungs(wanted), needed, int(_USABLE * free_bytes) + loaded_bytes)


def _choices(settings: ModelSettings, best: WeightFormat) -> tuple[WeightFormat, ...]:
    if settings.precision != "auto":
        return (WeightFormat(settings.precision, settings.int8),)
    if settings.int8:
        return (WeightFormat(best.precision, int8=True), WeightFormat("bfloat16", int8=True))
    short = WeightFormat("bfloat16")
    return tuple(dict.fromkeys((best, short, WeightFormat("bfloat16", int8=True))))


def _offloads(settings: ModelSettings, can_offload: bool) -> tuple[bool, ...]:
    if settings.offload == "auto":
        return (False, True) if can_offload else (False,)
    return (settings.offload == "on",)


def _less_notice(
    weights: WeightFormat, wanted: WeightFormat, free_bytes: int
) -> tuple[Notice, ...]:
    if weights == wanted:
        return ()
    kind = "int8 and bfloat16" if weights.int8 else weights.precision
    return (
        Notice(
            "weights_made_smaller",
            f"The weights are kept in {kind} instead of {wanted.precision}, because "
            f"{gigabytes(free_bytes)} of memory are free.",
        ),
    )


def _too_large(
    shape: ModelShape,
    settings: ModelSettings,
    best: WeightFormat,
    free_bytes: int,
    can_offload: bool,
) -> str:
    asked = footprint(shape, _choices(settings, best)[-1], _LEAST)
    needed = asked.peak(offload=_offloads(settings, can_offload)[-1] and can_offload)
    smallest = footprint(shape, WeightFormat("bfloat16", int8=True), _LEAST)
    smallest_bytes = smallest.peak(offload=can_offload)
    fits = smallest_bytes <= _USABLE * free_bytes
    advice = (
        "leave precision and offload to `auto`, or choose int8, which fits"
        if fits
        else f"even int8 needs {gigabytes(smallest_bytes)}; choose a smaller model or `builtin`, "
        "or close other programs"
    )
    return (
        f"this needs {gigabytes(needed)} of memory, and {gigabytes(free_bytes)} are free; {advice}"
    )
