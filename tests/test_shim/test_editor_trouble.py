"""What the plug-in's window says when the engine hangs, dies or is another one, and a file is gone.

The plug-in is in pedalboard; its clip comes with its state, as from a saved project.
"""

import json
import shutil
import signal
from pathlib import Path

from bridge.client import connect
from bridge.protocol.values import DONE
from tests.test_bridge.conftest import end, serve
from tests.test_daw.serving import serving, write_mixture

from .editor_host import EditorHost, editor_host, write_state
from .editor_screen import needs_screen

pytestmark = needs_screen


def until_engine(host: EditorHost, words: str) -> None:
    """Wait for what the window says of the engine."""
    host.wait("engine", lambda part: part["title"] == words, words)


def until_prompt(host: EditorHost, words: str) -> None:
    """Wait for what the window says of the clip and its job."""
    host.wait("prompt", lambda part: words in part["title"], words)


def test_an_engine_that_hangs_dies_and_comes_back_with_other_keys(
    plugin: Path, home: Path, tmp_path: Path
):
    song = tmp_path / "Nocturne.wav"
    write_mixture(song)
    first = serve(home)
    try:
        with editor_host(plugin, home, tmp_path / "desk", write_state(tmp_path, song)) as host:
            until_engine(host, "engine ready")
            host.write("description", "noise")
            first.send_signal(signal.SIGSTOP)
            host.press("separate", lambda: host.part("cancel"), "a way to cancel")
            until_engine(host, "engine not answering")
            until_prompt(host, "does not answer")
            assert host.ask("capture", song)["did"] == "capture"  # audio runs
            first.kill()
            end(first)
            until_engine(host, "engine not running")
            until_prompt(host, "Waits for the engine. Start it")
            shutil.rmtree(home / "keys")
            with serving(home), connect(home, start=False) as client:
                until_engine(host, "engine ready")
                until_prompt(host, "Done")  # what was asked for while it hung
                (job,) = client.jobs()
                assert job.state == DONE
    finally:
        if first.poll() is None:
            first.kill()
            end(first)


def test_a_panel_that_cannot_open_says_why_in_the_window(plugin: Path, home: Path, tmp_path: Path):
    song, script = tmp_path / "Nocturne.wav", tmp_path / "stemlasso"
    write_mixture(song)
    script.write_text("#!/bin/sh\necho 'error: the panel needs PyQt6; do this' >&2\nexit 1\n")
    script.chmod(0o755)
    state, command = write_state(tmp_path, song), json.dumps([str(script)])
    with serving(home), editor_host(plugin, home, tmp_path / "desk", state, command) as host:
        until_engine(host, "engine ready")
        why = "The panel did not open: the panel needs PyQt6; do this"
        host.press("panel", lambda: why in host.part("prompt")["title"], why)


def test_a_project_that_came_without_its_files(plugin: Path, home: Path, tmp_path: Path):
    song = tmp_path / "moved" / "Nocturne.wav"
    state = write_state(tmp_path, song, "noise", (tmp_path / "moved" / "noise.wav",))
    with serving(home), editor_host(plugin, home, tmp_path / "desk", state) as host:
        until_engine(host, "engine ready")
        assert host.part("stem 0") == {}
        gone = "The file was moved or deleted. Add it from where it is now."
        host.press("separate", lambda: gone in host.part("prompt").get("title", ""), gone)
        song.parent.mkdir()
        write_mixture(song)
        host.press("separate", lambda: host.part("stem 0"), "a stem")
        until_prompt(host, "Done")
        host.wait("stem 0", bool)
