"""Ardour itself: a selected region out through the real engine process, stems in at its place."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
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
DESCRIPTION = "noise"


@dataclass(frozen=True)
class Lies:
    """A region of a file of the same name, on a track of its own. Counts samples."""

    name: str
    n_channels: int
    position: int
    start: int
    length: int

    def write(self, folder: Path) -> np.ndarray:
        """Writes its file; gives what it plays, [N, channels]."""
        path = folder / f"{self.name}.wav"
        write_mixture(path, 5.0, RATE)
        samples = soundfile.read(path, dtype="int32")[0][:, : self.n_channels]
        soundfile.write(path, samples, RATE, "PCM_24")
        samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
        return samples[self.start : self.start + self.length]

    def lua(self, folder: Path) -> str:
        """As the script that prepares the session wants it."""
        path = folder / f"{self.name}.wav"
        return f'["{self.name}"] = {{ "{path}", {self.position}, {self.start}, {self.length} }}'


SONG = Lies("Lied für Zoë", 2, 144_000, 48_000, 144_000)
VOICE = Lies("voice", 1, 360_000, 24_000, 96_000)
TEMPO_CHANGES = 400_000  # while the voice sings

PREPARE = """
function factory() return function()
  -- asked for until it is done: heard while the window is still being built, and while it imports
  local function exists(name)
    return io.open("{done}" .. name) ~= nil
  end
  local function note(name)
    io.open("{done}" .. name, "w"):close()
  end
  local function import(path)
    local files = C.StringVector()
    files:push_back(path)
    Editor:do_import(files, Editing.ImportDistinctFiles, Editing.ImportAsTrack,
      ARDOUR.SrcQuality.SrcBest, ARDOUR.MidiTrackNameSource.SMFTrackName,
      ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, Temporal.timepos_t(0),
      ARDOUR.PluginInfo(), ARDOUR.Track(), false)
  end
  if not exists(".begun") then
    note(".begun")
    local lies = {{ {lies} }}
    for _, each in pairs(lies) do
      import(each[1])
    end
    for route in Session:get_tracks():iter() do
      for region in route:to_track():playlist():region_list():iter() do
        local _, position, start, length = table.unpack(lies[route:name()])
        region:set_position(Temporal.timepos_t(position - start))
        region:trim_front(Temporal.timepos_t(position))
        region:trim_end(Temporal.timepos_t(position + length))
        region:to_audioregion():set_scale_amplitude(0.5)
        if route:name() == "voice" then
          local line = region:to_audioregion():envelope()
          line:clear_list()
          line:list():add(Temporal.timepos_t(0), 1, false, false)
          line:list():add(Temporal.timepos_t(length), 0.25, false, false)
          region:to_audioregion():set_envelope_active(true)
        end
      end
    end
    local map = Temporal.TempoMap.fetch_writable()
    map:set_tempo(Temporal.Tempo(90, 90, 4), Temporal.timepos_t({changes}))
    Temporal.TempoMap.update(map)
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

