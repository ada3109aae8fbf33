"""`stemlasso separate`: mixtures and a prompt in, stems out."""

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from tqdm import tqdm

from engine.data import (
    JsonValue,
    Presence,
    Progress,
    Prompt,
    SeparationOptions,
    Separator,
)
from engine.errors import AudioError, AudioNotFound, EngineError, OutputExists
from engine.render import RenderPlan
from engine.separation import Separation
from engine.separator import find_separator, separate

from . import exits
from .estimating import cost_of
from .formats import parse_format
from .interrupt import interruptible
from .naming import AUDIO_SUFFIXES, named_stems, stem_base
from .receipt_file import check_free, write_receipt
from .separate_options import (
    join_span_values,
    options_of,
    prompt_of,
    rerun_of,
    separate_parser,
    settings_of,
    unheeded,
)
from .store_root import store_root

_LANE_COLUMNS = 60


@dataclass(frozen=True)
class _Request:
    """What to do with every mixture of one command."""

    prompt: Prompt
    options: SeparationOptions
    plan: RenderPlan
    out_dir: Path | None
    with_receipt: bool
    separator: Separator


def _request(arguments: argparse.Namespace, mixtures: Sequence[Path], undo: ExitStack) -> _Request:
    """The request; files that it holds open are closed by `undo`."""
    prompt = prompt_of(arguments, mixtures)
    settings = settings_of(arguments)
    rerun = rerun_of(arguments, mixtures)
    if rerun is not None:
        undo.callback(rerun.base_target.source.close)
    return _Request(
        prompt=prompt,
        options=options_of(arguments, rerun),
        plan=RenderPlan(
            format=parse_format(arguments.format) if arguments.format else None,
            overwrite=arguments.overwrite,
            with_residual=arguments.residual,
        ),
        out_dir=arguments.out,
        with_receipt=arguments.receipt,
        separator=find_separator(arguments.separator, store_root(), settings),
    )


def _expand(paths: Sequence[Path], recursive: bool) -> Iterator[Path]:
    """The files named, and the audio files of the folders named, each once, in order."""
    seen: set[Path] = set()
    for path in paths:
        found = [path]
        if path.is_dir():
            files = path.rglob("*") if recursive else path.iterdir()
            found = sorted(
                file for file in files if file.is_file() and file.suffix.lower() in AUDIO_SUFFIXES
            )
            if not found:
                raise AudioNotFound(f"{path}: there is no audio file in this folder")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file


def _plans(mixtures: Sequence[Path], request: _Request) -> list[RenderPlan]:
    """One plan a mixture. Raises OutputExists when two would write the same stem."""
    plans = []
    taken: dict[tuple[Path, str], Path] = {}
    for mixture in mixtures:
        out_dir = request.out_dir or mixture.parent / "stems"
        base = stem_base(mixture, request.prompt, request.options.rerun)
        other = taken.setdefault((out_dir, base.casefold()), mixture)
        if other != mixture:
            raise OutputExists(
                f"{mixture} and {other} would both write '{base}' into {out_dir}; "
                "give them folders of their own with --out"
            )
        if request.with_receipt:
            check_free(out_dir / f"{base}.json", request.plan.overwrite)
        plan = replace(request.plan, folder=out_dir)
        plans.append(named_stems(plan, base, request.options.n_candidates))
    return plans


def _separate_one(
    mixture: Path, request: _Request, plan: RenderPlan, cancelled: threading.Event, show: bool
) -> Separation:
    with tqdm(
        total=100, desc=mixture.name, unit="%", disable=not show, leave=False, file=sys.stderr
    ) as bar:

        def on_progress(progress: Progress) -> None:
            bar.set_postfix_str(progress.stage, refresh=False)
            bar.update(round(100 * progress.fraction) - bar.n)

        return separate(
            mixture,
            request.prompt,
            separator=request.separator,
            options=request.options,
            output=plan,
            on_progress=on_progress,
            is_cancelled=cancelled.is_set,
        )


def _keep_receipt(mixture: Path, result: Separation, request: _Request) -> None:
    target = result.target.path
    if request.with_receipt and target is not None:
        write_receipt(target.with_suffix(".json"), _as_json(mixture, result))


def _as_json(mixture: Path, result: Separation) -> dict[str, JsonValue]:
    """The object that `--json` prints for one mixture."""
    return {"mixture": str(mixture), "status": "done", **result.summary()}


