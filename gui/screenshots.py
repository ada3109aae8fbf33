"""Pictures of the panel in its states, both themes: `python -m gui.screenshots FOLDER`.

They are made from the real window, a real server and a real separation of a sound file, offscreen.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PyQt6.QtCore import QPointF
    from PyQt6.QtGui import QPainter, QPixmap

    from .window import Window

EXAMPLE = Path(__file__).resolve().parent.parent / "installer" / "example" / "mixture.flac"
SPANS = ("+1.2:2.5", "+4.6:6.4", "+7.95:8.7", "-0:1.1", "-2.7:4.4", "-6.6:7.7")
PATIENCE_S = 180.0
SIZE = (1440, 900)
THEMES = ("dark", "light")


def main(argv: list[str] | None = None) -> int:
    """Make the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gui.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--sound", type=Path, default=EXAMPLE, help="with the prompt of the example"
    )
    parser.add_argument("--only", default="", help="one scene")
    parser.add_argument("--themes", nargs="+", default=THEMES, choices=THEMES)
    arguments = parser.parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        for path in take(arguments, Path(home)):
            print(path)
    return 0


def take(arguments: argparse.Namespace, home: Path) -> Iterator[Path]:
    """Take every picture that is asked for; gives their files."""
    from .app import PanelConfig, application, build
    from .link.bridge import Server
    from .state.places import Places

    qt = application([])
    window = build(PanelConfig(Server(home), Places.below(home)))
    window.resize(*SIZE)
    window.show()
    _until(lambda: window.bench.status is not None, "a server")
    try:
        for name, scene in SCENES.items():
            if arguments.only in ("", name):
                for theme in arguments.themes:
                    window.bench.settings.set(theme=theme)
                    scene(window, arguments.sound)
                    _settle()
                    path = arguments.folder / f"{name}-{theme}.png"
                    _picture(window, name).save(str(path))
                    yield path
    finally:
        window.bench.link.call(lambda client: client.stop_server(), _ignore, _ignore)
        _settle(300)
        window.close()
        qt.processEvents()


def _ignore(_: object) -> None:
    """What the server says to its end."""


def _picture(window: "Window", name: str) -> "QPixmap":
    dialog = window.dialogs.models if name == "models" else None
    return (dialog or window).grab()


def _empty(window: "Window", _: Path) -> None:
    window.bench.settings.set(recent=())
    bench = window.bench
    _until(lambda: bench.status is not None and bool(bench.status.separators), "separators")


def _spans(window: "Window", sound: Path) -> None:
    from .state.spans import SpanMark

    _open(window, sound)
    marks = []
    for text in SPANS:
        start_s, end_s = (float(each) for each in text[1:].split(":"))
        marks.append(SpanMark(start_s, end_s, text[0]))
    document = window.bench.document
    draft = replace(document.draft, description="Dog barking", spans=tuple(marks))
    document.edit("Draw", draft)
    document.select(1)
    window.bench.time.select((4.6, 6.4))
    _until(lambda: "memory" in window.prompt.cost.text(), "the cost")


def _found(window: "Window", sound: Path) -> None:
    """Predicted places, one of them accepted."""
    _spans(window, sound)
    document = window.bench.document
    document.edit("Ask", replace(document.draft, spans=(), description="man speaking"))
    window.bench.finder.toggle()
    _until(lambda: len(document.draft.spans) > 1, "places")
    document.select(0)
    window.edits.accept_predicted()
    _until(lambda: not window.bench.finder.is_busy, "the end of the search")
    _settle(400)


def _running(window: "Window", sound: Path) -> None:
    """On a longer sound, or it would be over before the picture is taken."""
    _spans(window, _repeated(sound, window.bench.places.cache / f"long {sound.stem}.wav"))
    document, book = window.bench.document, window.bench.book
    options = replace(document.draft.options, seed=len(book.of_clip(_clip_id(window))))
    document.edit("Seed", replace(document.draft, options=options))
    window.bench.time.set(window.bench.time.window.shown(0.0, 10.0))
    _settle(400)
    window.bench.run()
    _until(lambda: any(job.progress.fraction > 0.2 for job in book.waiting()), "a running job")


def _repeated(sound: Path, to: Path) -> Path:
    """The sound many times over, as a file."""
    import numpy as np
    import soundfile

    from .audio.files import SoundReader

    if not to.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        with SoundReader(sound) as reader:
            samples = reader.read(0, reader.info.n_samples)
            soundfile.write(to, np.tile(samples, (20, 1)), reader.info.sample_rate, "PCM_16")
    return to


def _result(window: "Window", sound: Path) -> None:
    _spans(window, sound)
    if not _done(window):
        window.bench.run()
    _until(lambda: _done(window) and bool(window.listening.levels), "the stems")
    _until(lambda: len(window.listening.lanes) == 3, "the lanes")
    window.bench.document.select(-1)
    window.bench.time.loop(True)
    window.listening.seek(4.83)
    _settle(600)


