"""Cancel, a killed engine, a killed server, a killed panel: the panel says so and loses nothing."""

import contextlib
import itertools
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from bridge.client import connect
from bridge.protocol.values import CANCELLED, DONE, FAILED, FINAL_STATES, RUNNING, Job
from gui.state.places import Places
from gui.state.sessions import Sessions
from gui.state.spans import SpanMark
from gui.window import Window
from tests.test_bridge.held import Looks

from .conftest import OpenPanel, serving, until
from .mouse import CTRL, drag
from .sounds import write_mixture

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are found and killed as Linux does it"
)

_NUMBERS = itertools.count()


def newest_id(window: Window) -> str:
    """Of the clip's jobs, empty when there is none."""
    clip = window.bench.document.clip
    jobs = window.bench.book.of_clip(clip.clip.clip_id) if clip and clip.clip else []
    return jobs[0].job_id if jobs else ""


def start_job(window: Window) -> Job:
    """Draw, describe, run with a seed of its own; gives the job once the panel knows it."""
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    if not window.bench.document.draft.spans:
        window.bar.tools["snap"].click()
        drag(window.timeline, 5.0, 10.0)
        drag(window.timeline, 15.0, 20.0)
        QTest.keyClicks(window.prompt.edit, "dog barking")
    before = newest_id(window)
    # A server answers what it has done before from its store.
    window.prompt.options.seed.setValue(next(_NUMBERS))
    window.prompt.run.click()
    until(lambda: newest_id(window) != before, "the panel knows of the job")
    job = window.bench.book.job(newest_id(window))
    assert job is not None
    return job


@contextlib.contextmanager
def looking(home: Path) -> Iterator[Looks]:
    """At a server, past the panel."""
    with connect(home, start=False) as client:
        yield Looks(client.job, lambda: client.status().engine.pid)


def meet(window: Window, home: Path) -> tuple[Job, psutil.Process]:
    """A job that the panel shows as running, and its worker, held in the middle of it."""
    with looking(home) as looks:
        job, worker = looks.meet(lambda: start_job(window))
    until(lambda: state_in(window, job) == RUNNING, "the panel knows that it runs")
    return job, worker


def state_in(window: Window, job: Job) -> str:
    known = window.bench.book.job(job.job_id)
    return known.state if known is not None else ""


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    """Long enough to be met in the middle of its computation."""
    return write_mixture(tmp_path / "long.wav", 25.0, "PCM_16")


def test_cancel_stops_a_job_in_its_middle_and_it_can_be_done_again(
    open_panel: OpenPanel, long_clip: Path, server_home: Path
) -> None:
    """How soon it acts is measured in tests/benchmarks/bench_panel.py."""
    window = open_panel(long_clip)
    job, worker = meet(window, server_home)
    card = window.jobs.card(job.job_id)
    assert card is not None
    assert card.cancel.isVisible()
    card.cancel.click()
    worker.resume()
    until(lambda: state_in(window, job) in FINAL_STATES, "it has ended")
    ended = window.bench.book.job(job.job_id)
    assert ended is not None
    assert ended.state == CANCELLED
    assert ended.progress.fraction < 0.9
    assert card.state.text() == "cancelled"
    assert card.retry.isVisible()
    card.retry.click()
    until(lambda: window.bench.shown_job, "it was done again")
    assert window.bench.shown_job is not None
    assert window.bench.shown_job.retry_of == job.job_id
    assert len(window.bench.document.draft.spans) == 2


def test_two_jobs_queue_and_both_are_kept_in_the_history(
    open_panel: OpenPanel, long_clip: Path, server_home: Path
) -> None:
    window = open_panel(long_clip)
    first, worker = meet(window, server_home)
    second = start_job(window)
    waiting = window.jobs.card(second.job_id)
    assert waiting is not None
    assert waiting.state.text() == "waiting"
    worker.resume()
    until(lambda: {state_in(window, each) for each in (first, second)} == {DONE}, "both are done")
    card = window.jobs.card(first.job_id)
    assert card is not None
    card.reuse.click()
    assert window.bench.document.draft.options.seed == first.options.seed
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert window.bench.document.draft.options.seed == second.options.seed


