"""How fast the panel is: first paint, an hour of stereo, frames, cancel; and 10,000 random events.

    python tests/benchmarks/bench_panel.py [--minutes 60] [--events 10000] [--skip monkey]

Offscreen, in a window of 1440 x 900. Start-up is a new process from the command to the first paint
of the window. Every figure comes with hardware and settings; memory is of the whole process.
"""

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import soundfile
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QApplication, QWidget

from gui.app import PanelConfig, application, build
from gui.link.bridge import Server
from gui.state.places import Places
from gui.state.spans import SpanMark
from gui.window import Window

ROOT = Path(__file__).resolve().parents[2]
RATE = 48_000
START_UP = """
import time
start = time.perf_counter()
import sys, os
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from gui.app import PanelConfig, application, build
from gui.link.bridge import Server
from gui.state.places import Places
home = Path(sys.argv[2])
qt = application([])
window = build(PanelConfig(Server(home, start=False), Places.below(home)))
window.resize(1440, 900)
window.show()
qt.processEvents()
window.grab()
loaded = [name for name in ("torch", "engine", "scipy", "matplotlib", "av") if name in sys.modules]
took = time.perf_counter() - start, time.process_time()
print(*took, ",".join(loaded) or "none", flush=True)
os._exit(0)
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--cancels", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--skip", nargs="*", default=(), choices=("start", "hour", "cancel", "monkey")
    )
    arguments = parser.parse_args()
    cores = os.cpu_count()
    print(f"{platform.platform()}, {cpu_name()}, {cores} cores, Python {platform.python_version()}")
    print(f"load before the start: {os.getloadavg()[0]:.1f} (1 min)")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    qt = application([])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if "start" not in arguments.skip:
            start_up(Path(folder))
        if "hour" not in arguments.skip:
            hour(Path(folder), arguments.minutes)
        if "cancel" not in arguments.skip:
            cancel(Path(folder), arguments.cancels)
        if "monkey" not in arguments.skip:
            monkey(Path(folder), arguments.events, arguments.seed)
        qt.processEvents()
    print(f"load at the end: {os.getloadavg()[0]:.1f} (1 min)")
    return 0


def start_up(folder: Path) -> None:
    """From nothing to a painted window, in new processes."""
    walls, insides, busy = [], [], []
    for _ in range(6):
        begin_s = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", START_UP, str(ROOT), str(folder / "start")],
            capture_output=True,
            text=True,
            check=True,
        )
        walls.append(time.perf_counter() - begin_s)
        inside, used, loaded = done.stdout.split()
        insides.append(float(inside))
        busy.append(float(used))
    print(
        f"first paint: {insides[0]:.2f} s first, {statistics.median(insides[1:]):.2f} s median of 5"
        f" (whole process {statistics.median(walls[1:]):.2f} s, of that "
        f"{statistics.median(busy[1:]):.2f} s of processor time); heavy modules loaded: {loaded}"
    )


def hour(folder: Path, minutes: float) -> None:
    """A long stereo file: when its waveform is there, what it takes, how fast it is drawn."""
    sound = folder / "long.wav"
    write_long(sound, minutes)
    print(f"{minutes:g} min stereo {RATE} Hz PCM_16, {sound.stat().st_size / 1e6:.0f} MB, in cache")
    before = memory()
    window = open_panel(folder / "one", sound)
    begin_s = time.perf_counter()
    wait(lambda: window.bench.sound is not None)
    shown = window.bench.sound
    assert shown is not None
    wait(lambda: len(shown.peaks.sketch) > 0 or shown.peaks.is_whole)
    print(f"first waveform: {time.perf_counter() - begin_s:.2f} s after the click")
    wait(lambda: shown.peaks.is_whole)
    print(f"whole waveform: {time.perf_counter() - begin_s:.2f} s; memory {memory():.0f} MB in all")
    wait(lambda: bool(window.timeline.onsets) or time.perf_counter() - begin_s > 30)
    frames(window, "no spans")
    random = np.random.default_rng(1)
    starts = np.sort(random.uniform(0, 60 * minutes - 20, 200))
    spans = tuple(
        SpanMark(float(s), float(s + random.uniform(1, 15)), "+-"[i % 2])
        for i, s in enumerate(starts)
    )
    document = window.bench.document
    document.edit("Draw", replace(document.draft, spans=spans))
    frames(window, "200 spans")
    print(f"memory: {memory():.0f} MB at the end, {before:.0f} MB before the file was opened")
    window.close()
    begin_s = time.perf_counter()
    window = open_panel(folder / "one", sound)
    wait(lambda: window.bench.sound is not None and window.bench.sound.peaks.is_whole)
    print(f"whole waveform from the cache: {time.perf_counter() - begin_s:.2f} s with a new window")
    window.close()


def frames(window: Window, what: str) -> None:
    """Paint while zooming in, panning, and zooming out: time of each frame on the Qt thread."""
    time_window = window.bench.time
    time_window.set(time_window.window.whole())
    spent: list[float] = []
    busy: list[float] = []
    moves: list[Callable[[], None]] = [lambda: time_window.zoom(0.93, 700.0)] * 120
    moves += [lambda: time_window.scroll(0.02)] * 120
    moves += [lambda: time_window.zoom(1 / 0.93, 700.0)] * 120
    for move in moves:
        begin_s, begin_cpu_s = time.perf_counter(), time.thread_time()
        move()
        QApplication.processEvents()
        spent.append(1000 * (time.perf_counter() - begin_s))
        busy.append(1000 * (time.thread_time() - begin_cpu_s))
    ordered = sorted(spent)
    print(
        f"frames, {what}: median {statistics.median(spent):.1f} ms, "
        f"p95 {ordered[int(0.95 * len(ordered))]:.1f} ms, worst {ordered[-1]:.1f} ms "
        f"({len(spent)} zooms and pans); of the Qt thread's processor time "
        f"{statistics.median(busy):.1f} ms median, {sorted(busy)[int(0.95 * len(busy))]:.1f} ms p95"
    )


def cancel(folder: Path, n_times: int) -> None:
    """From the click on a running job's Cancel to its card saying "cancelled", with builtin."""
    sound, home = folder / "ten.wav", folder / "server"
    write_long(sound, 10.0)
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--home", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        window = open_panel(home, sound)
        wait(lambda: (clip := window.bench.document.clip) is not None and clip.clip is not None)
        took = [one_cancel(window, number) for number in range(n_times)]
        window.close()
        server.terminate()
    took_s = [took_s for took_s, _ in took]
    print(
        f"cancel, 10 min stereo with builtin: {statistics.median(took_s):.2f} s median of "
        f"{n_times}, {max(took_s):.2f} s worst, from the click to the card; jobs were at "
        f"{min(at for _, at in took):.0%} to {max(at for _, at in took):.0%}"
    )


