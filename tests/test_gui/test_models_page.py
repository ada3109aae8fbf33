"""The page of separators and models, with a real bridge that fetches from a hub in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol.messages import Status
from bridge.protocol.values import SeparatorState
from gui.panels.models import ModelCard, separators_in_words
from gui.window import Window
from tests.test_engine.checkpoint_hub import LocalHub, serve
from tests.test_engine.tiny_model import write_t5

from .conftest import OpenPanel, serving, until

MODEL = "t5-base"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    """A hub with a small text encoder, which holds its bodies back."""
    folder = write_t5(tmp_path / "t5")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with serve(LocalHub({"google-t5/t5-base": files}, holds=True, break_after=10)) as served:
        yield served
        served.holds = False


@pytest.fixture
def page(
    open_panel: OpenPanel, tmp_path: Path, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Window]:
    """A panel with the page open; its server has no model yet."""
    monkeypatch.setenv("STEMLASSO_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    (tmp_path / "home").mkdir()
    with serving(tmp_path / "home"):
        window = open_panel(home=tmp_path / "home")
        window.dialogs.show_models()
        until(lambda: window.dialogs.models and window.dialogs.models.cards, "the models")
        yield window


def card_of(window: Window) -> ModelCard:
    assert window.dialogs.models is not None
    return window.dialogs.models.cards[MODEL]


def test_a_download_is_shown_stopped_and_taken_up_again(page: Window, hub: LocalHub) -> None:
    card = card_of(page)
    assert card.cancel.isHidden()
    card.accept.click()
    card.download.click()
    until(lambda: not card.cancel.isHidden(), "the download is shown")
    until(lambda: any("resolve" in path for path, _ in hub.requests), "the hub is asked")
    assert not card.bar.isHidden()
    assert card.download.isHidden()
    card.cancel.click()
    until(lambda: card.cancel.isHidden(), "it is stopped")
    assert card.state.text() == "stopped; what arrived is kept"
    assert card.problem.isHidden()
    assert card.download.isEnabled()

    hub.holds = False
    card.download.click()
    until(lambda: card.model.installed, "it is installed")
    assert card.state.text().endswith("installed")
    assert card.cancel.isHidden()
    assert not card.remove.isHidden()
    card.remove.click()
    until(lambda: not card.model.installed, "it is removed")


def test_as_long_as_nothing_is_known_nothing_is_said_to_be_missing() -> None:
    assert separators_in_words(Status()) == "Asking the engine…"
    ready = Status(separators=(SeparatorState("builtin"), SeparatorState("x", available=False)))
    assert separators_in_words(ready).startswith("Ready: builtin. Not installed: 1")


def test_a_download_that_fails_says_why(page: Window, hub: LocalHub) -> None:
    hub.status = 503
    card = card_of(page)
    card.accept.click()
    card.download.click()
    until(lambda: not card.problem.isHidden(), "the reason")
    assert card.cancel.isHidden()
    assert card.download.isEnabled()
