"""A stem that is dragged out of the plug-in's window into the timeline of Ardour 7."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.test_daw.ardour_host import Ardour
from tests.test_daw.ardour_host import missing as missing_for_ardour
from tests.test_daw.serving import serving

from .editor_drag import carry_in, drag_to, drop_window
from .editor_screen import missing
from .editor_window import EditorWindow, standalone

MISSING = sorted({*missing_for_ardour(), *missing()})
SEEN, SAVING = 1, 2
# Ardour's window beside the editor's, on a screen of 2000 x 1100.
LEFT, WIDTH, HEIGHT = 940, 1050, 1000
DROP_S = 45.0

NOTE = """
function factory() return function()
  io.open("{done}", "w"):close()
end end
"""

# Does nothing as long as there is no region.
SAVE = """
function factory() return function()
  local n_regions = 0
  for route in Session:get_tracks():iter() do
    for _ in route:to_track():playlist():region_list():iter() do
      n_regions = n_regions + 1
    end
  end
  if n_regions > 0 then
    Session:save_state("")
    io.open("{done}", "w"):close()
  end
end end
"""


@pytest.mark.skipif(bool(MISSING), reason=f"Ardour 7 is not installed here: no {MISSING}")
@pytest.mark.slow
def test_a_stem_is_dragged_into_ardours_timeline(
    plugin: Path, home: Path, tmp_path: Path, song: Path
):
    ready, saved = tmp_path / "ready", tmp_path / "saved"
    ardour = Ardour(tmp_path)
    for name, text in (("note", NOTE.format(done=ready)), ("save", SAVE.format(done=saved))):
        (tmp_path / f"{name}.lua").write_text(text, "utf-8")
    ardour.fill_slots(tmp_path / "note.lua", tmp_path / "save.lua")
    with standalone(plugin, home, tmp_path / "desk") as editor:
        separate(editor, home, song)
        editor.act("windowmove", str(editor.layout()["window"]), "0", "0")
        with ardour.running(editor.environ["DISPLAY"]):
            ardour.act_until(SEEN, ready)
            carry_to_timeline(editor, ardour, saved)
    check_reopened(ardour, home)


def separate(editor: EditorWindow, home: Path, song: Path) -> None:
    """Make stems of a file, as a user does."""
    with drop_window(editor, song) as other:
        editor.wait("strip", lambda part: part["title"].startswith("Waveform"))
        carry_in(editor, other)
    editor.write("description", "noise")
    with serving(home):
        editor.press("separate", lambda: editor.part("cancel") or editor.part("stem 1"), "a job")
        editor.wait("stem 1", bool, "a stem")


def carry_to_timeline(editor: EditorWindow, ardour: Ardour, saved: Path) -> None:
    """Drop the first stem below Ardour's tracks; again, and elsewhere, when nothing came."""
    for lingers_s in (0.3, 0.6, 1.2, 1.2, 2.0):
        window = ardour.focused("Nocturne - Ardour")
        ardour.keys("windowsize", window, str(WIDTH), str(HEIGHT))
        ardour.keys("windowmove", window, str(LEFT), "0")
        editor.act("windowactivate", "--sync", str(editor.layout()["window"]))
        drag_to(editor, "stem 0", window, (WIDTH * 6 // 10, HEIGHT // 2), lingers_s)
        with suppress(AssertionError):
            return ardour.act_until(SAVING, saved, DROP_S)
    raise AssertionError("the stem was never dropped on Ardour's timeline")


def check_reopened(ardour: Ardour, home: Path) -> None:
    """Opens the saved session again: a track with all of the stem, which Ardour has copied."""
    stem = next((home / "store").rglob("Nocturne - noise.wav"))
    own = soundfile.read(stem, dtype="float32", always_2d=True)[0]
    regions = ardour.saved_regions()
    assert regions  # two, where a drop was slower to show than the test to drag again
    for region in regions:
        assert region.track.startswith("Nocturne - noise")
        assert (region.start, region.length) == (0, len(own))
        assert len(region.sources) == own.shape[1]
        for channel, source in enumerate(region.sources):
            assert source.is_relative_to(ardour.session / "interchange")
            np.testing.assert_array_equal(region.channel(channel), own[:, channel])
