"""A stem that is dragged out of the plug-in's window into the timeline of Ardour 7."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.test_daw import ardour_host
from tests.test_daw.serving import serving, write_mixture
from tests.test_daw.x_screen import wait_for

from . import editor_host

MISSING = sorted({*ardour_host.missing(), *editor_host.missing()})
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

LOOK = """
AudioEngine:set_backend("None (Dummy)", "Unit-Test", "")
local session = load_session("{session}", "Nocturne")
for route in session:get_tracks():iter() do
  for region in route:to_track():playlist():region_list():iter() do
    local audio = region:to_audioregion()
    local sources = {{}}
    for channel = 0, audio:n_channels() - 1 do
      sources[channel + 1] = region:source(channel):to_filesource():path()
    end
    print("REGION|" .. route:name() .. "|" .. region:start():samples() .. "|"
      .. region:length():samples() .. "|" .. table.concat(sources, "|"))
  end
end
close_session()
quit()
"""


@pytest.mark.skipif(bool(MISSING), reason=f"Ardour 7 is not installed here: no {MISSING}")
@pytest.mark.slow
def test_a_stem_is_dragged_into_ardours_timeline(plugin: Path, home: Path, tmp_path: Path):
    song, ready, saved = (tmp_path / name for name in ("Nocturne.wav", "ready", "saved"))
    write_mixture(song)
    ardour = ardour_host.Ardour(tmp_path)
    for name, text in (("note", NOTE.format(done=ready)), ("save", SAVE.format(done=saved))):
        (tmp_path / f"{name}.lua").write_text(text, "utf-8")
    ardour.fill_slots(tmp_path / "note.lua", tmp_path / "save.lua")
    with editor_host.standalone(plugin, home, tmp_path / "desk") as editor:
        separate(editor, home, song)
        editor.act("windowmove", str(editor.layout()["window"]), "0", "0")
        with ardour.running(editor.environ["DISPLAY"]):
            until(ardour, SEEN, ready, ardour_host.WAIT_S)
            carry_to_timeline(editor, ardour, saved)
    check_reopened(ardour, home)


def separate(editor: editor_host.EditorWindow, home: Path, song: Path) -> None:
    """Make stems of a file, as a user does."""
    with editor_host.drop_window(editor, song) as other:
        editor.wait("strip", lambda part: part["title"].startswith("Waveform"))
        editor_host.carry_in(editor, other, "strip")
        editor.wait("clips", bool, "with the dropped file")
    editor.write("description", "noise")
    with serving(home):
        editor.click("separate")
        editor.wait("stem 1", bool, "a stem")


def until(ardour: ardour_host.Ardour, slot: int, done: Path, patience_s: float) -> None:
    """Start the script in a slot again and again, until it has made its file."""

    def is_done() -> bool:
        ardour.act(slot)
        return done.exists()

    wait_for(is_done, done.name, patience_s)


def carry_to_timeline(
    editor: editor_host.EditorWindow, ardour: ardour_host.Ardour, saved: Path
) -> None:
    """Drop the first stem below Ardour's tracks; again, and elsewhere, when nothing came."""
    for lingers_s in (0.3, 0.6, 1.2, 1.2, 2.0):
        window = ardour.focused("Nocturne - Ardour")
        ardour.keys("windowsize", window, str(WIDTH), str(HEIGHT))
        ardour.keys("windowmove", window, str(LEFT), "0")
        editor.act("windowactivate", "--sync", str(editor.layout()["window"]))
        editor_host.drag_to(editor, "stem 0", window, (WIDTH * 6 // 10, HEIGHT // 2), lingers_s)
        with suppress(AssertionError):
            return until(ardour, SAVING, saved, DROP_S)
    raise AssertionError("the stem was never dropped on Ardour's timeline")


def check_reopened(ardour: ardour_host.Ardour, home: Path) -> None:
    """Opens the saved session again: a track with all of the stem, which Ardour has copied."""
    stem = next((home / "store").rglob("Nocturne - noise.wav"))
    own = soundfile.read(stem, dtype="float32", always_2d=True)[0]
    said = ardour.headless(LOOK.format(session=ardour.session)).splitlines()
    regions = [line.split("|")[1:] for line in said if line.startswith("REGION|")]
    assert regions  # two, where a drop was slower to show than the test to drag again
    for track, start, length, *sources in regions:
        assert track.startswith("Nocturne - noise")
        assert (int(start), int(length)) == (0, len(own))
        assert len(sources) == own.shape[1]
        for channel, source in enumerate(map(Path, sources)):
            assert source.is_relative_to(ardour.session / "interchange")
            samples = soundfile.read(source, dtype="float32")[0]
            np.testing.assert_array_equal(samples, own[:, channel])
