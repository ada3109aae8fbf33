"""How the bridge's commands speak: JSON or lines, errors with their code, exit statuses."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.client import Client, connect
from bridge.errors import (
    AuthenticationError,
    BridgeError,
    JobFailed,
    NotFound,
    ProtocolError,
    RequestRefused,
    RequestTimeout,
    ServerUnavailable,
)

OK = 0
USAGE = 2
INTERRUPTED = 130

_STATUS_OF_CODE = (
    ("prompt_", 3),
    ("audio_", 4),
    ("output_", 5),
    ("disk_full", 5),
    ("checkpoint_", 6),
    ("download_failed", 6),
    ("backend_", 7),
    ("out_of_memory", 7),
    ("cancelled", INTERRUPTED),
)
"""Starts of the engine's codes; the same statuses as without a server."""

_STATUS_OF = (
    (JobFailed, 20),
    (NotFound, 21),
    (RequestRefused, 22),
    (ServerUnavailable, 23),
    (AuthenticationError, 24),
    (RequestTimeout, 25),
    (ProtocolError, 26),
)

EXIT_STATUS_HELP = """\
exit status:
  0    done
  1    an error that the ones below do not name
  2    the command line is wrong
  3    the prompt cannot be used (description, span)
  4    a mixture cannot be read
  5    a stem cannot be written
  6    model weights are missing, damaged or of another model
  7    a package or device is missing, or memory ran out
  20   the job failed for another reason
  21   no such clip, job, model, key or server
  22   the server refused: a limit, a path, a state
  23   no server, or it cannot be started
  24   keys are missing, readable by others, or not accepted
  25   no reply in time
  26   the server speaks another version
  130  cancelled or interrupted
  141  nobody reads the output any more, as after `| head`"""


def parser(name: str, description: str, *, starts: bool = True) -> argparse.ArgumentParser:
    """A parser with the options that every client command has.

    starts: whether the command starts a server when none runs.
    """
    made = argparse.ArgumentParser(
        prog=f"stemlasso {name}",
        description=description,
        epilog=EXIT_STATUS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--json", action="store_true", help="print JSON instead of lines")
    made.add_argument(
        "--server",
        default="",
        metavar="NAME",
        help="a server elsewhere, by the name given to `stemlasso keys trust`",
    )
    made.add_argument(
        "--home", type=Path, metavar="DIR", help="folder with everything, when not the usual one"
    )
    made.set_defaults(starts=starts)
    return made


def with_client(arguments: argparse.Namespace, work: Callable[[Client], int]) -> int:
    """Connect as the options say, do `work`, and turn errors into lines and a status."""

    def connected() -> int:
        server, home, start = arguments.server, arguments.home, arguments.starts
        with connect(home, server=server, start=start, name="stemlasso") as client:
            return work(client)

    return guarded(connected, as_json=arguments.json)


def guarded(work: Callable[[], int], *, as_json: bool = False) -> int:
    """Run `work`; errors become one line (or object) and an exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return work()
    except BridgeError as error:
        return fail(error, as_json=as_json)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def fail(error: BridgeError, *, as_json: bool = False) -> int:
    """Show an error; returns its exit status."""
    message = " ".join(str(error).split())
    if as_json:
        show_json({"status": "failed", "error": {"code": error.code, "message": message}})
    print(f"error [{error.code}]: {message}", file=sys.stderr)
    return exit_status(error)


def exit_status(error: BridgeError) -> int:
    """The exit status that stands for `error`."""
    by_code = (status for start, status in _STATUS_OF_CODE if error.code.startswith(start))
    by_kind = (status for kind, status in _STATUS_OF if isinstance(error, kind))
    return next(by_code, next(by_kind, 1))


def show_json(value: Any) -> None:
    """Print one JSON value on one line."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows with their columns lined up."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def short(text: str, most: int = 48) -> str:
    """For a table: what a terminal can show, and no more of it than fits beside other columns."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def size(n_bytes: int) -> str:
    """A number of bytes as people read it."""
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def duration(seconds: float) -> str:
    """A number of seconds as people read it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
