"""A comp: the best of several takes, chosen region by region, with a residual that adds up."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from .data import (
    AudioClip,
    AudioFormat,
    Estimate,
    JsonValue,
    Monitor,
    Progress,
)
from .errors import AudioError
from .exact import digest_of
from .opened import Mixture, opened
from .receipt import mixture_json, versions_json
from .regions import FADE_S, Region, check_takes, comped_blocks, pieces_of
from .render import RenderPlan, check_outputs, render
from .separation import Candidate, Separation
from .stem_format import integer_bits, native_dtype

_COMPED = 0.9
"""Share of the progress bar; the rest is for measuring the null."""


def comp(
    mixture: Mixture,
    takes: Sequence[Mixture],
    regions: Sequence[Region],
    *,
    elsewhere: int = 1,
    sample_rate: int | None = None,
    mixture_digest: str = "",
    output: RenderPlan | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Separation:
    """A target that is one take in every region and another elsewhere; residual = mixture - target.

    takes: targets that were made of this mixture, the first one is take 1.
    elsewhere: the take outside of the regions, counted from 1.
    sample_rate: in Hz, of what is given as samples.
    mixture_digest: from the receipt of the takes; empty leaves it unchecked.
    output: a folder, or a plan with names and format, by default that of the widest take; `None`
        keeps the stems in memory.
    Raises PromptError (regions, takes that are not there), AudioError (other lengths or rates, a
    mixture that was changed), OutputError or Cancelled; then nothing is left behind.
    """
    start_s = time.perf_counter()
    monitor = Monitor(on_progress, is_cancelled)
    with ExitStack() as stack:
        clip = stack.enter_context(opened(mixture, sample_rate, monitor.part(0, 0)))
        clips = [
            stack.enter_context(
                opened(take, None if isinstance(take, AudioClip) else sample_rate, monitor)
            )
            for take in takes
        ]
        check_takes(clips, clip)
        pieces = pieces_of(regions, elsewhere, len(clips), clip)
        plan = output if isinstance(output, RenderPlan) else RenderPlan(folder=output)
        plan = plan if plan.format is not None else replace(plan, format=_widest(clips))
        check_outputs(clip, plan)
        digest = _unchanged_digest(clip, mixture_digest, monitor)
        estimate = Estimate(comped_blocks(clips, pieces, monitor.part(0, _COMPED)))
        rendered = render(clip, estimate, plan, monitor.part(_COMPED, 1))
        receipt: dict[str, JsonValue] = {
            "mixture": mixture_json(clip, digest),
            "comp": _comp_json(clips, regions, elsewhere),
            "versions": versions_json(),
            "took_s": round(time.perf_counter() - start_s, 3),
        }
        return Separation(
            target=rendered.target,
            residual=rendered.residual,
            candidates=(Candidate(rendered.target),),
            spans=(),
            confidence=1.0,
            notices=rendered.notices,
            null_db=rendered.null_db,
            receipt=receipt,
        )


def _unchanged_digest(clip: AudioClip, expected: str, monitor: Monitor) -> str:
    """Digest of the mixture. Raises AudioError where it is not the expected one."""
    digest = digest_of(clip, monitor)
    if expected and digest != expected:
        raise AudioError(
            f"{clip.name}: the mixture was changed since the takes were made of it; separate "
            "it again, or give the mixture that it was"
        )
    return digest


def _comp_json(
    takes: Sequence[AudioClip], regions: Sequence[Region], elsewhere: int
) -> dict[str, JsonValue]:
    return {
        "takes": [take.name if take.path is None else str(take.path) for take in takes],
        "regions": [str(region) for region in sorted(regions)],
        "elsewhere": elsewhere,
        "fade_s": FADE_S,
    }


def _widest(takes: Sequence[AudioClip]) -> AudioFormat:
    """The format that holds every take: a stem that would have overflowed is wider than others."""

    def width(take: AudioClip) -> tuple[bool, int]:
        subtype = take.format.subtype
        bits = integer_bits(subtype)
        return bits is None, bits or native_dtype(subtype).itemsize

    widest = max(takes, key=width).format
    return AudioFormat("WAV", widest.subtype) if widest.container == "ARRAY" else widest
