"""`stemlasso store`: what the store holds, and cleaning it; with or without a running server."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from bridge.client import Client, connect
from bridge.errors import StoreFailed
from bridge.folders import find_folders
from bridge.lock import FileLock
from bridge.protocol.messages import StoreClean, StoreCleaned
from bridge.protocol.values import StoreUsage
from bridge.retention import clean, usage
from bridge.store import Store
from bridge.store_layout import StoreLayout

from .output import OK, guarded, parser, show_json, size, table

_DAY_S = 86_400.0
_GIB = 1 << 30


def _parser() -> argparse.ArgumentParser:
    made = parser(
        "store",
        "Show what the store holds, or clean it. Only finished jobs go, oldest first, with their "
        "stems in the store; copies in your own folders stay.",
        starts=False,
    )
    add = made.add_argument
    add("action", nargs="?", choices=("show", "clean"), default="show")
    add("--older-than", type=_at_least_0, metavar="DAYS", help="clean: jobs finished longer ago")
    add("--keep", type=_at_least_0, metavar="GIB", help="clean: the oldest, until this is left")
    add("--dry-run", action="store_true", help="clean: only say what would go")
    return made


def main(argv: list[str]) -> int:
    """Run `stemlasso store`; returns the exit status."""
    made = _parser()
    arguments = made.parse_args(argv)
    if arguments.action == "clean" and arguments.older_than is None and arguments.keep is None:
        made.error("clean needs --older-than DAYS or --keep GIB (0 for everything)")
    return guarded(lambda: _run(arguments), as_json=arguments.json)


def _run(arguments: argparse.Namespace) -> int:
    with _own_store(arguments) as store:
        if store is not None:
            return _answer(arguments, usage(store), lambda asked: clean(store, asked))
    with connect(arguments.home, server=arguments.server, start=False, name="stemlasso") as client:
        return _of_server(arguments, client)


def _of_server(arguments: argparse.Namespace, client: Client) -> int:
    return _answer(arguments, client.status().store, client.clean)


def _answer(
    arguments: argparse.Namespace,
    held: StoreUsage,
    clean_it: Callable[[StoreClean], StoreCleaned],
) -> int:
    if arguments.action == "show":
        _show(held, arguments.json)
        return OK
    older_s = None if arguments.older_than is None else arguments.older_than * _DAY_S
    keep_bytes = None if arguments.keep is None else round(arguments.keep * _GIB)
    done = clean_it(StoreClean(older_s, keep_bytes, arguments.dry_run))
    if arguments.json:
        show_json(asdict(done))
    else:
        would = "would go" if arguments.dry_run else "went"
        print(f"{done.n_jobs} jobs with {size(done.n_bytes)} {would}")
        _show(done.usage, as_json=False)
    return OK


def _show(held: StoreUsage, as_json: bool) -> None:
    if as_json:
        show_json(asdict(held))
        return
    rows: list[tuple[str, ...]] = [
        ("folder", held.folder or "on the server"),
        ("size", size(held.n_bytes)),
        ("jobs", str(held.n_jobs)),
        ("clips", str(held.n_clips)),
    ]
    print(table(rows))


@contextmanager
def _own_store(arguments: argparse.Namespace) -> Iterator[Store | None]:
    """The store of this user while no server has it; None when one has, or it is elsewhere."""
    layout = StoreLayout(find_folders(arguments.home).store)
    if arguments.server:
        yield None
        return
    lock = FileLock(layout.root / "store.lock")
    try:
        layout.make()
        is_ours = lock.acquire()
    except OSError as error:
        raise StoreFailed(f"{layout.root}: it cannot be read ({error.strerror})") from error
    if not is_ours:
        yield None
        return
    store = Store(layout)
    try:
        store.open()
        yield store
    finally:
        store.close()
        lock.release()


def _at_least_0(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text}: give a number from 0 up")
    return value
