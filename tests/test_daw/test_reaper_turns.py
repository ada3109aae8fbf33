"""Items whose audio takes REAPER long: the actions leave it its time, and look what has changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from .reaper_host import OPEN, RATE, SEPARATE, Reaper, write_ramp

BLOCK_S = 0.005
N_BLOCKS = 12
N_BLOCKS_A_TURN = 2
"""In a turn of 8 ms."""


@pytest.fixture
def reaper(tmp_path: Path) -> Reaper:
    """With a reversed item of two seconds, and a store."""
    (tmp_path / "home" / "store" / "inbox").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    made = Reaper(tmp_path / "project", tmp_path / "home")
    write_ramp(tmp_path / "loop.wav", 2 * RATE)
    source = made.fake.reversed(made.fake.wave(str(tmp_path / "loop.wav")))
    made.item(made.track("A"), source, D_POSITION=4.0, D_LENGTH=2.0)
    made.fake.block_s = BLOCK_S
    return made


@pytest.fixture
def item(reaper: Reaper) -> Any:
    return reaper.fake.tracks[1]["items"][1]


def begin(reaper: Reaper, action: str = SEPARATE) -> None:
    """Runs an action, which is not done then."""
    reaper.says("snare", "selection", "", "1", "n")
    reaper.run(action)
    assert len(reaper.fake.deferred) == 1
    assert reaper.requests() == []


def finish(reaper: Reaper, n_turns: int = 20) -> None:
    for _ in range(n_turns):
        reaper.fake.tick(0)


def files(reaper: Reaper) -> list[Path]:
    return [path for path in reaper.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("action", [SEPARATE, OPEN])
def test_rendering_takes_turns(reaper: Reaper, tmp_path: Path, action: str) -> None:
    reaper.fake.selection = reaper.lua.table_from([4.5, 5.0])
    begin(reaper, action)
    reaper.fake.selection = reaper.lua.table_from([0, 0])  # what counts is what was then
    n_turns = 0
    while not reaper.requests():
        assert [path.suffix for path in files(reaper)] == [".part"]
        assert reaper.fake.help.startswith("StemLasso: REAPER renders")
        before = reaper.fake.calls.GetAudioAccessorSamples
        reaper.fake.tick(0)
        assert reaper.fake.calls.GetAudioAccessorSamples - before <= N_BLOCKS_A_TURN
        n_turns += 1
    assert n_turns >= N_BLOCKS // N_BLOCKS_A_TURN - 1
    (request,) = reaper.requests()
    ramp = soundfile.read(tmp_path / "loop.wav", dtype="float32")[0]
    rendered = soundfile.read(request["clip"]["path"], dtype="float32")[0]
    np.testing.assert_array_equal(rendered, ramp[::-1])
    assert [path.suffix for path in files(reaper)] == [".wav"]
    assert reaper.fake.n_accessors == 0
    assert reaper.fake.help == ""
    if action == SEPARATE:
        assert request["prompt"]["spans"] == [{"start_s": 0.5, "end_s": 1.0, "sign": "+"}]


def change(reaper: Reaper, item: Any, what: str) -> None:
    """What the user does while it renders."""
    take = item.active
    match what:
        case "delete":
            reaper.fake.delete_item(item)
        case "another at its address":
            item.strings.GUID = "{another}"
        case "trim":
            item.numbers.D_LENGTH = 1.0
        case "slip":
            take.numbers.D_STARTOFFS = 0.25
        case "pitch":
            take.numbers.D_PITCH = 1
        case "offline":
            take.is_offline = True
        case "close":
            reaper.fake.projects = reaper.lua.table_from([reaper.fake.open_another()])


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("delete", "it was deleted before"),
        ("another at its address", "it was deleted before"),
        ("trim", "it was changed before"),
        ("slip", "it was changed before"),
        ("pitch", "it was changed before"),
        ("offline", "is the media offline?"),
        ("close", "its project was closed before"),
    ],
)
def test_what_changes_meanwhile_is_said(reaper: Reaper, item: Any, what: str, words: str) -> None:
    begin(reaper)
    change(reaper, item, what)
    finish(reaper)
    (box,) = reaper.boxes
    assert words in box
    assert reaper.requests() == []
    assert reaper.kept == []
    assert files(reaper) == []
    assert reaper.fake.n_accessors == 0


def test_a_moved_item_gets_its_stems_where_it_is(reaper: Reaper, item: Any) -> None:
    begin(reaper)
    item.numbers.D_POSITION = 7.5
    finish(reaper)
    (request,) = reaper.requests()
    assert request["clip"]["origin"]["position_s"] == 7.5
    assert "tempo_bpm" not in request["clip"]["origin"]


def test_a_script_that_is_ended_leaves_nothing(reaper: Reaper) -> None:
    begin(reaper)
    reaper.fake.end_scripts()
    assert files(reaper) == []
    assert reaper.fake.n_accessors == 0


def test_several_items_are_sent_one_after_the_other(reaper: Reaper, tmp_path: Path) -> None:
    plain = tmp_path / "plain.wav"
    write_ramp(plain, RATE)
    reaper.item(reaper.track("B"), plain, D_LENGTH=0.5)
    begin(reaper)
    finish(reaper)
    assert len(reaper.requests()) == 2
    assert len(reaper.fake.deferred) == 1  # waits for stems
