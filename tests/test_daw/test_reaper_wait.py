"""An action that waits for stems: run again, in another tab, or after its project was closed."""

from pathlib import Path
from typing import Any

import pytest

from .reaper_host import RATE, SEPARATE, Desk, Reaper, write_ramp


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


@pytest.fixture
def reaper(tmp_path: Path, desk: Desk) -> Reaper:
    return Reaper(tmp_path, tmp_path / "home")


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.wav"
    write_ramp(path, 2 * RATE)
    return path


def ask(reaper: Reaper, *fields: str) -> list[dict[str, Any]]:
    reaper.says(*(fields or ("snare", "", "", "1", "n")))
    reaper.run(SEPARATE)
    return reaper.requests()


def wait(reaper: Reaper, seconds: float = 1.0) -> int:
    left: int = reaper.fake.tick(seconds)
    return left


def names(reaper: Reaper) -> list[str]:
    return [track["name"] for track in reaper.tracks()]


@pytest.mark.parametrize("version", ["old", "new"])
def test_a_second_run_while_the_first_waits(
    reaper: Reaper, desk: Desk, loop: Path, version: str
) -> None:
    if version == "old":
        reaper.fake.lack("set_action_options")
    item = reaper.item(reaper.track("A"), loop, D_POSITION=3.0, D_LENGTH=2.0)
    (first,) = ask(reaper)
    (request,) = [each for each in ask(reaper, "kick", "", "", "1", "n") if each != first]
    assert len(reaper.fake.deferred) == (2 if version == "old" else 1)
    desk.finish(request, "j2")
    wait(reaper)
    desk.finish(first, "j1")
    wait(reaper)
    assert wait(reaper) == 0
    assert names(reaper).count("kick") == names(reaper).count("snare") == 1
    assert item.numbers.B_MUTE == 0


@pytest.mark.parametrize("answer", ["nothing selected", "cancelled"])
def test_a_second_run_that_comes_to_nothing_waits_for_the_first(
    reaper: Reaper, desk: Desk, loop: Path, answer: str
) -> None:
    item = reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    (request,) = ask(reaper)
    item.is_selected = answer == "cancelled"
    reaper.run(SEPARATE)
    desk.finish(request, "j1")
    assert wait(reaper) == 0
    assert len(names(reaper)) == 4


def test_a_run_in_another_tab_waits_for_the_first_as_well(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    (request,) = ask(reaper)
    reaper.fake.front = reaper.fake.open_another()
    reaper.run(SEPARATE)
    assert reaper.boxes == ["Select one or more audio items first."]
    desk.finish(request, "j1")
    assert wait(reaper) == 1
    assert names(reaper) == ["A"]
    reaper.fake.front = reaper.fake.project
    assert wait(reaper) == 0
    assert len(names(reaper)) == 4


def test_reaper_asks_for_a_save_while_stems_are_to_come(
    reaper: Reaper, desk: Desk, loop: Path
) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    assert not reaper.fake.dirty[reaper.fake.project]
    ask(reaper)
    assert reaper.fake.dirty[reaper.fake.project]


def test_a_closed_tab_is_not_waited_for(reaper: Reaper, desk: Desk, loop: Path) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    ask(reaper)
    reaper.fake.front = reaper.fake.open_another()
    reaper.fake.projects = reaper.lua.table_from([reaper.fake.front])
    assert wait(reaper) == 0


def test_what_was_asked_long_ago_is_not_waited_for(
    reaper: Reaper, desk: Desk, loop: Path, tmp_path: Path
) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    (request,) = ask(reaper)
    reaper.fake.deferred = reaper.table()  # REAPER was closed, the project was saved
    old = reaper.fake.project_ext[reaper.fake.project][1]
    old[2] = "reaper-1000000000-1-1"
    (tmp_path / "home" / "store" / "inbox" / f"{request['name']}.json").unlink()
    reaper.run(SEPARATE)
    assert len(reaper.fake.deferred) == 0


def test_another_project_in_front_is_left_alone(reaper: Reaper, desk: Desk, loop: Path) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    (request,) = ask(reaper)
    desk.finish(request, "j1")
    reaper.fake.front = reaper.fake.open_another()
    assert wait(reaper) == 1
    assert names(reaper) == ["A"]
    reaper.fake.front = reaper.fake.project
    assert wait(reaper) == 0
    assert len(names(reaper)) == 4


def test_no_answer_is_mentioned_once(reaper: Reaper, desk: Desk, loop: Path) -> None:
    reaper.item(reaper.track("A"), loop, D_LENGTH=2.0)
    ask(reaper)
    for _ in range(3):
        assert wait(reaper, 15) == 1
    assert reaper.console.count("stemlasso status") == 1
