"""`stemlasso export`: a finished job as a project file that a DAW opens."""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bridge.atomic import replacing
from bridge.delivery import DeliveryFailed
from bridge.errors import NotFound
from bridge.folders import find_folders
from bridge.projects.arrangement import Arrangement, read_arrangement
from bridge.projects.dawproject import write_dawproject
from bridge.projects.rpp import rpp_text
from bridge.store_layout import StoreLayout

from .output import OK, guarded, parser, show_json

_MANIFEST = "timeline.json"


def _parser() -> argparse.ArgumentParser:
    made = parser(
        "export",
        "Write the stems of a finished job, and the clip they were taken out of (muted), as a "
        "project file. The stems start where the clip starts, to the sample. Needs no server.",
        starts=False,
    )
    add = made.add_argument
    add(
        "job",
        metavar="JOB",
        help="id of a job, the folder its stems were put into, a folder of stems with their "
        "timeline manifest, or a manifest (*.timeline.json)",
    )
    add("--rpp", type=Path, metavar="FILE", help="a REAPER project; names the files where they lie")
    add(
        "--dawproject",
        type=Path,
        metavar="FILE",
        help="for Bitwig, Studio One, Cubase and others; holds copies of the files",
    )
    add("--tempo", type=_tempo, default=120.0, metavar="BPM", help="of the project (default: 120)")
    add("--without-original", action="store_true", help="leave the clip itself out")
    add("--overwrite", action="store_true", help="replace a file that is there")
    return made


def main(argv: list[str]) -> int:
    """Run `stemlasso export`; returns the exit status."""
    made = _parser()
    arguments = made.parse_args(argv)
    if arguments.rpp is None and arguments.dawproject is None:
        made.error("give --rpp FILE, --dawproject FILE, or both")
    if arguments.server:
        made.error("--server: export reads files; run it on the computer that has them")
    return guarded(lambda: _run(arguments), as_json=arguments.json)


def _run(arguments: argparse.Namespace) -> int:
    manifest = _find(arguments.job, StoreLayout(find_folders(arguments.home).store))
    arrangement = read_arrangement(manifest)
    if arguments.without_original:
        arrangement = replace(arrangement, original=None)
    wanted = [path for path in (arguments.rpp, arguments.dawproject) if path is not None]
    for path in wanted:
        _check(path, arguments.overwrite)
    if arguments.rpp is not None:
        text = rpp_text(arrangement, arguments.rpp.parent, arguments.tempo).encode("utf-8")
        _write(arguments.rpp, lambda stream: stream.write(text))
    if arguments.dawproject is not None:
        _write(
            arguments.dawproject,
            lambda stream: write_dawproject(arrangement, stream, arguments.tempo),
        )
    _show(wanted, arrangement, arguments.json)
    return OK


def _find(job: str, layout: StoreLayout) -> Path:
    """The manifest that the user means."""
    named = Path(job)
    if named.is_file():
        return named
    if named.is_dir():
        manifest = _manifest_of(named) or _delivered_to(named, layout)
    else:
        manifest = layout.manifest(job) if named.name == job else None
    if manifest is not None and manifest.is_file():
        return manifest
    raise NotFound(
        f"{job}: no finished job, no folder of its stems and no manifest of this name; `stemlasso "
        f"jobs` lists jobs, and {layout.outbox} has their manifests",
        "job_not_found",
    )


def _manifest_of(folder: Path) -> Path | None:
    """The manifest that lies in a folder, or beside a folder `stems`. Raises NotFound for many."""
    beside = [folder.parent / _MANIFEST] if folder.name == "stems" else []
    for place in (folder / _MANIFEST, *beside):
        if place.is_file():
            return place
    found = sorted(folder.glob(f"*.{_MANIFEST}"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise NotFound(f"{folder}: it has several manifests; name one of {names}", "job_not_found")
    return found[0] if found else None


def _delivered_to(folder: Path, layout: StoreLayout) -> Path | None:
    """The manifest of the newest job whose stems were put into a folder of the user's."""
    for receipt in sorted(layout.jobs.glob(f"*/{_MANIFEST}"), key=_changed_s, reverse=True):
        try:
            stems = json.loads(receipt.read_text("utf-8"))["stems"]
            files = [Path(stem["file"]) for stem in stems]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another one may be whole
        if files and all(file.parent == folder.absolute() for file in files):
            return receipt
    return None


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # cleaned away meanwhile
        return 0.0


def _check(path: Path, may_replace: bool) -> None:
    if path.exists() and not (may_replace and path.is_file()):
        raise DeliveryFailed(
            f"{path}: it exists already; add --overwrite or choose another name", "output_exists"
        )


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            write(stream)
    except OSError as error:
        raise DeliveryFailed(
            f"{path}: it cannot be written ({error.strerror}); choose another folder",
            "output_not_writable",
        ) from error


def _show(paths: list[Path], arrangement: Arrangement, as_json: bool) -> None:
    if as_json:
        tracks = [lane.name for lane in arrangement.lanes]
        show_json({"files": [str(path.absolute()) for path in paths], "tracks": tracks})
        return
    for path in paths:
        print(f"{path}: {len(arrangement.stems)} stems of {arrangement.name!r}")


def _tempo(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 20 <= value <= 666):
        raise argparse.ArgumentTypeError(f"{text}: give a tempo from 20 to 666")
    return value
