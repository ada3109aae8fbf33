"""`stemlasso models`: list, fetch, import, verify, convert and remove the weights of SAM-Audio."""

import argparse
import json
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from engine.checkpoints.catalog import CATALOGUE, SAM_LICENCE_NOTE, KnownModel, find
from engine.checkpoints.space import gigabytes
from engine.checkpoints.store import Installed, Store, require_whole
from engine.data import JsonValue, Monitor, Notice, Progress
from engine.errors import BackendUnavailable, Cancelled, EngineError

from . import exits
from .interrupt import interruptible
from .store_root import STORE_VARIABLE, store_root

if TYPE_CHECKING:
    from engine.checkpoints.intake import Taken


_EPILOG = f"""\
examples:
  stemlasso models list
  stemlasso models download sam-audio-small
  stemlasso models import ~/Downloads/sam-audio-small
  stemlasso models import --link \\
      ~/.cache/huggingface/hub/models--facebook--sam-audio-small/snapshots/*
  stemlasso models convert sam-audio-small --precision bfloat16

{textwrap.fill(SAM_LICENCE_NOTE, 78)}
Access is asked for on each model's page; then `hf auth login` (or the variable
HF_TOKEN) lets `download` in.

exit status:
  0    everything was done
  2    the command line is wrong
  5    no room on the disk
  6    weights are missing, damaged, of another model, or not given to you
  7    a package is missing
  130  cancelled; the same command continues where it stopped"""

_PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class _Session:
    """What every subcommand needs to know.   show: draw a progress bar."""

    store: Store
    as_json: bool
    quiet: bool
    cancelled: threading.Event

    @contextmanager
    def monitor(self, label: str) -> Iterator[Monitor]:
        """A monitor that draws a bar on a terminal and stops on Ctrl-C."""
        show = not (self.as_json or self.quiet) and sys.stderr.isatty()
        with tqdm(
            total=1.0,
            desc=label,
            disable=not show,
            leave=False,
            file=sys.stderr,
            bar_format="{desc} {percentage:5.1f}% |{bar}| {elapsed}, {remaining} left",
        ) as bar:

            def on_progress(progress: Progress) -> None:
                bar.update(progress.fraction - bar.n)

            yield Monitor(on_progress, self.cancelled.is_set)

    def say(self, text: str) -> None:
        """A line for a person."""
        if not (self.as_json or self.quiet):
            print(text)

    def note(self, notices: Sequence[Notice]) -> None:
        """Notices, where a person sees them and a program does not stumble over them."""
        for notice in notices:
            print(f"note: {notice.message}", file=sys.stderr)

    def result(self, value: dict[str, JsonValue]) -> None:
        """An object for a program."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False), flush=True)


def main(argv: list[str]) -> int:
    """Run `stemlasso models`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    root = arguments.store or store_root()
    with interruptible() as cancelled:
        session = _Session(Store(root), arguments.json, arguments.quiet, cancelled)
        try:
            return int(arguments.run(session, arguments))
        except Cancelled:
            return _fail(session, Cancelled("stopped; the same command continues where it stopped"))
        except EngineError as error:
            return _fail(session, error)