UNDO = """
function factory() return function()
  if io.open("{done}") then
    return
  end
  local function count()
    local n_regions = 0
    for route in Session:get_tracks():iter() do
      for _ in route:to_track():playlist():region_list():iter() do
        n_regions = n_regions + 1
      end
    end
    return n_regions
  end
  local counts = {{ count() }}
  Editor:undo(1)
  counts[2] = count()
  Editor:redo(1)
  counts[3] = count()
  local file = io.open("{done}.part", "w")
  file:write(table.concat(counts, " "))
  file:close()
  os.rename("{done}.part", "{done}")
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


@pytest.mark.parametrize("version", ["lua53", "lua54"])
def test_the_actions_are_whole(tmp_path: Path, version: str) -> None:
    scripts = sorted((DAW / "ardour").glob("*.lua"))
    assert len(scripts) == 3
    lupa = pytest.importorskip(f"lupa.{version}")
    for script in scripts:
        text = host_files.bundled(script, DAW, host_files.Settings(tmp_path / 'a "b"', ("x",)))
        lua = lupa.LuaRuntime()
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
    """Asks for the two selected regions in the action's dialog.

    Keys may be lost on a machine that has much to do, and no server runs yet: what was typed wrong
    is taken away and typed again.
    """
    for _ in range(MOST_ATTEMPTS):
        ardour.act(SEPARATE)
        ardour.focused("StemLasso")
        ardour.keys("type", "--delay", "50", DESCRIPTION)
        ardour.keys("key", "--delay", "50", "Tab", "0", "period", "1", "colon", "0", "period", "4")
        ardour.keys("key", "--delay", "50", "Tab", "1", "colon", "2")
        ardour.keys("key", "--delay", "50", "Tab", "Tab", "space", "alt+o")  # mute the original
        with suppress(AssertionError):
            wait_for(lambda: len(list(inbox.glob("*.json"))) == 2, "requests", ATTEMPT_S)
            if is_meant(ardour, inbox):
                return
        for request in inbox.glob("*.json"):
            request.unlink()
        close_dialogs(ardour)
    raise AssertionError("the dialog was never filled in")


def is_meant(ardour: Ardour, inbox: Path) -> bool:
    """Whether the two requests say what was to be typed, and the session that it is muted."""
    names = {path.stem for path in inbox.glob("*.json")}
    kept = wait_for(lambda: remembered(ardour, names), "a memory of them", ATTEMPT_S)
    prompts = [json.loads((inbox / f"{name}.json").read_text("utf-8"))["prompt"] for name in names]
    for prompt in prompts:
        prompt["spans"].sort(key=lambda span: span["start_s"])
    meant = {"description": DESCRIPTION, "spans": SPANS}
    return all(prompt == meant for prompt in prompts) and all(each["mutes"] for each in kept)


def remembered(ardour: Ardour, names: set[str]) -> list[dict[str, Any]]:
    """What the session remembers of requests; nothing until it knows all of them."""
    kept: dict[str, Any] = {}
    with suppress(FileNotFoundError):  # it is taken away and written anew
        kept = json.loads((ardour.session / "stemlasso.json").read_text("utf-8"))
    return [kept[name] for name in names] if names <= set(kept) else []


def close_dialogs(ardour: Ardour) -> None:
    """Ends what is left of a dialog, or of a message about what was typed."""

    def are_closed() -> bool:
        for window in ardour.windows("StemLasso"):
            ardour.keys("windowactivate", window)
            ardour.keys("key", "Escape")
        return not ardour.windows("StemLasso")

    wait_for(are_closed, "an end of the dialog", ATTEMPT_S)


def requests(inbox: Path, is_right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The requests for the two regions, by the region's name; `name` is the request's own."""

    def look() -> dict[str, Any] | None:
        found = [
            {**json.loads(path.read_text("utf-8")), "name": path.stem}
            for path in inbox.glob("*.json")
        ]
        right = {each["clip"]["name"]: each for each in found if is_right(each)}
        return right if len(right) == 2 else None

    said: dict[str, Any] = wait_for(look, "requests", WAIT_S)
    return said


def answered(outbox: Path, name: str) -> dict[str, Any]:
    """What became of a request, once that is known."""

    def look() -> dict[str, Any] | None:
        path = outbox / f"{name}.answer.json"
        answer: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return answer if answer.get("state", "queued") != "queued" else None

    said: dict[str, Any] = wait_for(look, name, WAIT_S)
    assert said["state"] == "done", said
    return said


def put(path: Path, content: Any) -> None:
    part = path.with_name(f".{path.name}")
    part.write_text(json.dumps(content), "utf-8")
    part.rename(path)


PREPARING, SEPARATE, INSERT, PANEL, UNDOING, SAVING = range(1, 7)


@needs_ardour
@pytest.mark.slow
@pytest.mark.timeout(1200)  # each wait in it has an end of its own
def test_regions_in_stems_out_to_the_sample(tmp_path: Path) -> None:
    home = tmp_path / "home"
    inbox, outbox = home / "store" / "inbox", home / "store" / "outbox"
    for folder in (home, home / "store", inbox, outbox):
        folder.mkdir(mode=0o700)
    own = {lies.name: lies.write(tmp_path) for lies in (SONG, VOICE)}
    ardour = Ardour(tmp_path)
    ready, undone, saved = (tmp_path / name for name in ("ready", "undone", "saved"))
    fill_slots(ardour, home, ready, undone, saved)
    with ardour.running():
        ardour.act_until(PREPARING, ready)
        ask(ardour, inbox)
        asked = requests(inbox, lambda request: "prompt" in request)
        ardour.act(PANEL)  # the regions are still selected
        shown = requests(inbox, lambda request: "prompt" not in request)
        with serving(home):
            clip_id = answered(outbox, shown[SONG.name]["name"])["clip_id"]
            wish = {"description": DESCRIPTION, "spans": SPANS[:1]}  # as the panel asks
            put(inbox / "panel.json", {"request": 1, "clip": {"clip_id": clip_id}, "prompt": wish})
            answered(outbox, "panel")
            manifests = {
                name: json.loads(Path(answered(outbox, request["name"])["manifest"]).read_bytes())
                for name, request in asked.items()
            }
            assert len(list(outbox.glob("*.timeline.json"))) == 3
            ardour.act(INSERT)
            wait_for(lambda: not list(outbox.glob("*.timeline.json")), "stems in Ardour", WAIT_S)
        ardour.act_until(UNDOING, undone)
        assert undone.read_text() == "8 6 8"  # both stems of a clip in one step, and back
        ardour.act_until(SAVING, saved)
    check_sent(ardour, asked, shown, manifests, own)
    check_reopened(ardour, own)


