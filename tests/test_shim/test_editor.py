"""The plug-in's window: opened and closed in a real host."""

from pathlib import Path

import pytest

from .editor_host import editor_host, missing

pytestmark = pytest.mark.skipif(
    bool(missing()), reason=f"needs a screen of its own: no {', '.join(missing())}"
)


def test_the_window_opens_and_closes_again_and_again(plugin: Path, home: Path, tmp_path: Path):
    with editor_host(plugin, home, tmp_path / "desk") as host:
        for _ in range(10):
            host.wait("separate", lambda part: not part["enabled"])
            host.wait("capture", lambda part: part["enabled"])
            host.forget_layout()
            assert host.ask("close")["did"] == "close"
            assert host.ask("open") == {"did": "open"}
        assert host.wait("prompt", lambda part: "drop an audio file" in part["title"])
        assert host.end() == 0
