"""Keys in the plug-in's window: Tab reaches everything, Space is written where one writes."""

from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError

from tests.test_daw.x_screen import wait_for

from .editor_host import EditorHost, editor_host, write_state
from .editor_screen import needs_screen
from .editor_window import PATIENCE_S

pytestmark = needs_screen
N_TRIES = 5
# at the editor itself they are the host's
ORDER = (
    *("editor", "start", "panel", "capture", "clips", "strip", "description", "how", "separate"),
    *("stem 0", "stem 0 folder", "stem 0 copy"),
)


def focused(host: EditorHost) -> str:
    """The part that has the keys."""
    parts = host.layout().get("parts", {})
    return next((name for name in ORDER if parts.get(name, {}).get("focused")), "")


def take_keys(host: EditorHost) -> None:
    """Give them to the window, without a click: for a moment after one it gives them back to what
    was clicked, and a Tab in that moment is lost."""

    def has_them() -> bool:
        with suppress(CalledProcessError):  # the window is not on the screen yet
            host.act("windowfocus", str(host.layout()["window"]), "sleep", "0.5")
            return True
        return False

    wait_for(has_them, "the window's keys", PATIENCE_S)


def tab(host: EditorHost, key: str = "Tab") -> str:
    """Press it; gives the part that has the keys then."""
    before = focused(host)
    for patience_s in (20, 40, 60):
        host.act("key", key)
        with suppress(AssertionError):
            wait_for(lambda: focused(host) not in ("", before), "the next part", patience_s)
            break
    return focused(host)


def test_tab_goes_around(plugin: Path, home: Path, tmp_path: Path, song: Path):
    state = write_state(tmp_path, song, "noise", (song,))
    with editor_host(plugin, home, tmp_path / "desk", state) as host:
        host.wait("stem 0", bool)
        host.wait("engine", lambda part: part["title"] == "engine not running")
        start, around, found = 0, [""], []
        for _ in range(N_TRIES):  # a busy computer's window manager takes keys away
            take_keys(host)
            start = ORDER.index(tab(host))
            around = [*ORDER[start + 1 :], *ORDER[: start + 1]]
            found = [tab(host) for _ in ORDER]
            if found == around:
                break
        assert found == around
        assert tab(host, "shift+Tab") == ORDER[start - 1]


def test_a_space_after_enter_is_not_written(plugin: Path, home: Path, tmp_path: Path, song: Path):
    with editor_host(plugin, home, tmp_path / "desk", write_state(tmp_path, song)) as host:
        host.write("description", "noise")
        host.act("key", "Return")
        host.wait("cancel", lambda part: part["enabled"])
        host.wait("description", lambda part: not part["focused"])
        host.act("key", "space", "key", "space")
        tab(host)  # keys come in order: the others are done with
        assert host.part("description")["text"] == "noise"
        assert host.part("cancel")["enabled"]
