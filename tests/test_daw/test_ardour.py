"""Ardour itself: a selected region out through the real engine process, stems in at its place."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import host_files
import numpy as np
import pytest
import soundfile

from .ardour_host import WAIT_S, Ardour, missing
from .reaper_host import DAW
from .serving import serving, write_mixture
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

needs_ardour = pytest.mark.skipif(
    bool(missing()), reason=f"Ardour 7 is not installed here: no {', '.join(missing())}"
)


def test_the_actions_are_whole(tmp_path: Path) -> None:
    scripts = sorted((DAW / "ardour").glob("*.lua"))
    assert len(scripts) == 3
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


SPANS = [
    {"start_s": 0.1, "end_s": 0.4, "sign": "+"},
    {"start_s": 1.0, "end_s": 2.0, "sign": "-"},
]
MOST_ATTEMPTS = 5
ATTEMPT_S = 30.0


def ask(ardour: Ardour, inbox: Path) -> None:
    """Asks for the selected region in the action's dialog.

    Keys may be lost on a machine that has much to do, and no server runs yet: what was typed wrong
    is taken away and typed again.
    """
    for _ in range(MOST_ATTEMPTS):
        ardour.act(SEPARATE)
        ardour.focused("StemLasso")
        ardour.keys("type", "--delay", "50", DESCRIPTION)
        ardour.keys("key", "--delay", "50", "Tab", "0", "period", "1", "colon", "0", "period", "4")
        ardour.keys("key", "--delay", "50", "Tab", "1", "colon", "2", "alt+o")
        with suppress(AssertionError):
            request = wait_for(lambda: next(inbox.glob("*.json"), None), "a request", ATTEMPT_S)
            content = json.loads(request.read_text("utf-8"))
            spans = sorted(content["prompt"]["spans"], key=lambda span: span["start_s"])
            if (content["prompt"]["description"], spans) == (DESCRIPTION, SPANS):
                return
            request.unlink()
        close_dialogs(ardour)
    raise AssertionError("the dialog was never filled in")


def close_dialogs(ardour: Ardour) -> None:
    """Ends what is left of a dialog, or of a message about what was typed."""

    def are_closed() -> bool:
        for window in ardour.windows("StemLasso"):
            ardour.keys("windowactivate", window)
            ardour.keys("key", "Escape")
        return not ardour.windows("StemLasso")

    wait_for(are_closed, "an end of the dialog", ATTEMPT_S)


def written(folder: Path, pattern: str, is_right: Callable[[Any], bool]) -> Any:
    """The content of a JSON file, once there is one of the right kind."""

    def look() -> Any:
        found = [json.loads(path.read_text("utf-8")) for path in folder.glob(pattern)]
        return next((content for content in found if is_right(content)), None)

    return wait_for(look, pattern, WAIT_S)


def put(path: Path, content: Any) -> None:
    part = path.with_name(f".{path.name}")
    part.write_text(json.dumps(content), "utf-8")
    part.rename(path)


PREPARING, SEPARATE, INSERT, PANEL, SAVING = range(1, 6)


@needs_ardour
@pytest.mark.slow
def test_region_in_stems_out_to_the_sample(tmp_path: Path) -> None:
    home, song = tmp_path / "home", tmp_path / "song.wav"
    inbox, outbox = home / "store" / "inbox", home / "store" / "outbox"
    for folder in (home, home / "store", inbox, outbox):
        folder.mkdir(mode=0o700)
    write_mixture(song, 5.0, RATE)
    ardour = Ardour(tmp_path)
    settings = host_files.Settings(home / "store", ("stemlasso-that-is-not-there",))
    values = {"song": song, "position": POSITION, "start": START, "length": LENGTH}
    ready, saved = tmp_path / "ready", tmp_path / "saved"

    def action(name: str) -> str:
        return host_files.bundled(DAW / "ardour" / f"stemlasso_{name}.lua", DAW, settings)

    slots = {
        "prepare": PREPARE.format(**values, done=ready),
        **{name: action(name) for name in ("separate", "insert", "panel")},
        "save": SAVE.format(done=saved),
    }
    for name, text in slots.items():
        (tmp_path / f"{name}.lua").write_text(text, "utf-8")
    ardour.fill_slots(*(tmp_path / f"{name}.lua" for name in slots))
    with ardour.running():
        ardour.act_until(PREPARING, ready)
        ask(ardour, inbox)
        ardour.act(PANEL)  # the region is still selected
        shown = written(inbox, "*.json", lambda content: "prompt" not in content)
        with serving(home):
            parent = written(outbox, "*.timeline.json", lambda _: True)["parent"]
            clip_id = written(outbox, "*.answer.json", lambda one: "clip_id" in one)["clip_id"]
            wish = {"description": DESCRIPTION, "spans": SPANS[:1]}  # as the panel asks
            put(inbox / "panel.json", {"request": 1, "clip": {"clip_id": clip_id}, "prompt": wish})
            written(outbox, "panel.answer.json", lambda answer: answer["state"] == "done")
            written(
                outbox,
                "ardour-*.answer.json",
                lambda answer: answer["state"] == "done" and "manifest" in answer,
            )
            assert len(list(outbox.glob("*.timeline.json"))) == 2
            ardour.act(INSERT)
            wait_for(lambda: not list(outbox.glob("*.timeline.json")), "stems in Ardour", WAIT_S)
        ardour.act(SAVING)
        wait_for(saved.exists, "a saved session", WAIT_S)
    assert (parent["start_samples"], parent["length_samples"]) == (POSITION, LENGTH)
    own = soundfile.read(song, dtype="float32")[0][START : START + LENGTH]
    for file in (parent["file"], shown["clip"]["path"]):
        np.testing.assert_array_equal(soundfile.read(file, dtype="float32")[0], own)
    check_reopened(ardour, own)


def check_reopened(ardour: Ardour, own: np.ndarray) -> None:
    """Opens the saved session again; `own` is what the region plays, [N, 2]."""
    regions = ardour.saved_regions()
    # each pair stands below the original: those that came last are nearest to it
    tracks = [region.track.rstrip("0123456789 ") for region in regions]
    assert tracks == ["song", *["noise", "noise (residual)"] * 2]
    totals = [np.zeros_like(own), np.zeros_like(own)]
    for index, region in enumerate(regions):
        assert (region.position, region.length) == (POSITION, LENGTH)
        assert (region.gain, region.is_muted) == (0.5, False)
        assert len(region.sources) == 2
        assert index == 0 or region.name in ("song - noise", "song - noise - residual")
        for channel in range(2):
            stretch = region.channel(channel)
            if index > 0:
                totals[(index - 1) // 2][:, channel] += stretch
            else:
                np.testing.assert_array_equal(stretch, own[:, channel])
    for total in totals:
        np.testing.assert_array_equal(total, own)
