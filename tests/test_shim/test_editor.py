"""The plug-in's window: opened, closed, and used with mouse and keys, in real hosts."""

import re
from pathlib import Path

import numpy as np
import soundfile

from tests.test_daw.serving import serving

from .conftest import SONG_S
from .editor_drag import carry_in, carry_out, drop_window
from .editor_host import editor_host
from .editor_screen import needs_screen
from .editor_window import EditorWindow, standalone

pytestmark = needs_screen


def spans(editor: EditorWindow) -> int:
    """How many there are."""
    return int(re.match(r"Waveform, (\d+) spans", editor.part("strip")["title"])[1])


def until_selected(editor: EditorWindow, sign: str, start_s: float, end_s: float) -> None:
    """Wait until a span of this place is the selected one, to a pixel or two."""

    def is_so(part: dict) -> bool:
        said = re.search(r"selected: (.*) from 0:(\S+) to 0:(\S+)", part["title"])
        if said is None or said[1] != sign:
            return False
        pixels_s = 3 * SONG_S / part["width"]
        return abs(float(said[2]) - start_s) < pixels_s and abs(float(said[3]) - end_s) < pixels_s

    editor.wait("strip", is_so, f"{sign} from {start_s} to {end_s} s")


def test_the_window_opens_in_a_host_that_knows_nothing_of_it(
    plugin: Path, home: Path, tmp_path: Path
):
    with editor_host(plugin, home, tmp_path / "desk") as host:
        host.wait("separate", lambda part: not part["enabled"])
        host.wait("capture", lambda part: part["enabled"])
        host.wait("prompt", lambda part: "drop an audio file" in part["title"])


def test_a_file_is_dropped_and_spans_are_drawn(
    plugin: Path, home: Path, tmp_path: Path, song: Path
):
    with standalone(plugin, home, tmp_path / "desk") as editor, drop_window(editor, song) as other:
        editor.wait("strip", lambda part: part["title"].startswith("Waveform"))
        carry_in(editor, other)
        editor.drag("strip", 0.1, 0.3)
        until_selected(editor, "here", 0.4, 1.2)
        editor.drag("strip", 0.5, 0.75, button=3)
        until_selected(editor, "not here", 2.0, 3.0)
        editor.act("keydown", "alt")
        editor.drag("strip", 0.8, 0.95)
        editor.act("keyup", "alt")
        until_selected(editor, "not here", 3.2, 3.8)
        assert spans(editor) == 3
        editor.drag("strip", 0.2, 0.4)  # its body: moved
        until_selected(editor, "here", 1.2, 2.0)
        editor.drag("strip", 0.3, 0.4)  # its start
        until_selected(editor, "here", 1.6, 2.0)
        editor.act("key", "x")
        until_selected(editor, "not here", 1.6, 2.0)
        editor.act("key", "Delete")
        editor.wait("strip", lambda part: part["title"] == "Waveform, 2 spans")
        editor.act("key", "ctrl+z")
        editor.wait("strip", lambda part: part["title"] == "Waveform, 3 spans")
        editor.wait("separate", lambda part: part["enabled"], "with spans alone")


def test_what_is_no_audio_is_refused_in_words(plugin: Path, home: Path, tmp_path: Path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear mixture,", "utf-8")
    with standalone(plugin, home, tmp_path / "desk") as editor:
        with drop_window(editor, letter) as other:
            editor.wait("strip", lambda part: part["title"].startswith("Waveform"))
            carry_in(editor, other, "prompt", lambda part: "letter" in part.get("title", ""))
        assert editor.part("clips") == {}


def test_from_a_dropped_file_to_stems_in_another_window(
    plugin: Path, home: Path, tmp_path: Path, song: Path
):
    with standalone(plugin, home, tmp_path / "desk") as host, drop_window(host, song) as other:
        host.wait("engine", lambda part: part["title"] == "engine not running")
        host.wait("start", lambda part: part["enabled"])
        carry_in(host, other)
        host.drag("strip", 0.25, 0.375)
        until_selected(host, "here", 1.0, 1.5)
        host.write("description", "noise")
        host.press("separate", lambda: host.part("cancel"), "a way to cancel")
        host.wait("prompt", lambda part: "Waits for the engine" in part["title"])
        host.press("cancel", lambda: host.part("separate"), "it waits no more")
        host.wait("prompt", lambda part: part["title"] == "Cancelled. Nothing of it is left.")
        host.press("separate", lambda: host.part("cancel"), "a way to cancel")
        with serving(home):
            host.wait("engine", lambda part: part["title"] == "engine ready")
            host.wait("stem 1", lambda part: part["title"].endswith("residual"))
            host.wait("prompt", lambda part: part["title"].startswith("Done"))
            target, residual = (
                soundfile.read(carry_out(host, part, other), dtype="float32", always_2d=True)[0]
                for part in ("stem 0", "stem 1")
            )
    own = soundfile.read(song, dtype="float32", always_2d=True)[0]
    np.testing.assert_array_equal(target + residual, own)
    # Which of it is the target is the separator's, and tested there.
    assert min(np.abs(stem).max() for stem in (target, residual)) > 0.01
