"""`stemlasso comp`: one target out of several takes, region by region."""

import argparse
import json
import sys
import threading
from pathlib import Path

from tqdm import tqdm

from engine.comping import comp
from engine.data import (
    Progress,
)
from engine.errors import EngineError, PromptError
from engine.regions import Region
from engine.render import RenderPlan
from engine.separation import Separation

from . import exits
from .formats import FORMAT_HELP, parse_format
from .interrupt import interruptible
from .receipt_file import PastRun, check_free, read_receipt, write_receipt

_EPILOG = f"""\
examples:
  stemlasso separate song.wav -d "snare drum" --candidates 3 --receipt
  stemlasso comp "stems/song - snare drum.json" --region 12.5:16=2 --region 40:44=3
  stemlasso comp song.wav --take a.wav --take b.wav --region 12.5:16=2 --out comps

Takes are counted from 1, the best. Away from the fades of 20 ms at the edges every sample is that
of one take; target + residual = mixture.

{exits.EXIT_STATUS_HELP}"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso comp",
        description="Put one target together out of several takes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "source",
        type=Path,
        metavar="RECEIPT",
        help="of the separation that made the takes (--receipt); with --take: the mixture",
    )
    add(
        "-t",
        "--take",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a target made of the mixture, take 1 first; in place of a receipt",
    )
    add(
        "-r",
        "--region",
        action="append",
        default=[],
        metavar="START:END=TAKE",
        help="seconds, and the take that is heard there; may be repeated",
    )
    add("--elsewhere", type=int, default=1, metavar="TAKE", help="outside them (default: 1)")
    add("--mixture", type=Path, metavar="FILE", help="where the mixture is, when it was moved")
    add("-o", "--out", type=Path, metavar="DIR", help="default: beside the first take")
    add("--name", default="", help="of the target (default: the first take's, with ` - comp`)")
    add("--format", metavar="FORMAT", help=FORMAT_HELP.replace("the mixture's", "the takes'"))
    add(
        "--residual",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also write what is left when the target is taken out (default: yes)",
    )
    add("--receipt", action="store_true", help="keep what --json prints beside the stems")
    add("--overwrite", action="store_true", help="replace stems that are there already")
    add("--json", action="store_true", help="print one JSON object")
    add("-q", "--quiet", action="store_true", help="no progress bar and no summary")
    return parser


def main(argv: list[str]) -> int:
    """Run `stemlasso comp`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        run = _past_run(arguments)
        regions = [Region.parse(text) for text in arguments.region]
        plan = _plan(arguments, run)
        assert plan.folder is not None
        receipt = plan.folder / f"{plan.target_name}.json"
        if arguments.receipt:
            check_free(receipt, arguments.overwrite)
        with interruptible() as cancelled:
            result = _comped(arguments, run, regions, plan, cancelled)
        shown = {"mixture": str(run.mixture), "status": "done", **result.summary()}
        if arguments.receipt:
            write_receipt(receipt, shown)
    except EngineError as error:
        return exits.fail(error)
    if arguments.json:
        print(json.dumps(shown, ensure_ascii=False, allow_nan=False))
    elif not arguments.quiet:
        print(_summary(result))
    return exits.OK


def _past_run(arguments: argparse.Namespace) -> PastRun:
    if arguments.take:
        if arguments.mixture is not None:
            raise PromptError(
                f"--mixture {arguments.mixture}: with --take the mixture is {arguments.source}; "
                "leave --mixture out"
            )
        return PastRun(arguments.source, "", tuple(arguments.take))
    run = read_receipt(arguments.source)
    return run if arguments.mixture is None else PastRun(arguments.mixture, run.digest, run.takes)


def _plan(arguments: argparse.Namespace, run: PastRun) -> RenderPlan:
    first = run.takes[0]
    name = arguments.name or f"{first.stem} - comp"
    return RenderPlan(
        folder=arguments.out or first.parent,
        target_name=name,
        residual_name=f"{name} - residual",
        format=parse_format(arguments.format) if arguments.format else None,
        overwrite=arguments.overwrite,
        with_residual=arguments.residual,
    )


def _comped(
    arguments: argparse.Namespace,
    run: PastRun,
    regions: list[Region],
    plan: RenderPlan,
    cancelled: threading.Event,
) -> Separation:
    show = not (arguments.json or arguments.quiet) and sys.stderr.isatty()
    with tqdm(
        total=100, desc=run.mixture.name, unit="%", disable=not show, leave=False, file=sys.stderr
    ) as bar:

        def on_progress(progress: Progress) -> None:
            bar.set_postfix_str(progress.stage, refresh=False)
            bar.update(round(100 * progress.fraction) - bar.n)

        return comp(
            run.mixture,
            run.takes,
            regions,
            elsewhere=arguments.elsewhere,
            mixture_digest=run.digest,
            output=plan,
            on_progress=on_progress,
            is_cancelled=cancelled.is_set,
        )


def _summary(result: Separation) -> str:
    exact = result.null_db == float("-inf")
    lines = [f"  target    {result.target.path}"]
    if result.residual is not None:
        null = "exact, to the last bit" if exact else f"{result.null_db:.1f} dBFS"
        lines += [f"  residual  {result.residual.path}", f"  null      {null}"]
    lines += [f"  note: {notice.message}" for notice in result.notices]
    return "\n".join(lines)
