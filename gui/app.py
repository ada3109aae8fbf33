"""Builds the panel: the only place that makes its objects and knows the order."""

import sys
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtWidgets import QApplication

from .audio.streams import OpenStream, open_device
from .link.bridge import BridgeLink, Server
from .state.places import Places
from .state.settings import SettingsStore
from .window import Window
from .work.listening import Listening
from .work.workbench import Workbench


@dataclass(frozen=True, slots=True)
class PanelConfig:
    """Which server, where to keep things, what to open first: a file, or a clip of the server."""

    server: Server
    places: Places
    files: tuple[Path, ...] = ()
    open_stream: OpenStream = open_device
    clip_id: str = ""


def application(argv: list[str]) -> QApplication:
    """The one Qt application of this process."""
    made = QApplication.instance()
    if not isinstance(made, QApplication):
        made = QApplication([sys.argv[0], *argv])
    made.setApplicationName("StemLasso")
    made.setDesktopFileName("stemlasso")
    made.setStyle("Fusion")
    return made


def build(config: PanelConfig) -> Window:
    """The window with everything behind it, started but not shown. Closing it ends its threads."""
    settings = SettingsStore(config.places)
    bench = Workbench(BridgeLink(config.server), settings, config.places)
    listening = Listening(bench, config.open_stream)
    window = Window(bench, listening)
    listening.start()
    bench.start()
    for path in config.files[:1]:
        bench.open_file(path)
    if config.clip_id:
        bench.open_clip_by_id(config.clip_id)
    return window
