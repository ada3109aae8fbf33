"""`auto` takes the best model that is installed and fits, and says why no larger one."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from engine import ModelSettings, Prompt, Span, find_separator, separate, separators
from engine.builtin import BuiltinSeparator
from engine.checkpoints.catalog import find
from engine.checkpoints.manifest import MANIFEST_NAME
from engine.cost.footprint import WeightFormat
from engine.cost.shape import ModelShape
from engine.model.config import SAMAudioConfig
from engine.sam_audio.choice import Fit, best_of, fit_of_shape
from engine.sam_audio.place import Place, may_have_accelerator, place_of

GB = 10**9
SIZES = ("large", "base", "small")


def processor(free_gb: float) -> Place:
    free = round(free_gb * GB)
    return Place("cpu", free, free, WeightFormat("float32"))


def card(free_gb: float, host_gb: float = 16) -> Place:
    best = WeightFormat("bfloat16")
    return Place("cuda", round(free_gb * GB), round(host_gb * GB), best, "a card")


def fits(place: Place, settings: ModelSettings = ModelSettings()) -> tuple[Fit, ...]:  # noqa: B008
    return tuple(fit_of_shape(size, ModelShape.published(size), settings, place) for size in SIZES)


def taken(place: Place, **settings: object) -> str:
    best = best_of(fits(place, ModelSettings(**settings)))  # type: ignore[arg-type]
    return "builtin" if best is None else f"{best.name}{' int8' if best.in_8_bits else ''}"


def test_more_memory_never_makes_a_smaller_choice() -> None:
    order = ["builtin", "small int8", "small", "base", "large"]
    for place in (processor, card):
        chosen = [order.index(taken(place(gb))) for gb in (0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 80)]
        assert chosen == sorted(chosen)
        assert chosen[0] == 0
        assert chosen[-1] == 4


def test_a_card_takes_less_than_the_processor_and_may_offload() -> None:
    assert taken(processor(9)) == "large", "in 16 bits"
    assert taken(card(8)) == "large"
    assert taken(processor(7)) == "base"
    assert taken(card(8, host_gb=1)) == "builtin", "the computer itself has no room"


def test_what_is_asked_for_counts() -> None:
    assert taken(processor(9), precision="float32") == "base"
    assert taken(processor(5), int8=True) == "large int8"


def test_why_is_told_with_both_numbers() -> None:
    large, base, small = fits(processor(4))
    assert not large.fits
    assert "needs" in large.why
    assert "4.0 GB are free" in large.why
    assert small.fits
    assert best_of((large, base, small)) is not None
    assert best_of(()) is None


def test_the_processor_is_asked_without_torch() -> None:
    place = place_of("cpu")
    assert (place.kind, place.name) == ("cpu", "")
    assert 0 < place.free_bytes == place.host_bytes
    assert place.key(WeightFormat("float32"), "a") != place.key(WeightFormat("bfloat16"), "a")
    assert place.key(WeightFormat("float32"), "a", 1) != place.key(WeightFormat("float32"), "a", 3)
    assert may_have_accelerator("darwin")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which one large model seems to be, of sizes that no computer has room for."""
    root = tmp_path / "models"
    for name, n_layers in (("sam-audio-large", 100_000), ("t5-base", 0)):
        folder = root / find(name)[0].name
        folder.mkdir(parents=True)
        config = asdict(SAMAudioConfig.published("large"))
        config["transformer"]["n_layers"] = n_layers
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        (folder / MANIFEST_NAME).write_text("{}", "utf-8")
    return root


def test_a_model_without_room_is_listed_and_not_taken(store: Path) -> None:
    settings = ModelSettings(device="cpu")
    first = separators(store, settings)[0]
    assert (first.name, first.available) == ("sam-audio-large", True)
    assert first.note.startswith("`auto` does not take it: this needs")
    chosen = find_separator("auto", store, settings)
    assert isinstance(chosen, BuiltinSeparator)
    result = separate(
        0.1 * np.random.default_rng(0).standard_normal((24_000, 1)),
        Prompt(spans=[Span.present(0.1, 0.2), Span.absent(0.3, 0.4)]),
        sample_rate=48_000,
        separator=chosen,
    )
    (notice,) = [each for each in result.notices if each.code == "auto_took_smaller"]
    assert "`auto` took builtin. sam-audio-large: this needs" in notice.message
