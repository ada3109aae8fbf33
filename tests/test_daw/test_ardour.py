"""Ardour itself: a selected region out through the real engine process, stems in at its place."""

import json
from pathlib import Path

import host_files
import numpy as np
import pytest
import soundfile

from .ardour_host import Ardour, missing
from .reaper_host import DAW
from .serving import serving, until, write_mixture
from .x_screen import wait_for

RATE = 48_000
POSITION, START, LENGTH = 144_000, 48_000, 144_000
DESCRIPTION = "noise"

PREPARE = """
function factory() return function()
  -- asked for until it is done: heard while the window is still being built, and while it imports
  local function exists(name)
    return io.open("{done}" .. name) ~= nil
  end
  local function note(name)
    io.open("{done}" .. name, "w"):close()
  end
  if not exists(".begun") then
    note(".begun")
    local files = C.StringVector()
    files:push_back("{song}")
    Editor:do_import(files, Editing.ImportDistinctFiles, Editing.ImportAsTrack,
      ARDOUR.SrcQuality.SrcBest, ARDOUR.MidiTrackNameSource.SMFTrackName,
      ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, Temporal.timepos_t({position} - {start}),
      ARDOUR.PluginInfo(), ARDOUR.Track(), false)
    for route in Session:get_tracks():iter() do
      for region in route:to_track():playlist():region_list():iter() do
        region:trim_front(Temporal.timepos_t({position}))
        region:trim_end(Temporal.timepos_t({position} + {length}))
        region:to_audioregion():set_scale_amplitude(0.5)
      end
    end
    note(".imported")
  elseif exists(".imported") and not exists("") then
    local is_drawn = pcall(function() -- Ardour takes a script off whose error gets out
      local list = ArdourUI.SelectionList()
      for route in Session:get_tracks():iter() do
        for region in route:to_track():playlist():region_list():iter() do
          list:push_back(Editor:regionview_from_region(region))
        end
      end
      Editor:set_selection(list, ArdourUI.SelectionOp.Set)
    end)
    if is_drawn then
      note("")
    end
  end
end end
"""

SAVE = """
function factory() return function()
  Session:save_state("")
  io.open("{done}", "w"):close()
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
    print("REGION|" .. table.concat({{ route:name(), region:name(), region:position():samples(),
      region:length():samples(), region:start():samples(), audio:scale_amplitude(),
      tostring(region:muted()), table.concat(sources, "|") }}, "|"))
  end
end
close_session()
quit()
"""

needs_ardour = pytest.mark.skipif(
    bool(missing()), reason=f"Ardour 7 is not installed here: no {', '.join(missing())}"
)


def test_the_actions_are_whole(tmp_path: Path) -> None:
    scripts = sorted((DAW / "ardour").glob("*.lua"))
    assert len(scripts) == 2
    lua54 = pytest.importorskip("lupa.lua53")
    for script in scripts:
        text = host_files.bundled(script, DAW, host_files.Settings(tmp_path / 'a "b"', ("x",)))
        lua = lua54.LuaRuntime()
        lua.execute("function ardour(header) kind = header.type end")
        lua.execute(text)
        assert lua.globals().kind == "EditorAction"
        # Ardour keeps the byte code of `factory` alone
        lua.execute("stripped = load(string.dump(factory, true))")
        assert lua.eval("type(stripped())") == "function"


@needs_ardour
@pytest.mark.slow
def test_region_in_stems_out_to_the_sample(tmp_path: Path) -> None:
    home, song = tmp_path / "home", tmp_path / "song.wav"
    write_mixture(song, 5.0, RATE)
    ardour = Ardour(tmp_path)
    settings = host_files.Settings(home / "store", ("stemlasso",))
    values = {"song": song, "position": POSITION, "start": START, "length": LENGTH}
    ready, saved = tmp_path / "ready", tmp_path / "saved"
    slots = {
        "prepare": PREPARE.format(**values, done=ready),
        "separate": host_files.bundled(DAW / "ardour" / "stemlasso_separate.lua", DAW, settings),
        "insert": host_files.bundled(DAW / "ardour" / "stemlasso_insert.lua", DAW, settings),
        "save": SAVE.format(done=saved),
    }
    for name, text in slots.items():
        (tmp_path / f"{name}.lua").write_text(text, "utf-8")
    ardour.fill_slots(*(tmp_path / f"{name}.lua" for name in slots))
    with serving(home), ardour.running():

        def is_ready() -> bool:
            ardour.act(1)
            return ready.exists()

        wait_for(is_ready, "Ardour's window")
        ardour.act(2)
        dialog = ardour.window("StemLasso")
        ardour.keys("windowactivate", "--sync", dialog)
        ardour.keys("type", "--delay", "20", DESCRIPTION)
        ardour.keys("key", "Tab", "0", "period", "1", "colon", "0", "period", "4")
        ardour.keys("key", "Tab", "1", "colon", "2", "alt+o")
        outbox = home / "store" / "outbox"
        manifest = wait_for(lambda: next(outbox.glob("*.timeline.json"), None), "a manifest")
        content = json.loads(manifest.read_text("utf-8"))
        answer = next(outbox.glob("*.answer.json"))
        until(lambda: json.loads(answer.read_text("utf-8"))["state"] == "done", "an answer")
        ardour.act(3)
        wait_for(lambda: not answer.exists(), "stems in Ardour")
        ardour.act(4)
        wait_for(saved.exists, "a saved session")
    parent = content["parent"]
    assert (parent["start_samples"], parent["length_samples"]) == (POSITION, LENGTH)
    sent = soundfile.read(parent["file"], dtype="float32")[0]
    own = soundfile.read(song, dtype="float32")[0][START : START + LENGTH]
    np.testing.assert_array_equal(sent, own)
    check_reopened(ardour, own)


def check_reopened(ardour: Ardour, own: np.ndarray) -> None:
    """Opens the saved session again; `own` is what the region plays, [N, 2]."""
    said = ardour.headless(LOOK.format(session=ardour.session)).splitlines()
    regions = [line.split("|")[1:] for line in said if line.startswith("REGION|")]
    assert [region[0] for region in regions] == ["song", "noise", "noise (residual)"]
    assert [region[1] for region in regions[1:]] == ["song - noise", "song - noise - residual"]
    total = np.zeros_like(own)
    for _, _, position, length, start, gain, muted, *sources in regions:
        assert (int(position), int(length)) == (POSITION, LENGTH)
        assert (float(gain), muted) == (0.5, "false")
        assert len(sources) == 2
        for channel, source in enumerate(sources):
            samples = soundfile.read(source, dtype="float32")[0]
            stretch = samples[int(start) : int(start) + LENGTH]
            if "song - noise" in Path(source).name:
                total[:, channel] += stretch
            else:
                np.testing.assert_array_equal(stretch, own[:, channel])
    np.testing.assert_array_equal(total, own)
