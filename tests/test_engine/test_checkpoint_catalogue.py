"""The models that are known: their names, sizes and licences."""

import pytest
import torch

from engine.checkpoints.catalog import CATALOGUE, KnownModel, find, is_known
from engine.checkpoints.identify import Identity
from engine.checkpoints.structure import look_at
from engine.model.config import SAMAudioConfig
from engine.model.sam_audio import SAMAudioNetwork


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("sam-audio-1b", "sam-audio-base"),
        ("sam-audio-3b", "sam-audio-large"),
        ("facebook/sam-audio-large-tv", "sam-audio-large-tv"),
        ("Facebook/SAM-Audio-Judge", "sam-audio-judge"),
        ("imagebind_huge", "imagebind-huge"),
        ("lukewys/laion_clap", "clap"),
        ("google-t5/t5-base", "t5-base"),
    ],
)
def test_catalogue_names(given: str, name: str) -> None:
    assert is_known(given)
    model, notice = find(given)
    assert model.name == name
    assert (notice is not None) == (given in ("sam-audio-1b", "sam-audio-3b"))


def test_somebody_elses_repository_is_not_taken_for_the_official_one() -> None:
    assert not is_known("somebody/sam-audio-large")


def test_the_catalogue_is_in_itself_consistent() -> None:
    assert len(CATALOGUE) >= 12
    names = [name for m in CATALOGUE for name in (m.name, *m.aliases, *m.older_names)]
    assert len(set(names)) == len(names)
    for model in CATALOGUE:
        assert model.page.startswith("https://")
        assert bool(model.repository) != bool(model.address)
        assert all(is_known(needed) for needed in model.needs)
        assert "SAM License" in model.licence.name or not model.gated
    sizes = {m.name: m.weights[0].size_bytes for m in CATALOGUE if m.kind == "sam-audio"}
    assert sizes["sam-audio-small"] == 5_100_547_943
    assert sizes["sam-audio-large"] == 14_861_356_211
    assert all(file.sha256 is None for model in CATALOGUE for file in model.files)


def test_known_models_can_be_told_apart() -> None:
    kinds: dict[str, list[KnownModel]] = {}
    for model in CATALOGUE:
        kinds.setdefault(model.kind, []).append(model)
    assert [m.name for m in kinds["judge"]] == ["sam-audio-judge"]
    assert len(kinds["sam-audio"]) == 6


@pytest.mark.parametrize("size", SAMAudioConfig.sizes)
def test_published_sizes_are_recognised(size: str) -> None:
    with torch.device("meta"):
        state = SAMAudioNetwork(SAMAudioConfig.published(size)).state_dict()
    found = look_at(state)
    assert found.identity == Identity("sam-audio", f"SAM-Audio {size}", size)
    assert found.precision == "float32"
