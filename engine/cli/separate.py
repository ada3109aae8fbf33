"""`stemlasso separate`: mixtures and a prompt in, stems out."""

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from engine.data import JsonValue, Progress, Prompt, Separation, SeparationOptions, Separator, Span
from engine.errors import AudioError, AudioNotFound, EngineError, OutputExists, PromptError
from engine.render import RenderPlan
from engine.separator import find_separator, separate

from . import exits
from .formats import FORMAT_HELP, parse_format
from .interrupt import interruptible
from .naming import AUDIO_SUFFIXES, named_stems, stem_base
from .store_root import store_root

_EPILOG = f"""\
examples:
  stemlasso separate song.wav --describe "snare drum" --span=+1.2:2.5 --span=-4:6
  stemlasso separate takes/ --describe "dog barking" --span=+0:3 --out stems --json

The stems have the mixture's rate, channels, length and format; target + residual = mixture.

{exits.EXIT_STATUS_HELP}"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso separate",
        description="Take a described sound out of one or more mixtures.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("mixtures", nargs="+", type=Path, metavar="MIX", help="audio files, or folders of them")
    add("-d", "--describe", default="", metavar="TEXT", help='what to take, e.g. "dog barking"')
    add(
        "-s",
        "--span",
        action="append",
        default=[],
        metavar="SIGN START:END",
        help="seconds where the sound is (+1.2:2.5) or is not (-4:6); may be repeated",
    )
    add("--separator", default="auto", metavar="NAME", help="see `stemlasso separators`")
    add("-o", "--out", type=Path, metavar="DIR", help="default: `stems` beside each mixture")
    add("--format", metavar="FORMAT", help=FORMAT_HELP)
    add(
        "--residual",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also write what is left when the target is taken out (default: yes)",
    )
    add("--candidates", type=int, default=1, metavar="N", help="takes to make and keep")
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    add("--threads", type=int, metavar="N", help="cores to use (default: all)")
    add("--overwrite", action="store_true", help="replace stems that are there already")
    add("--recursive", action="store_true", help="look into folders inside folders as well")
    add("--json", action="store_true", help="print one JSON object per mixture")
    add("-q", "--quiet", action="store_true", help="no progress bar and no summary")
    return parser


@dataclass(frozen=True)
class _Request:
    """What to do with every mixture of one command."""

    prompt: Prompt
    separator: Separator
    options: SeparationOptions
    plan: RenderPlan
    out_dir: Path | None


def _join_span_values(argv: Sequence[str]) -> list[str]:
    """`--span -4:6` as `--span=-4:6`, which argparse would otherwise take for an option."""
    joined: list[str] = []
    values = iter(argv)
    for argument in values:
        if argument in ("--span", "-s"):
            value = next(values, None)
            joined.append(argument if value is None else f"--span={value}")
        else:
            joined.append(argument)
    return joined


def _request(arguments: argparse.Namespace) -> _Request:
    spans = tuple(Span.parse(text) for text in arguments.span)
    for name, least in (("candidates", 1), ("threads", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise PromptError(f"--{name} {value}: it must be {least} or more")
    return _Request(
        prompt=Prompt(arguments.describe, spans),
        separator=find_separator(arguments.separator, store_root()),
        options=SeparationOptions(arguments.seed, arguments.candidates, arguments.threads),
        plan=RenderPlan(
            format=parse_format(arguments.format) if arguments.format else None,
            overwrite=arguments.overwrite,
            with_residual=arguments.residual,
        ),
        out_dir=arguments.out,
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
        base = stem_base(mixture, request.prompt)
        other = taken.setdefault((out_dir, base.casefold()), mixture)
        if other != mixture:
            raise OutputExists(
                f"{mixture} and {other} would both write '{base}' into {out_dir}; "
                "give them folders of their own with --out"
            )
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
    lines.append(f"  confidence {result.confidence:.2f}")
    lines += [f"  note: {notice.message}" for notice in result.notices]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Run `stemlasso separate`; returns the exit status."""
    arguments = _parser().parse_args(_join_span_values(argv))
    try:
        request = _request(arguments)
        mixtures = list(_expand(arguments.mixtures, arguments.recursive))
        plans = _plans(mixtures, request)
    except EngineError as error:
        return exits.fail(error)
    with interruptible() as cancelled:
        return _separate_all(mixtures, request, plans, cancelled, arguments)


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
        except EngineError as error:
            print(_failure(mixture, error, arguments.json, len(mixtures)), file=sys.stderr)
            if arguments.json:
                _print_json({"mixture": str(mixture), "status": "failed", "error": _error(error)})
            status = status or exits.exit_status(error)
            if cancelled.is_set():
                break
            continue
        if arguments.json:
            _print_json(_as_json(mixture, result))
        elif not arguments.quiet:
            print(_summary(mixture, result, time.perf_counter() - start))
    return status


def _failure(mixture: Path, error: EngineError, as_json: bool, n_mixtures: int) -> str:
    line = exits.one_line(error)
    named = str(mixture) in line or (n_mixtures == 1 and not isinstance(error, AudioError))
    return line if named or as_json else f"{line} (mixture: {mixture})"


def _error(error: EngineError) -> dict[str, JsonValue]:
    return {"code": error.code, "message": " ".join(str(error).split())}


def _print_json(value: dict[str, JsonValue]) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)
