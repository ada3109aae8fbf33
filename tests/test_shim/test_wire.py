"""The plug-in's link against real servers: whole errands, and what it starts."""

import contextlib
import json
import os
import stat
import sys
from pathlib import Path

import psutil
import pytest
import soundfile as sf

from bridge.client import Client, connect

from .conftest import OpenClient
from .wire_client import jobs, meet

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the client was never built there")


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


def test_a_running_job_is_cancelled_by_one_and_seen_by_the_other(
    open_client: OpenClient, server: object, home: Path, minute: Path
) -> None:
    first, second = open_client(), open_client()
    first.make(minute)
    worker = meet(first, home)
    ids = first.view()
    second.do("restore", path=str(minute), clip=ids["clip_id"], job=ids["job_id"])
    second.until(lambda: second.view()["job"], "the other one sees it")
    second.do("cancel")
    assert first.until_job("cancelled")["job_id"] == ids["job_id"]
    second.until_job("cancelled")
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.resume()
    assert [job.state for job in jobs(home)].count("cancelled") == 1


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


def test_hosts_that_start_the_engine_at_once_share_one(
    open_client: OpenClient, home: Path, mixture: Path
) -> None:
    clients = [open_client(impatient=False) for _ in range(3)]
    for number, client in enumerate(clients):
        client.make(mixture, position_s=float(number))
        client.separate()
    ids = {client.until_job("done")["job_id"] for client in clients}
    assert len(ids) == 3
    with connect(home, start=False) as other:
        assert {job.job_id for job in other.jobs()} == ids


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
