"""The front door: separators by name, and `separate()`."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .cost.ledger import Ledger
from .cost.watch import RunWatch
from .data import (
    AudioClip,
    Monitor,
    Notice,
    Progress,
    Prompt,
    SeparationOptions,
    Separator,
    clip_spans,
)
from .errors import BackendUnavailable
from .opened import Mixture, opened
from .receipt import make_receipt
from .render import RenderPlan, check_outputs, render
from .sam_audio.choice import Fit, best_of, fits_of
from .sam_audio.installed import require_ready, sam_audio_models
from .sam_audio.settings import ModelSettings
from .separation import Candidate, Separation

_ESTIMATE_SHARE = 0.95
"""Share of the progress bar that the separator gets; the rest is for measuring the null."""


@dataclass(frozen=True, slots=True)
class SeparatorInfo:
    """One line of `stemlasso separators`. missing: why it cannot be used; empty when it can.

    note: what else there is to say about it on this machine, such as why `auto` does not take it.
    """

    name: str
    summary: str
    available: bool
    missing: str = ""
    note: str = ""


_BUILTIN = SeparatorInfo(
    "builtin",
    "weight-free; learns the sound from the spans you draw; by description alone only "
    "drums, bass, voices and pitched instruments, roughly",
    available=True,
)


def separators(
    root: Path | None = None, settings: ModelSettings | None = None
) -> tuple[SeparatorInfo, ...]:
    """The separators there are: those that are ready, best first, then the others with their needs.

    root: of the model store, when it is not the default one.
    settings: under which models are to fit into the memory that is free now.
    """
    models = sam_audio_models(root)
    ready = [model.name for model in models if not model.missing]
    notes = _notes(fits_of(ready, root, settings or ModelSettings()))
    known = (
        *(
            SeparatorInfo(
                model.name,
                model.summary,
                available=not model.missing,
                missing=model.missing,
                note=notes.get(model.name, ""),
            )
            for model in models
        ),
        _BUILTIN,
    )
    return tuple(sorted(known, key=lambda info: not info.available))


def auto_name(root: Path | None = None, settings: ModelSettings | None = None) -> str:
    """What `auto` stands for now. Nothing is loaded for it.

    root: of the model store, when it is not the default one.
    """
    ready = [model.name for model in sam_audio_models(root) if not model.missing]
    return _best(fits_of(ready, root, settings or ModelSettings()))[0]


def find_separator(
    name: str, root: Path | None = None, settings: ModelSettings | None = None
) -> Separator:
    """The separator called `name`; `auto` is the best one that is ready and fits the memory.

    root: of the model store, when it is not the default one.
    settings: where and how a model computes; `builtin` has none of them.
    Raises BackendUnavailable when there is none of this name or a package is missing, and
    CheckpointNotFound, which says how to get its weights, when they are not there.
    """
    settings = settings or ModelSettings()
    models = sam_audio_models(root)
    names = ["auto", *(model.name for model in models), _BUILTIN.name]
    if name not in names:
        raise BackendUnavailable(f"separator {name!r}: there are {', '.join(names)}")
    notices: tuple[Notice, ...] = ()
    if name == "auto":
        ready = [model.name for model in models if not model.missing]
        name, notices = _best(fits_of(ready, root, settings))
    if name == _BUILTIN.name:
        from .builtin import BuiltinSeparator

        return BuiltinSeparator(ledger=Ledger.of_user(root), notices=notices)
    require_ready(name, root)
    from .sam_audio.config import SamAudioConfig
    from .sam_audio.separator import SamAudioSeparator

    config = SamAudioConfig.of(settings)
    return SamAudioSeparator.installed(name, root, config, notices)


def _notes(fits: Sequence[Fit]) -> dict[str, str]:
    """A word about every model that `auto` does not take for want of memory, and what it takes."""
    best = best_of(fits)
    notes = {fit.name: f"`auto` does not take it: {fit.why}" for fit in fits if not fit.fits}
    if best is not None:
        notes[best.name] = "`auto` takes it" + (", in 8 bits" if best.in_8_bits else "")
    return notes


def _best(fits: Sequence[Fit]) -> tuple[str, tuple[Notice, ...]]:
    """What `auto` stands for, and a word about larger models that it does not take."""
    best = best_of(fits)
    name = _BUILTIN.name if best is None else best.name
    larger = [fit for fit in fits if not fit.fits and fit is not best]
    if best is not None:
        larger = [fit for fit in larger if fits.index(fit) < fits.index(best)]
    if not larger:
        return name, ()
    whys = "; ".join(f"{fit.name}: {fit.why}" for fit in larger)
    return name, (Notice("auto_took_smaller", f"`auto` took {name}. {whys}."),)


def separate(
    mixture: Mixture,
    prompt: Prompt,
    *,
    sample_rate: int | None = None,
    separator: str | Separator = "auto",
    options: SeparationOptions | None = None,
    output: RenderPlan | str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Separation:
    """Take the prompted sound out of `mixture`: target + residual = mixture.

    mixture: a path, a clip, or samples [N] or [N, C] (int16, int32, float32 or float64; full scale
        1.0 for floats) with their `sample_rate` in Hz.
    separator: a name from `separators()`, `auto`, or a separator of your own.
    output: a folder, or a plan with names and format; `None` keeps the stems in memory.
    on_progress, is_cancelled: called from this thread, several times a second on long files.
    Returns stems with the mixture's rate, channels, length and, by default, its sample format.
    Raises PromptError, AudioError, OutputError, BackendError, or Cancelled; then nothing is left
    behind.
    """
    start_s = time.perf_counter()
    monitor = Monitor(on_progress, is_cancelled)
    plan = output if isinstance(output, RenderPlan) else _plan(output)
    chosen = find_separator(separator) if isinstance(separator, str) else separator
    options = options or SeparationOptions()
    with opened(mixture, sample_rate, monitor.part(0, 0)) as clip:
        check_outputs(clip, plan, options.n_candidates)
        prompt = replace(prompt, spans=clip_spans(prompt.spans, clip.duration_s))
        watch = RunWatch(chosen, clip, prompt, options, monitor)
        estimate = chosen.estimate(clip, prompt, options, watch.monitor.part(0, _ESTIMATE_SHARE))
        rendered = render(clip, estimate, plan, watch.monitor.part(_ESTIMATE_SHARE, 1))
        watch.finished()
        return Separation(
            target=rendered.target,
            residual=rendered.residual,
            candidates=_candidates(rendered.candidates, estimate.scores),
            spans=estimate.spans,
            confidence=estimate.confidence,
            presence=estimate.presence,
            notices=(*estimate.notices, *rendered.notices),
            null_db=rendered.null_db,
            receipt=make_receipt(
                clip,
                prompt,
                chosen.name,
                options,
                estimate,
                rendered.mixture_digest,
                time.perf_counter() - start_s,
            ),
        )


def _plan(folder: str | os.PathLike[str] | None) -> RenderPlan:
    return RenderPlan(folder=None if folder is None else Path(folder))


def _candidates(targets: tuple[AudioClip, ...], scores: tuple[float, ...]) -> tuple[Candidate, ...]:
    if not scores:
        return tuple(Candidate(target) for target in targets)
    return tuple(map(Candidate, targets, scores))
