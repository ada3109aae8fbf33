"""The plug-in's link against real servers: whole errands, and every way in which one can fail."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import soundfile as sf

from bridge.client import Client, connect
from tests.test_bridge.conftest import end, serve
from tests.test_daw.serving import write_mixture

from .wire_client import WireClient

OpenClient = Callable[..., WireClient]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the client was never built there")


@pytest.fixture(scope="module")
def program(checkout: Path) -> Path:
    """The client on the command line, which is built with the plug-in."""
    path = checkout / "plugin_shim" / "build" / "release" / "wire_client"
    if not path.exists():
        pytest.skip(
            f"{path} was not built: run `cmake --preset release && cmake --build --preset "
            "release` in plugin_shim"
        )
    return path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Everything of one installation; a server that a client started is stopped at the end."""
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    file = folder / "run" / "connection.json"
    if file.is_file():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(json.loads(file.read_text("utf-8"))["pid"])
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(60)


@pytest.fixture
def open_client(program: Path, home: Path) -> Iterator[OpenClient]:
    """Starts clients; all of them have to end when told to."""
    opened: list[WireClient] = []

    def open_one(**options: object) -> WireClient:
        opened.append(WireClient(program, home, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for each in opened:
        assert each.end() == 0


@pytest.fixture
def server(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server of this test's own."""
    process = serve(home)
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
    end(process)


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """Four seconds of 24 bits."""
    path = tmp_path / "Größe.wav"
    write_mixture(path)
    return path


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute: a second or two of work."""
    path = tmp_path_factory.mktemp("clips") / "minute.wav"
    write_mixture(path, seconds=60.0)
    return path


@pytest.fixture(scope="module")
def long_mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be met in the middle of its computation, on any machine."""
    path = tmp_path_factory.mktemp("clips") / "long.wav"
    write_mixture(path, seconds=400.0)
    return path


def jobs(home: Path) -> list[object]:
    """All jobs of the store."""
    with connect(home, start=False) as client:
        return list(client.jobs())


def test_an_errand_from_no_engine_to_stems_that_null(
    open_client: OpenClient, home: Path, mixture: Path
) -> None:
    client = open_client(impatient=False)
    client.do("watch")
    client.until_link("absent")
    client.make(mixture, host="Host", track="Drums", position_samples=7200)
    client.separate(seed=3)
    job = client.until_job("done")
    assert client.link["state"] == "connected"
    assert client.states()[-1] == "done"
    view = client.view()
    assert view["clip"]["origin"]["position_samples"] == 7200
    assert not view["is_waiting"]
    assert view["problem"] is None
    stems = {stem["role"]: Path(stem["path"]) for stem in job["result"]["stems"]}
    whole, _ = sf.read(mixture, dtype="int32")
    target, rate = sf.read(stems["target"], dtype="int32")
    residual, _ = sf.read(stems["residual"], dtype="int32")
    assert rate == 48_000
    assert (target + residual == whole).all()
    assert job["result"]["null_db"] is None
    burst, rest = target[48_000:72_000], target[100_000:]
    assert abs(burst / 2**31).mean() > 10 * abs(rest / 2**31).mean()
    # Another client sees what the plug-in put; a session opened again finds it by the ids.
    with connect(home, start=False) as other:
        assert other.clip(view["clip_id"]).origin.track == "Drums"
    again = open_client()
    again.do("restore", path=str(mixture), clip=view["clip_id"], job=view["job_id"])
    assert again.until_job("done")["result"] == job["result"]


def test_stems_are_delivered_where_they_were_asked_for(
    open_client: OpenClient, server: object, mixture: Path, tmp_path: Path
) -> None:
    client = open_client()
    client.make(mixture)
    client.separate(output_folder=str(tmp_path / "Song" / "StemLasso"))
    notices = client.until_job("done")["result"]["notices"]
    assert len(list((tmp_path / "Song" / "StemLasso").glob("*.wav"))) == 2
    assert "path_refused" not in [notice["code"] for notice in notices]


def test_a_refusal_is_told_and_the_next_request_goes(
    open_client: OpenClient, server: object, mixture: Path, tmp_path: Path
) -> None:
    client = open_client()
    noise = tmp_path / "no-audio.wav"
    noise.write_bytes(b"RIFF")
    client.make(noise, "bad")
    client.do("offer", "bad")
    client.until(lambda: client.view("bad")["problem"], "the problem is told")
    assert client.view("bad")["problem"]["code"] == "audio_unreadable"
    assert not client.view("bad")["is_waiting"]
    client.make(mixture)
    client.do("separate", description="", spans=[])
    client.until(lambda: client.view()["problem"], "the problem is told")
    assert client.view()["problem"]["code"] == "prompt_invalid"
    client.separate()
    client.until_job("done")
    assert client.view()["problem"] is None


def test_what_is_cancelled_before_there_is_an_engine_is_never_done(
    open_client: OpenClient, home: Path, mixture: Path
) -> None:
    client = open_client(command="/no/such/stemlasso")
    client.make(mixture)
    client.separate()
    client.until(lambda: "no such program" in client.link["words"], "it cannot be started")
    assert client.link["state"] == "absent"
    assert client.view()["is_waiting"]
    client.do("cancel")
    client.until_job("cancelled")
    process = serve(home)
    client.until(lambda: client.view()["clip"], "the clip is on the shelf")
    assert jobs(home) == []
    assert end(process) == 0


def test_a_running_job_is_cancelled_by_one_and_seen_by_the_other(
    open_client: OpenClient, server: object, home: Path, long_mixture: Path
) -> None:
    first, second = open_client(), open_client()
    first.make(long_mixture)
    first.separate()
    first.until(lambda: first.view()["job_id"], "the job has an id")
    ids = first.view()
    second.do("restore", path=str(long_mixture), clip=ids["clip_id"], job=ids["job_id"])
    second.until(lambda: second.view()["job"], "the other one sees it")
    second.do("cancel")
    assert first.until_job("cancelled")["job_id"] == ids["job_id"]
    second.until_job("cancelled")
    assert len(jobs(home)) == 1


def test_a_worker_that_dies_fails_the_job_and_not_the_next(
    open_client: OpenClient, server: "subprocess.Popen[bytes]", long_mixture: Path, mixture: Path
) -> None:
    client = open_client()
    client.make(long_mixture)
    client.separate()
    client.until_job("running")
    for worker in psutil.Process(server.pid).children(recursive=True):
        worker.send_signal(signal.SIGSEGV)
    assert client.until_job("failed")["error"]["code"] == "worker_died"
    client.make(mixture, "b")
    client.separate("b")
    client.until_job("done", "b")


@pytest.mark.parametrize("how", ["killed", "stopped and killed", "with other keys"])
def test_a_server_that_dies_in_the_middle_costs_nothing(
    open_client: OpenClient, home: Path, minute: Path, how: str
) -> None:
    process = serve(home)
    client = open_client()
    client.make(minute)
    client.separate()
    client.until(lambda: "running" in client.states(), "the job ran")
    if how == "stopped and killed":
        process.send_signal(signal.SIGSTOP)
        client.until_link("silent")
    process.kill()
    end(process)
    client.until_link("absent")
    if how == "with other keys":
        shutil.rmtree(home / "keys")
    process = serve(home)
    client.until_link("connected")
    client.until_job("done")
    assert len(jobs(home)) == 1
    assert end(process) == 0


def test_a_server_that_hangs_is_told_and_goes_on(
    open_client: OpenClient, server: "subprocess.Popen[bytes]", home: Path, mixture: Path
) -> None:
    client = open_client()
    client.make(mixture)
    client.do("offer")
    client.until(lambda: client.view()["clip"], "the clip is known")
    server.send_signal(signal.SIGSTOP)
    client.separate()
    client.until_link("silent")
    assert "does not answer" in client.link["words"]
    server.send_signal(signal.SIGCONT)
    client.until_job("done")
    client.until_link("connected")
    assert len(jobs(home)) == 1


def test_a_client_ends_while_the_server_hangs(
    open_client: OpenClient, server: "subprocess.Popen[bytes]", mixture: Path
) -> None:
    client = open_client()
    client.do("watch")
    client.until_link("connected")
    server.send_signal(signal.SIGSTOP)
    client.make(mixture)
    client.separate()
    client.until_link("silent")
    assert client.end() == 0
    assert psutil.Process(server.pid).status() == psutil.STATUS_STOPPED


def test_a_clip_whose_answer_was_lost_is_not_put_twice(
    open_client: OpenClient, server: "subprocess.Popen[bytes]", home: Path, mixture: Path
) -> None:
    client = open_client()
    client.do("watch")
    client.until_link("connected")
    server.send_signal(signal.SIGSTOP)
    client.make(mixture, track="Drums", position_s=1.5)
    client.separate()
    client.until_link("silent")
    server.send_signal(signal.SIGCONT)
    client.until_job("done")
    with connect(home, start=False) as other:
        assert len(other.clips()) == 1


def test_a_store_that_was_emptied_gets_the_clip_anew(
    open_client: OpenClient, home: Path, mixture: Path
) -> None:
    process = serve(home)
    client = open_client()
    client.make(mixture)
    client.separate()
    done = client.until_job("done")
    assert end(process) == 0
    shutil.rmtree(home / "store")
    process = serve(home)
    client.until_link("connected")
    client.until(lambda: client.view()["clip"] is None, "the clip is unknown")
    client.separate(seed=1)
    client.until(
        lambda: (
            client.view()["job"]
            and client.view()["job"]["state"] == "done"
            and client.view()["job_id"] != done["job_id"]
        ),
        "it is done anew",
    )
    assert end(process) == 0


def test_a_file_that_others_may_open_is_refused_until_it_is_private(
    open_client: OpenClient, server: object, home: Path
) -> None:
    file = home / "run" / "connection.json"
    file.chmod(0o644)
    client = open_client()
    client.do("watch")
    client.until_link("refused")
    assert "others may open it" in client.link["words"]
    file.chmod(0o600)
    client.until_link("connected")


def test_a_file_of_another_user_is_refused(
    open_client: OpenClient, server: object, home: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    os.chown(home / "run" / "connection.json", 12_345, 12_345)
    client = open_client()
    client.do("watch")
    client.until_link("refused")
    assert "another user" in client.link["words"]


def test_another_major_is_refused_in_words_with_both_versions(
    open_client: OpenClient, server: object, home: Path
) -> None:
    file = home / "run" / "connection.json"
    said = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**said, "protocol": "2.3"}), "utf-8")
    client = open_client()
    client.do("watch")
    client.until_link("refused")
    assert "2.3" in client.link["words"]
    assert "1." in client.link["words"]
    file.write_text(json.dumps(said), "utf-8")
    client.until_link("connected")


def test_an_engine_that_does_not_come_up_is_told_with_its_last_words(
    open_client: OpenClient, home: Path, tmp_path: Path
) -> None:
    script = tmp_path / "stemlasso"
    script.write_text("#!/bin/sh\necho 'error: no disk left' >&2\nexit 1\n")
    script.chmod(0o755)
    client = open_client(command=str(script))
    client.do("start")
    client.until(lambda: "no disk left" in client.link.get("words", ""), "its last words")
    assert client.link["state"] == "absent"


def test_the_engine_outlives_the_client_and_holds_nothing_of_it(
    open_client: OpenClient, home: Path
) -> None:
    reading, writing = os.pipe()
    client = open_client(pass_fds=(writing,))
    os.close(writing)
    client.do("start")
    client.until_link("connected")
    pid = json.loads((home / "run" / "connection.json").read_text("utf-8"))["pid"]
    assert os.getsid(pid) != os.getsid(client.process.pid)
    assert psutil.Process(client.process.pid).children(recursive=True) == []
    assert client.end() == 0
    assert os.read(reading, 1) == b""  # nobody else has the other end
    os.close(reading)
    assert psutil.pid_exists(pid)
    assert stat.S_IMODE((home / "run" / "server.log").stat().st_mode) == 0o600


def test_the_panel_is_opened_with_the_clip(open_client: OpenClient, tmp_path: Path) -> None:
    script, told = tmp_path / "stem lasso", tmp_path / "told.txt"
    script.write_text(f'#!/bin/sh\nfor each in "$@"; do echo "$each"; done > "{told}"\n')
    script.chmod(0o755)
    client = open_client(command=json.dumps([str(script), "with a blank"]))
    client.do("panel", clip="c1")
    client.until(told.is_file, "the panel was started")
    client.until(lambda: told.read_text().count("\n") == 4, "all words are there")
    assert told.read_text().splitlines() == ["with a blank", "panel", "--clip", "c1"]
    assert client.panel == {"panel": True, "words": ""}


def test_a_panel_that_cannot_be_opened_is_told(open_client: OpenClient) -> None:
    client = open_client(command="/no/such/stemlasso")
    client.do("panel")
    client.until(lambda: client.panel, "an answer")
    assert not client.panel["panel"]
    assert "/no/such/stemlasso" in client.panel["words"]


def test_an_older_python_client_and_the_plugin_share_a_shelf(
    open_client: OpenClient, server: object, home: Path, mixture: Path
) -> None:
    client = open_client()
    client.make(mixture)
    client.do("offer")
    client.until(lambda: client.view()["clip"], "the clip is known")
    clip_id = client.view()["clip_id"]
    other: Client
    with connect(home, start=False) as other:
        assert [clip.clip_id for clip in other.clips()] == [clip_id]
        other.remove_clip(clip_id)
        client.until(lambda: client.view()["clip"] is None, "it was taken off")
        client.separate()
        client.until_job("done")
        assert [clip.clip_id for clip in other.clips()] != [clip_id]
