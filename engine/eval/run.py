"""Runs a separator over items, one at a time, and measures what it made."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.data import AudioClip, Notice, Prompt, SeparationOptions, Separator
from engine.errors import DatasetError, PromptError
from engine.separator import separate
from engine.stem_format import full_scale

from .baselines import BASELINES, FULL_SCALE_16_BIT, Baseline, span_gate
from .dataset import Item, Stems, read_stems
from .metrics import Samples, Scores, Seconds, Truth, active_mask, score


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What came out of a separator, [N, C] at full scale 1.0, exactly as it would be written."""

    target: Samples
    residual: Samples
    confidence: float | None = None
    notices: tuple[Notice, ...] = ()


SeparateItem = Callable[[Stems, Item, Prompt], Output]
"""From stems, item and prompt to stems; honest ones look at `stems.mixture` only."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a separator would not take a prompt."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item in one mode. Either `scores` or `refusal` is there; baselines go with scores."""

    item: Item
    mode: str
    prompt: Prompt
    duration_s: float
    sample_rate: int
    n_channels: int
    scores: Scores | None = None
    refusal: Refusal | None = None
    confidence: float | None = None
    notices: tuple[Notice, ...] = ()
    baselines: Mapping[str, Scores] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """A result with the audio behind it, for pictures; `output` is None after a refusal."""

    result: ItemResult
    stems: Stems
    output: Output | None


def by_front_door(separator: str | Separator, options: SeparationOptions) -> SeparateItem:
    """Items separated by `engine.separate`, on the 16-bit samples, stems kept in memory."""

    def separate_item(stems: Stems, item: Item, prompt: Prompt) -> Output:
        del item
        made = separate(
            stems.mixture,
            prompt,
            sample_rate=stems.sample_rate,
            separator=separator,
            options=options,
        )
        target, residual = made.target, made.residual
        assert residual is not None  # the default plan has one
        return Output(at_full_scale(target), at_full_scale(residual), made.confidence, made.notices)

    return separate_item


def by_baseline(baseline: Baseline) -> SeparateItem:
    """Items separated by a baseline, gated by the prompt where it is a gated one."""

    def separate_item(stems: Stems, item: Item, prompt: Prompt) -> Output:
        return _gated(baseline, baseline.estimate(stems, item.class_group), stems, prompt)

    return separate_item


def evaluate(
    items: Sequence[Item],
    modes: Sequence[str],
    separate_item: SeparateItem,
    *,
    with_baselines: bool = True,
) -> Iterator[Evaluated]:
    """Every item in every mode, item by item; one item's audio is in memory at a time.

    A prompt that the separator refuses gives a result with a refusal.
    Raises DatasetError for stems that cannot be used or a mode that an item lacks, and whatever
    else the separator raises.
    """
    for item in items:
        stems = read_stems(item)
        truth = _truth(stems, item)
        ungated = _run_baselines(stems, item) if with_baselines else {}
        for mode in modes:
            if mode not in item.prompts:
                raise DatasetError(f"item {item.item_id}: the manifest has no prompt for {mode!r}")
            prompt = item.prompts[mode]
            result = ItemResult(
                item, mode, prompt, stems.duration_s, stems.sample_rate, stems.mixture.shape[1]
            )
            yield _evaluate_one(result, stems, truth, separate_item, ungated)


def at_full_scale(clip: AudioClip) -> Samples:
    """All samples [N, C] of a clip at full scale 1.0, exactly as stored."""
    samples: Samples = clip.samples / full_scale(clip.format.subtype)
    return samples


@dataclass(frozen=True, slots=True, eq=False)
class _Ungated:
    """A baseline's estimate before the prompt is laid over it, and what it took."""

    baseline: Baseline
    samples: Samples
    took: Seconds


def _evaluate_one(
    result: ItemResult,
    stems: Stems,
    truth: Truth,
    separate_item: SeparateItem,
    ungated: Mapping[str, _Ungated],
) -> Evaluated:
    clock = _Clock()
    try:
        output = separate_item(stems, result.item, result.prompt)
    except PromptError as error:
        refused = replace(result, refusal=Refusal(error.code, str(error)))
        return Evaluated(refused, stems, None)
    took = clock.elapsed()
    result = replace(
        result,
        scores=score(truth, output.target, output.residual, took),
        confidence=output.confidence,
        notices=output.notices,
        baselines={
            name: _score_baseline(made, stems, truth, result.prompt)
            for name, made in ungated.items()
        },
    )
    return Evaluated(result, stems, output)


def _run_baselines(stems: Stems, item: Item) -> dict[str, _Ungated]:
    made = {}
    for baseline in BASELINES:
        clock = _Clock()
        samples = baseline.estimate(stems, item.class_group)
        made[baseline.name] = _Ungated(baseline, samples, clock.elapsed())
    return made


def _score_baseline(made: _Ungated, stems: Stems, truth: Truth, prompt: Prompt) -> Scores:
    output = _gated(made.baseline, made.samples, stems, prompt)
    return score(truth, output.target, output.residual, made.took)


def _gated(baseline: Baseline, samples: Samples, stems: Stems, prompt: Prompt) -> Output:
    """The estimate under the prompt's spans, rounded to 16 bits; the residual is what is left."""
    if baseline.is_gated:
        samples = samples * span_gate(prompt.spans, len(samples), stems.sample_rate)
    limits = np.iinfo(np.int16)
    rounded = np.rint(samples * FULL_SCALE_16_BIT).clip(limits.min, limits.max)
    target = rounded / FULL_SCALE_16_BIT
    return Output(target, stems.mixture / FULL_SCALE_16_BIT - target)


def _truth(stems: Stems, item: Item) -> Truth:
    return Truth(
        mixture=stems.mixture / FULL_SCALE_16_BIT,
        target=stems.target / FULL_SCALE_16_BIT,
        rest=stems.rest / FULL_SCALE_16_BIT,
        active=active_mask(item.active_spans_s, len(stems.mixture), stems.sample_rate),
        sample_rate=stems.sample_rate,
    )


class _Clock:
    """Clock and processor time since it was made, this process with its ended children."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), _cpu_s()

    def elapsed(self) -> Seconds:
        return Seconds(time.perf_counter() - self._wall_s, _cpu_s() - self._cpu_s)


def _cpu_s() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
