"""The command `stemlasso`: finds a subcommand by name and hands over to it.

Subcommands live with the package they belong to and are imported only when named, so that none
pays for another's start-up, and so that this module depends on none of them.
"""

import importlib
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path

from .standard_output import quiet_when_closed


@dataclass(frozen=True)
class Subcommand:
    """Where a subcommand lives and what it does.

    module: has `main(argv: list[str]) -> int`; or `script`: a file of `installer/` with the same.
    """

    summary: str
    module: str = ""
    script: str = ""


SUBCOMMANDS = {
    "separate": Subcommand("take a sound out of one or more mixtures", "engine.cli.separate"),
    "comp": Subcommand("put one target together out of several takes", "engine.cli.comp"),
    "separators": Subcommand("list the separators and what they can do", "engine.cli.separators"),
    "models": Subcommand("list, download, verify, import model weights", "engine.cli.models"),
    "bench": Subcommand("measure seconds and memory of the models here", "engine.cli.bench"),
    "eval": Subcommand("measure quality on mixtures with true stems", "engine.eval.mixtures"),
    "serve": Subcommand(
        "run the engine process for plug-in, panel and scripts", "bridge.cli.serve"
    ),
    "status": Subcommand("show the engine process: devices, queue, store", "bridge.cli.status"),
    "clips": Subcommand("list, add and remove clips", "bridge.cli.clips"),
    "jobs": Subcommand("list, watch, cancel, repeat separations", "bridge.cli.jobs"),
    "live": Subcommand("separate the clip that is selected in Ableton Live", "bridge.cli.live"),
    "export": Subcommand(
        "write a finished job as a REAPER or DAWproject file", "bridge.cli.export"
    ),
    "store": Subcommand("see and clean what the engine process keeps", "bridge.cli.store"),
    "keys": Subcommand("exchange keys with other computers", "bridge.cli.keys"),
    "panel": Subcommand("open the window: see, draw, describe, listen", "gui.__main__"),
    "stop": Subcommand("stop the engine process", "bridge.cli.stop"),
    "install": Subcommand("put scripts or the plug-in into a DAW", "", "install_hosts"),
    "doctor": Subcommand("say what is installed, what is missing and how to get it", "", "doctor"),
}


_VIA_ENGINE = "bridge.cli.separate"
_VIA_ENGINE_OPTIONS = ("--via-engine", "--server")
"""`stemlasso separate --via-engine`: done by the engine process instead of this one."""


def _usage() -> str:
    rows = [f"  {name:<12}{command.summary}" for name, command in SUBCOMMANDS.items()]
    return "\n".join(
        [
            "usage: stemlasso COMMAND [options]     stemlasso COMMAND --help",
            "       stemlasso --version",
            "",
            "commands:",
            *rows,
        ]
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("stemlasso")
    except PackageNotFoundError:
        return "unknown (running from a checkout that is not installed)"


def _run_installer_script(name: str, argv: list[str]) -> int:
    """Run `main(argv)` of an installer script, from the checkout or from the installed data."""
    folders = (
        Path(__file__).resolve().parent.parent / "installer",
        Path(sys.prefix) / "share" / "stemlasso" / "installer",
    )
    for folder in folders:
        script = folder / f"{name}.py"
        if script.is_file():
            # As when it is run by its path: the scripts import each other by their names.
            sys.path.insert(0, str(folder))
            try:
                return int(runpy.run_path(str(script))["main"](argv))
            finally:
                sys.path.remove(str(folder))
    places = " or ".join(str(folder) for folder in folders)
    print(f"error: {name}.py is not in {places}; install StemLasso again", file=sys.stderr)
    return 1


def main(argv: list[str] | None = None) -> int:
    """Run the subcommand named by `argv[0]`; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    return quiet_when_closed(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name in ("-V", "--version"):
        print(f"stemlasso {_version()}")
        return 0
    command = SUBCOMMANDS.get(name)
    if command is None:
        known = ", ".join(SUBCOMMANDS)
        print(f"error: no command {name!r}; there are: {known}", file=sys.stderr)
        return 2
    if command.script:
        return _run_installer_script(command.script, rest)
    via_engine = name == "separate" and any(each.startswith(_VIA_ENGINE_OPTIONS) for each in rest)
    module = _VIA_ENGINE if via_engine else command.module
    return int(importlib.import_module(module).main(rest))


if __name__ == "__main__":
    sys.exit(main())
