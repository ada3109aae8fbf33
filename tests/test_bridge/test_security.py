"""Keys on disk, who may enter, and what others see."""

import os
import stat
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
import zmq

from bridge.errors import AuthenticationError, NotFound
from bridge.folders import Folders, check_private, find_folders, make_private
from bridge.security import Doorkeeper, KeyPair, Keys, RemoteServer, check_key, write_private

OTHER_KEY = zmq.curve_keypair()[0].decode()


def make_keys(folder: Path) -> str:
    return Keys(folder).server().public


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    first = keys.server()
    assert Keys(tmp_path / "keys").server() == first
    assert keys.client().public != first.public
    assert zmq.curve_public(first.secret.encode()).decode() == first.public


def test_processes_that_make_keys_at_once_agree(tmp_path: Path) -> None:
    with get_context("spawn").Pool(4) as pool:
        found = pool.map(make_keys, [tmp_path / "keys"] * 8)
    assert len(set(found)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the profile to its user itself")
def test_only_the_owner_can_open_keys(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    keys.server()
    keys.allow("studio", OTHER_KEY)
    for path in [keys.folder, *keys.folder.rglob("*")]:
        if path.name != ".lock":
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_keys_that_others_can_read_are_refused_with_the_cure(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    keys.server()
    (keys.folder / "server.json").chmod(0o644)
    with pytest.raises(AuthenticationError, match="chmod 600"):
        keys.server()
    keys.folder.chmod(0o755)
    with pytest.raises(AuthenticationError, match="chmod 700"):
        keys.client()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_in_place_of_a_key_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    write_private(target, "{}")
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(AuthenticationError):
        check_private(link)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"public": "short", "secret": "x"}'])
def test_damaged_keys_are_named(tmp_path: Path, content: str) -> None:
    keys = Keys(tmp_path / "keys")
    make_private(keys.folder)
    write_private(keys.folder / "server.json", content)
    with pytest.raises(AuthenticationError):
        keys.server()


def test_keys_of_others_come_and_go(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    keys.allow("studio", OTHER_KEY)
    assert keys.allowed() == {"studio": OTHER_KEY}
    keys.revoke("studio")
    assert keys.allowed() == {}
    with pytest.raises(NotFound, match="studio"):
        keys.revoke("studio")
    remote = RemoteServer("10.0.0.2:47300", OTHER_KEY)
    keys.trust("gpu", remote)
    assert keys.servers() == {"gpu": remote}
    keys.forget("gpu")
    assert keys.servers() == {}


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", ".hidden", "x" * 65, "a\0", "ä"])
def test_a_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    keys = Keys(tmp_path / "keys")
    with pytest.raises(AuthenticationError):
        keys.allow(name, OTHER_KEY)
    with pytest.raises(NotFound):
        keys.revoke(name)


@pytest.mark.parametrize("key", ["", "x" * 39, "x" * 41, "ä" * 40, None, 7, "x" * 39 + "\n"])
def test_what_is_no_key_is_refused_without_showing_it(key: object) -> None:
    with pytest.raises(AuthenticationError) as caught:
        check_key(key)
    assert not (isinstance(key, str) and len(key) > 5 and key in str(caught.value))


def test_a_key_pair_does_not_show_its_secret() -> None:
    assert "hidden" not in repr(KeyPair("seen", "hidden"))


def test_folders_follow_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    linux = find_folders(None, {"XDG_RUNTIME_DIR": "/run/user/7"}, "linux")
    assert linux.connection == Path("/run/user/7/stemlasso/connection.json")
    assert find_folders(None, {}, "linux").runtime == tmp_path / ".cache/stemlasso/run"
    assert find_folders(None, {}, "linux").store == tmp_path / ".local/share/stemlasso/store"
    mac = find_folders(None, {}, "darwin")
    assert mac.runtime == tmp_path / "Library/Application Support/StemLasso/run"
    windows = find_folders(None, {"LOCALAPPDATA": "/local"}, "win32")
    assert windows.keys == Path("/local/StemLasso/keys")
    named = find_folders(None, {"STEMLASSO_HOME": str(tmp_path / "all")}, "linux")
    assert named == Folders.below(tmp_path / "all")


def knock(domain: str, client_keys: KeyPair | None, allowed: str, wait_s: float = 1.0) -> bool:
    """Whether a message gets through a socket that a doorkeeper watches, in `wait_s`."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    doorkeeper = Doorkeeper(context, lambda where, key: (where, key) == ("here", allowed))
    server_public, server_secret = zmq.curve_keypair()
    inside, outside = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    inside.linger = outside.linger = 0
    inside.curve_server, inside.curve_secretkey = True, server_secret
    inside.zap_domain = domain.encode()
    port = inside.bind_to_random_port("tcp://127.0.0.1")
    if client_keys is not None:
        outside.curve_serverkey = server_public
        outside.curve_publickey = client_keys.public.encode()
        outside.curve_secretkey = client_keys.secret.encode()
    outside.connect(f"tcp://127.0.0.1:{port}")
    outside.send(b"hello")
    came_in = False
    for _ in range(round(wait_s / 0.025)):
        doorkeeper.answer_all()
        came_in = came_in or bool(inside.poll(25))
        if came_in:
            break
    doorkeeper.close()
    inside.close()
    outside.close()
    context.term()
    return came_in


def test_only_known_keys_enter_and_only_their_domain() -> None:
    own = KeyPair(*(key.decode() for key in zmq.curve_keypair()))
    stranger = KeyPair(*(key.decode() for key in zmq.curve_keypair()))
    assert knock("here", own, own.public, wait_s=60.0)
    assert not knock("elsewhere", own, own.public)
    assert not knock("here", stranger, own.public)
    assert not knock("here", None, own.public)


def test_a_private_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        write_private(tmp_path / "secret", "x")
    finally:
        os.umask(old_mask)
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_folder_that_cannot_be_made_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "keys", "--home", str(tmp_path / "file" / "home")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 23
    assert "STEMLASSO_HOME" in done.stderr
    assert "Traceback" not in done.stderr
