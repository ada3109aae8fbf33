"""The plug-in's window closed at bad moments, and so often that what it leaves would show."""

import itertools
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.client import connect
from tests.test_daw.serving import serving, write_mixture
from tests.test_daw.x_screen import wait_for

from .editor_host import EditorHost, crashes_allowed, editor_host, write_state
from .editor_screen import has_owner, needs_screen
from .editor_window import PATIENCE_S

pytestmark = needs_screen
LONG_S = 45.0


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "Nocturne.wav"
    write_mixture(path, LONG_S)
    return path


def counted(host: EditorHost) -> tuple[int, list[str]]:
    """Threads and open files of the host while its window is closed."""
    assert host.ask("close")["did"] == "close"
    now = host.ask("count")
    host.forget_layout()
    assert host.ask("open")["did"] == "open"
    return now["threads"], now["files"]


def until_no_more(host: EditorHost, before: tuple[int, list[str]]) -> None:
    """Wait until there is no thread and no open file more than before.

    The system lists a thread a moment longer than it takes to join it.
    """
    now = counted(host)

    def is_so() -> bool:
        nonlocal now
        now = counted(host)
        return now[0] <= before[0] and len(now[1]) <= len(before[1])

    with suppress(AssertionError):
        wait_for(is_so, "as few threads and files as before", PATIENCE_S)
        return
    raise AssertionError(f"before: {before}; after: {now}")


@crashes_allowed
def test_many_windows_leave_no_thread_and_no_open_file(
    plugin: Path, home: Path, tmp_path: Path, song: Path
):
    state = write_state(tmp_path, song, "noise", (song,))
    with editor_host(plugin, home, tmp_path / "desk", state) as host:
        host.wait("engine", lambda part: part["title"] == "engine not running")
        assert len(host.ask("again", 3)["drawn_s"]) == 3
        before = counted(host)
        assert len(host.ask("again", 25)["drawn_s"]) == 25
        until_no_more(host, before)
        host.wait("stem 0", bool)
        assert host.end() == 0


def take_hold(host: EditorHost) -> None:
    """Begin to drag a stem, and keep the button pressed."""
    places = itertools.cycle(((1900, 1000), (1880, 980)))

    def is_dragged() -> bool:
        host.act("mousemove", *map(str, next(places)))
        return has_owner(host.environ["DISPLAY"], b"XdndSelection")

    for patience_s in (20, 40, 60):
        host.act("mousemove", *host.point("stem 0", 0.1), "mousedown", "1", "sleep", "0.1")
        with suppress(AssertionError):
            wait_for(is_dragged, "the drag", patience_s)
            return
        host.act("mouseup", "1")  # the window was moved away under the mouse
    raise AssertionError("the stem was never taken hold of")


@crashes_allowed
def test_it_is_closed_while_a_stem_is_dragged(plugin: Path, home: Path, tmp_path: Path, song: Path):
    state = write_state(tmp_path, song, "noise", (song,))
    with editor_host(plugin, home, tmp_path / "desk", state) as host:
        host.wait("engine", lambda part: part["title"] == "engine not running")
        assert len(host.ask("again", 3)["drawn_s"]) == 3
        before = counted(host)
        for _ in range(5):
            take_hold(host)
            host.forget_layout()
            assert host.ask("close")["did"] == "close"
            host.act("mousemove", "1800", "1000", "mouseup", "1")
            assert host.ask("open")["did"] == "open"
            host.wait("stem 0", bool)
        until_no_more(host, before)
        host.wait("separate", lambda part: part["enabled"])
        assert host.end() == 0


@crashes_allowed
def test_it_is_closed_while_a_job_runs(plugin: Path, home: Path, tmp_path: Path, song: Path):
    state = write_state(tmp_path, song, "noise")
    with (
        serving(home),
        connect(home, start=False) as client,
        editor_host(plugin, home, tmp_path / "desk", state) as host,
    ):
        host.wait("engine", lambda part: part["title"] == "engine ready")
        assert len(host.ask("again", 3)["drawn_s"]) == 3
        host.press("separate", client.jobs, "a job")
        assert len(host.ask("again", 5)["drawn_s"]) == 5
        host.wait("prompt", lambda part: part["title"].startswith("Done"))
        host.wait("stem 0", bool)
        assert host.end() == 0
