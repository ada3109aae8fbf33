"""`stemlasso live`: ask Ableton Live for the clip that is selected there.

Live's scripts have no window of their own, so what to do comes from outside: this command leaves a
file in the outbox that the script "StemLasso" takes away. `plugin_shim/daw/manifest.md`.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from bridge.atomic import write_json
from bridge.errors import ServerUnavailable
from bridge.folders import find_folders
from bridge.offers import LIVE_COMMAND
from bridge.protocol.fields import to_wire
from bridge.protocol.values import MAX_CANDIDATES, QUALITIES, WirePrompt
from bridge.store_layout import StoreLayout

from .output import OK, guarded, parser, show_json
from .spans import join_spans, parse_span

_VERSION = 1
_LOOK_S = 0.05


def _parser() -> argparse.ArgumentParser:
    made = parser(
        "live",
        "Separate the clip that is selected in Ableton Live; its stems appear on new tracks below "
        "it. Without a description or span the clip only appears in the panel. Live must run with "
        "the control surface StemLasso (`stemlasso install ableton`).",
        starts=False,
    )
    add = made.add_argument
    add("--insert", action="store_true", help="insert what is finished for this Set, instead")
    add("-d", "--describe", default="", metavar="TEXT", help='what to take, e.g. "snare drum"')
    add(
        "-s",
        "--span",
        action="append",
        default=[],
        type=parse_span,
        metavar="SIGN START:END",
        help="where it is (+) or is not (-), in seconds after the clip's start",
    )
    add(
        "--track",
        action="store_true",
        help="all clips in the arrangement of the selected track, or those in the loop brace when "
        "it is on, instead of the selected clip; spans count from each clip's start",
    )
    add("--quality", default="standard", choices=QUALITIES)
    add("--candidates", type=int, default=1, metavar="N", help=f"takes, 1 to {MAX_CANDIDATES}")
    add("--mute-original", action="store_true", help="mute the clip when its stems are there")
    add("--patience", type=float, default=5.0, metavar="SECONDS", help="to wait for Live")
    return made


def main(argv: list[str]) -> int:
    """Run `stemlasso live`; returns the exit status."""
    made = _parser()
    arguments = made.parse_args(join_spans(argv))
    if arguments.server:
        made.error("--server: Live is asked through files of this computer")
    if not 1 <= arguments.candidates <= MAX_CANDIDATES:
        made.error(f"--candidates {arguments.candidates}: give 1 to {MAX_CANDIDATES}")
    return guarded(lambda: _run(arguments), as_json=arguments.json)


def _run(arguments: argparse.Namespace) -> int:
    outbox = StoreLayout(find_folders(arguments.home).store).outbox
    path, command = outbox / LIVE_COMMAND, command_of(arguments)
    try:
        write_json(path, command)
    except OSError as error:
        raise ServerUnavailable(
            f"{outbox}: it cannot be written ({error.strerror}); run `stemlasso status` first"
        ) from error
    _wait(path, arguments.patience)
    if arguments.json:
        show_json({"status": "taken", "command": command})
    else:
        print("Live has it; its status bar says what becomes of it")
    return OK


def command_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command for Live as JSON values."""
    if arguments.insert:
        return {"command": _VERSION, "do": "insert"}
    command: dict[str, Any] = {
        "command": _VERSION,
        "do": "send",
        "which": "track" if arguments.track else "clip",
        "mute_original": arguments.mute_original,
    }
    if arguments.describe or arguments.span:
        prompt = to_wire(WirePrompt(arguments.describe, tuple(arguments.span)))
        command["prompt"] = {name: prompt[name] for name in ("description", "spans")}
        command["options"] = {
            "quality": arguments.quality,
            "n_candidates": arguments.candidates,
        }
    return command


def _wait(path: Path, patience_s: float) -> None:
    """Until Live has taken the command away; then nobody else finds it later."""
    deadline_s = time.monotonic() + patience_s
    while path.exists():
        if time.monotonic() > deadline_s:
            path.unlink(missing_ok=True)
            raise ServerUnavailable(
                "Live does not answer: is it running, and is StemLasso chosen as a control surface "
                "in Settings, Link, Tempo & MIDI? `stemlasso install ableton` puts it there"
            )
        time.sleep(_LOOK_S)