def _error(window: "Window", sound: Path) -> None:
    _open(window, sound)
    document = window.bench.document
    document.edit("Clear", replace(document.draft, spans=(), description="dog barking"))
    n_jobs = len(window.bench.book.of_clip(_clip_id(window)))
    window.bench.run()
    _until(lambda: len(window.bench.book.of_clip(_clip_id(window))) > n_jobs, "a job")
    _until(lambda: not window.bench.book.waiting(), "its end")


def _models(window: "Window", _: Path) -> None:
    window.dialogs.show_models()
    dialog = window.dialogs.models
    assert dialog is not None
    _until(lambda: bool(dialog.cards), "the models")


def _video(window: "Window", sound: Path) -> None:
    """A dog-sized circle walks over a meadow while the sound plays."""
    from .state.masks import MaskKey

    film = sound.parent / "film.mp4" if sound != EXAMPLE else window.bench.places.cache / "film.mp4"
    if not film.is_file():
        film.parent.mkdir(parents=True, exist_ok=True)
        _make_film(film)
    _open(window, film)
    document = window.bench.document
    marks = tuple(
        MaskKey(time_s, "box", ((left, 0.4), (left + 0.24, 0.86)))
        for time_s, left in ((0.0, 0.1), (5.0, 0.36), (9.0, 0.6))
    )
    document.edit("Draw mask", replace(document.draft, masks=marks, description="dog barking"))
    window.listening.seek(3.0)
    _until(lambda: window.video.film is not None and len(window.video.film.strip) == 24, "strip")
    _settle(500)


def _make_film(path: Path) -> None:
    """A drawn film with the example's sound."""
    import av
    import numpy as np
    from PyQt6.QtCore import QPointF, QRectF
    from PyQt6.QtGui import QColor, QImage, QLinearGradient, QPainter

    from .audio.files import SoundReader

    width, height, fps, n_frames = 640, 360, 12, 120
    with SoundReader(EXAMPLE) as reader, av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.bit_rate = 1_500_000
        sound = container.add_stream("aac", rate=reader.info.sample_rate, layout="stereo")
        for number in range(n_frames):
            image = QImage(width, height, QImage.Format.Format_RGB888)
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            sky = QLinearGradient(0, 0, 0, height)
            sky.setColorAt(0, QColor("#6fa8dc"))
            sky.setColorAt(0.6, QColor("#f3e3c3"))
            sky.setColorAt(0.61, QColor("#5a8f4e"))
            sky.setColorAt(1, QColor("#2f5a33"))
            painter.fillRect(image.rect(), sky)
            x = width * (0.2 + 0.5 * number / n_frames)
            _paint_dog(painter, QPointF(x, height * 0.68), bark=number % 12 < 4)
            painter.fillRect(QRectF(width * 0.78, height * 0.3, 90, 150), QColor("#7a4b32"))
            painter.end()
            bits = image.constBits()
            assert bits is not None
            rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8)
            picture = rows.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture))))
        container.mux(video.encode(None))
        samples = np.ascontiguousarray(reader.read(0, reader.info.n_samples).T)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = reader.info.sample_rate
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def _paint_dog(painter: "QPainter", where: "QPointF", *, bark: bool) -> None:
    from PyQt6.QtCore import QPointF, QRectF
    from PyQt6.QtGui import QColor

    painter.setPen(QColor("#3a2a1e"))
    painter.setBrush(QColor("#8a5a36"))
    for leg in (-38, -22, 22, 38):
        painter.drawRect(QRectF(where.x() + leg, where.y() + 14, 9, 34))
    painter.drawEllipse(where, 56, 28)
    painter.drawEllipse(where + QPointF(58, -28), 25, 21)
    painter.drawRect(QRectF(where.x() + 74, where.y() - 30, 24, 8))
    painter.drawRect(QRectF(where.x() + 74, where.y() - (12 if bark else 20), 22, 7))
    painter.setBrush(QColor("#5a3820"))
    painter.drawEllipse(where + QPointF(48, -46), 9, 15)
    painter.setBrush(QColor("#111111"))
    painter.drawEllipse(where + QPointF(64, -34), 3, 3)


SCENES: dict[str, Callable[["Window", Path], None]] = {
    "empty": _empty,
    "spans": _spans,
    "found": _found,
    "running": _running,
    "result": _result,
    "error": _error,
    "video": _video,
    "models": _models,
}


def _open(window: "Window", sound: Path) -> None:
    clip = window.bench.document.clip
    if clip is None or clip.path != sound:
        window.bench.open_file(sound)
    _until(lambda: bool(_clip_id(window)), "the clip")
    _settle(800)


def _clip_id(window: "Window") -> str:
    clip = window.bench.document.clip
    return clip.clip.clip_id if clip and clip.clip else ""


def _done(window: "Window") -> bool:
    return window.bench.shown_job is not None


def _settle(wait_ms: int = 150) -> None:
    from PyQt6.QtCore import QCoreApplication

    deadline_s = time.monotonic() + wait_ms / 1000
    while time.monotonic() < deadline_s:
        QCoreApplication.processEvents()
        time.sleep(0.005)


def _until(is_so: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"not within {PATIENCE_S:g} s: {what}")
        _settle(20)


if __name__ == "__main__":
    sys.exit(main())