def _summary(mixture: Path, result: Separation, took_s: float) -> str:
    target = result.target
    exact = result.null_db == float("-inf")
    null = "exact, to the last bit" if exact else f"{result.null_db:.1f} dBFS"
    lines = [
        f"{mixture}: {target.duration_s:.2f} s, {target.sample_rate} Hz, "
        f"{target.n_channels} channel{'s' if target.n_channels > 1 else ''}, took {took_s:.1f} s",
        *(f"  target    {take.target.path}" for take in result.candidates),
    ]
    if result.residual is not None:
        lines += [f"  residual  {result.residual.path}", f"  null      {null}"]
    if result.spans:
        lines.append(f"  spans     {' '.join(map(str, result.spans))}")
    lines.append(f"  confidence {result.confidence:.2f}")
    if result.presence is not None:
        lines.append(f"  presence  {_drawn(result.presence)}  (0 absent, 9 sure, over time)")
    lines += [f"  note: {notice.message}" for notice in result.notices]
    return "\n".join(lines)


def _drawn(lane: Presence) -> str:
    """A digit for every sixtieth of the time, or for every value of a short lane: its highest."""
    n_columns = min(len(lane.values), _LANE_COLUMNS)
    edges = [column * len(lane.values) // n_columns for column in range(n_columns + 1)]
    return "".join(
        str(min(int(10 * max(lane.values[first:last])), 9)) for first, last in pairwise(edges)
    )


def main(argv: list[str]) -> int:
    """Run `stemlasso separate`; returns the exit status."""
    arguments = separate_parser().parse_args(join_span_values(argv))
    with ExitStack() as undo:
        try:
            mixtures = list(_expand(arguments.mixtures, arguments.recursive))
            request = _request(arguments, mixtures, undo)
            plans = _plans(mixtures, request)
        except EngineError as error:
            return exits.fail(error)
        _say_what_is_unheeded(arguments, request.separator.name)
        if arguments.estimate:
            return _estimate_all(mixtures, request, arguments.json)
        with interruptible() as cancelled:
            return _separate_all(mixtures, request, plans, cancelled, arguments)


def _say_what_is_unheeded(arguments: argparse.Namespace, separator: str) -> None:
    options = unheeded(arguments, separator)
    if options and not arguments.quiet:
        print(f"note: {separator} does not heed {', '.join(options)}", file=sys.stderr)


def _separate_all(
    mixtures: Sequence[Path],
    request: _Request,
    plans: Sequence[RenderPlan],
    cancelled: threading.Event,
    arguments: argparse.Namespace,
) -> int:
    show = not (arguments.json or arguments.quiet) and sys.stderr.isatty()
    status = exits.OK
    for mixture, plan in zip(mixtures, plans, strict=True):
        start = time.perf_counter()
        try:
            result = _separate_one(mixture, request, plan, cancelled, show)
            _keep_receipt(mixture, result, request)
        except EngineError as error:
            _show_failure(mixture, error, arguments.json, len(mixtures))
            status = status or exits.exit_status(error)
            if cancelled.is_set():
                break
            continue
        if arguments.json:
            _print_json(_as_json(mixture, result))
        elif not arguments.quiet:
            print(_summary(mixture, result, time.perf_counter() - start))
    return status


def _estimate_all(mixtures: Sequence[Path], request: _Request, as_json: bool) -> int:
    status = exits.OK
    for mixture in mixtures:
        try:
            cost = cost_of(mixture, request.prompt, request.separator, request.options)
        except EngineError as error:
            _show_failure(mixture, error, as_json, len(mixtures))
            status = status or exits.exit_status(error)
            continue
        if as_json:
            _print_json({"mixture": str(mixture), "status": "estimated", "cost": cost.as_json()})
            continue
        print(f"{mixture}: {cost}")
        for notice in cost.notices:
            print(f"  note: {notice.message}")
    return status


def _show_failure(mixture: Path, error: EngineError, as_json: bool, n_mixtures: int) -> None:
    print(_failure(mixture, error, as_json, n_mixtures), file=sys.stderr)
    if as_json:
        _print_json({"mixture": str(mixture), "status": "failed", "error": _error(error)})


def _failure(mixture: Path, error: EngineError, as_json: bool, n_mixtures: int) -> str:
    line = exits.one_line(error)
    named = str(mixture) in line or (n_mixtures == 1 and not isinstance(error, AudioError))
    return line if named or as_json else f"{line} (mixture: {mixture})"


def _error(error: EngineError) -> dict[str, JsonValue]:
    return {"code": error.code, "message": " ".join(str(error).split())}


def _print_json(value: dict[str, JsonValue]) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)
