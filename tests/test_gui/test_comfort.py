"""Keys, themes, names for those who cannot see, dialogs, clips that arrive, and a monkey."""

from pathlib import Path

import psutil
import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSlider, QWidget

from bridge.client import connect
from bridge.protocol.messages import ModelProgress, SeparatorState, Status
from bridge.protocol.values import ClipOrigin, ModelState, Problem
from gui import icons, theme
from gui.commands import KeySheet
from gui.panels.models import ModelCard, separators_in_words
from gui.screenshots import main as take_screenshots
from gui.window import Window

from .conftest import OpenPanel, settle, until
from .monkey import Monkey
from .sounds import write_mixture


@pytest.fixture
def panel(open_panel: OpenPanel, tmp_path: Path) -> Window:
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    return window


def test_every_control_has_a_name_and_every_button_a_hint(panel: Window) -> None:
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider)
    controls = [each for each in panel.findChildren(QWidget) if isinstance(each, kinds)]
    own = [each for each in controls if not each.objectName().startswith("qt_")]
    assert len(own) > 20
    nameless = [
        (type(each).__name__, each.objectName())
        for each in own
        if not (each.accessibleName() or getattr(each, "text", str)())
        if not isinstance(each.parent(), QLineEdit | QComboBox)
    ]
    assert not nameless


def test_no_key_is_given_twice_and_all_are_on_the_sheet(panel: Window) -> None:
    keys = [key for command in panel.commands.all for key in command.keys]
    assert len(keys) == len(set(keys))
    sheet = KeySheet(panel.commands)
    texts = {each.text() for each in sheet.findChildren(QLabel)}
    assert {command.text for command in panel.commands.all if command.keys} <= texts
    sheet.close()


def test_typing_into_a_field_is_no_command(panel: Window) -> None:
    panel.prompt.edit.setFocus()
    QTest.keyClicks(panel.prompt.edit, "x fade")
    assert panel.prompt.edit.text() == "x fade"
    assert not panel.listening.player.is_playing


def test_a_clip_that_opens_takes_the_keys_unless_the_user_types(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    window = open_panel()
    assert window.focusWidget() is window.empty.button
    for name, place in (("a.wav", window.timeline), ("b.wav", window.prompt.edit)):
        place.setFocus()
        path = write_mixture(tmp_path / name)
        window.bench.open_file(path)
        until(lambda at=path: (c := window.bench.document.clip) and c.path == at, "it is open")
        assert window.focusWidget() is place


def test_what_is_installed_is_not_said_before_it_is_known() -> None:
    assert separators_in_words(Status()) == "Asking the engine…"
    builtin = SeparatorState("builtin", available=True)
    assert separators_in_words(Status(separators=(builtin,))) == "Ready: builtin."


@pytest.mark.parametrize("name", theme.THEMES)
def test_texts_stand_out_in_every_theme(name: str) -> None:
    """WCAG's contrast: 4.5 for text, 3 for what is drawn."""
    shown = theme.THEMES[name]
    for text in (shown.text, shown.dim, shown.minus, shown.warning):
        for ground in (shown.panel, shown.raised):
            assert contrast(text, ground) >= 4.5, (text, ground)
    for drawn in (shown.mixture, shown.target, shown.plus, shown.minus, shown.predicted):
        assert contrast(drawn, shown.canvas) >= 3, drawn


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_icons_are_drawn(qt: object) -> None:
    for name in icons.NAMES:
        assert not icons.icon(name, "#ffffff").pixmap(24, 24).toImage().isNull()


def test_files_and_folders_may_be_dropped(open_panel: OpenPanel, tmp_path: Path) -> None:
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "a.txt").write_text("no sound")
    sound = write_mixture(tmp_path / "loops" / "b.wav")
    window = open_panel()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "loops"))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))
    until(lambda: window.bench.document.clip, "the sound in the folder is open")
    assert window.bench.document.clip is not None
    assert window.bench.document.clip.path == sound


