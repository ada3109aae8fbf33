"""Films: frames in sync, masks drawn with the mouse, what the model sees, masks from files."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QImage
from PyQt6.QtTest import QTest

from engine.model.mask_files import open_mask
from gui.audio.files import SoundUnreadable
from gui.state.draft import Draft
from gui.state.masks import MaskKey
from gui.video.frames import FrameReader, video_info
from gui.video.mask_import import ImportedMask
from gui.window import Window
from gui.work.masking import write_mask

from .conftest import OpenPanel, until
from .mouse import CTRL, LEFT, NONE, move
from .sounds import RATE, mixture

N_FRAMES, FPS, WIDTH, HEIGHT = 50, 25, 160, 120


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound: a bright square that moves a pixel a frame from the left."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = 2_000_000
        sound = container.add_stream("aac", rate=RATE, layout="stereo")
        for number in range(N_FRAMES):
            image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            image[40:80, number : number + 40] = 230
            for packet in video.encode(av.VideoFrame.from_ndarray(image)):
                container.mux(packet)
        container.mux(video.encode(None))
        samples = np.ascontiguousarray(mixture(2.0).T.astype(np.float32))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def left_edge(image: NDArray[np.uint8]) -> int:
    return int(np.flatnonzero(image[60].mean(axis=1) > 120)[0])


def test_frames_are_those_at_their_times_in_any_order(film: Path) -> None:
    info = video_info(film)
    assert (len(info.times_s), info.width, info.height) == (N_FRAMES, WIDTH, HEIGHT)
    reader = FrameReader(info, 720)
    for number in (30, 3, 49, 0, 17):
        assert abs(left_edge(reader.frame(number / FPS + 0.001)) - number) <= 1
    reader.close()


@pytest.fixture
def panel(open_panel: OpenPanel, film: Path) -> Window:
    window = open_panel(film)
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    until(lambda: window.video.view._frame is not None, "a frame is there")
    return window


def drag_box(window: Window, start: tuple[float, float], end: tuple[float, float]) -> None:
    view = window.video.view
    box = view.picture_box()
    places = [
        QPoint(round(box.x() + x * box.width()), round(box.y() + y * box.height()))
        for x, y in (start, end)
    ]
    QTest.mousePress(view, LEFT, NONE, places[0])
    move(view, places[1], LEFT)
    QTest.mouseRelease(view, LEFT, NONE, places[1])


def seek(window: Window, time_s: float) -> None:
    window.listening.seek(time_s)
    view = window.video.view
    until(lambda: abs(view._time_s - time_s) < 0.03, "the frame follows the playhead")


def test_a_film_opens_with_its_sound_and_a_strip(panel: Window) -> None:
    assert panel.video.isVisible()
    assert panel.bench.document.duration_s == pytest.approx(2.0, abs=0.1)
    film = panel.video.film
    assert film is not None
    until(lambda: len(film.strip) == 24, "the strip is there")
    assert panel.bench.document.draft.is_empty
    assert "not used" in panel.video.keys.text()


def test_boxes_at_two_times_move_between_and_undo(panel: Window, tmp_path: Path) -> None:
    drag_box(panel, (0.0, 0.3), (0.25, 0.7))
    seek(panel, 1.6)
    drag_box(panel, (0.25, 0.3), (0.5, 0.7))
    masks = panel.bench.document.draft.masks
    assert [key.kind for key in masks] == ["box", "box"]
    assert masks[1].time_s == pytest.approx(1.6, abs=0.03)
    seek(panel, 0.8)
    shape = panel.video.view.shape
    assert shape is not None
    assert shape.points[0][0] == pytest.approx(0.125, abs=0.02)
    assert not panel.video.view.is_key

    panel.video.masked.click()
    seen = panel.video.view._seen()
    inside = seen[60, round(0.2 * WIDTH)]
    assert inside.mean() > 120
    assert not seen[10].any()
    assert not seen[60, round(0.6 * WIDTH) :].any()

    path = write_mask(panel.bench.document.draft, tmp_path)
    source = open_mask(path)
    assert source.n_frames == N_FRAMES
    frames = [lazy() for lazy in source.in_order()]
    assert frames[20].mean() == pytest.approx(0.25 * 0.4, abs=0.02)
    assert write_mask(panel.bench.document.draft, tmp_path) == path

    panel.timeline.setFocus()
    for expected in (1, 0):
        QTest.keyClick(panel, Qt.Key.Key_Z, CTRL)
        assert len(panel.bench.document.draft.masks) == expected


def test_polygon_and_brush_are_drawn_too(panel: Window) -> None:
    view = panel.video.view
    panel.video.tools["polygon"].click()
    box = view.picture_box()
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.5, 0.8)):
        place = QPoint(round(box.x() + x * box.width()), round(box.y() + y * box.height()))
        QTest.mouseClick(view, LEFT, NONE, place)
    QTest.mouseDClick(view, LEFT, NONE, place)
    (key,) = panel.bench.document.draft.masks
    assert key.kind == "polygon"
    assert len(key.points) >= 3
    panel.video.tools["brush"].click()
    drag_box(panel, (0.5, 0.5), (0.7, 0.6))
    (key,) = panel.bench.document.draft.masks
    assert (key.kind, len(key.points)) == ("brush", 2)
    panel.video.remove.click()
    assert panel.bench.document.draft.masks == ()


def test_masks_come_from_folders_arrays_and_films(film: Path, tmp_path: Path, qt: object) -> None:
    masks = np.zeros((10, 6, 8), np.uint8)
    for number in range(10):
        masks[number, :, : number % 8] = 1
    np.savez_compressed(tmp_path / "m.npz", video_masklet=masks)
    np.save(tmp_path / "m.npy", masks)
    (tmp_path / "pngs").mkdir()
    for number, mask in enumerate(masks):
        picture = np.ascontiguousarray(np.pad(mask * 255, ((0, 0), (0, 0))))
        image = QImage(picture.tobytes(), 8, 6, 8, QImage.Format.Format_Grayscale8)
        assert image.save(str(tmp_path / "pngs" / f"{number:03d}.png"))
    for name in ("m.npz", "m.npy", "pngs"):
        imported = ImportedMask(tmp_path / name)
        for number in (0, 5, 9):
            assert np.array_equal(imported.at(number / 9), masks[number] != 0)
        imported.close()
    bright = ImportedMask(film)
    assert abs(int(np.flatnonzero(bright.at(1.0)[60])[0]) - 49) <= 2
    bright.close()
    (tmp_path / "none").mkdir()
    with pytest.raises(SoundUnreadable, match="PNG"):
        ImportedMask(tmp_path / "none")
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    with pytest.raises(SoundUnreadable):
        ImportedMask(tmp_path / "bad.npy")


def test_an_imported_mask_is_shown_and_sent(panel: Window, tmp_path: Path) -> None:
    masks = np.zeros((N_FRAMES, 12, 16), np.uint8)
    masks[:, :6] = 1
    np.save(tmp_path / "m.npy", masks)
    panel.video.import_mask(tmp_path / "m.npy")
    until(lambda: panel.video.view._imported is not None, "the mask is there")
    panel.video.masked.setChecked(True)
    assert not panel.video.view._seen()[70].any()
    prompt = panel.bench.document.draft.prompt()
    assert prompt.mask_path == str(tmp_path / "m.npy")
    assert prompt.video_path


def test_a_film_without_a_mark_is_not_sent() -> None:
    draft = Draft(description="dog", video_path="/films/dog.mp4")
    assert draft.prompt().video_path == ""
    marked = replace(draft, masks=(MaskKey(0, "box", ((0, 0), (1, 1))),))
    assert marked.has_mask
    assert replace(marked, mask_path="/m.npz").prompt().video_path == "/films/dog.mp4"


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(SoundUnreadable, match=r"a\.mp4"):
        video_info(tmp_path / "a.mp4")
