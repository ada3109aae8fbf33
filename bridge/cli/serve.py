"""`stemlasso serve`: the server, in this terminal."""

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from bridge.desk import DeskSettings
from bridge.errors import AuthenticationError, RequestRefused, ServerRunning
from bridge.folders import Folders, find_folders, make_private
from bridge.lane import LaneRules
from bridge.lock import FileLock
from bridge.retention import Retention
from bridge.security import Keys
from bridge.server import Server, ServerConfig, run_server
from bridge.standard_output import drop_closed

from .address import DEFAULT_PORT, parse_address
from .output import EXIT_STATUS_HELP, OK, guarded

DAY_S = 86_400.0
SWITCH_INTERVAL_S = 0.0005
"""How long the desk thread may keep the interpreter while the I/O loop has something to do."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso serve",
        description="Run the server that the plug-in, the panel and scripts talk to.",
        epilog=EXIT_STATUS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="also serve computers on the network at this IP address, as ADDRESS or ADDRESS:PORT "
        f"(default port: {DEFAULT_PORT}; events are on the next one). Only clients whose keys were "
        "let in with `stemlasso keys allow` are served; they send audio and get audio, not paths",
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder for everything")
    store = parser.add_argument_group("what the store lets go by itself (default: nothing)")
    store.add_argument("--keep-days", type=float, metavar="DAYS", help="older finished jobs")
    store.add_argument("--keep-gib", type=float, metavar="GIB", help="the oldest beyond this size")
    parser.add_argument(
        "--idle",
        type=float,
        metavar="SECONDS",
        help="unload models and end the worker after so long without work (default: "
        f"{LaneRules().idle_s:g})",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log requests and jobs")
    return parser


def main(argv: list[str]) -> int:
    """Run `stemlasso serve`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    return guarded(lambda: _serve(arguments))


def _serve(arguments: argparse.Namespace) -> int:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    folders = find_folders(arguments.home)
    listen = parse_address(arguments.listen) if arguments.listen else None
    if listen is not None and not Keys(folders.keys).allowed():
        raise AuthenticationError(
            "--listen: no client was let in yet; run `stemlasso keys` on the other computer, then "
            "`stemlasso keys allow NAME KEY` here"
        )
    with _only_one(folders):
        desk = _desk_settings(folders, arguments)
        config = ServerConfig(folders, desk, _version(), desk.limits, listen)
        run_server(config, _stop_on_signals)
    return OK


@contextlib.contextmanager
def _only_one(folders: Folders) -> Iterator[None]:
    """Hold the lock of the runtime folder. Raises ServerRunning when another server does."""
    make_private(folders.runtime)
    make_private(folders.store)
    lock = FileLock(folders.lock)
    if not lock.acquire():
        raise ServerRunning(
            f"{folders.runtime}: a server runs already; `stemlasso status` shows it, "
            "`stemlasso stop` stops it"
        )
    try:
        yield
    finally:
        lock.release()


def _stop_on_signals(server: Server) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    try:
        print("ready", flush=True)
    except BrokenPipeError:
        drop_closed()  # who started it did not wait; it serves others as well


def _desk_settings(folders: Folders, arguments: argparse.Namespace) -> DeskSettings:
    days, gib, idle_s = arguments.keep_days, arguments.keep_gib, arguments.idle
    for name, value in (("--keep-days", days), ("--keep-gib", gib), ("--idle", idle_s)):
        if value is not None and not 0 <= value < float("inf"):
            raise RequestRefused(f"{name} {value}: it must be 0 or more")
    retention = Retention(
        older_than_s=None if days is None else days * DAY_S,
        keep_bytes=None if gib is None else round(gib * 1024**3),
    )
    rules = LaneRules() if idle_s is None else LaneRules(idle_s=idle_s)
    return DeskSettings(root=folders.store, retention=retention, rules=rules)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("stemlasso")
    except PackageNotFoundError:
        return "0+checkout"
