"""The whole server killed, starved of disk, started twice, left alone by its clients."""

import itertools
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bridge.client import Client, connect
from bridge.errors import BridgeError
from bridge.folders import Folders
from bridge.protocol.values import Clip, Job

from .clips import clicks, stem_sum, write_clip
from .conftest import StartServer, end, eventually, serve
from .desk_driver import BUILTIN, SPANS
from .held import Looks

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="signals and limits are sent as POSIX systems do it"
)


def seeded(seed: int) -> object:
    return replace(BUILTIN, seed=seed)


def meet(client: Client, clip: Clip) -> tuple[Job, psutil.Process]:
    """A job in the middle of its computation, and its worker, stopped."""
    numbers = itertools.count(1000)
    looks = Looks(client.job, lambda: client.status().engine.pid)
    return looks.meet(lambda: client.submit(clip.clip_id, SPANS, seeded(next(numbers))))


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_a_killed_server_takes_up_its_jobs_when_it_is_started_again(
    start_server: StartServer, home: Path, folders: Folders, tmp_path: Path
) -> None:
    server = start_server()
    with connect(home, start=False) as client:
        clip = client.put_file(write_clip(tmp_path / "long.wav", 30.0))
        short = client.put_file(write_clip(tmp_path / "short.wav", 0.5))
        finished = client.submit(short.clip_id, SPANS, BUILTIN)
        client.result(finished.job_id, 300)
        interrupted, computing = meet(client, clip)
        waiting = [client.submit(short.clip_id, SPANS, seeded(seed)) for seed in (1, 2)]
        workers = below(server.pid)
        server.send_signal(signal.SIGKILL)
        server.wait(60)
        computing.resume()
    psutil.wait_procs(workers, 300)
    assert not [worker for worker in workers if worker.is_running()]

    start_server()
    with connect(home, start=False) as client:
        for job in (finished, interrupted, *waiting):
            assert client.result(job.job_id, 300).result is not None
        done = client.job(interrupted.job_id)
        assert done.attempt == 2
        assert abs(stem_sum(done) - clicks(30.0)).max() < 1e-6
        assert client.job(finished.job_id).attempt == 1
    assert not list((folders.store / "jobs").glob("*/work-*"))
    n_done = len(list((folders.store / "outbox").glob("*.timeline.json")))
    with connect(home, start=False) as client:
        assert n_done == len(client.jobs()) >= 4


def test_one_who_watches_sees_the_end_over_a_restart(
    start_server: StartServer, home: Path, tmp_path: Path
) -> None:
    server = start_server()
    with connect(home, start=False) as client:
        clip = client.put_file(write_clip(tmp_path / "long.wav", 30.0))
        job, worker = meet(client, clip)
        seen: list[str] = []
        watcher = threading.Thread(
            target=lambda: seen.extend(event.name for event in client.watch(job.job_id, 300))
        )
        watcher.start()
        eventually(lambda: bool(seen), "it is watched")
        server.send_signal(signal.SIGKILL)
        server.wait(60)
        worker.resume()
        start_server()
        watcher.join(300)
        assert not watcher.is_alive()
    assert seen[-1] == "job.done"
    assert seen.count("job.done") == 1


def test_a_stopped_server_takes_up_its_jobs_as_well(
    start_server: StartServer, home: Path, tmp_path: Path
) -> None:
    server = start_server()
    with connect(home, start=False) as client:
        clip = client.put_file(write_clip(tmp_path / "long.wav", 30.0))
        job, _ = meet(client, clip)
    assert end(server) == 0
    start_server()
    with connect(home, start=False) as client:
        assert client.result(job.job_id, 300).result is not None


