"""Rankers from configuration entries, and which of them a prompt gets."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoints.store import resolve
from engine.data import Span
from engine.errors import CheckpointCorrupt, CheckpointNotFound
from engine.model.config import RankerConfig, SAMAudioConfig, from_dict
from engine.rankers.base import RankingRequest
from engine.rankers.choose import RankerChoice
from engine.rankers.create import RankerSource, create_ensemble, create_ranker

from .tiny_rankers import CLAP, IMAGEBIND, film, noise, request_of, write_all

PUBLISHED = SAMAudioConfig.published("large")
KINDS: dict[str, dict[str, Any]] = {
    "clap": {"kind": "clap", "checkpoint": None},
    "imagebind": {"kind": "imagebind", "checkpoint": None},
    "judge": {"kind": "judge", "checkpoint_or_model_id": "facebook/sam-audio-judge"},
    "sound_activity": {
        "kind": "sound_activity",
        "threshold_mode": "rel_to_max",
        "sil_threshold": -40,
        "metric": "iou",
    },
    "ensemble": {
        "kind": "ensemble",
        "rankers": {"judge": [{"kind": "judge"}, 1.0], "clap": [{"kind": "clap"}, 5.0]},
    },
}
EVERYTHING = request_of(noise(2, 96_000), spans=(Span(0.5, 1.5),), video=film(50))


def ranker_config(entry: dict[str, Any]) -> RankerConfig:
    """An entry of `config.json` as it is read from there."""
    config = from_dict(SAMAudioConfig, {"text_ranker": entry}, "config.json").text_ranker
    assert config is not None
    return config


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(tmp_path_factory.mktemp("models"))


def source_in(folder: Path) -> RankerSource:
    """Weights in folders below `folder`, found by the last part of their name."""

    def find(name: str) -> Path:
        found = folder / name.rpartition("/")[2]
        if not found.is_dir():
            raise CheckpointNotFound(f"{found.name} is not here")
        return found

    return RankerSource(find, torch.device("cpu"), CLAP, IMAGEBIND)


@pytest.fixture
def source(models: Path) -> RankerSource:
    return source_in(models)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_made_from_its_entry(source: RankerSource, kind: str) -> None:
    ranker = create_ranker(ranker_config(KINDS[kind]), source)

    assert ranker.name == kind
    assert ranker.unusable_because(EVERYTHING) is None
    assert ranker.score(EVERYTHING).shape == (1, 2)


def test_there_are_kinds() -> None:
    assert len(KINDS) == 5


def test_a_weights_file_may_be_named(source: RankerSource, models: Path) -> None:
    file = models / "clap" / "630k-best.pt"
    config = ranker_config({"kind": "clap", "checkpoint": str(file)})

    named = create_ranker(config, source).score(EVERYTHING)

    assert torch.equal(named, create_ranker(ranker_config(KINDS["clap"]), source).score(EVERYTHING))


def test_sums_within_sums_are_multiplied_out(source: RankerSource) -> None:
    inner = [KINDS["ensemble"], 2.0]
    config = ranker_config({"kind": "ensemble", "rankers": {"text": inner}})

    outer, plain = (
        create_ensemble(each, source).rank(EVERYTHING)
        for each in (config, ranker_config(KINDS["ensemble"]))
    )

    assert outer.report.used == (("text.judge", 2.0), ("text.clap", 10.0))
    assert outer.scores is not None
    assert plain.scores is not None
    torch.testing.assert_close(outer.scores, 2 * plain.scores)


def test_absent_weights_are_named_and_the_rest_decides(models: Path, tmp_path: Path) -> None:
    (tmp_path / "clap").symlink_to(models / "clap")
    (tmp_path / "roberta-base").symlink_to(models / "roberta-base")

    ranking = create_ensemble(ranker_config(KINDS["ensemble"]), source_in(tmp_path)).rank(
        EVERYTHING
    )

    assert ranking.report.used == (("clap", 5.0),)
    assert [(each.name, each.reason) for each in ranking.report.missing] == [
        ("judge", "sam-audio-judge is not here")
    ]


def test_an_empty_store_says_how_to_get_the_weights(tmp_path: Path) -> None:
    source = RankerSource(partial(resolve, root=tmp_path), torch.device("cpu"))
    assert PUBLISHED.text_ranker is not None

    ranking = create_ensemble(PUBLISHED.text_ranker, source).rank(EVERYTHING)

    assert ranking.scores is None
    assert {each.name for each in ranking.report.missing} == {"clap", "judge"}
    assert all("models download" in each.reason for each in ranking.report.missing)


def test_damaged_weights_are_no_silent_loss(tmp_path: Path) -> None:
    (tmp_path / "imagebind-huge").mkdir()
    (tmp_path / "imagebind-huge" / "imagebind_huge.pth").write_bytes(b"\x80 no weights")

    with pytest.raises(CheckpointCorrupt):
        create_ensemble(ranker_config(KINDS["imagebind"]), source_in(tmp_path)).rank(EVERYTHING)


# --- which ranking a prompt gets -----------------------------------------------------------------


def choice(source: RankerSource) -> RankerChoice:
    return RankerChoice(PUBLISHED.visual_ranker, PUBLISHED.text_ranker, source)


def used(request: RankingRequest, source: RankerSource) -> list[str]:
    return [name for name, _ in choice(source).rank(request).report.used]


def test_video_goes_before_text(source: RankerSource) -> None:
    wav = noise(2, 96_000)

    assert used(EVERYTHING, source) == ["imagebind"]
    assert used(request_of(wav), source) == ["clap", "judge"]


def test_spans_alone_are_ranked_by_sound_activity(source: RankerSource) -> None:
    spans = request_of(noise(2, 96_000), "", (Span(0.5, 1.5),))

    ranking = choice(source).rank(spans)

    assert [name for name, _ in ranking.report.used] == ["sound_activity"]
    assert {each.name for each in ranking.report.missing} == {"clap", "judge"}


def test_without_any_weights_the_spans_decide(tmp_path: Path) -> None:
    source = source_in(tmp_path)

    ranking = choice(source).rank(EVERYTHING)

    assert ranking.scores is not None
    assert [name for name, _ in ranking.report.used] == ["sound_activity"]
    assert [each.name for each in ranking.report.missing] == ["imagebind", "clap", "judge"]


def test_without_weights_and_spans_nothing_is_ranked(tmp_path: Path) -> None:
    ranking = choice(source_in(tmp_path)).rank(request_of(noise(2, 9_000)))

    assert ranking.scores is None
    assert [each.name for each in ranking.report.missing] == ["clap", "judge"]


def test_one_candidate_opens_nothing(tmp_path: Path) -> None:
    def find(name: str) -> Path:
        raise AssertionError(f"{name} was looked for")

    source = RankerSource(find, torch.device("cpu"))

    assert choice(source).rank(request_of(noise(1, 9_000))).scores is None


def test_what_the_prompt_does_not_need_is_not_opened() -> None:
    def find(name: str) -> Path:
        raise AssertionError(f"{name} was looked for")

    source = RankerSource(find, torch.device("cpu"))
    spans = request_of(noise(2, 9_000), "", (Span(0.05, 0.1),))

    assert used(spans, source) == ["sound_activity"]


def test_rankers_are_kept_until_they_are_released(models: Path, tmp_path: Path) -> None:
    found: list[str] = []

    def find(name: str) -> Path:
        found.append(name)
        return models / name.rpartition("/")[2]

    rankers = choice(RankerSource(find, torch.device("cpu"), CLAP, IMAGEBIND))
    request = request_of(noise(2, 9_000))

    first, second = rankers.rank(request), rankers.rank(request)
    n_found = len(found)
    rankers.release()
    rankers.rank(request)

    assert first.scores is not None
    assert second.scores is not None
    assert torch.equal(first.scores, second.scores)
    assert n_found == 3
    assert len(found) == 6


IMPORT_ALL = """
import pkgutil, sys
import engine.rankers
before = list(sys.argv)
for module in pkgutil.iter_modules(engine.rankers.__path__):
    __import__(f"engine.rankers.{module.name}")
assert sys.argv == before, sys.argv
assert "torchaudio" not in sys.modules
"""


def test_importing_rankers_leaves_the_command_line_alone(checkout: Path) -> None:
    command = [sys.executable, "-c", IMPORT_ALL, "--port", "5", "--device", "cpu", "--help"]

    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