def test_an_engine_killed_twice_is_said_so_and_retry_works(
    open_panel: OpenPanel, long_clip: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with serving(home):
        window = open_panel(long_clip, home=home)
        again = None
        while again is None:
            job, worker = meet(window, home)
            worker.kill()
            with looking(home) as looks:
                again = looks.hold(job.job_id, attempt=2)
        again.kill()
        until(lambda: state_in(window, job) in FINAL_STATES, "the job has ended")
        failed = window.bench.book.job(job.job_id)
        assert failed is not None
        assert failed.state == FAILED
        assert failed.error is not None
        assert failed.error.code == "worker_died"
        card = window.jobs.card(job.job_id)
        assert card is not None
        assert "then retry" in card.help.text()
        assert "Nothing that you drew is lost" in window.notice.text.text()
        assert len(window.bench.document.draft.spans) == 2
        card.retry.click()
        until(lambda: window.bench.shown_job, "the retry is done")
        window.close()


# The server that the panel starts outlives the panel on purpose.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_server_is_started_again_and_the_job_goes_on(
    open_panel: OpenPanel, long_clip: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with serving(home) as server:
        window = open_panel(long_clip, home=home, start=True)
        job, worker = meet(window, home)
        server.send_signal(signal.SIGKILL)
        server.wait(60)
        worker.kill()
        until(lambda: window.bar.server.text() == "no engine", "the panel notices")
        assert len(window.bench.document.draft.spans) == 2
        until(lambda: window.bar.server.text() == "engine ready", "another server is there")
        until(lambda: state_in(window, job) == DONE, "the job was taken up and done")
        window.close()  # first: it would start another server for the one that stops
        stop_server(home)


def stop_server(home: Path) -> None:
    """Stop the server that the panel started, and wait for the end of its process."""
    with connect(home, start=False) as client:
        client.stop_server()
    until(
        lambda: "server-end" not in [thread.name for thread in threading.enumerate()],
        "the server has ended",
    )


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from PyQt6.QtTest import QTest
    from gui.app import PanelConfig, application, build
    from gui.link.bridge import Server
    from gui.state.places import Places
    from gui.state.sessions import Sessions
    from gui.state.spans import SpanMark
    home, panel, clip = map(Path, sys.argv[1:])
    qt = application([])
    window = build(PanelConfig(Server(home, start=False), Places.below(panel), (clip,)))
    window.show()
    while window.bench.document.clip is None:
        QTest.qWait(10)
    window.bench.document.edit_spans("Draw", (SpanMark(0.5, 1.5), SpanMark(2.0, 2.5, "-")))
    QTest.keyClicks(window.prompt.edit, "dog barking")
    window.bench.time.select((1.0, 2.0))
    sessions = Sessions(Places.below(panel))
    while (kept := sessions.load(clip)) is None or kept.draft.description != "dog barking":
        QTest.qWait(10)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_panel_comes_back_with_everything_drawn(
    open_panel: OpenPanel, server_home: Path, tmp_path: Path
) -> None:
    clip = write_mixture(tmp_path / "mixture.wav")
    places = tmp_path / "kept"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(server_home), str(places), str(clip)],
        capture_output=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert Sessions(Places.below(places)).load(clip) is not None
    window = open_panel(clip, places=places)
    until(lambda: window.bench.document.draft.spans, "the session is back")
    assert window.bench.document.draft.spans == (SpanMark(0.5, 1.5), SpanMark(2.0, 2.5, "-"))
    assert window.prompt.edit.text() == "dog barking"
    assert window.bench.time.selection == (1.0, 2.0)


def test_a_result_comes_back_with_its_clip(open_panel: OpenPanel, tmp_path: Path) -> None:
    clip, other = (write_mixture(tmp_path / name) for name in ("one.wav", "two.wav"))
    window = open_panel(clip)
    until(lambda: (found := window.bench.document.clip) and found.clip, "the clip is known")
    drag(window.timeline, 1.0, 1.4)
    window.prompt.run.click()
    until(lambda: len(window.listening.lanes) == 3, "the stems are there")
    window.bench.open_file(other)
    until(lambda: window.bench.document.clip and window.bench.document.clip.path == other, "other")
    assert window.bench.document.draft.spans == ()
    until(lambda: len(window.listening.lanes) == 1, "no stems of the other clip")
    window.bench.open_file(clip)
    until(lambda: len(window.listening.lanes) == 3, "the stems are back")
    assert len(window.bench.document.draft.spans) == 1


def test_files_that_are_no_sound_are_refused_in_words(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    window = open_panel()
    for name, content in (("a.wav", b"RIFF"), ("b.txt", b"no sound"), ("c.flac", b"")):
        (tmp_path / name).write_bytes(content)
        window.notice.hide()
        window.bench.open_file(tmp_path / name)
        until(window.notice.isVisible, f"{name} is refused")
        assert name in window.notice.text.text()
    window.bench.open_file(tmp_path / "nowhere.wav")
    until(lambda: "nowhere" in window.notice.text.text(), "it is said to be missing")
    assert window.pages.currentIndex() == 0
