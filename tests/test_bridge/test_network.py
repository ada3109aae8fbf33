"""A server elsewhere in the studio: keys exchanged by hand, audio instead of paths."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from bridge.client import Client, connect
from bridge.errors import PathRefused, RequestRefused
from bridge.folders import Folders
from bridge.protocol.messages import (
    Empty,
    JobSubmit,
    StoreClean,
)
from bridge.protocol.transfers import (
    ClipPut,
)
from bridge.protocol.values import JobOptions, WirePrompt, WireSpan
from bridge.security import Keys, RemoteServer

from .conftest import StartServer, free_ports

PROMPT = WirePrompt("noise", (WireSpan(0.5, 1.0),))
BUILTIN = JobOptions(separator="builtin", n_threads=1)


@pytest.fixture
def studio(start_server: StartServer, home: Path, tmp_path: Path) -> Iterator[Client]:
    """A workstation's client of a server that listens, as after `stemlasso keys`."""
    workstation = tmp_path / "workstation"
    port = free_ports()
    theirs = Keys(Folders.below(workstation).keys)
    Keys(Folders.below(home).keys).allow("workstation", theirs.client().public)
    theirs.trust("gpu", RemoteServer(f"127.0.0.1:{port}", Keys(home / "keys").server().public))
    start_server("--listen", f"127.0.0.1:{port}")
    with connect(workstation, server="gpu") as client:
        yield client


def test_a_server_elsewhere_gets_and_gives_audio_and_never_a_path(
    studio: Client, home: Path, mixture: Path, tmp_path: Path
) -> None:
    assert not studio.welcome.paths
    events = studio.subscribe()
    clip = studio.put_file(mixture)
    assert (clip.kind, clip.path, clip.name) == ("stored", "", "mixture")
    job = studio.result(studio.submit(clip.clip_id, PROMPT, BUILTIN).job_id, 300)
    assert job.result is not None
    fetched = [studio.fetch_stem(job.job_id, stem, tmp_path) for stem in job.result.stems]
    target, residual = (sf.read(path, dtype="float64")[0] for path in fetched)
    assert np.abs(target + residual - sf.read(mixture, dtype="float64")[0]).max() < 1e-6
    with connect(home, start=False) as local:  # the same shared state, with paths
        assert local.clip(clip.clip_id).path
        assert local.job(job.job_id).result != job.result
    told = [job, clip, studio.clips(), studio.jobs(), studio.status()]
    name = ""
    while name != "job.done":
        event = events.next(60)
        assert event is not None
        name = event.header.event
        told.append(event.body)
    events.close()
    assert len(told) > 8
    assert str(home) not in repr(told)
    assert str(tmp_path) not in repr(told)


def test_a_client_elsewhere_may_not_name_paths_or_stop_the_server(
    studio: Client, mixture: Path, tmp_path: Path
) -> None:
    clip = studio.put_file(mixture)
    requests = (
        ("clip.put", ClipPut(str(mixture))),
        ("job.submit", JobSubmit(clip.clip_id, PROMPT, JobOptions(output_folder=str(tmp_path)))),
        ("job.submit", JobSubmit(clip.clip_id, WirePrompt("x", (), str(mixture)))),
    )
    for op, body in requests:
        with pytest.raises(PathRefused) as caught:
            studio._ask(op, body)
        assert caught.value.code == "paths_not_for_remote"
    for op, stop in (("server.stop", Empty()), ("store.clean", StoreClean(0))):
        with pytest.raises(RequestRefused) as refused:
            studio._ask(op, stop)
        assert refused.value.code == "not_for_remote"
    assert studio.ping() > 0


def test_a_revoked_key_opens_no_door(studio: Client, home: Path, tmp_path: Path) -> None:
    assert studio.ping() > 0
    Keys(home / "keys").revoke("workstation")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the code is what matters
        connect(tmp_path / "workstation", server="gpu", timeout_s=60)
    assert getattr(caught.value, "code", "") == "authentication_failed"


LINK = """
set -e
ip netns add {name}
ip link add {name}a type veth peer name {name}b netns {name}
ip addr add {net}.1/30 dev {name}a
ip link set {name}a up
ip -n {name} addr add {net}.2/30 dev {name}b
ip -n {name} link set {name}b up
"""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, str]]:
    """A network of its own, joined to this one by a cable: its name, and our address on it."""
    name, net = f"sl{os.getpid() % 100_000}", f"10.213.{os.getpid() % 250}"
    if sys.platform != "linux" or shutil.which("ip") is None:
        pytest.skip("network namespaces are Linux's, made with `ip`")
    try:
        made = subprocess.run(
            ["sh", "-c", LINK.format(name=name, net=net)], capture_output=True, text=True
        )
        if made.returncode:
            pytest.skip(f"this user may not make a network namespace: {made.stderr.strip()}")
        yield name, f"{net}.1"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", f"{name}a"], capture_output=True)


def test_a_computer_on_another_network_separates_with_keys_and_not_without(
    elsewhere: tuple[str, str],
    start_server: StartServer,
    home: Path,
    mixture: Path,
    tmp_path: Path,
) -> None:
    name, address = elsewhere
    workstation = tmp_path / "workstation"

    def stemlasso(*arguments: str, there: bool = True) -> "subprocess.CompletedProcess[str]":
        """A command on the workstation, or on this computer."""
        network = ["ip", "netns", "exec", name] if there else []
        folder = workstation if there else home
        command = [sys.executable, "-m", "bridge", *arguments, "--home", str(folder)]
        return subprocess.run(
            [*network, *command], capture_output=True, text=True, timeout=300, check=False
        )

    def keys(there: bool) -> dict[str, str]:
        shown: dict[str, str] = json.loads(stemlasso("keys", "--json", there=there).stdout)
        return shown

    refused = stemlasso("serve", "--listen", address, there=False)
    assert refused.returncode == 24  # no key was let in yet
    stranger = Keys(tmp_path / "stranger").client().public
    Keys(Folders.below(home).keys).allow("somebody-else", stranger)
    start_server("--listen", address)
    Keys(Folders.below(workstation).keys).trust(
        "gpu", RemoteServer(f"{address}:47300", keys(there=False)["server"])
    )
    out = tmp_path / "out"
    separate = ("separate", str(mixture), "-d", "noise", "--span=0.5:1", "--separator", "builtin")
    separate = (*separate, "--server", "gpu", "--out", str(out), "--json")
    not_let_in = stemlasso(*separate)
    assert not_let_in.returncode == 24, not_let_in.stderr
    assert not out.exists()

    Keys(Folders.below(home).keys).allow("workstation", keys(there=True)["client"])
    done = stemlasso(*separate)
    assert done.returncode == 0, done.stderr
    stems = json.loads(done.stdout)["stems"]
    target, residual = (sf.read(path, dtype="float64")[0] for path in stems)
    assert np.abs(target + residual - sf.read(mixture, dtype="float64")[0]).max() < 1e-6