def test_a_clip_from_the_plugin_is_announced_without_taking_the_focus(
    panel: Window, server_home: Path, tmp_path: Path
) -> None:
    panel.prompt.edit.setFocus()
    sent = write_mixture(tmp_path / "Loop 3.wav", 2.0)
    with connect(server_home, start=False) as client:
        client.put_file(sent, "Loop 3", ClipOrigin(host="REAPER"))
    until(panel.notice.isVisible, "the clip is announced")
    assert panel.notice.text.text() == "“Loop 3” arrived from REAPER."
    assert panel.focusWidget() is panel.prompt.edit
    panel.notice.action.click()
    until(lambda: (clip := panel.bench.document.clip) and clip.path == sent, "it is open")
    assert panel.bench.document.clip is not None
    assert panel.bench.document.clip.clip is not None


def test_models_are_listed_and_settings_are_in_force_at_once(panel: Window) -> None:
    panel.dialogs.show_models()
    dialog = panel.dialogs.models
    assert dialog is not None
    until(lambda: dialog.cards, "the models are listed")
    assert "sam-audio-small" in dialog.cards
    assert "builtin" in dialog.summary.text()
    panel.dialogs.show_preferences()
    preferences = panel.dialogs.preferences
    assert preferences is not None
    preferences.theme.setCurrentIndex(preferences.theme.findData("light"))
    preferences.theme.activated.emit(preferences.theme.currentIndex())
    assert panel.theme.name == "light"
    preferences.tempo.setValue(120)
    preferences.unit.activated.emit(preferences.unit.findData("bars"))
    ruler = panel.timeline.ruler
    assert ruler.tickStrings([0.0, 2.0], 1, 2.0) == ["1", "2"]
    preferences.unit.activated.emit(preferences.unit.findData("samples"))
    assert ruler.tickStrings([1.0], 1, 2.0) == ["48\u202f000"]


def test_bars_follow_the_tempo_that_a_clip_came_with(
    open_panel: OpenPanel, tmp_path: Path, server_home: Path
) -> None:
    """And the settings' for a clip that came with none."""
    window = open_panel()
    window.bench.settings.set(tempo_bpm=90.0, ruler="bars")
    ruler = window.timeline.ruler
    assert ruler.tempo_bpm == 90
    sent = write_mixture(tmp_path / "sent.wav", 1.0)
    with connect(server_home, start=False) as live:
        clip = live.put_file(sent, "Loop 3", ClipOrigin("Live", "Set", "Drums", 2.0, None, 128.0))
    window.bench.open_clip(clip)
    until(lambda: ruler.tempo_bpm == 128, "the tempo of the Set")
    window.bench.settings.set(tempo_bpm=100.0)
    assert ruler.tempo_bpm == 128
    window.bench.open_file(write_mixture(tmp_path / "own.wav", 1.0))
    until(lambda: ruler.tempo_bpm == 100, "the tempo of the settings")


def test_a_download_needs_the_licence_and_shows_how_far_it_is(qt: object) -> None:
    card = ModelCard(ModelState("sam-audio-small", "separation", licence="SAM License (Meta)"))
    assert not card.download.isEnabled()
    wanted: list[str] = []
    card.download_wanted.connect(wanted.append)
    card.accept.click()
    card.download.click()
    assert wanted == ["sam-audio-small"]
    card.show_progress(ModelProgress("sam-audio-small", "running", 0.25, 10**9, 4 * 10**9))
    assert card.bar.value() == 250
    assert card.state.text() == "1.0 GB of 4.0 GB"
    problem = Problem("download_failed", "Log in first.")
    card.show_progress(ModelProgress("sam-audio-small", "failed", error=problem))
    assert card.problem.text() == "Log in first."
    assert card.download.isEnabled()
    card.close()


# The server that the pictures need outlives the process that started it, until it is told to stop.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_screenshots_can_be_taken(tmp_path: Path, qt: object) -> None:
    assert take_screenshots([str(tmp_path), "--only", "empty", "--themes", "dark"]) == 0
    assert (tmp_path / "empty-dark.png").stat().st_size > 5000


def test_a_monkey_finds_no_exception_and_no_leak(panel: Window) -> None:
    """The whole 10,000 events are in tests/benchmarks/bench_panel.py."""
    monkey = Monkey(panel, seed=6)
    monkey.play(200)
    settle()
    n_widgets = len(panel.findChildren(QWidget))
    memory = psutil.Process().memory_info().rss
    monkey.play(500)
    settle()
    assert len(panel.findChildren(QWidget)) <= n_widgets + 10
    assert psutil.Process().memory_info().rss < memory + 80_000_000
