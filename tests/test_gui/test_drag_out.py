"""A lane dragged out of the panel's process into another program's window, with a mouse, on X11."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.test_daw.x_screen import process, wait_for, x_server

from .sounds import BURSTS_S, RATE, write_mixture

NEEDED = ("Xvfb", "openbox", "xdotool")
MISSING = [name for name in NEEDED if which(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"a mouse on an X server needs {', '.join(MISSING)}"
)
PATIENCE_S = 120.0
GESTURE_S = 6.0
"""A drag that has led to nothing for so long is done again."""

PANEL = """
    import json, sys
    from pathlib import Path
    from PyQt6.QtCore import QPoint, QTimer
    from gui.app import PanelConfig, application, build
    from gui.link.bridge import Server
    from gui.state.places import Places
    from gui.state.spans import SpanMark
    home, places, clip, told = map(Path, sys.argv[1:])
    qt = application([])
    window = build(PanelConfig(Server(home, start=False), Places.below(places), (clip,)))
    window.setGeometry(0, 0, 1000, 800)
    window.show()
    asked = []

    def look():
        opened = window.bench.document.clip
        if opened and opened.clip and not asked:
            asked.append(True)
            window.bench.document.edit_spans("Draw", (SpanMark(1.0, 1.4), SpanMark(2.6, 3.0)))
            window.bench.run()
        header = window.listen.lanes.headers.get("target")
        if header is not None and header.handle.isVisible():
            where = header.handle.mapToGlobal(QPoint(10, 10))
            part = told.with_suffix(".part")
            part.write_text(json.dumps([where.x(), where.y(), str(header.lane.path)]))
            part.replace(told)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    print(qt.platformName(), flush=True)
    qt.exec()
"""

TARGET = """
    import json, sys
    from PyQt6.QtCore import Qt
    from PyQt6.QtWidgets import QApplication, QLabel

    class Target(QLabel):
        def say(self, what, event):
            urls = [url.toLocalFile() for url in event.mimeData().urls()]
            print(json.dumps([what, urls]), flush=True)
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

        def dragEnterEvent(self, event):
            self.say("enter", event)

        def dragMoveEvent(self, event):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

        def dragLeaveEvent(self, event):
            print(json.dumps(["leave", []]), flush=True)

        def dropEvent(self, event):
            self.say("drop", event)

    qt = QApplication([])
    target = Target("another program")
    target.setWindowFlags(Qt.WindowType.WindowStaysOnTopHint)
    target.setAcceptDrops(True)
    target.setGeometry(1100, 200, 400, 400)
    target.show()
    qt.exec()
"""


@contextmanager
def program(script: str, environ: dict[str, str], said: Path, *arguments: Path) -> Iterator[None]:
    """A Python process whose words go into a file."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    with said.open("wb") as log, process(command, environ, log):
        yield


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    """Of programs on a screen with a window manager. Skips where Qt cannot show windows there."""
    with ExitStack() as stack:
        display = stack.enter_context(x_server(1600, 900))
        found = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        probe = "from PyQt6.QtWidgets import QApplication as A; print(A([]).platformName())"
        shown = subprocess.run(
            [sys.executable, "-c", probe], env=found, capture_output=True, timeout=200, check=False
        )
        if shown.stdout.strip() != b"xcb":
            pytest.skip(f"Qt does not open X11 here: {shown.stderr.decode()[-300:]}")
        stack.enter_context(process(["openbox"], found))
        yield found


def test_a_lane_is_dropped_into_another_program(
    environ: dict[str, str], server_home: Path, tmp_path: Path
) -> None:
    clip = write_mixture(tmp_path / "mixture.wav")
    told, panel_said, target_said = (tmp_path / name for name in ("told", "panel", "target"))
    with (
        program(PANEL, environ, panel_said, server_home, tmp_path / "p", clip, told),
        program(TARGET, environ, target_said),
    ):
        wait_for(told.exists, "a lane in the panel", PATIENCE_S)
        paths = dragged(environ, told, target_said)
    assert panel_said.read_text().splitlines() == ["xcb"]
    (path,) = paths
    assert path == json.loads(told.read_text())[2]
    stem, rate = soundfile.read(path)
    assert rate == RATE
    power = (stem**2).mean(axis=1)
    inside = np.concatenate([power[round(s * RATE) : round(e * RATE)] for s, e in BURSTS_S])
    assert inside.mean() > 1000 * power[round(1.7 * RATE) : round(2.3 * RATE)].mean()


def dragged(environ: dict[str, str], told: Path, target_said: Path) -> list[str]:
    """Drag the lane's handle onto the other window, again until something is dropped there."""

    def mouse(*words: object) -> None:
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=environ, timeout=200, check=True, capture_output=True)

    def heard(what: str) -> list[list[str]]:
        lines = target_said.read_text().splitlines()
        return [urls for kind, urls in map(json.loads, lines) if kind == what]

    deadline_s = time.monotonic() + PATIENCE_S
    n_gestures = 0
    while not heard("drop"):
        assert time.monotonic() < deadline_s, f"{n_gestures} drags, and nothing was dropped"
        n_gestures += 1
        n_entered = len(heard("enter"))
        x, y, _ = json.loads(told.read_text())
        mouse("mousemove", x, y, "sleep", 0.2, "mousedown", 1)
        # Qt begins the drag after the first moves; each target is asked when the pointer moves.
        for step in range(1, 7):
            mouse("sleep", 0.05, "mousemove", x + step * 4, y - step * 4)
        until_within(lambda n=n_entered: wander(mouse) or len(heard("enter")) > n)
        wander(mouse)
        mouse("sleep", 0.3, "mouseup", 1)
        until_within(lambda: heard("drop"))
    return heard("drop")[0]


def wander(mouse: Callable[..., None]) -> None:
    """Small moves over the other window."""
    for step in range(3):
        mouse("mousemove", 1250 + 8 * step, 380 + 5 * step, "sleep", 0.1)


def until_within(is_so: Callable[[], Any]) -> None:
    """Wait for it as long as one gesture may take."""
    deadline_s = time.monotonic() + GESTURE_S
    while not is_so() and time.monotonic() < deadline_s:
        time.sleep(0.05)
