"""A real Qt application offscreen, and real server processes for the panel to talk to."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from gui.app import PanelConfig, application, build
from gui.audio.streams import Fill, NoSoundDevice, OpenStream, Stream, StreamSpec
from gui.link.bridge import Server
from gui.state.places import Places
from gui.window import Window

PATIENCE_S = 120.0
OpenPanel = Callable[..., Window]


@pytest.fixture(scope="session")
def qt() -> QApplication:
    """The application of all tests."""
    return application([])


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a server that runs for all tests of the panel."""
    home = tmp_path_factory.mktemp("bridge")
    with serving(home):
        yield home


def no_device(spec: StreamSpec, fill: Fill) -> Stream:
    """As on a computer without sound."""
    raise NoSoundDevice("there is none in tests")


class serving:  # noqa: N801 - reads as a verb
    """A server process in a folder, ended at the end."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __enter__(self) -> "subprocess.Popen[bytes]":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve", "--home", str(self.home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == b"ready"
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def open_panel(qt: QApplication, tmp_path: Path, server_home: Path) -> Iterator[OpenPanel]:
    """Opens panels; at the end they are closed, and nothing of them may be left running."""
    before = set(threading.enumerate())
    windows: list[Window] = []

    def open_one(
        *files: Path,
        home: Path = server_home,
        places: Path | None = None,
        open_stream: OpenStream = no_device,
        start: bool = False,
        clip_id: str = "",
    ) -> Window:
        config = PanelConfig(
            Server(home, start=start),
            Places.below(places or tmp_path / "panel"),
            files,
            open_stream,
            clip_id,
        )
        windows.append(build(config))
        windows[-1].show()
        windows[-1].activateWindow()
        until(windows[-1].isActiveWindow, "the window is active")
        return windows[-1]

    yield open_one
    for window in windows:
        window.close()
        window.deleteLater()
        window.bench.deleteLater()
    settle()
    until(lambda: set(threading.enumerate()) <= before, "the panels' threads have ended")


def settle() -> None:
    """Let Qt delete what waits to be deleted."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()


def until(is_so: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Let the panel live until `is_so`; fails when it is not in time."""
    deadline_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"not within {patience_s:g} s: {what}"
        QTest.qWait(10)
