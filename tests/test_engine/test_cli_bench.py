"""`stemlasso bench` measures what it is asked for and refuses the rest; figures are not judged."""

import json
from pathlib import Path

import pytest

from bridge.__main__ import main
from engine import ModelSettings, Prompt, SeparationOptions, find_separator
from engine.cost.ledger import Ledger
from engine.cost.task import Sound
from engine.sam_audio.separator import SamAudioSeparator

from .tiny_model import write_store

SMALL = "sam-audio-small"
QUICK = ["bench", SMALL, "--device", "cpu", "--seconds", "0.5", "--threads", "1", "--json"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a tiny model called sam-audio-small and its T5."""
    return write_store(tmp_path_factory.mktemp("weights")).root


@pytest.fixture(autouse=True)
def _installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEMLASSO_MODELS", str(root))


def test_every_piece_has_a_figure_and_a_floor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--rows", "1,2", "--quality", "draft"]) == 0
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["model"], found["random_weights"]) == (SMALL, False)
    assert (found["precision"], found["int8"], found["n_threads"]) == ("float32", False, 1)
    what = [line["what"] for line in found["lines"]]
    assert what[:4] == ["evaluation", "prompt's tables", "codec encode", "codec decode"]
    assert what[4:] == ["evaluation", "run, draft"]
    assert all(line["seconds"] > 0 < line["floor_s"] for line in found["lines"])
    per = [line["per"] for line in found["lines"] if line["what"] == "evaluation"]
    assert per == ["1 x 13 frames", "2 x 13 frames"]


def test_formats_are_measured_one_by_one_and_8_bits_say_what_they_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*QUICK, "--precision", "bfloat16", "--int8", "--quality", "none"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [(each["precision"], each["int8"]) for each in found]
    assert kinds == [("bfloat16", False), ("bfloat16", True)]
    assert ["8 bits change" in each["note"] for each in found] == [False, True]


def test_a_person_gets_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK[:-1], "--quality", "none"]) == 0
    told = capsys.readouterr().out
    assert "| evaluation |" in told
    assert "matrix product" in told


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--random", "huge"], 3, "--random huge: allowed are small, base, large"),
        (["--precision", "int4"], 3, "--precision int4"),
        (["--quality", "good"], 3, "--quality good"),
        (["--rows", "0"], 3, "--rows 0"),
        (["--threads", "0"], 3, "--threads 0"),
        (["--seconds", "1000"], 3, "0.5 to 60"),
        (["sam-audio-base"], 7, "sam-audio-base: not installed; there are sam-audio-small."),
        (["--random", "small", "--device", "cuda:99"], 7, "cuda:99"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == status
    assert said in capsys.readouterr().err


def test_a_calibration_is_kept_for_the_estimates(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, "--calibrate"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert Path(found["path"]).is_relative_to(root), "with the store, when that lies elsewhere"
    rates = Ledger(Path(found["path"])).rates(found["key"])
    assert rates is not None
    assert rates.as_json() == found["rates"]
    assert all(value >= 0 for value in found["rates"].values())
    separator = find_separator(SMALL, root, ModelSettings(device="cpu"))
    assert isinstance(separator, SamAudioSeparator)
    options = SeparationOptions(n_threads=1)
    cost = separator.estimate_cost(Sound.lasting(60), Prompt("dog"), options)
    assert cost.basis == "measured"
