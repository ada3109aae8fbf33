"""The confidence lane under the target: drawn where a result has one, and nowhere else."""

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor
from PyQt6.QtTest import QTest

from bridge.protocol.messages import JobReply
from bridge.protocol.values import PresenceLane
from gui.panels.lanes import LANE_PX
from gui.theme import DARK, LIGHT
from gui.views.presence_strip import STRIP_PX, PresenceStrip, described
from gui.window import Window

from .conftest import OpenPanel, until
from .mouse import drag
from .sounds import BURSTS_S, write_mixture

LANE = PresenceLane(0.2, 0.4, (0, 0, 0, 90, 100, 40, 0, 0))
"""From 0.4 to 2.0 s; surest from 1.2 to 1.4 s."""


def test_a_result_with_a_lane_shows_it_and_one_without_does_not(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    window = open_panel(write_mixture(tmp_path / "mixture.wav"))
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    for start_s, end_s in BURSTS_S:
        drag(window.timeline, start_s, end_s)
    window.bench.run()
    until(lambda: window.listen.lanes.waves, "the lanes are there")
    lanes = window.listen.lanes
    assert lanes.strips == {}
    assert lanes.height() == 2 * LANE_PX

    arrives(window, LANE)
    until(lambda: lanes.strips, "the strip is there")
    assert list(lanes.strips) == ["target"]
    assert lanes.height() == 2 * LANE_PX + STRIP_PX
    strip = lanes.strips["target"]
    assert strip.accessibleName() == "Confidence over time"
    assert strip.accessibleDescription().startswith("Surest at 0:01.2 with 100 %")
    until(lambda: strip.width() == lanes.waves["target"].width(), "it is as wide as the waveform")
    assert strip.height() == STRIP_PX
    bars_lie_where_the_sound_is(window, strip)
    the_pointer_asks_and_seeks(window, strip)


def arrives(window: Window, lane: PresenceLane) -> None:
    """The server tells of a job as the one on the screen, whose result has a lane."""
    shown = window.bench.shown_job
    assert shown is not None
    assert shown.result is not None
    assert shown.result.presence is None
    result = replace(shown.result, presence=lane)
    job = replace(shown, job_id="with-lane", result=result, created_s=shown.created_s + 1)
    window.bench.book.on_event("job.done", JobReply(job))


def bars_lie_where_the_sound_is(window: Window, strip: PresenceStrip) -> None:
    for theme in (DARK, LIGHT):
        window.bench.settings.set(theme=theme.name)
        until(lambda theme=theme: strip._theme == theme, "the strip has the theme")
        image = strip.grab().toImage()
        ground = QColor(theme.canvas).name()
        tops = {
            time_s: [
                y
                for y in range(STRIP_PX - 1)
                if image.pixelColor(at(window, strip, time_s), y).name() != ground
            ]
            for time_s in (0.2, 0.7, 1.1, 1.3, 1.5, 2.2)
        }
        heights = {time_s: len(drawn) for time_s, drawn in tops.items()}
        assert heights[0.2] == heights[0.7] == heights[2.2] == 0
        assert heights[1.3] >= heights[1.1] > heights[1.5] > 0
        assert heights[1.3] >= STRIP_PX - 4


def the_pointer_asks_and_seeks(window: Window, strip: PresenceStrip) -> None:
    assert strip.tip_at(1.25) == "0:01.2: 100 % sure that the sound is there"
    assert strip.tip_at(0.1) == strip.tip_at(3.0) == strip.toolTip()
    where = QPoint(at(window, strip, 1.5), STRIP_PX // 2)
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    assert abs(window.bench.time.playhead_s - 1.5) < 0.01


def at(window: Window, strip: PresenceStrip, time_s: float) -> int:
    """The pixel of a time."""
    shown = window.bench.time.window
    return round((time_s - shown.start_s) / shown.length_s * strip.width())


def test_a_lane_in_words() -> None:
    assert described(LANE) == (
        "Surest at 0:01.2 with 100 %; more sure than not in 25% of the time."
    )
    assert described(PresenceLane(0.2)) == "It says nothing."
