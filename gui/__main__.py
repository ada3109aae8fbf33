"""`stemlasso panel`: see the sound, draw where it is, say what it is, hear it alone."""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state.places import Places


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso panel",
        description="The window: see the sound, draw where it is, say what it is, hear it alone.",
    )
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="a sound or video file to open")
    add("--clip", default="", metavar="ID", help="open this clip of the engine process")
    add("--home", type=Path, metavar="DIR", help="folder for everything")
    add("--server", default="", metavar="NAME", help="a server elsewhere (`stemlasso keys trust`)")
    add("-v", "--verbose", action="store_true", help="log more")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the panel; returns the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        from .app import PanelConfig, application, build
    except ModuleNotFoundError as error:
        if error.name not in ("PyQt6", "pyqtgraph", "sounddevice"):
            raise
        print(
            f"error: the panel needs {error.name}; in the checkout: python3 installer/setup.py "
            "install --with panel",
            file=sys.stderr,
        )
        return 1
    from .link.bridge import Server

    sys.excepthook = _hook
    threading.excepthook = lambda each: _log(each.exc_value)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    qt = application([])
    home = arguments.home or _home_of_environment()
    files = tuple(path.expanduser().absolute() for path in arguments.files)
    server = Server(arguments.home, arguments.server)
    window = build(PanelConfig(server, _places(home), files, clip_id=arguments.clip))
    window.show()
    return int(qt.exec())


def _home_of_environment() -> Path | None:
    named = os.environ.get("STEMLASSO_HOME", "")
    return Path(named).expanduser().absolute() if named else None


def _places(home: Path | None) -> "Places":
    from PyQt6.QtCore import QStandardPaths

    from .state.places import Places

    if home is not None:
        return Places.below(home)
    kinds = QStandardPaths.StandardLocation
    config = Path(QStandardPaths.writableLocation(kinds.GenericDataLocation))
    cache = Path(QStandardPaths.writableLocation(kinds.GenericCacheLocation))
    return Places(config / "stemlasso" / "panel", cache / "stemlasso" / "panel")


def _hook(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.exit(130)
    _log(error)


def _log(error: BaseException | None) -> None:
    logging.getLogger("gui").error("a bug in the panel", exc_info=error)


if __name__ == "__main__":
    sys.exit(main())