def test_of_servers_started_at_once_one_serves(home: Path) -> None:
    servers: list[subprocess.Popen[bytes]] = []
    threads = [threading.Thread(target=lambda: servers.append(serve(home))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        eventually(
            lambda: sum(server.poll() is None for server in servers) == 1, "the others give up"
        )
        said = (home / "server.out").read_text("utf-8")
        assert "server_running" in said or "store_in_use" in said
        with connect(home, start=False) as client:
            pids = [server.pid for server in servers if server.poll() is None]
            assert [client.welcome.pid] == pids
    finally:
        for server in servers:
            end(server)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are set on Linux")
def test_a_disk_that_is_full_for_the_store_costs_a_reply_not_the_server(
    server: "subprocess.Popen[bytes]", client: Client, folders: Folders, tmp_path: Path
) -> None:
    clip = client.put_file(write_clip(tmp_path / "long.wav", 20.0))
    job, worker = meet(client, clip)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY))
    for attempt in (
        lambda: client.submit(clip.clip_id, SPANS, BUILTIN),
        lambda: client.put_samples(clicks(0.1), 48_000, name="captured"),
        lambda: client.put_file(tmp_path / "long.wav"),
    ):
        with pytest.raises(BridgeError) as refused:
            attempt()
        assert refused.value.code == "store_full"
    worker.resume()
    # the job cannot be recorded, and still comes to an end that everybody is told of
    eventually(lambda: client.job(job.job_id).is_final, "the job ends")
    ended = client.job(job.job_id)
    assert ended.error is not None
    assert ended.error.code in ("disk_full", "store_full")
    assert client.ping() > 0

    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
    again = client.retry(job.job_id)
    assert client.result(again.job_id, 300).result is not None
    assert not list(folders.store.glob("jobs/*/work-*"))
    assert not list((folders.store / "incoming").iterdir())


STEPPING_CLOCK = """
    import os, time
    _time, _folder = time.time, os.environ["STEP_FILE"]
    time.time = lambda: _time() - (86_400.0 if os.path.exists(_folder) else 0.0)
"""


def test_a_clock_that_is_set_back_stops_nothing(
    start_server: StartServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock of this computer is not ours to set: in the server's processes Python's is.
    shim, step = tmp_path / "shim", tmp_path / "stepped"
    shim.mkdir()
    (shim / "sitecustomize.py").write_text(textwrap.dedent(STEPPING_CLOCK), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(shim))
    monkeypatch.setenv("STEP_FILE", str(step))
    start_server()
    with connect(home, start=False) as client:
        clip = client.put_file(write_clip(tmp_path / "long.wav", 20.0))
        first, worker = meet(client, clip)
        step.touch()
        second = client.submit(clip.clip_id, SPANS, seeded(1))
        assert second.created_s < first.created_s - 80_000
        worker.resume()
        assert client.result(first.job_id, 300).finished_s is not None
        client.result(second.job_id, 300)
        assert [job.job_id for job in client.jobs()][:2] == [second.job_id, first.job_id]
        progress = client.job(second.job_id).progress
        assert progress.seconds_left == 0.0


def census(pid: int) -> dict[str, int]:
    """Open files, threads, sockets and children of a process."""
    process = psutil.Process(pid)
    return {
        "files": process.num_fds(),
        "threads": process.num_threads(),
        "sockets": len(process.net_connections()),
        "children": len(process.children(recursive=True)),
    }


def test_many_clients_at_once_leave_nothing_behind(
    server: "subprocess.Popen[bytes]", home: Path, folders: Folders, tmp_path: Path
) -> None:
    n_clients, n_each = 16, 4
    paths = [write_clip(tmp_path / f"{n}.wav", 0.2, 1, 8_000, seed=n) for n in range(n_clients)]
    with connect(home, start=False) as warm:
        clip = warm.put_file(paths[0])
        warm.result(warm.submit(clip.clip_id, SPANS, BUILTIN).job_id, 300)
    before = settled(server.pid)
    finished: list[Job] = []
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with connect(home, start=False) as client:
                clip = client.put_file(paths[number])
                jobs = [client.submit(clip.clip_id, SPANS, seeded(n)) for n in range(n_each)]
                finished.extend(done(client, job) for job in jobs)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert not failures
    assert [job.state for job in finished] == ["done"] * n_clients * n_each
    assert len({job.job_id for job in finished}) == n_clients * n_each
    eventually(lambda: census(server.pid) == before, f"it has {before} again")
    assert not list((folders.store / "incoming").iterdir())
    assert not list(folders.store.glob("jobs/*/work-*"))
    with connect(home, start=False) as client:
        assert {job.state for job in client.jobs()} == {"done"}


def done(client: Client, job: Job) -> Job:
    client.result(job.job_id, 300)
    return client.job(job.job_id)


def settled(pid: int) -> dict[str, int]:
    """A census that stays the same for a second: closed connections have been let go."""
    last, since_s = census(pid), time.monotonic()
    while time.monotonic() - since_s < 1.0:
        time.sleep(0.1)
        now = census(pid)
        if now != last:
            last, since_s = now, time.monotonic()
    return last
