"""The plug-in's window and the engine: buttons are pressed, and the engine asked what came of it.

The plug-in is in pedalboard; its clip comes with its state, as from a saved project.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bridge.client import Client, connect
from bridge.protocol.values import CANCELLED, DONE, FAILED, Job
from tests.test_bridge.held import Looks
from tests.test_daw.serving import serving, write_mixture
from tests.test_daw.x_screen import wait_for

from .editor_host import EditorHost, editor_host, write_state
from .editor_screen import needs_screen
from .editor_window import PATIENCE_S

pytestmark = needs_screen
N_TRIES = 6

# Notes how it was called, and is the engine process where that is wanted.
COMMAND = """
import json, os, sys
from pathlib import Path
note = Path({folder!r}) / (sys.argv[1] + ".json")
note.with_suffix(".part").write_text(json.dumps({{"words": sys.argv[1:], "pid": os.getpid()}}))
note.with_suffix(".part").rename(note)
if sys.argv[1] == "serve":
    os.chdir({checkout!r})
    words = [sys.executable, "-m", "bridge", "serve", "--home", {home!r}]
    os.execv(words[0], words)
"""


@contextmanager
def ended(noted: Path) -> Iterator[None]:
    """The engine that a window started goes on without it: here it is ended."""
    try:
        yield
    finally:
        if noted.exists():
            with suppress(psutil.NoSuchProcess):
                server = psutil.Process(json.loads(noted.read_text("utf-8"))["pid"])
                server.terminate()
                server.wait(90)


def choose_draft(host: EditorHost) -> None:
    """The first of the menu, with the keys; again while the menu has not the keys yet."""
    for patience_s in (2, 4, 8, 16, 32):
        host.click("how")
        host.act("sleep", "0.3", "key", "Down", "sleep", "0.1", "key", "Return")
        with suppress(AssertionError):
            wait_for(lambda: host.part("how")["title"] == "Options: Draft", "draft", patience_s)
            return
        host.act("key", "Escape")
    raise AssertionError(f"the menu says {host.part('how')}")


def test_from_start_engine_to_the_panel_and_to_an_error(
    plugin: Path, checkout: Path, home: Path, tmp_path: Path, song: Path
):
    script = tmp_path / "command.py"
    values = {"folder": str(tmp_path), "checkout": str(checkout), "home": str(home)}
    script.write_text(COMMAND.format(**values), "utf-8")
    command = json.dumps([sys.executable, str(script)])
    state = write_state(tmp_path, song)
    with (
        ended(tmp_path / "serve.json"),
        editor_host(plugin, home, tmp_path / "desk", state, command) as host,
    ):
        host.wait("engine", lambda part: part["title"] == "engine not running")
        host.press("start", lambda: host.part("start") == {}, "the engine was started")
        host.wait("engine", lambda part: part["title"] == "engine ready")
        assert host.part("start") == {}
        with connect(home, start=False) as client:
            assert client.jobs() == []
            choose_draft(host)
            host.write("description", "noise")
            host.act("key", "Return")
            host.wait("prompt", lambda part: part["title"].startswith("Done"))
            host.wait("null", lambda part: part["title"] == "null: exact")
            (job,) = client.jobs()
            assert (job.state, job.options.quality) == (DONE, "draft")
            assert job.prompt.description == "noise"
            clip = client.clip(job.clip_id)
            assert (clip.path, clip.name) == (str(song), "Nocturne")

            noted = tmp_path / "panel.json"
            host.press("panel", noted.exists, "the panel")
            words = json.loads(noted.read_text("utf-8"))["words"]
            assert words == ["panel", "--clip", clip.clip_id]

            standard = "Options: Standard"
            host.press("refine", lambda: host.part("how")["title"] == standard, standard)
            wait_for(lambda: len(client.jobs()) == 2, "another job", PATIENCE_S)
            wait_for(lambda: all(each.is_final for each in client.jobs()), "its end", PATIENCE_S)
            assert {each.options.quality for each in client.jobs()} == {"draft", "standard"}
            wait_for(lambda: host.part("refine") == {}, "nothing to refine", PATIENCE_S)
            host.wait("separate", lambda part: part["enabled"])

            write_mixture(song, 3.0)  # behind the engine's back
            advice = ". Remove it here and add the file again."
            host.press("separate", lambda: host.part("prompt")["title"].endswith(advice), advice)
            (error,) = [each.error for each in client.jobs() if each.state == FAILED]
            assert error is not None
            assert error.code == "clip_changed"
            assert host.part("prompt")["title"] == error.message + advice
            assert host.part("separate")["enabled"]


def test_cancel_ends_the_job_in_the_engine(
    plugin: Path, home: Path, tmp_path: Path, long_song: Path
):
    with (
        serving(home),
        connect(home, start=False) as client,
        editor_host(plugin, home, tmp_path / "desk", write_state(tmp_path, long_song)) as host,
    ):
        job = cancelled(host, client)
        host.wait("prompt", lambda part: part["title"] == "Cancelled. Nothing of it is left.")
        host.wait("separate", lambda part: part["enabled"])
        assert job.result is None
        assert not list((home / "store" / "jobs" / job.job_id).rglob("*.wav"))


def cancelled(host: EditorHost, client: Client) -> Job:
    """A job of the window that was cancelled there; one that was over before is no failure."""
    for attempt in range(N_TRIES):
        job = cancel_one(host, client, f"noise {attempt}")
        if job.state == CANCELLED:
            return job
    raise AssertionError(f"{N_TRIES} jobs were over before they were cancelled")


def cancel_one(host: EditorHost, client: Client, description: str) -> Job:
    """Separate, and cancel while the job is held in its middle; gives the job as it ended."""
    before = {job.job_id for job in client.jobs()}
    host.write("description", description)
    host.press("separate", lambda: {job.job_id for job in client.jobs()} - before, "a job")
    (job_id,) = {job.job_id for job in client.jobs()} - before
    worker = Looks(client.job, lambda: client.status().engine.pid).hold(job_id)
    if worker is None:
        return client.job(job_id)
    try:
        # a worker that is held too long is ended, and its job taken up by another
        wait_for(lambda: host.part("cancel") or client.job(job_id).is_final, "cancel", PATIENCE_S)
        if not client.job(job_id).is_final:
            host.press("cancel", lambda: client.job(job_id).is_final, "the end of the job")
    finally:
        with suppress(psutil.NoSuchProcess):
            worker.resume()
    return client.job(job_id)
