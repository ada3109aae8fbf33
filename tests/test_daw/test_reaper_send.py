"""REAPER's selected items as requests: the right samples of a file, or a refusal in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from .reaper_host import OPEN, RATE, SEPARATE, Desk, Reaper, module, write_ramp

NOTHING_TYPED = ("snare", "", "", "1", "n")


@pytest.fixture(params=["lua53", "lua54"])
def reaper(request: pytest.FixtureRequest, tmp_path: Path) -> Reaper:
    home = tmp_path / "home"
    Desk(home)
    folder = tmp_path / "Nocturne für Zoë"
    folder.mkdir()
    return Reaper(folder, home, request.param)


def only_request(reaper: Reaper) -> dict[str, Any]:
    (request,) = reaper.requests()
    assert not reaper.boxes
    return request


def samples_of(request: dict[str, Any]) -> np.ndarray:
    samples: np.ndarray = soundfile.read(request["clip"]["path"], always_2d=True, dtype="float32")[
        0
    ]
    return samples


def test_a_whole_file_is_sent_as_it_is(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop 3.wav"
    write_ramp(file, RATE)
    reaper.item(reaper.track("Drums"), file, D_POSITION=12.5, D_LENGTH=1.0)
    reaper.says("snare, wooden", "0.5:0.75 0.8:0.9", "0.1:0.2", "3", "y")
    reaper.run(SEPARATE)
    request = only_request(reaper)
    origin = {"host": "REAPER", "project": str(reaper.project_file), "track": "Drums"}
    assert request["clip"] == {
        "path": str(file),
        "name": "loop 3",
        "origin": {**origin, "position_s": 12.5, "tempo_bpm": 120},
    }
    assert request["prompt"] == {
        "description": "snare, wooden",
        "spans": [
            {"start_s": 0.1, "end_s": 0.2, "sign": "-"},
            {"start_s": 0.5, "end_s": 0.75, "sign": "+"},
            {"start_s": 0.8, "end_s": 0.9, "sign": "+"},
        ],
    }
    assert request["options"]["n_candidates"] == 3
    assert request["options"]["output_folder"].startswith(str(reaper.folder))
    assert reaper.undo_steps == []


@pytest.mark.parametrize(
    ("tempos", "rate", "wanted"),
    [
        ([(0, 97.5)], 1, 97.5),
        ([(0, 90), (3.5, 128), (5.25, 60)], 1, 128),
        ([(0, 90), (4.5, 91)], 1, None),
        ([(0, 90), (4.3, 120), (4.5, 90)], 1, None),
        ([(0, 1001)], 1, None),
        ([(0, 97.5)], 1.5, None),
        ([], 1, None),
    ],
)
def test_the_tempo_is_sent_where_it_is_one(
    reaper: Reaper, tmp_path: Path, tempos: list[tuple[float, float]], rate: float, wanted: Any
) -> None:
    write_ramp(tmp_path / "a.wav", 2 * RATE)
    if tempos:
        reaper.fake.tempos = reaper.lua.table_from([reaper.lua.table_from(each) for each in tempos])
    else:
        reaper.fake.lack("TimeMap_timeToQN_abs")
    take = {"D_PLAYRATE": rate}
    reaper.item(reaper.track("A"), tmp_path / "a.wav", take, D_POSITION=4.0, D_LENGTH=1.0)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    assert only_request(reaper)["clip"]["origin"].get("tempo_bpm") == wanted


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_stretch_is_cut_bit_for_bit(reaper: Reaper, tmp_path: Path, subtype: str) -> None:
    file = tmp_path / "long.wav"
    noise = np.random.default_rng(0).uniform(-1, 1, (RATE, 3))
    soundfile.write(file, noise, 44_100, subtype)
    offset_s, length_s = 1001.25 / 44_100, 2000 / 44_100
    reaper.item(
        reaper.track("A"), file, {"D_STARTOFFS": offset_s}, D_POSITION=3.0, D_LENGTH=length_s
    )
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    request = only_request(reaper)
    cut, rate = soundfile.read(request["clip"]["path"], dtype="float64")
    assert rate == 44_100
    assert soundfile.info(request["clip"]["path"]).subtype == subtype
    whole = soundfile.read(file, dtype="float64")[0]
    np.testing.assert_array_equal(cut, whole[1001:3002])
    # a quarter of a sample of the file lies before the item
    assert request["clip"]["origin"]["position_s"] == pytest.approx(3 - 0.25 / 44_100, abs=1e-12)


def test_a_play_rate_keeps_the_time_base_of_the_file(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    ramp = write_ramp(file, 4 * RATE, 1)
    take = {"D_STARTOFFS": 1.0, "D_PLAYRATE": 2.0}
    reaper.item(reaper.track("A"), file, take, D_POSITION=10.0, D_LENGTH=1.0)
    reaper.says("snare", "0.25:0.5", "", "1", "n")
    reaper.run(SEPARATE)
    request = only_request(reaper)
    np.testing.assert_array_equal(samples_of(request), ramp[RATE : 3 * RATE])
    assert request["prompt"]["spans"] == [{"start_s": 0.5, "end_s": 1.0, "sign": "+"}]


def test_a_reversed_item_is_rendered_as_it_sounds(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    ramp = write_ramp(file, RATE)
    source = reaper.fake.reversed(reaper.fake.wave(str(file)))
    reaper.item(reaper.track("A"), source, {"D_STARTOFFS": 0.25}, D_POSITION=1.0, D_LENGTH=0.5)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    request = only_request(reaper)
    np.testing.assert_array_equal(samples_of(request), ramp[::-1][RATE // 4 : 3 * RATE // 4])
    assert request["clip"]["origin"]["position_s"] == 1.0
    assert reaper.fake.n_accessors == 0


def test_a_looped_item_is_rendered_as_it_sounds(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    ramp = write_ramp(file, RATE, 1)
    reaper.item(reaper.track("A"), file, {"D_STARTOFFS": 0.5}, D_LENGTH=2.0)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    request = only_request(reaper)
    np.testing.assert_array_equal(
        samples_of(request), np.roll(np.tile(ramp, (2, 1)), -RATE // 2, 0)
    )


def test_an_item_longer_than_its_file_is_not_padded(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "short.wav"
    write_ramp(file, RATE)
    take = {"D_STARTOFFS": -0.5}
    reaper.item(reaper.track("A"), file, take, B_LOOPSRC=0, D_POSITION=2.0, D_LENGTH=3.0)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    request = only_request(reaper)
    assert request["clip"]["path"] == str(file)
    assert request["clip"]["origin"]["position_s"] == 2.5


def test_stretch_markers_and_other_formats_are_rendered(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    ramp = write_ramp(file, RATE)
    item = reaper.item(reaper.track("A"), file, D_LENGTH=1.0)
    item.active.n_markers = 2
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    request = only_request(reaper)
    assert request["clip"]["path"] != str(file)
    np.testing.assert_array_equal(samples_of(request), ramp)


def test_take_effects_are_remarked_on(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    write_ramp(file, RATE)
    item = reaper.item(reaper.track("A"), file, D_LENGTH=1.0)
    item.active.n_effects = 1
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    assert len(reaper.requests()) == 1
    assert "take effects" in reaper.console


def test_a_long_name_is_cut_between_letters(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / f"{'x' * 79}ü {'y' * 20}.wav"
    write_ramp(file, RATE)
    reaper.item(reaper.track("A"), file, {"D_STARTOFFS": 0.5}, D_LENGTH=0.25)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    assert Path(only_request(reaper)["clip"]["path"]).name == f"{'x' * 79}.wav"


def test_the_time_selection_marks_where_the_sound_is(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    write_ramp(file, RATE)
    track = reaper.track("A")
    for position_s in (1.0, 2.0, 5.0):
        reaper.item(track, file, D_POSITION=position_s, D_LENGTH=1.0)
    reaper.fake.selection = reaper.lua.table(1.75, 2.25)
    reaper.says("snare", "selection", "", "1", "n")
    reaper.run(SEPARATE)
    assert reaper.fake.offered.splitlines()[1] == "selection"
    spans = [request["prompt"].get("spans") for request in reaper.requests()]
    assert spans == [
        [{"start_s": 0.75, "end_s": 1.0, "sign": "+"}],
        [{"start_s": 0.0, "end_s": 0.25, "sign": "+"}],
        [],
    ]


def test_what_cannot_be_separated_is_named_and_the_rest_goes(
    reaper: Reaper, tmp_path: Path
) -> None:
    file, gone = tmp_path / "loop.wav", tmp_path / "gone.wav"
    write_ramp(file, RATE)
    track = reaper.track("A")
    source = reaper.fake.source
    reaper.item(track, source("MIDI", "", 1, 0, 0), D_LENGTH=1.0)
    reaper.item(track, source("WAVE", str(gone), 1, RATE, 2), D_LENGTH=1.0)
    reaper.item(track, source("EMPTY", "", 1, 0, 0), D_LENGTH=1.0)
    reaper.fake.add_item(track, reaper.table(D_LENGTH=1.0)).is_selected = True
    reaper.item(track, file, {"D_STARTOFFS": 3.0}, B_LOOPSRC=0, D_LENGTH=1.0)
    offline = reaper.item(track, reaper.fake.reversed(reaper.fake.wave(str(file))), D_LENGTH=1.0)
    offline.active.is_offline = True
    endless = reaper.fake.reversed(reaper.fake.wave(str(file)))
    reaper.item(track, endless, D_LENGTH=1300.0)
    reaper.item(track, file, D_LENGTH=1.0)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    assert len(reaper.requests()) == 1
    (box,) = reaper.boxes
    for word in ("MIDI", str(gone), "no audio", "without a take", "beyond the end", "offline"):
        assert word in box, word
    assert "longer than 20 minutes" in box


def test_nothing_selected_is_said(reaper: Reaper, tmp_path: Path) -> None:
    reaper.track("A")
    reaper.run(SEPARATE)
    assert reaper.boxes == ["Select one or more audio items first."]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (("", "", "", "1", "n"), "Say what to take out"),
        (("snare", "2:1", "", "1", "n"), "2:1"),
        (("snare", "", "a:b", "1", "n"), "a:b"),
        (("snare", "", "", "9", "n"), "1 to 8"),
        (("snare", "", "", "", "n"), "1 to 8"),
    ],
)
def test_a_slip_is_explained_and_asked_again(
    reaper: Reaper, tmp_path: Path, fields: tuple[str, ...], why: str
) -> None:
    file = tmp_path / "loop.wav"
    write_ramp(file, RATE)
    reaper.item(reaper.track("A"), file, D_LENGTH=1.0)
    reaper.says(*fields)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    (box,) = reaper.boxes
    assert why in box
    assert reaper.fake.offered == "\n".join(fields)
    assert len(reaper.requests()) == 1


def test_cancelling_the_dialog_leaves_no_trace(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    write_ramp(file, RATE)
    reaper.item(reaper.track("A"), file, {"D_STARTOFFS": 0.5}, D_LENGTH=0.25)
    before = reaper.fake.describe()
    reaper.run(SEPARATE)
    assert reaper.requests() == []
    assert list(reaper.folder.iterdir()) == []
    assert reaper.kept == []
    assert reaper.fake.describe() == before


def test_the_panel_gets_clips_without_a_prompt(reaper: Reaper, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    write_ramp(file, RATE)
    reaper.item(reaper.track("A"), file, D_LENGTH=1.0)
    reaper.run(OPEN)
    (request,) = reaper.requests()
    assert "prompt" not in request
    assert "stemlasso panel" in reaper.boxes[0]


def test_a_store_that_is_not_there_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    write_ramp(file, RATE)
    reaper = Reaper(tmp_path, tmp_path / "nowhere")
    reaper.item(reaper.track("A"), file, D_LENGTH=1.0)
    reaper.says(*NOTHING_TYPED)
    reaper.run(SEPARATE)
    (box,) = reaper.boxes
    assert "stemlasso status" in box
    assert reaper.kept == []


@pytest.mark.parametrize(
    ("system", "environ", "store"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/stemlasso/store"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/stemlasso/store"),
        ("macos", {"HOME": "/h"}, "/h/Library/Application Support/StemLasso/store"),
        ("windows", {"LOCALAPPDATA": "C:\\L"}, "C:\\L/StemLasso/store"),
        ("windows", {"STEMLASSO_HOME": "D:/s"}, "D:/s/store"),
    ],
)
def test_the_store_is_where_the_bridge_keeps_it(
    reaper: Reaper, system: str, environ: dict[str, str], store: str
) -> None:
    exchange = module(reaper.lua, "exchange")
    assert exchange.usual_store(system, environ.get) == store


def test_settings_of_the_installer_name_the_store(reaper: Reaper, tmp_path: Path) -> None:
    settings = tmp_path / "stemlasso.json"
    settings.write_text(json.dumps({"store": "/s", "command": ["/bin/stemlasso"]}), "utf-8")
    exchange = module(reaper.lua, "exchange")
    assert exchange.read_settings(str(settings)).command[1] == "/bin/stemlasso"
    settings.write_text("{", "utf-8")
    assert len(exchange.read_settings(str(settings))) == 0