def fill_slots(ardour: Ardour, home: Path, ready: Path, undone: Path, saved: Path) -> None:
    """The actions as they are installed, between scripts that prepare and save the session."""
    settings = host_files.Settings(home / "store", ("stemlasso-that-is-not-there",))
    lies = ", ".join(each.lua(ardour.folder) for each in (SONG, VOICE))
    slots = {
        "prepare": PREPARE.format(lies=lies, changes=TEMPO_CHANGES, done=ready),
        **{
            name: host_files.bundled(DAW / "ardour" / f"stemlasso_{name}.lua", DAW, settings)
            for name in ("separate", "insert", "panel")
        },
        "undo": UNDO.format(done=undone),
        "save": SAVE.format(done=saved),
    }
    for name, text in slots.items():
        (ardour.folder / f"{name}.lua").write_text(text, "utf-8")
    ardour.fill_slots(*(ardour.folder / f"{name}.lua" for name in slots))


def check_sent(
    ardour: Ardour,
    asked: dict[str, Any],
    shown: dict[str, Any],
    manifests: dict[str, Any],
    own: dict[str, np.ndarray],
) -> None:
    """What went out is what the regions play, to the bit, and says where they lie."""
    for lies, tempo_bpm in ((SONG, 120.0), (VOICE, None)):
        for request in (asked[lies.name], shown[lies.name]):
            assert request["clip"]["origin"] == {
                "host": "Ardour",
                "project": str(ardour.session),
                "track": lies.name,
                "position_s": lies.position / RATE,
                "position_samples": lies.position,
                **({"tempo_bpm": tempo_bpm} if tempo_bpm else {}),
            }
            sent, _ = soundfile.read(request["clip"]["path"], dtype="float32", always_2d=True)
            np.testing.assert_array_equal(sent, own[lies.name])
        parent = manifests[lies.name]["parent"]
        assert (parent["start_samples"], parent["length_samples"]) == (lies.position, lies.length)


def check_reopened(ardour: Ardour, own: dict[str, np.ndarray]) -> None:
    """Opens the saved session again; `own` is what each region plays, [N, channels]."""
    regions = ardour.saved_regions()
    # each pair stands below the original: those that came last are nearest to it
    tracks = [region.track.rstrip("0123456789 ") for region in regions]
    pair = ["noise", "noise (residual)"]
    assert sorted(tracks) == sorted([SONG.name, *pair, *pair, VOICE.name, *pair])
    for lies, n_pairs in ((SONG, 2), (VOICE, 1)):
        first = tracks.index(lies.name)
        original, *stems = regions[first : first + 1 + 2 * n_pairs]
        assert [each.track.rstrip("0123456789 ") for each in stems] == pair * n_pairs
        for region in (original, *stems):
            assert (region.position, region.length) == (lies.position, lies.length)
            assert (region.gain, region.is_muted) == (0.5, region is original)
            assert len(region.sources) == lies.n_channels
        for channel, samples in enumerate(own[lies.name].T):
            np.testing.assert_array_equal(original.channel(channel), samples)
            for target, residual in zip(stems[::2], stems[1::2], strict=True):
                total = target.channel(channel) + residual.channel(channel)
                np.testing.assert_array_equal(total, samples)
        names = {f"{lies.name} - noise", f"{lies.name} - noise - residual"}
        assert {region.name for region in stems} == names
        lines = {region.gain_line for region in (original, *stems)}
        assert lines == ({((0, 1.0), (lies.length, 0.25))} if lies is VOICE else {()})
