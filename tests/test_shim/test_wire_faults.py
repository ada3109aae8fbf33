"""The plug-in's link against servers that die, hang, are others' or have forgotten."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bridge.client import connect
from tests.test_bridge.conftest import end, serve

from .conftest import OpenClient
from .wire_client import jobs, meet

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the client was never built there")


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
    assert not client.view()["is_waiting"]
    process = serve(home)
    client.until_link("connected")
    assert jobs(home) == []
    with connect(home, start=False) as other:
        assert other.clips() == []
    assert end(process) == 0


def test_a_worker_that_dies_fails_the_job_and_not_the_next(
    open_client: OpenClient, server: object, home: Path, minute: Path, mixture: Path
) -> None:
    client = open_client()
    client.make(minute)
    worker = meet(client, home)
    worker.send_signal(signal.SIGSEGV)
    worker.resume()
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
    worker = meet(client, home)
    job_id = client.view()["job_id"]
    known = {job.job_id for job in jobs(home)}
    if how == "stopped and killed":
        process.send_signal(signal.SIGSTOP)
        client.until_link("silent")
    process.kill()
    end(process)
    worker.resume()
    client.until_link("absent")
    if how == "with other keys":
        shutil.rmtree(home / "keys")
    process = serve(home)
    client.until_link("connected")
    assert client.until_job("done")["job_id"] == job_id
    assert {job.job_id for job in jobs(home)} == known
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
