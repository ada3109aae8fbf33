"""An action that waits for stems: run again, in another tab, or after its project was closed."""

from pathlib import Path

import pytest

from .reaper_host import SEPARATE, Desk, Reaper, ask, names, wait


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