def one_cancel(window: Window, number: int) -> tuple[float, float]:
    """Seconds from the click to the card, and how far the job was. A seed for each: no store."""
    document, book = window.bench.document, window.bench.book
    options = replace(document.draft.options, separator="builtin", seed=number)
    spans = (SpanMark(10.0, 20.0), SpanMark(60.0, 70.0))
    document.edit("Draw", replace(document.draft, spans=spans, options=options))
    window.bench.run()
    # At another moment of the job each time: stages do not listen equally often.
    share = 0.05 + 0.08 * number % 0.8
    wait(lambda: any(job.progress.fraction > share for job in book.waiting()))
    (job,) = book.waiting()
    card = window.jobs.card(job.job_id)
    assert card is not None
    begin_s = time.perf_counter()
    card.cancel.click()
    wait(lambda: card.state.text() == "cancelled")
    return time.perf_counter() - begin_s, job.progress.fraction


def monkey(folder: Path, n_events: int, seed: int) -> None:
    """Random input against a window with a clip; an exception ends it."""
    sys.path.insert(0, str(ROOT))
    from tests.test_gui.monkey import Monkey
    from tests.test_gui.sounds import write_mixture

    window = open_panel(folder / "two", write_mixture(folder / "clip.wav"))
    wait(lambda: window.bench.document.clip is not None)
    player = Monkey(window, seed)
    n_warm = n_events // 10
    player.play(n_warm)
    before, held = memory(), holdings(window)
    begin_s = time.perf_counter()
    player.play(n_events - n_warm)
    took_s = time.perf_counter() - begin_s
    after = holdings(window)
    print(
        f"{n_events} random events, seed {seed}: no exception, "
        f"{1000 * took_s / (n_events - n_warm):.1f} ms each, memory {before:.0f} -> "
        f"{memory():.0f} MB; after the first {n_warm}: "
        + ", ".join(f"{name} {held[name]} -> {after[name]}" for name in held)
    )
    window.close()


def holdings(window: Window) -> dict[str, int]:
    """What a leak would make more of."""
    # What waits to be deleted is deleted by a running loop, which there is none of here.
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()
    process = psutil.Process()
    return {
        "widgets": len(window.findChildren(QWidget)),
        "Qt objects": len(window.findChildren(QObject)) + len(window.bench.findChildren(QObject)),
        "threads": process.num_threads(),
        "open files": process.num_fds(),
    }


def open_panel(home: Path, sound: Path) -> Window:
    """A window with a file, without a server."""
    window = build(PanelConfig(Server(home, start=False), Places.below(home), (sound,)))
    window.resize(1440, 900)
    window.show()
    return window


def wait(is_so: Callable[[], bool]) -> None:
    """Let Qt live until then."""
    while not is_so():
        QApplication.processEvents()
        time.sleep(0.001)


def write_long(path: Path, minutes: float) -> None:
    """Noise bursts over a tone, a minute at a time."""
    random = np.random.default_rng(0)
    times_s = np.arange(60 * RATE) / RATE
    minute = 6000 * np.sin(2 * np.pi * 220 * times_s) * (1 + np.sin(times_s))
    minute += 3000 * random.standard_normal(len(times_s)) * (np.sin(3 * times_s) > 0.7)
    samples = np.stack([minute, 0.7 * minute], axis=1).astype(np.int16)
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16", format="WAV") as out:
        for _ in range(max(round(minutes), 1)):
            out.write(samples)


def memory() -> float:
    """Of this process, in MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


def cpu_name() -> str:
    """The processor as Linux calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((each.partition(": ")[2] for each in lines if each.startswith("model name")), "?")


if __name__ == "__main__":
    sys.exit(main())
