"""The connection file: owner-only, whole, stale when its server is gone."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from bridge.connection import (
    Connection,
    is_alive,
    read_connection,
    remove_connection,
    write_connection,
)
from bridge.errors import AuthenticationError, ServerUnavailable, VersionMismatch

KEYS = [zmq.curve_keypair()[0].decode() for _ in range(3)]
HERE = Connection("tcp://127.0.0.1:5000", *KEYS, server_id="s1", pid=os.getpid(), started_s=1.5)


def dead_pid() -> int:
    """The id of a process that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connection.json"


def test_it_comes_back_as_it_was(path: Path) -> None:
    write_connection(path, HERE)
    assert read_connection(path) == HERE
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_fields_of_a_newer_server_are_ignored(path: Path) -> None:
    write_connection(path, HERE)
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    assert read_connection(path) == HERE


def test_none_and_stale_ones_mean_no_server(path: Path) -> None:
    with pytest.raises(ServerUnavailable, match="no server"):
        read_connection(path)
    write_connection(path, replace(HERE, pid=dead_pid()))
    with pytest.raises(ServerUnavailable, match="is no more"):
        read_connection(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"endpoint": 7}', "\x00" * 100])
def test_a_damaged_one_means_no_server(path: Path, content: str) -> None:
    write_connection(path, HERE)
    path.write_text(content)
    with pytest.raises(ServerUnavailable):
        read_connection(path)


def test_a_wrong_key_is_refused(path: Path) -> None:
    write_connection(path, replace(HERE, server_public_key="short"))
    with pytest.raises(AuthenticationError):
        read_connection(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_one_that_others_could_have_written_is_refused(path: Path) -> None:
    write_connection(path, HERE)
    path.chmod(0o666)
    with pytest.raises(AuthenticationError):
        read_connection(path)


def test_another_major_is_refused_with_both_versions(path: Path) -> None:
    write_connection(path, replace(HERE, protocol="2.3"))
    with pytest.raises(VersionMismatch, match=r"2\.3.*1\."):
        read_connection(path)


def test_a_server_removes_its_own_file_only(path: Path) -> None:
    write_connection(path, HERE)
    remove_connection(path, "another")
    assert path.exists()
    remove_connection(path, "s1")
    assert not path.exists()
    remove_connection(path, "s1")


def test_the_secret_key_is_not_shown() -> None:
    assert KEYS[2] not in repr(HERE)


def test_processes_are_told_apart_from_dead_ones() -> None:
    assert is_alive(os.getpid())
    assert not is_alive(dead_pid())
    assert not is_alive(0)
    assert not is_alive(-1)
