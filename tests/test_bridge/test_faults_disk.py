"""A disk that really is full: the whole server on a file system of a few megabytes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.client import Client, connect
from bridge.errors import BridgeError, JobFailed
from bridge.folders import Folders

from .clips import clicks, write_clip
from .conftest import end, serve
from .desk_driver import BUILTIN, SPANS

SIZE_MIB = 12
OTHER = replace(BUILTIN, seed=1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    if sys.platform != "linux":
        pytest.skip("small file systems are made as Linux does it")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"this user may not mount a file system: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def client(small_disk: Path) -> Iterator[Client]:
    """A client of a server whose home lies there."""
    process = serve(small_disk / "home")
    try:
        with connect(small_disk / "home", start=False) as connected:
            yield connected
    finally:
        assert end(process) == 0


def test_a_full_disk_costs_its_job_and_nothing_else(
    client: Client, small_disk: Path, tmp_path: Path
) -> None:
    store = Folders.below(small_disk / "home").store
    long = client.put_file(write_clip(tmp_path / "long.wav", 30.0))  # its stems need 23 MB
    with pytest.raises(JobFailed) as failed:
        client.result(client.submit(long.clip_id, SPANS, BUILTIN).job_id, 300)
    assert failed.value.code == "disk_full"
    assert not list(store.glob("jobs/*/*"))
    with pytest.raises(BridgeError) as full:
        client.put_samples(clicks(60.0), 48_000, "too long for this disk")
    assert full.value.code == "store_full"
    assert not list((store / "incoming").iterdir())

    short = client.put_file(write_clip(tmp_path / "short.wav", 1.0))
    done = client.result(client.submit(short.clip_id, SPANS, BUILTIN).job_id, 300)
    assert done.result is not None

    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 4096))
    for attempt in (
        lambda: client.put_samples(clicks(1.0), 48_000, "captured"),
        lambda: client.result(client.submit(short.clip_id, SPANS, OTHER).job_id, 300),
    ):
        with pytest.raises(BridgeError) as refused:
            attempt()
        assert refused.value.code in ("store_full", "disk_full")
    assert client.ping() > 0
    (small_disk / "filler").unlink()
    again = client.result(client.submit(short.clip_id, SPANS, OTHER).job_id, 300)
    assert again.result is not None
    assert {Path(stem.path).exists() for stem in again.result.stems} == {True}
    assert not list(store.glob("jobs/*/work-*"))
