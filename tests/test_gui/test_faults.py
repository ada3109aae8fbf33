"""Cancel, a killed engine, a killed server, a killed panel: the panel says so and loses nothing."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from bridge.client import connect
from bridge.protocol.values import CANCELLED, DONE, FAILED, RUNNING, Job
from gui.state.places import Places
from gui.state.sessions import Sessions
from gui.state.spans import SpanMark
from gui.window import Window

from .conftest import OpenPanel, serving, until
from .mouse import CTRL, drag
from .sounds import write_mixture

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are found and killed as Linux does it"
)

_NUMBERS = itertools.count()


def newest(window: Window) -> Job | None:
    clip = window.bench.document.clip
    jobs = window.bench.book.of_clip(clip.clip.clip_id) if clip and clip.clip else []
    return jobs[0] if jobs else None


def start_job(window: Window) -> Job:
    """Draw, describe, run; gives the job once it is running."""
    until(lambda: (clip := window.bench.document.clip) and clip.clip, "the clip is known")
    if not window.bench.document.draft.spans:
        window.bar.tools["snap"].click()
        drag(window.timeline, 10.0, 20.0)
        drag(window.timeline, 30.0, 40.0)
        QTest.keyClicks(window.prompt.edit, "dog barking")
    window.prompt.run.click()
    until(lambda: (job := newest(window)) and job.state == RUNNING, "the job runs")
    job = newest(window)
    assert job is not None
    return job


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    """Long enough to be met in the middle of its computation.

    Another one each time: a server answers what it has done before from its store.
    """
    return write_mixture(tmp_path / "long.wav", 45.0 + next(_NUMBERS) / 100, "PCM_16")


def test_cancel_acts_within_a_second_and_the_job_can_be_done_again(
    open_panel: OpenPanel, long_clip: Path
) -> None:
    window = open_panel(long_clip)
    job = start_job(window)
    card = window.jobs.card(job.job_id)
    assert card is not None
    assert card.cancel.isVisible()
    card.cancel.click()
    until(lambda: (now := newest(window)) and now.state == CANCELLED, "it is cancelled", 5)
    assert card.state.text() == "cancelled"
    assert card.retry.isVisible()
    card.retry.click()
    until(lambda: window.bench.shown_job, "it was done again")
    assert window.bench.shown_job is not None
    assert window.bench.shown_job.retry_of == job.job_id
    assert len(window.bench.document.draft.spans) == 2


def test_two_jobs_queue_and_both_are_kept_in_the_history(
    open_panel: OpenPanel, long_clip: Path
) -> None:
    window = open_panel(long_clip)
    first = start_job(window)
    window.prompt.options.seed.setValue(5)
    window.bench.run()
    until(lambda: (job := newest(window)) and job.job_id != first.job_id, "a second job")
    second = newest(window)
    assert second is not None
    until(lambda: (job := newest(window)) and job.state == DONE, "both are done")
    assert [window.bench.book.job(each.job_id).state for each in (first, second)] == [DONE] * 2  # type: ignore[union-attr]
    card = window.jobs.card(first.job_id)
    assert card is not None
    card.reuse.click()
    assert window.bench.document.draft.options.seed == 0
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert window.bench.document.draft.options.seed == 5


def test_an_engine_killed_twice_is_said_so_and_retry_works(
    open_panel: OpenPanel, long_clip: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with serving(home) as server:
        window = open_panel(long_clip, home=home)
        job = start_job(window)
        killed: set[int] = set()

        def is_killed_twice() -> bool:
            now = window.bench.book.job(job.job_id)
            if now is not None and now.state == RUNNING and now.progress.fraction > 0.05:
                killed.update(kill_workers(server.pid, killed))
            return now is not None and now.is_final

        until(is_killed_twice, "the job has failed")
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
        start_job(window)
        children = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        for child in children:
            kill(child.pid)
        until(lambda: window.bar.server.text() == "no engine", "the panel notices")
        assert len(window.bench.document.draft.spans) == 2
        until(lambda: window.bar.server.text() == "engine ready", "another server is there")
        until(lambda: window.bench.shown_job, "the job was taken up and done")
        stop_server(home)
        window.close()


def kill(pid: int) -> None:
    """Kill a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def stop_server(home: Path) -> None:
    """Stop the server that the panel started, and wait for the end of its process."""
    with connect(home, start=False) as client:
        client.stop_server()
    until(
        lambda: "server-end" not in [thread.name for thread in threading.enumerate()],
        "the server has ended",
    )


def kill_workers(server_pid: int, but: set[int]) -> set[int]:
    """Kill the server's busiest child, which computes; gives its id."""
    children = [
        each for each in psutil.Process(server_pid).children(recursive=True) if each.pid not in but
    ]
    busiest = max(children, key=lambda each: sum(each.cpu_times()[:2]), default=None)
    if busiest is None:
        return set()
    kill(busiest.pid)
    return {busiest.pid}


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
        timeout=60,
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
