"""Clips out of a Live that holds to its rules: what is sent, what is refused, what is said."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.__main__ import main

from .live_host import RATE, Studio, read_int32, unwarped, write_loop
from .serving import serving, until, write_mixture


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    return write_loop(tmp_path)


def test_a_clip_that_runs_in_step_with_the_set_says_its_tempo(studio: Studio, loop: Path) -> None:
    track = studio.live.track("Drums")
    studio.live.arrange(track, loop, 8.0, 4.0, warping=False)
    assert studio.separate()["clip"]["origin"]["tempo_bpm"] == studio.live.set.tempo


@pytest.mark.parametrize("suffix", ["wav", "aif"])
def test_an_unwarped_clip_is_cut_bit_for_bit(studio: Studio, loop: Path, suffix: str) -> None:
    whole, _ = soundfile.read(loop, dtype="int32")
    if suffix == "aif":
        loop = loop.with_suffix(".aif")
        soundfile.write(loop, whole, RATE, "PCM_24", format="AIFF")
    unwarped(studio, loop, 0.5, 2.5)
    request = studio.separate()
    cut = Path(request["clip"]["path"])
    assert cut.suffix == f".{suffix}"
    assert cut.is_relative_to(Path(studio.live.set.file_path).parent)
    np.testing.assert_array_equal(read_int32(cut), whole[RATE // 2 : 5 * RATE // 2])
    assert request["clip"]["origin"] == {
        "host": "Live",
        "project": studio.live.set.file_path,
        "track": "Drums",
        "position_s": 4.0,
    }
    (span,) = request["prompt"]["spans"]
    speed = 2 ** (-1.89 / 12)  # transposed down, it plays slower
    assert (span["start_s"], span["end_s"]) == pytest.approx((0.25 * speed, 0.5 * speed))
    assert studio.live.rules.undo == []


def three_clips(studio: Studio, loop: Path) -> Any:
    """Two audio clips of one track and a MIDI clip between them; none is selected."""
    track = studio.live.track("Drums")
    studio.live.arrange(track, loop, 16.0, 8.0, name="last", warping=False, loop_end=4.0)
    studio.live.arrange(track, loop, 8.0, 8.0, name="notes", is_audio_clip=False)
    studio.live.arrange(track, loop, 0.0, 8.0, name="first", warping=False, loop_end=4.0)
    studio.live.set.view.detail_clip = None
    studio.live.set.view.selected_track = track
    return track


def sent(studio: Studio) -> dict[str, dict[str, Any]]:
    paths = sorted((studio.home / "store" / "inbox").glob("*.json"))
    requests = [{**json.loads(path.read_text("utf-8")), "name": path.stem} for path in paths]
    return {request["clip"]["name"]: request for request in requests}


def test_all_clips_of_the_selected_track_go_and_come_back(studio: Studio, loop: Path) -> None:
    track = three_clips(studio, loop)
    studio.command(do="send", which="track", prompt={"description": "snare", "spans": []})
    studio.ticks()
    requests = sent(studio)
    assert set(requests) == {"first", "last"}
    assert any("'notes' is a MIDI clip" in said for said in studio.live.messages)
    for number, request in enumerate(requests.values()):
        studio.desk.finish(request, f"j{number}")
    studio.ticks(120)
    starts = {
        clip.start_time
        for each in studio.live.set.tracks
        if each is not track
        for clip in each.arrangement_clips
    }
    assert starts == {0.0, 16.0}
    assert len(studio.live.rules.undo) == 2


def test_the_loop_brace_says_which_clips_of_the_track(studio: Studio, loop: Path) -> None:
    three_clips(studio, loop)
    studio.live.brace(16.0, 4.0)
    studio.command(do="send", which="track")
    studio.ticks()
    assert set(sent(studio)) == {"last"}
    studio.live.brace(100.0, 4.0)
    studio.command(do="send", which="track")
    studio.ticks()
    assert "no clip in the loop brace on 'Drums'" in studio.live.messages[-1]


def test_what_cannot_be_separated_is_named(studio: Studio, loop: Path, tmp_path: Path) -> None:
    def said() -> str:
        studio.command(do="send")
        studio.ticks(5)
        assert not list((studio.home / "store" / "inbox").iterdir())
        return studio.live.messages[-1]

    assert "select an audio clip" in said()
    track = studio.live.track("A")
    studio.live.arrange(track, loop, 0, 8.0, is_audio_clip=False)
    assert "MIDI" in said()
    studio.live.arrange(track, loop, 0, 8.0, file_path=str(tmp_path / "gone.wav"))
    assert "missing" in said()
    studio.live.arrange(track, loop, 0, 32.0, looping=True)
    assert "consolidate" in said()
    ends = {"loop_start": 5.0, "loop_end": 6.0, "warping": False}
    studio.live.arrange(track, loop, 0, 2.0, **ends)
    assert "beyond the end" in said()
    studio.live.set._values["file_path"] = ""
    studio.live.arrange(track, loop, 0, 2.0, warping=False, loop_start=1.0, loop_end=2.0)
    assert "save the Set first" in said()


def test_a_long_cut_takes_turns_with_live(studio: Studio, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros((100 * RATE, 4), np.float32), RATE, "FLOAT")
    unwarped(studio, long, 1.0, 99.0)  # 75 MB: five turns
    studio.command(do="send")
    studio.ticks(4)
    (cut,) = Path(studio.live.set.file_path).parent.rglob("*.wav")
    assert 0 < cut.stat().st_size < 98 * RATE * 16
    assert not list((studio.home / "store" / "inbox").iterdir())
    studio.ticks(10)
    assert soundfile.info(studio.request()["clip"]["path"]).frames == 98 * RATE
    (studio.home / "store" / "inbox" / f"{studio.request()['name']}.json").unlink()
    studio.command(do="send")
    studio.ticks(4)
    studio.surface.disconnect()
    (left,) = Path(studio.live.set.file_path).parent.rglob("*.wav")
    assert left == cut  # the half one is gone


def test_controls_send_and_insert(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.surface.build_midi_map(3)
    assert len(studio.live.mapped) == 32
    studio.surface.receive_midi((0xB0, 118, 127))
    studio.surface.receive_midi((0xB0, 118, 0))
    studio.surface.receive_midi((0x90, 60, 100))
    studio.ticks(20)
    request = studio.request()
    assert "prompt" not in request
    studio.desk.finish(request, "j1")  # by the panel
    (studio.desk.store / "outbox" / f"{request['name']}.answer.json").unlink()
    studio.surface.receive_midi((0xB3, 119, 127))
    studio.ticks()
    assert studio.tracks() == ["Drums", "target", "target (residual)", "Bass"]


def test_no_error_leaves_a_tick(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    (studio.home / "store" / "inbox").rmdir()
    studio.command(do="send")
    studio.ticks(5)
    assert "`stemlasso status` starts it" in studio.live.messages[-1]
    studio.live.set._values["tempo"] = 0.0
    studio.command(do="send")
    studio.ticks(5)
    assert "Log.txt" in studio.live.messages[-1]
    assert any("ZeroDivisionError" in line for line in studio.live.log)
    path = studio.home / "store" / "outbox" / "Live.command.json"
    path.write_text("{", "utf-8")
    studio.ticks(5)
    assert not path.exists()


def test_a_command_that_was_taken_back_is_not_heard(studio: Studio, loop: Path) -> None:
    unwarped(studio, loop, 0.5, 2.5)
    studio.command(do="send")
    outbox = studio.home / "store" / "outbox"
    (outbox / "Live.command.json").unlink()
    studio.ticks(5)
    assert not list((studio.home / "store" / "inbox").iterdir())
    studio.command(do="send")
    studio.ticks(5)
    assert [path.name for path in outbox.iterdir()] == [".Live.clips.json"]


def test_sending_starts_the_engine_process(tmp_path: Path, loop: Path) -> None:
    said = tmp_path / "said"
    program = f"import pathlib, sys; pathlib.Path({str(said)!r}).write_text(sys.argv[1])"
    studio = Studio(tmp_path, command=[sys.executable, "-c", program])
    unwarped(studio, loop, 0.5, 2.5)
    studio.separate()
    for process in studio.surface.started:
        process.wait(60)
    until(lambda: said.exists() and said.read_text("utf-8") == "status", "a start of the engine")


@pytest.fixture
def live_with_engine(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    with serving(studio.home):
        yield studio


def test_clip_in_stems_out_to_the_sample(
    live_with_engine: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studio, file = live_with_engine, tmp_path / "take.wav"
    write_mixture(file, 4.0, RATE)
    unwarped(studio, file, 0.5, 3.0)
    words = ["--describe", "noise", "--span", "+0.5:1", "--span", "-1.2:2.4"]
    home = ["--home", str(studio.home)]
    assert main(["live", *words, *home, "--patience", "0"]) == 23
    assert "control surface" in capsys.readouterr().err
    # nobody else finds a command that was given up
    assert not list((studio.home / "store" / "outbox").iterdir())
    from bridge.cli import live as command_line

    arguments = command_line._parser().parse_args(command_line.join_spans(words))
    studio.command(
        **{
            name: value
            for name, value in command_line.command_of(arguments).items()
            if name != "command"
        }
    )

    def is_placed() -> bool:
        studio.ticks(1)
        return len(studio.tracks()) == 4 and not studio.live.rules.is_stepping

    until(is_placed, "stems in Live")
    total = np.zeros((5 * RATE // 2, 2), np.int64)
    for track in studio.live.set.tracks[1:3]:
        (stem,) = track.arrangement_clips
        assert stem.start_time == 8.0
        assert Path(stem.file_path).is_relative_to(Path(studio.live.set.file_path).parent)
        total += soundfile.read(stem.file_path, dtype="int32")[0]
    stretch = soundfile.read(file, dtype="int32")[0][RATE // 2 : 3 * RATE]
    np.testing.assert_array_equal(total, stretch)