def _fail(session: _Session, error: EngineError) -> int:
    message = " ".join(str(error).split())
    session.result({"status": "failed", "error": {"code": error.code, "message": message}})
    return exits.fail(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso models",
        description="List, fetch, check and convert the weights of SAM-Audio and its helpers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, text: str, run: Callable[[_Session, argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="print JSON, one object per model")
        made.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")
        made.add_argument(
            "--store",
            type=Path,
            metavar="DIR",
            help=f"where models lie (default: {STORE_VARIABLE}, or the user's data folder)",
        )
        return made

    command("list", "what there is and what is here", _list)
    _add_download(command("download", "fetch models from their owner, or from a mirror", _download))
    verify = command("verify", "read every byte again and compare digests", _verify)
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    _add_import(command("import", "take models from a folder you have", _import))
    remove = command("remove", "delete models; linked files are left alone", _remove)
    remove.add_argument("names", nargs="+", metavar="NAME")
    convert = command("convert", "write safetensors in another precision, once", _convert)
    convert.add_argument("name", metavar="NAME")
    convert.add_argument("--precision", required=True, metavar="float32|bfloat16|float16")
    convert.add_argument("--drop-original", action="store_true", help="delete the official file")
    return parser


def _add_download(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME")
    add("--only", action="store_true", help="not the other models that these need")
    add("--replace", action="store_true", help="fetch again what is here")
    add("--revision", default="", help="branch, tag or commit (default: the one recorded first)")
    add("--repository", default="", metavar="OWNER/NAME", help="a copy on the hub that you trust")
    add("--endpoint", metavar="URL", help="a server like the hub; your token is not sent to it")


def _add_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("sources", nargs="+", type=Path, metavar="FOLDER", help="a folder or a weights file")
    add("--as", dest="name", metavar="NAME", help="which model it is (default: recognised)")
    add("--link", action="store_true", help="link instead of copy; the files have to stay there")
    add("--replace", action="store_true", help="take the place of what is here")


def _list(session: _Session, _arguments: argparse.Namespace) -> int:
    here = {found.model.name: found for found in session.store.installed()}
    if session.as_json:
        damaged = session.store.damaged()
        rows = [
            _as_json(model, here.get(model.name))
            | {
                "damaged": model in damaged,
                "unfinished_bytes": session.store.partial_bytes(model),
            }
            for model in CATALOGUE
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return exits.OK
    print(f"models in {session.store.root}\n")
    for model in CATALOGUE:
        found = here.get(model.name)
        state = _state(session.store, model, found)
        print(f"{model.name:<20}{state:<28}{model.purpose}")
        print(f"{'':<20}{model.licence.name}, {model.page}")
    print(f"\n{SAM_LICENCE_NOTE}")
    return exits.OK


def _state(store: Store, model: KnownModel, found: Installed | None) -> str:
    if found is not None:
        return f"here, {gigabytes(found.manifest.size_bytes)} {found.manifest.precision}"
    if model in store.damaged():
        return "damaged: remove it"
    if partial := store.partial_bytes(model):
        return f"unfinished, {gigabytes(partial)}"
    size = sum(file.size_bytes or 0 for file in model.files)
    return "not here" + (f", {gigabytes(size)}" if size else "") + (", gated" * model.gated)


def _as_json(model: KnownModel, found: Installed | None) -> dict[str, JsonValue]:
    manifest = found.manifest if found is not None else None
    return {
        "name": model.name,
        "purpose": model.purpose,
        "installed": found is not None,
        "folder": str(found.folder) if found is not None else None,
        "precision": manifest.precision if manifest else None,
        "size_bytes": manifest.size_bytes if manifest else None,
        "published_bytes": sum(file.size_bytes or 0 for file in model.files) or None,
        "source": manifest.source if manifest else None,
        "origin": manifest.origin if manifest else None,
        "commit": manifest.commit if manifest else None,
        "gated": model.gated,
        "licence": model.licence.name,
        "licence_note": model.licence.note,
        "page": model.page,
        "needs": list(model.needs),
    }


def _taken(session: _Session, taken: "Taken") -> None:
    """Report a model that has come into the store."""
    model, manifest = taken.installed.model, taken.installed.manifest
    session.note(taken.notices)
    session.say(
        f"{model.name}: {gigabytes(manifest.size_bytes)}, {manifest.precision}, "
        f"in {taken.installed.folder}"
    )
    notices: list[JsonValue] = [dict(asdict(notice)) for notice in taken.notices]
    session.result({"status": "done", **_as_json(model, taken.installed), "notices": notices})


def _licence(model: KnownModel) -> None:
    print(f"{model.name}: {model.licence.note} ({model.page})", file=sys.stderr)


def _download(session: _Session, arguments: argparse.Namespace) -> int:
    with _model_extra():
        from engine.checkpoints.download import Mirror, download_model
        from engine.checkpoints.hub import Hub
    wanted = [find(name) for name in arguments.names]
    session.note([notice for _, notice in wanted if notice is not None])
    models = [model for model, _ in wanted]
    if not arguments.only:
        models += [find(need)[0] for model in models for need in model.needs]
    named = Mirror(arguments.repository, arguments.revision, Hub(arguments.endpoint))
    for model in dict.fromkeys(models):
        # A copy and a revision are of the models that were named, not of what these need.
        mirror = named if model in models[: len(wanted)] else Mirror(hub=named.hub)
        _licence(model)
        with session.monitor(model.name) as monitor:
            taken = download_model(
                session.store,
                model.name,
                mirror=mirror,
                replace_it=arguments.replace,
                monitor=monitor,
            )
        _taken(session, taken)
    return exits.OK


def _import(session: _Session, arguments: argparse.Namespace) -> int:
    with _model_extra():
        from engine.checkpoints.intake import import_model
    for source in arguments.sources:
        with session.monitor(source.name) as monitor:
            taken = import_model(
                session.store,
                source,
                arguments.name,
                how="link" if arguments.link else "copy",
                replace=arguments.replace,
                monitor=monitor,
            )
        _licence(taken.installed.model)
        _taken(session, taken)
    return exits.OK


def _verify(session: _Session, arguments: argparse.Namespace) -> int:
    models = [find(name)[0] for name in arguments.names] or [
        found.model for found in session.store.installed()
    ]
    if not models:
        session.say(f"there are no models in {session.store.root}")
    failure: EngineError | None = None
    for model in models:
        with session.monitor(model.name) as monitor:
            checks = session.store.verify(model, monitor)
        states: dict[str, JsonValue] = {check.file.name: check.state for check in checks}
        whole = all(check.state == "whole" for check in checks)
        session.say("\n".join(f"{model.name}/{name}: {state}" for name, state in states.items()))
        session.result(
            {"status": "done" if whole else "failed", "name": model.name, "files": states}
        )
        try:
            require_whole(checks, session.store.folder(model))
        except EngineError as error:
            print(exits.one_line(error), file=sys.stderr)
            failure = failure or error
    return exits.exit_status(failure) if failure else exits.OK


def _remove(session: _Session, arguments: argparse.Namespace) -> int:
    for name in arguments.names:
        model, _ = find(name)
        with session.monitor(model.name) as monitor:
            freed = session.store.remove(model, monitor)
        session.say(f"{model.name}: removed, {gigabytes(freed)} free again")
        session.result({"status": "done", "name": model.name, "freed_bytes": freed})
    return exits.OK


def _convert(session: _Session, arguments: argparse.Namespace) -> int:
    with _model_extra():
        from engine.checkpoints.convert import convert_model
        from engine.checkpoints.intake import Taken
    model, notice = find(arguments.name)
    precision = _PRECISIONS.get(arguments.precision, arguments.precision)
    with session.monitor(model.name) as monitor:
        installed = convert_model(
            session.store,
            model,
            precision,
            drop_original=arguments.drop_original,
            monitor=monitor,
        )
    _taken(session, Taken(installed, (notice,) if notice else ()))
    return exits.OK


@contextmanager
def _model_extra() -> Iterator[None]:
    """Say which packages are missing, where only the builtin separator was installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"the package {error.name} is not installed; weights need StemLasso's extra `model`: "
            "pip install 'stemlasso[model]'"
        ) from error
