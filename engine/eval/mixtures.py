"""Quality of a separator on a folder of mixtures with true stems.

    stemlasso eval --manifest DIR_OR_FILE [--separator NAME] [--mode MODE] ...
    python -m engine.eval.mixtures ...the same...

Prints SI-SDR improvement, SDR, leakage, null error and real-time factor per class group and
overall, beside doing nothing, span gating, HPSS and the ideal ratio mask on the same files. The
folder's format is described in `dataset.py`, every number in `metrics.py`, the JSON in
`report.py`, the baselines (which `--separator` takes by name, too) in `baselines.py`.

Exit status: 0 done, 1 stopped by the user, 2 something given cannot be used (one line says what).
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from engine.builtin import BuiltinSeparator
from engine.cli.exits import one_line
from engine.data import JsonValue, SeparationOptions
from engine.errors import BackendUnavailable, EngineError, OutputError
from engine.separator import find_separator

from .baselines import BASELINES
from .dataset import MODES, Item, load_manifest, select
from .machine import hardware, versions
from .plot import Plotter, open_plotter
from .report import as_json, as_table
from .run import ItemResult, SeparateItem, by_baseline, by_front_door, evaluate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return _measure(given)
    except EngineError as error:
        print(one_line(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 1


def _measure(given: argparse.Namespace) -> int:
    modes = list(MODES) if given.mode == "all" else [given.mode]
    items = select(load_manifest(given.manifest), given.items, given.limit)
    separate_item = _separate_item(given)
    _refuse_unwritable(given.json)
    plotter = open_plotter(given.plot, given.separator, modes) if given.plot else None

    results = _results(items, modes, separate_item, plotter, with_baselines=given.baselines)

    # Files first: whoever reads the tables may have stopped reading.
    settings = _settings(given, modes)
    written = plotter.finish() if plotter else []
    if given.json:
        written.insert(0, _write_json(given.json, as_json(results, settings)))

    print(_heading(settings))
    for mode, found in results.items():
        print(f"\n{as_table(mode, found)}")
    for path in written:
        print(f"wrote {path}")
    return 0


def _results(
    items: Sequence[Item],
    modes: Sequence[str],
    separate_item: SeparateItem,
    plotter: Plotter | None,
    *,
    with_baselines: bool,
) -> dict[str, list[ItemResult]]:
    """Results by mode; pictures are drawn on the way, while the audio is there."""
    results: dict[str, list[ItemResult]] = {mode: [] for mode in modes}
    runs = evaluate(items, modes, separate_item, with_baselines=with_baselines)
    with tqdm(total=len(items) * len(modes), unit="item", disable=None) as bar:
        for evaluated in runs:
            results[evaluated.result.mode].append(evaluated.result)
            if plotter is not None:
                plotter.add(evaluated)
            bar.update()
    return results


def _separate_item(given: argparse.Namespace) -> SeparateItem:
    """By a baseline or a separator of this name, builtin with its blocks changed when asked.

    Raises BackendUnavailable when there is none or it has no blocks to change.
    """
    baseline = next((known for known in BASELINES if known.name == given.separator), None)
    separator = None if baseline else find_separator(given.separator)
    if given.block_s is not None:
        if not isinstance(separator, BuiltinSeparator):
            raise BackendUnavailable(
                f"separator {given.separator!r} has no --block-s; only builtin has"
            )
        blocks = {"learn_block_s": given.block_s, "decode_block_s": given.block_s}
        separator = BuiltinSeparator(replace(separator.config, **blocks))
    if baseline is not None:
        return by_baseline(baseline)
    assert separator is not None  # it is one or the other
    return by_front_door(separator, SeparationOptions(given.seed, n_threads=given.threads))


def _settings(given: argparse.Namespace, modes: Sequence[str]) -> dict[str, JsonValue]:
    return {
        "separator": given.separator,
        "modes": list(modes),
        "seed": given.seed,
        "n_threads": given.threads,
        "block_s": given.block_s,
        "manifest": str(given.manifest),
        "items": list(given.items),
        "limit": given.limit,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": versions(),
        "hardware": hardware(),
    }


def _heading(settings: dict[str, JsonValue]) -> str:
    machine = settings["hardware"]
    assert isinstance(machine, dict)
    return (
        f"{settings['separator']} on {settings['manifest']}, seed {settings['seed']}; "
        f"{machine['cpu']}, {machine['n_cores']} cores, {machine['system']}"
    )


def _refuse_unwritable(path: Path | None) -> None:
    """Raises OutputError before the work rather than after it."""
    if path is not None and path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file for the JSON")
    if path is not None and not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")


def _write_json(path: Path, report: dict[str, JsonValue]) -> Path:
    try:
        path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso eval",
        description="Measure a separator on a folder of mixtures with true stems.",
    )
    add = parser.add_argument
    add("--manifest", type=Path, required=True, help="folder with manifest.json, or the file")
    names = ", ".join(baseline.name for baseline in BASELINES)
    add("--separator", default="builtin", help=f"a separator's name, or one of {names}")
    add("--mode", choices=[*MODES, "all"], default="spans",
        help="prompt by text, by + spans, by + and − spans, or each in turn")  # fmt: skip
    add("--json", type=Path, metavar="FILE", help="write all numbers here")
    add("--plot", type=Path, metavar="FILE_OR_DIR",
        help="a contact sheet for FILE.png, a page per item for a folder")  # fmt: skip
    add("--items", type=_ids, default=(), metavar="ID,ID", help="only these items")
    add("--limit", type=_count, metavar="N", help="only the first N items")
    add("--seed", type=int, default=0, help="of everything random in the separator")
    add("--threads", type=_count, metavar="N", help="cores to use; all of them by default")
    add("--block-s", type=_seconds, metavar="S",
        help="builtin's block length; longer than a file means whole")  # fmt: skip
    add("--no-baselines", dest="baselines", action="store_false", help="only the separator")
    return parser


def _ids(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
