"""The plug-in's windows in our own host: opened and closed at all moments, again and again.

Nothing is done twice here, and nothing forgiven: a crash, an error of X, a block that audio lost, a
thread, an open file or a handler in the host's loop that stays is a failure.
"""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.client import Client, connect
from bridge.protocol.values import DONE, Job
from tests.test_bridge.held import Looks
from tests.test_daw.serving import serving
from tests.test_daw.x_screen import wait_for

from .editor_host import write_state
from .editor_screen import has_owner, needs_screen
from .editor_window import PATIENCE_S
from .window_host import WindowHost, window_host

pytestmark = needs_screen
EMPTY = '<StemLasso version="1" capture="0"><Workspace/></StemLasso>'

Windows = Callable[[], AbstractContextManager[WindowHost]]


@pytest.fixture
def windows(checkout: Path, plugin: Path, home: Path, tmp_path: Path, long_song: Path) -> Windows:
    """Gives the host with an instance that has a clip and a stem, still read when it is closed."""
    state = write_state(tmp_path, long_song, "noise", (long_song,))
    return partial(window_host, checkout, plugin, home, state)


def assert_clean(outcome: dict[str, Any]) -> None:
    """Audio passed, and the windows left nothing."""
    assert outcome["blocks"] > 100
    assert outcome["altered"] == 0
    assert outcome["wrong_sizes"] == 0
    assert outcome["x_errors"] == []
    n_registered, n_left = outcome["handlers"]
    assert n_registered > 0
    assert n_left == outcome["timers"] == 0
    for kind in ("threads", "files"):
        before, after = outcome[kind]
        assert after <= before, outcome


@pytest.mark.parametrize(
    ("command", "n_windows"),
    [("again", 25), ("moments", 100), ("pairs", 80), ("late", 20), ("modules", 110)],
)
def test_windows_leave_nothing(windows: Windows, command: str, n_windows: int):
    with windows() as host:
        n_opened = 3
        while n_opened < 3 + n_windows:
            # a few at a time: a busy computer has to answer within the time that a test waits
            said = host.ask(command, 5 if command == "again" else 10)
            assert said["clips"] == 1
            n_opened = said["windows"]
        outcome = host.outcome()
    assert outcome["windows"] == n_opened == 3 + n_windows
    assert_clean(outcome)


def test_any_size_is_borne(windows: Windows):
    with windows() as host:
        for _ in range(4):
            host.ask("sizes", 30)
        assert_clean(host.outcome())


def test_states_are_given_while_a_window_is_open(windows: Windows, tmp_path: Path):
    other = tmp_path / "other.xml"
    other.write_text(EMPTY, "utf-8")
    with windows() as host:
        for _ in range(4):
            assert host.ask("states", 10, other)["clips"] == 1
        assert_clean(host.outcome())


def test_files_are_dropped_and_the_window_closed_within_the_drag(
    windows: Windows, tmp_path: Path, long_song: Path
):
    with windows() as host:
        for _ in range(4):
            # the last one of each is not closed too early
            assert host.ask("drops", 8, long_song)["clips"] == 2
            host.ask("state", tmp_path / "state.xml")
        assert_clean(host.outcome())


def test_it_is_closed_while_capture_runs(windows: Windows):
    with windows() as host:
        host.ask("automate", "Capture", 1)
        for _ in range(4):
            host.ask("moments", 10)
        host.open()
        host.wait("prompt", lambda part: part["title"].startswith("Stop capturing"))
        host.ask("close")
        host.ask("moments", 10)
        host.ask("automate", "Capture", 0)
        wait_for(lambda: host.ask("clips")["clips"] == 2, "the take", PATIENCE_S)
        assert_clean(host.outcome())


def test_it_is_closed_while_a_stem_is_dragged(windows: Windows):
    with windows() as host:
        for _ in range(5):
            host.open()
            take_hold(host)
            host.ask("close")
            host.act("mousemove", "1800", "1000", "mouseup", "1")
        host.open()
        host.wait("stem 0", bool)
        host.wait("separate", lambda part: part["enabled"])
        assert_clean(host.outcome())


def take_hold(host: WindowHost) -> None:
    """Begin to drag a stem, and keep the button pressed."""
    host.act("mousemove", *host.point("stem 0", 0.1), "mousedown", "1", "sleep", "0.1")
    places = itertools.cycle(((1900, 1000), (1880, 980)))

    def is_dragged() -> bool:
        host.act("mousemove", *map(str, next(places)))
        return has_owner(host.environ["DISPLAY"], b"XdndSelection")

    wait_for(is_dragged, "the drag", PATIENCE_S)


def test_it_is_closed_while_a_job_runs(
    windows: Windows, home: Path, tmp_path: Path, long_song: Path
):
    with serving(home), connect(home, start=False) as client, windows() as host:
        job, worker = Looks(client.job, lambda: client.status().engine.pid).meet(
            partial(separate, host, client, tmp_path, long_song)
        )
        try:
            for _ in range(3):
                assert host.ask("moments", 10)["clips"] == 1
            assert not client.job(job.job_id).is_final
        finally:
            with suppress(psutil.NoSuchProcess):
                worker.resume()
        host.open()
        host.wait("prompt", lambda part: part["title"].startswith("Done"))
        host.wait("stem 0", bool)
        assert client.job(job.job_id).state == DONE
        host.ask("close")
        host.ask("moments", 10)
        assert_clean(host.outcome())


def separate(host: WindowHost, client: Client, folder: Path, song: Path) -> Job:
    """A job of the plug-in's for a description that was not separated before."""
    before = {job.job_id for job in client.jobs()}
    host.ask("state", write_state(folder, song, f"noise {len(before)}"))
    host.ask("automate", "Separate", 1)
    (job_id,) = wait_for(
        lambda: {job.job_id for job in client.jobs()} - before, "a job", PATIENCE_S
    )
    return client.job(job_id)
