"""The command line as a user meets it: real files in, real files out, one line when it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.__main__ import main

RATE = 44_100
ROOT = Path(__file__).resolve().parents[2]


def write_mixture(path: Path, seconds: float = 4.0, subtype: str = "PCM_16") -> Path:
    """A low drone with a bright stereo burst from 1.0 to 1.6 s."""
    rng = np.random.default_rng(5)
    time_s = np.arange(round(seconds * RATE)) / RATE
    drone = 0.2 * np.sin(2 * np.pi * 110 * time_s)
    burst = 0.2 * rng.standard_normal(time_s.size) * ((time_s > 1.0) & (time_s < 1.6))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        path, np.stack([drone + burst, drone + 0.3 * burst], axis=1), RATE, subtype=subtype
    )
    return path


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    return write_mixture(tmp_path / "song.wav")


def test_it_writes_stems_that_add_up(
    mixture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["--describe", "hiss burst", "--span=+1.0:1.6", "--span", "-2:4", "--out", str(out)]
    assert main(["separate", str(mixture), *arguments]) == 0
    target, rate = soundfile.read(out / "song - hiss burst.wav", dtype="int16")
    residual, _ = soundfile.read(out / "song - hiss burst - residual.wav", dtype="int16")
    original, _ = soundfile.read(mixture, dtype="int16")
    assert rate == RATE
    np.testing.assert_array_equal(target + residual, original)
    during = np.square(target[RATE : int(1.6 * RATE)].astype(float)).mean()
    after = np.square(target[2 * RATE :].astype(float)).mean()
    assert during > 1000 * after
    shown = capsys.readouterr().out
    assert "exact" in shown
    assert "44100 Hz" in shown
    assert "2 channels" in shown


def test_json_is_one_object_a_mixture_and_failures_do_not_stop_the_rest(
    mixture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.wav"
    status = main(["separate", str(missing), str(mixture), "-d", "burst", "--span=1:1.6", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 4
    assert [line["status"] for line in lines] == ["failed", "done"]
    assert lines[0]["error"]["code"] == "audio_not_found"
    done = lines[1]
    assert done["null_exact"] is True
    assert done["null_db"] is None
    assert done["n_samples"] == 4 * RATE
    assert Path(done["target"]["path"]).is_file()
    assert done["receipt"]["prompt"]["spans"] == ["+1:1.6"]


def test_a_folder_is_separated_file_by_file_and_stems_are_not_taken_for_mixtures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "takes"
    write_mixture(folder / "a.wav")
    write_mixture(folder / "b.flac", subtype="PCM_24")
    (folder / "notes.txt").write_text("no audio")
    assert main(["separate", str(folder), "-d", "burst", "--span=1:1.6", "-q"]) == 0
    assert main(["separate", str(folder), "-d", "other", "--span=1:1.6", "-q"]) == 0
    assert sorted(path.name for path in (folder / "stems").iterdir()) == [
        "a - burst - residual.wav",
        "a - burst.wav",
        "a - other - residual.wav",
        "a - other.wav",
        "b - burst - residual.flac",
        "b - burst.flac",
        "b - other - residual.flac",
        "b - other.flac",
    ]
    assert capsys.readouterr().out == ""


def test_stems_are_kept_unless_overwriting_is_asked_for(
    mixture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["separate", str(mixture), "-d", "burst", "--span=1:1.6", "-q"]
    assert main(arguments) == 0
    stem = mixture.parent / "stems" / "song - burst.wav"
    before = stem.stat().st_mtime_ns
    assert main(arguments) == 5
    assert "output_exists" in capsys.readouterr().err
    assert stem.stat().st_mtime_ns == before
    assert main([*arguments, "--overwrite"]) == 0
    assert stem.stat().st_mtime_ns != before


def test_two_mixtures_that_would_write_the_same_stem_are_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (write_mixture(tmp_path / name / "song.wav") for name in ("x", "y"))
    out = tmp_path / "out"
    arguments = [str(first), str(second), "-d", "burst", "--span=1:1.6", "-o", str(out)]
    assert main(["separate", *arguments]) == 5
    assert "would both write" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["-d", "zorbulating"], 3, "prompt_needs_spans"),
        ([], 3, "prompt is empty"),
        (["-d", "burst", "--span=+2:1"], 3, "+1:2"),
        (["-d", "burst", "--span=+99:100"], 3, "outside"),
        (["-d", "burst", "--span=1:1.6", "--format", "mp7"], 5, "flac"),
        (["-d", "burst", "--span=1:1.6", "--separator", "magic"], 7, "builtin"),
        (["-d", "burst", "--span=1:1.6", "--candidates", "0"], 3, "1 or more"),
    ],
)
def test_bad_requests_end_in_one_line_with_a_code(
    mixture: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    assert main(["separate", str(mixture), *arguments]) == status
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.startswith("error [")
    assert len(complaint.splitlines()) == 1
    assert not (mixture.parent / "stems").exists()


def test_the_format_can_be_chosen(mixture: Path) -> None:
    arguments = ["-d", "burst", "--span=1:1.6", "--format", "flac:24", "-q", "--no-residual"]
    assert main(["separate", str(mixture), *arguments]) == 0
    stems = list((mixture.parent / "stems").iterdir())
    assert [stem.name for stem in stems] == ["song - burst.flac"]
    assert soundfile.info(stems[0]).subtype == "PCM_24"


def test_names_hold_nothing_that_a_file_system_refuses(mixture: Path) -> None:
    assert main(["separate", str(mixture), "-d", 'a/b: "c"?', "--span=1:1.6", "-q"]) == 0
    assert (mixture.parent / "stems" / "song - a b c.wav").is_file()


def test_the_commands_are_listed_and_unknown_ones_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    assert "separate" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["frobnicate"]) == 2
    assert "separators" in capsys.readouterr().err
    assert main(["separators"]) == 0
    assert "builtin" in capsys.readouterr().out
    assert main(["separators", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "builtin"
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("stemlasso ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child process")
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    mixture = write_mixture(tmp_path / "long.wav", seconds=240)
    command = [sys.executable, "-m", "bridge", "separate", str(mixture), "-d", "burst"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--span=1:1.6", "--json"], env=environment, stdout=subprocess.PIPE, text=True
    )
    stems = mixture.parent / "stems"
    deadline = time.monotonic() + 200
    while not (stems.is_dir() and any(stems.iterdir())) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=200)
    assert process.returncode == 130
    assert json.loads(shown)["error"]["code"] == "cancelled"
    assert not stems.exists()
