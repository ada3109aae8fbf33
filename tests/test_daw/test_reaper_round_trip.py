"""A selected item to stems on tracks: the real engine process and actions, a fake REAPER."""

from pathlib import Path

import numpy as np
import soundfile

from .reaper_host import INSERT, OPEN, SEPARATE, Reaper, write_ramp
from .serving import serving, until, write_mixture

RATE = 44_100


def test_item_in_stems_out_to_the_sample(tmp_path: Path) -> None:
    home, project, file = tmp_path / "home", tmp_path / "Lied für Zoë", tmp_path / "take 1.wav"
    project.mkdir()
    write_mixture(file, 4.0, RATE)
    with serving(home):
        reaper = Reaper(project, home)
        first, offset_s = 20_001, 20_001 / RATE
        position_s = 7 + 13 / RATE
        take = {"D_STARTOFFS": offset_s}
        item = {"D_POSITION": position_s, "D_LENGTH": 2.5, "D_FADEINLEN": 0.2}
        reaper.item(reaper.track("Band"), file, take, **item)
        # noise from 1 to 1.5 s of the file; the item starts at 0.4535 s of it
        reaper.fake.selection = reaper.lua.table(position_s + 0.55, position_s + 1.04)
        reaper.says("noise", "selection", "1.1:2.4", "1", "n")
        reaper.run(SEPARATE)
        assert reaper.boxes == []
        until(lambda: reaper.fake.tick(0.02) == 0, "stems in REAPER")
    assert reaper.console == ""
    tracks = reaper.tracks()
    names = [track["name"] for track in tracks]
    assert names == ["Band", "Band stems", "noise", "noise (residual)"]
    stretch = soundfile.read(file, dtype="int32")[0][first : first + round(2.5 * RATE)]
    total = np.zeros_like(stretch)
    for track in tracks[2:]:
        (placed,) = track["items"]
        assert (placed["D_POSITION"], placed["D_LENGTH"]) == (position_s, 2.5)
        (one,) = placed["takes"]
        assert abs(one["D_STARTOFFS"]) < 1e-9
        stem, rate = soundfile.read(one["file"], dtype="int32")
        assert rate == RATE
        assert Path(one["file"]).is_relative_to(project)
        total += stem
    np.testing.assert_array_equal(total, stretch)
    noise = soundfile.read(tracks[2]["items"][0]["takes"][0]["file"])[0]
    inside = slice(round(0.6 * RATE), round(1.0 * RATE))
    outside = slice(round(1.5 * RATE), round(2.4 * RATE))
    assert np.std(noise[inside]) > 10 * np.std(noise[outside])
    assert len(reaper.undo_steps) == 1
    assert list((home / "store" / "outbox").iterdir()) == []


def test_a_word_that_the_engine_does_not_know_is_told(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "a.wav"
    write_ramp(file, RATE)
    with serving(home):
        reaper = Reaper(tmp_path, home)
        reaper.item(reaper.track("A"), file, D_LENGTH=1.0)
        reaper.run(OPEN)
        (opened,) = reaper.requests()
        answer = home / "store" / "outbox" / f"{opened['name']}.answer.json"
        until(answer.exists, "the clip on the desk")
        reaper.says("zorp", "", "", "1", "n")
        reaper.run(SEPARATE)
        until(lambda: reaper.fake.tick(0.02) == 0, "an answer")
        reaper.run(INSERT)
    assert "zorp" in reaper.console
    assert reaper.boxes[-1] == "Nothing is finished for this project."
    assert reaper.undo_steps == []
