"""The line before a run: which separator, how long, of how much memory."""

from dataclasses import replace
from pathlib import Path

from bridge.protocol.messages import EstimateReply, Status
from gui.panels.preflight import preflight
from gui.panels.prompt import PromptPanel
from gui.state.document import Document
from gui.state.masks import MaskKey

from .conftest import OpenPanel, until
from .sounds import write_mixture

COST = EstimateReply(12.0, 2_304_000, 3_100_000_000, 4, 0.0, "sam-audio-base", 8_000_000_000)


def test_it_names_the_separator_and_the_memory_that_is_free() -> None:
    told = "base, about 12 s, 3.1 GB of 8.0 GB memory free, 2.3 MB on disk"
    assert preflight(COST, "auto", None) == told
    assert preflight(COST, "sam-audio-base", Status(memory_total_bytes=1)) == told
    waiting = preflight(replace(COST, n_measured=0, wait_s=100.0), "auto", None)
    assert waiting == f"{told}, after a wait of 1:40, a first guess"


def test_an_older_server_says_less() -> None:
    older = EstimateReply(12.0, 2_304_000, 3_100_000_000, 4)
    status = Status(memory_total_bytes=16_000_000_000)
    assert preflight(older, "auto", status).startswith("automatic, about 12 s, 3.1 GB of 16.0 GB")
    assert preflight(older, "builtin", None).startswith("builtin, about 12 s, 3.1 GB memory, ")


def test_too_little_memory_is_said_in_another_colour(qt: object) -> None:
    panel = PromptPanel(Document())
    panel.show_cost(replace(COST, memory_free_bytes=2_000_000_000))
    assert "3.1 GB of 2.0 GB memory free: more than there is" in panel.cost.text()
    assert panel.cost.objectName() == "warning"
    panel.show_cost(COST)
    assert panel.cost.objectName() == "dim"


def test_a_mask_that_the_separator_does_not_look_at_is_said(qt: object) -> None:
    document = Document()
    mark = MaskKey(0.0, "box", ((0.1, 0.1), (0.5, 0.5)))
    document.edit("Mark", replace(document.draft, video_path="film.mp4", masks=(mark,)))
    panel = PromptPanel(document)
    panel.show_cost(replace(COST, separator="builtin"))
    assert "builtin does not look at the video" in panel.cost.text()
    assert panel.cost.objectName() == "warning"
    panel.show_cost(COST)
    assert "video" not in panel.cost.text()
    assert panel.cost.objectName() == "dim"


def test_the_real_server_says_what_automatic_stands_for(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    window.prompt.edit.setFocus()
    window.prompt.edit.textEdited.emit("drums")
    until(lambda: window.prompt.cost.text().startswith("builtin, about"), "the separator is named")
    assert "memory free" in window.prompt.cost.text()
