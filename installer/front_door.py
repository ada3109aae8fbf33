"""Command line of `setup.py`: `demo`, `plugin`, `test` and `install`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import demo
import plugin_build
import suite
from environment import Environment, prepare
from failure import SetupFailed

CHECKOUT = Path(__file__).resolve().parent.parent
KNOWN_EXTRAS = ("dev", "model", "panel", "plot", "video")

_EPILOG = """\
Everything goes into .venv in this checkout; remove that folder to undo it. Exit status: 0 done,
1 set-up or a check failed, 2 the command line is wrong."""


def parser() -> argparse.ArgumentParser:
    """The options, all of them."""
    top = argparse.ArgumentParser(
        prog="setup.py", description="Set up StemLasso in this checkout.", epilog=_EPILOG
    )
    torch = argparse.ArgumentParser(add_help=False)
    torch.add_argument(
        "--torch-index",
        default="",
        metavar="URL",
        help="package index with a PyTorch built for your graphics card; brings the extra `model`",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="install what is needed and separate a bundled example")
    commands.add_parser("plugin", help="build the plug-in for DAWs and say where it lies")
    test = commands.add_parser(
        "test", parents=[torch], help="install what the tests need and run all checks and tests"
    )
    test.add_argument(
        "pytest_options", nargs="*", metavar="PYTEST", help="after --: handed to pytest"
    )
    install = commands.add_parser("install", parents=[torch], help="install only")
    install.add_argument(
        "--with",
        dest="extras",
        action="append",
        default=[],
        choices=KNOWN_EXTRAS,
        help="an extra to install as well; may be given several times",
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    given = parser().parse_args(argv)
    environment = Environment.of(CHECKOUT)
    try:
        if given.command == "demo":
            return demo.run(environment)
        if given.command == "plugin":
            return plugin_build.run(environment)
        if given.command == "test":
            return suite.run(environment, given.torch_index, given.pytest_options)
        extras = {*given.extras, *(["model"] if given.torch_index else [])}
        if not prepare(environment, extras, given.torch_index):
            print("everything is installed already")
        print(f"the command is {environment.program('stemlasso')}")
        return 0
    except SetupFailed as failed:
        print(f"error: {failed}", file=sys.stderr)
        if failed.log is not None:
            print(f"the whole story is in {failed.log}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on", file=sys.stderr)
        return 130
