"""The quality bench on a small folder: numbers, JSON, table, pictures, refusals and errors."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data import AudioClip, Estimate, Monitor, Prompt, SeparationOptions
from engine.eval.dataset import load_manifest
from engine.eval.metrics import Scores
from engine.eval.mixtures import main
from engine.eval.report import Means, as_json, as_table, summarise
from engine.eval.run import ItemResult, by_front_door, evaluate

from .mixtures_folder import RATE, edit_manifest, write_folder

BASELINES = {"do_nothing", "span_gating", "hpss", "ideal_ratio_mask"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path)


def measure(folder: Path, *arguments: str) -> dict[str, Any]:
    """The JSON of a run in this process; anything that strict JSON lacks is an error."""
    out = folder / "report.json"
    assert main(["--manifest", str(folder), "--json", str(out), *arguments]) == 0
    return json.loads(out.read_text(encoding="utf-8"), parse_constant=refuse_constant)


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@dataclass(frozen=True)
class Gain:
    """A separator that gives the mixture back at another level."""

    gain: float

    @property
    def name(self) -> str:
        return "gain"

    def estimate(
        self, mixture: AudioClip, prompt: Prompt, options: SeparationOptions, monitor: Monitor
    ) -> Estimate:
        return Estimate(self._blocks(mixture))

    def _blocks(self, mixture: AudioClip) -> Iterator[np.ndarray]:
        yield self.gain * mixture.source.read(0, mixture.n_samples)[None]


def run(folder: Path, separator: Gain, mode: str) -> list[ItemResult]:
    separate_item = by_front_door(separator, SeparationOptions())
    found = evaluate(load_manifest(folder), [mode], separate_item, with_baselines=False)
    return [evaluated.result for evaluated in found]


def test_the_oracle_beats_every_baseline_and_does_so_under_its_own_name(folder: Path) -> None:
    report = measure(folder, "--separator", "ideal_ratio_mask", "--mode", "spans-neg")
    overall, baselines = report["overall"], report["overall"]["baselines"]
    assert overall["n"] == 2
    assert set(baselines) == BASELINES
    assert overall["si_sdri"] == baselines["ideal_ratio_mask"]["si_sdri"]
    assert overall["si_sdri"] > 10
    for name in BASELINES - {"ideal_ratio_mask"}:
        assert overall["si_sdri"] > baselines[name]["si_sdri"] + 3, name
        assert overall["sdr"] > baselines[name]["sdr"] + 3, name
    assert baselines["span_gating"]["si_sdri"] > 1
    assert baselines["span_gating"]["leakage_db"] < -10


def test_doing_nothing_improves_nothing_in_any_mode(folder: Path) -> None:
    report = measure(folder, "--separator", "do_nothing", "--mode", "all", "--no-baselines")
    assert list(report["modes"]) == ["text", "spans", "spans-neg"]
    for mode, found in report["modes"].items():
        assert found["mode"] == mode
        for means in (found["overall"], *found["classes"].values(), *found["items"]):
            assert means["si_sdri"] == means["sdri"] == means["leakage_db"] == 0
            assert means["null_db"] is None
            assert means["null_exact"] is True
            assert means["baselines"] == {}


def test_json_of_one_mode_holds_what_is_promised(folder: Path) -> None:
    report = measure(folder, "--separator", "hpss", "--mode", "spans", "--seed", "7")
    assert set(report) == {"format", "settings", "mode", "overall", "classes", "items"}
    settings = report["settings"]
    assert (settings["separator"], settings["modes"], settings["seed"]) == ("hpss", ["spans"], 7)
    assert settings["hardware"]["n_cores"] >= 1
    assert settings["versions"]["numpy"] == np.__version__

    means = {field.name for field in fields(Means)}
    assert set(report["overall"]) == means | {"baselines"}
    assert list(report["classes"]) == ["drums", "event"]
    for group in report["classes"].values():
        assert set(group) == means | {"baselines"}
        assert (group["n"], group["n_refused"]) == (1, 0)

    scores = {field.name for field in fields(Scores)}
    assert [item["id"] for item in report["items"]] == ["a", "b"]
    for item in report["items"]:
        assert scores < set(item)
        assert set(item["baselines"]) == BASELINES
        assert all(set(found) == scores for found in item["baselines"].values())
        assert item["refused"] is None
        assert item["spans"] == ["+0.95:2.05"]
        assert item["duration_s"] == 3.0
        assert all(math.isfinite(item[name]) for name in ("si_sdri", "sdr", "rtf", "rtf_cpu"))


def test_builtin_through_the_front_door(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = measure(folder, "--mode", "spans-neg", "--threads", "1")
    assert report["settings"]["separator"] == "builtin"
    for item in report["items"]:
        assert item["si_sdri"] > 3, item["id"]
        assert item["null_exact"]
        assert 0 <= item["confidence"] <= 1
    shown = capsys.readouterr().out
    assert "mode spans-neg: 2 items, 0 refused" in shown
    assert "ideal mask" in shown


def test_an_unknown_word_without_spans_is_refused_and_not_in_the_means(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = measure(folder, "--mode", "text", "--threads", "1")
    known, unknown = report["items"]
    assert unknown["refused"]["code"] == "prompt_needs_spans"
    assert "zorp" in unknown["refused"]["message"]
    assert all(unknown[field.name] is None for field in fields(Scores))
    assert known["refused"] is None
    assert (report["overall"]["n"], report["overall"]["n_refused"]) == (1, 1)
    assert report["overall"]["si_sdri"] == known["si_sdri"]
    assert report["classes"]["event"]["n"] == 0
    assert report["classes"]["event"]["si_sdri"] is None
    shown = capsys.readouterr().out
    assert "mode text: 1 items, 1 refused" in shown
    assert "refused b (event): prompt_needs_spans: " in shown


def test_blocks_of_the_builtin_separator_can_be_chosen(folder: Path) -> None:
    arguments = ("--mode", "spans-neg", "--items", "a", "--threads", "1", "--no-baselines")
    streamed = measure(folder, *arguments, "--block-s", "1")
    whole = measure(folder, *arguments, "--block-s", "60")
    assert (streamed["settings"]["block_s"], whole["settings"]["block_s"]) == (1, 60)
    assert abs(streamed["overall"]["si_sdri"] - whole["overall"]["si_sdri"]) < 2


def test_level_costs_sdr_but_not_si_sdr_and_the_null_stays_exact(folder: Path) -> None:
    for result in run(folder, Gain(0.25), "spans"):
        assert result.scores is not None
        assert result.scores.si_sdri == pytest.approx(0, abs=0.01)
        assert result.scores.leakage_db == pytest.approx(20 * math.log10(0.25), abs=0.01)
        assert result.scores.null_exact
        assert not result.scores.silent


def test_a_silent_estimate_is_flagged(folder: Path) -> None:
    results = run(folder, Gain(0.0), "text")
    assert [result.scores.silent for result in results if result.scores] == [True, True]
    assert summarise(results).silent == 2
    assert "silent estimates: 2" in as_table("text", results)


def test_means_over_nothing_are_null(folder: Path) -> None:
    assert summarise([]).si_sdri is None
    report = as_json({"text": []}, {})
    assert report["items"] == []
    assert json.dumps(report, allow_nan=False)
    assert "0 items" in as_table("text", [])


def test_real_time_factors_are_weighted_by_length(folder: Path) -> None:
    results = run(folder, Gain(0.5), "text")
    expected = np.mean([result.scores.rtf for result in results if result.scores])
    assert summarise(results).rtf == pytest.approx(expected)  # both items are 3 s long


def test_as_a_command_of_its_own(folder: Path) -> None:
    command = [sys.executable, "-m", "engine.eval.mixtures", "--manifest", str(folder)]
    command += ["--separator", "do_nothing", "--limit", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "mode spans: 1 items, 0 refused" in done.stdout
    assert "drums" in done.stdout
    assert "event" not in done.stdout


WRONG: dict[str, tuple[Callable[[Path], object] | None, list[str], str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), [], "no such manifest"),
    "broken manifest": (
        lambda folder: (folder / "manifest.json").write_text("{"),
        [],
        "not valid JSON",
    ),
    "missing stem": (lambda folder: (folder / "a.rest.flac").unlink(), [], "is missing"),
    "no such prompt": (
        lambda folder: edit_manifest(folder, prompts={}),
        ["--mode", "text"],
        "no prompt for 'text'",
    ),
    "no such item": (None, ["--items", "a,zz"], "no item zz"),
    "no such separator": (None, ["--separator", "zz"], "separator 'zz'"),
    "no blocks": (
        None,
        ["--block-s", "3", "--separator", "do_nothing"],
        "has no --block-s",
    ),
    "no folder for json": (None, ["--json", "nowhere/x.json"], "no folder nowhere"),
    "json is a folder": (
        None,
        ["--json", "."],
        "is a folder",
    ),
    "plot in a file": (
        None,
        ["--plot", f"{__file__}/x.png", "--separator", "do_nothing"],
        "cannot be made",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_said_in_one_line(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare, arguments, message = WRONG[case]
    if prepare is not None:
        prepare(folder)
    assert main(["--manifest", str(folder), *arguments]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1
    assert shown[0].startswith("error [")
    assert message in shown[0]


def test_there_are_things_that_cannot_be_used() -> None:
    assert WRONG


@pytest.mark.parametrize(
    "arguments", [["--limit", "0"], ["--block-s", "nan"], ["--mode", "all-of-it"], ["--seed", "x"]]
)
def test_a_wrong_command_line_is_a_usage_error(arguments: list[str], folder: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--manifest", str(folder), *arguments])
    assert caught.value.code == 2


def test_pictures_without_matplotlib_are_refused_before_the_work(folder: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; from engine.eval.mixtures import main; "
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "--manifest", str(folder), "--plot", str(folder / "p")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 2
    assert "error [backend_unavailable]: --plot needs matplotlib" in done.stderr
    assert done.stdout == ""


def read_picture(path: Path) -> np.ndarray:
    image = pytest.importorskip("matplotlib.image", reason="pictures need the extra `plot`")
    return image.imread(path)


def test_a_folder_of_pictures(folder: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
    pictures = folder / "pictures"
    measure(folder, "--separator", "span_gating", "--mode", "spans-neg", "--plot", str(pictures))
    names = sorted(path.name for path in pictures.iterdir())
    assert names == ["a-spans-neg.png", "b-spans-neg.png", "overview-spans-neg.png"]
    page = read_picture(pictures / "a-spans-neg.png")
    assert page.shape[0] > 500
    assert page.shape[1] > 1000
    assert len(np.unique(page.reshape(-1, page.shape[2]), axis=0)) > 200


def test_a_contact_sheet_with_a_refusal(folder: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
    sheet = folder / "sheet.png"
    measure(folder, "--mode", "text", "--threads", "1", "--no-baselines", "--plot", str(sheet))
    picture = read_picture(sheet)
    assert picture.shape[1] > 1000


def test_rate_of_the_folder_is_what_the_stems_say(folder: Path) -> None:
    assert {result.sample_rate for result in run(folder, Gain(1.0), "text")} == {RATE}
