"""`stemlasso install`: real files into folders as hosts have them, and all of it away again."""

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import install_hosts
import locate_hosts
import pytest
import system_packages
from locate_hosts import System, candidates, launcher

from bridge.__main__ import main

KEYS = b'KEY 1 82 1013 0\r\nSCR 4 0 RSabc "Custom: mine.lua" "mine.lua"\r\n'


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "Zoë's host"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path, host: Path) -> Callable[..., int]:
    """Runs `stemlasso install` in folders of its own."""
    home = ["--home", str(tmp_path / "home")]

    def install(name: str, *options: str, running: str = "") -> int:
        arguments = [name, "--folder", str(host), *options, *home]  # the last --folder counts
        return install_hosts.main(arguments, is_running=lambda program: program == running)

    return install


@pytest.mark.parametrize("name", ["reaper", "ableton", "ardour"])
def test_what_is_installed_is_taken_away_again(
    run: Callable[..., int], host: Path, tmp_path: Path, name: str
) -> None:
    (host / "reaper-kb.ini").write_bytes(KEYS)
    before = everything(host)
    assert run(name, "--dry-run") == 0
    assert everything(host) == before
    assert not (tmp_path / "home").exists()
    assert run(name) == 0
    there = everything(host)
    assert len(there) >= len(before) + 2
    assert run(name) == 0
    assert everything(host) == there
    assert run(name, "--uninstall", "--dry-run") == 0
    assert everything(host) == there
    assert run(name, "--uninstall") == 0
    assert everything(host) == before
    assert [path.name for path in host.iterdir()] == ["reaper-kb.ini"]  # no folder of ours either
    assert run(name, "--uninstall") == 1
    assert not (tmp_path / "home" / "hosts" / f"{name}.json").exists()


def test_empty_folders_of_the_user_stay(run: Callable[..., int], host: Path) -> None:
    (host / "Remote Scripts").mkdir()
    assert run("ableton") == 0
    assert run("ableton", "--uninstall") == 0
    assert [path.name for path in host.iterdir()] == ["Remote Scripts"]


@pytest.mark.parametrize(
    "before",
    [
        KEYS,
        KEYS.replace(b"\r\n", b"\n"),
        b"\xef\xbb\xbf" + KEYS,
        KEYS.rstrip(),
        b'KEY 1 82 1013 0\nSCR 4 0 RSx "Custom: mixed.lua" "mixed.lua"\r\n\n',
        'SCR 4 0 RSy "Custom: Zoë.lua" "Zoë.lua"\n'.encode("cp1252"),
    ],
    ids=["crlf", "lf", "bom", "no end", "mixed", "cp1252"],
)
def test_the_users_own_lines_stay_byte_for_byte(
    run: Callable[..., int], host: Path, tmp_path: Path, before: bytes
) -> None:
    elsewhere = tmp_path / "dotfiles" / "keys"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(before)
    elsewhere.chmod(0o444)
    keys = host / "reaper-kb.ini"
    keys.symlink_to(elsewhere)
    for _ in range(2):
        assert run("reaper") == 0
        assert keys.read_bytes().endswith(before.removeprefix(b"\xef\xbb\xbf"))
        assert keys.read_bytes().count(b"StemLasso/") == 3
        assert keys.read_bytes().startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    assert run("reaper", "--uninstall") == 0
    assert keys.read_bytes() == before
    assert keys.is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o444


def test_what_fails_midway_leaves_nothing(
    run: Callable[..., int], host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (host / "reaper-kb.ini").mkdir()  # comes last
    assert run("reaper") == 1
    assert str(host) in capsys.readouterr().err
    assert everything(host) == {}
    assert [path.name for path in host.iterdir()] == ["reaper-kb.ini"]
    assert not (tmp_path / "home" / "hosts" / "reaper.json").exists()
    (host / "reaper-kb.ini").rmdir()
    assert run("reaper") == 0


def test_what_fails_midway_of_an_update_can_be_taken_away(
    run: Callable[..., int], host: Path, tmp_path: Path
) -> None:
    assert run("reaper") == 0
    stale = host / "Scripts" / "StemLasso" / "lib" / "of an older version.lua"
    stale.write_bytes(b"old")
    log = tmp_path / "home" / "hosts" / "reaper.json"
    known = json.loads(log.read_text("utf-8"))
    digest = hashlib.sha256(b"old").hexdigest()
    known["digests"] = {**{name: said[0] for name, said in known["digests"].items()}}
    known["digests"][str(stale)] = digest  # as older versions wrote it
    log.write_text(json.dumps(known), "utf-8")
    (host / "reaper-kb.ini").unlink()
    (host / "reaper-kb.ini").mkdir()
    assert run("reaper") == 1
    assert stale.exists()
    (host / "reaper-kb.ini").rmdir()
    assert run("reaper") == 0
    assert not stale.exists()
    assert run("reaper", "--uninstall") == 0
    assert list(host.iterdir()) == []


def test_two_folders_of_one_host_know_of_each_other(
    run: Callable[..., int], host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portable = tmp_path / "StemLasso sessions" / "portable REAPER"
    portable.mkdir(parents=True)
    assert run("reaper") == 0
    assert run("reaper", "--folder", str(portable)) == 0
    assert len(everything(host)) == len(everything(portable)) > 10
    assert run("reaper", "--folder", str(portable), "--uninstall") == 0
    assert list(portable.iterdir()) == []
    assert everything(host)
    assert run("reaper", "--folder", str(portable), "--uninstall") == 1
    assert f"into {portable}" in capsys.readouterr().err
    assert run("reaper", "--uninstall") == 0
    assert list(host.iterdir()) == []


def test_what_is_not_there_is_named(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    assert run("ableton", "--folder", str(gone)) == 1
    assert f"{gone}: there is no such folder" in capsys.readouterr().err
    assert run("vst3", "--from", str(gone)) == 1
    assert f"{gone}: there is no such file" in capsys.readouterr().err
    assert not gone.exists()


def test_each_host_says_what_comes_next(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for name in ("reaper", "ableton", "ardour"):
        assert run(name) == 0
        assert run(name, "--uninstall") == 0
        said[name] = capsys.readouterr().out
    assert "list of actions" in said["reaper"]
    assert "control surface" in said["ableton"]
    # Ardour's slots hold copies, of which nothing here can know
    assert "want them set again" in said["ardour"]
    assert "remove the 'StemLasso' ones" in said["ardour"]


def test_reaper_gets_actions_that_find_everything(
    run: Callable[..., int], host: Path, tmp_path: Path
) -> None:
    (host / "reaper-kb.ini").write_bytes(KEYS)
    assert run("reaper") == 0
    keys = (host / "reaper-kb.ini").read_bytes()
    assert keys.endswith(KEYS)
    assert keys.count(b"\r\n") == keys.count(b"\n") == 5
    folder = host / "Scripts" / "StemLasso"
    for line in keys.decode().splitlines()[:3]:
        kind, section, number, identity, *_ = line.split(" ")
        assert (kind, section, number) == ("SCR", "4", "0")
        assert len(identity) >= 42
        assert (host / "Scripts" / line.split('"')[3]).is_file()
    assert (tmp_path / "home" / "store" / "inbox").is_dir()
    settings = json.loads((folder / "stemlasso.json").read_text("utf-8"))
    assert settings["store"] == str(tmp_path / "home" / "store")
    assert Path(settings["command"][0]).is_file()
    required = {
        line.split('"')[1]
        for path in folder.rglob("*.lua")
        for line in path.read_text("utf-8").splitlines()
        if "require(" in line and not line.startswith("--")
    }
    assert required
    assert required <= {path.stem for path in (folder / "lib").iterdir()}


def test_an_installed_action_runs(run: Callable[..., int], host: Path, tmp_path: Path) -> None:
    lupa = pytest.importorskip("lupa.lua54", reason="lupa is an extra for tests")
    assert run("reaper") == 0
    lua = lupa.LuaRuntime()
    boxes = lua.execute(
        """
        boxes = {}
        reaper = {
          GetOS = function() return "Other" end,
          EnumProjects = function(index) if index < 1 then return {}, "" end end,
          EnumProjExtState = function() return false end,
          CountMediaItems = function() return 0 end,
          ShowMessageBox = function(text) boxes[#boxes + 1] = text end,
        }
        return boxes
        """
    )
    action = host / "Scripts" / "StemLasso" / "StemLasso - separate selected items.lua"
    lua.eval("function(path) assert(loadfile(path))() end")(str(action))
    assert list(boxes.values()) == ["Select one or more audio items first."]


def test_the_control_surface_is_complete(run: Callable[..., int], host: Path) -> None:
    assert run("ableton") == 0
    folder = host / "Remote Scripts" / "StemLasso"
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.level:
                assert (folder / f"{node.module}.py").is_file()
    cache = folder / "__pycache__"
    cache.mkdir()
    (cache / "surface.cpython-311.pyc").write_bytes(b"x")
    assert run("ableton", "--uninstall") == 0
    assert not folder.exists()


def test_a_plugin_is_copied_and_removed(
    run: Callable[..., int], host: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "built" / "StemLasso.vst3"
    binary = bundle / "Contents" / "x86_64-linux" / "StemLasso.so"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"\x7fELF")
    assert run("vst3", "--from", str(bundle)) == 0
    copied = host / "StemLasso.vst3" / "Contents" / "x86_64-linux" / "StemLasso.so"
    assert copied.read_bytes() == b"\x7fELF"
    assert copied.stat().st_mode & 0o100
    assert run("vst3", "--uninstall") == 0
    assert list(host.iterdir()) == []


def test_the_plugin_is_told_how_to_start_the_engine(
    run: Callable[..., int], host: Path, tmp_path: Path
) -> None:
    built = tmp_path / "StemLasso.vst3"
    built.write_bytes(b"MZ")
    launcher = tmp_path / "home" / "launcher.json"
    launcher.parent.mkdir(exist_ok=True)
    launcher.write_text('{"command": ["/elsewhere/stemlasso"]}', "utf-8")
    assert run("vst3", "--from", str(built)) == 0
    program, *arguments = json.loads(launcher.read_text("utf-8"))["command"]
    assert Path(program).is_absolute()
    said = subprocess.run([program, *arguments, "--version"], capture_output=True, check=True)
    assert said.stdout.startswith(b"stemlasso")
    assert launcher.stat().st_mode & 0o077 == 0
    assert run("vst3", "--uninstall") == 0
    assert not launcher.exists()


@pytest.mark.parametrize(
    ("platform", "home", "place"),
    [
        ("linux", None, "/u/.config/stemlasso/launcher.json"),
        ("darwin", None, "/u/Library/Application Support/StemLasso/launcher.json"),
        ("win32", None, "/local/StemLasso/launcher.json"),
        ("linux", Path("/h"), "/h/launcher.json"),
    ],
)
def test_the_launcher_lies_where_the_plugin_looks(
    platform: str, home: Path | None, place: str
) -> None:
    own = {"LOCALAPPDATA": "/local"} if platform == "win32" else {}
    assert launcher(home, System(platform, Path("/u"), own)) == Path(place)


def test_files_of_others_and_changed_ones_stay(
    run: Callable[..., int], host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = host / "Remote Scripts" / "StemLasso" / "surface.py"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", "utf-8")
    assert run("ableton") == 1
    assert "in the way" in capsys.readouterr().err
    assert everything(host) == {"Remote Scripts/StemLasso/surface.py": b"mine"}
    mine.unlink()
    assert run("ableton") == 0
    mine.write_text("changed", "utf-8")
    assert run("ableton") == 1
    assert run("ableton", "--uninstall") == 0
    assert "was changed" in capsys.readouterr().out
    assert everything(host) == {"Remote Scripts/StemLasso/surface.py": b"changed"}


def test_reaper_has_to_be_closed(
    run: Callable[..., int], host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("reaper", running="reaper") == 1
    assert "close it first" in capsys.readouterr().err
    assert list(host.iterdir()) == []


def test_running_programs_are_seen() -> None:
    assert not locate_hosts.is_running("no program has this name")
    ours = Path("/proc/self/comm")
    if not ours.exists():
        pytest.skip("this system has no /proc to ask for our own name")
    assert locate_hosts.is_running(ours.read_text("utf-8").strip())


@pytest.mark.parametrize(
    ("platform", "host", "place"),
    [
        ("linux", "reaper", "/u/.config/REAPER"),
        ("darwin", "reaper", "/u/Library/Application Support/REAPER"),
        ("win32", "reaper", "/roaming/REAPER"),
        ("darwin", "ableton", "/u/Music/Ableton/User Library"),
        ("win32", "ableton", "/u/Documents/Ableton/User Library"),
        ("linux", "ardour", "/u/.config/ardour9"),
        ("darwin", "ardour", "/u/Library/Preferences/Ardour9"),
        ("win32", "ardour", "/local/Ardour9"),
        ("linux", "vst3", "/u/.vst3"),
        ("darwin", "vst3", "/u/Library/Audio/Plug-Ins/VST3"),
        ("win32", "vst3", "/local/Programs/Common/VST3"),
    ],
)
def test_hosts_are_looked_for_where_they_are(platform: str, host: str, place: str) -> None:
    environ = {"APPDATA": "/roaming", "LOCALAPPDATA": "/local", "USERPROFILE": "/u"}
    own = environ if platform == "win32" else {}
    assert candidates(host, System(platform, Path("/u"), own))[0] == Path(place)


def test_documents_that_windows_keeps_in_its_cloud_are_looked_into() -> None:
    environ = {"USERPROFILE": "/u", "OneDrive": "/u/OneDrive"}
    places = candidates("ableton", System("win32", Path("/u"), environ))
    library = "Documents/Ableton/User Library"
    assert places == [Path("/u") / library, Path("/u/OneDrive") / library]


def test_a_host_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert main(["install", "reaper", "--home", str(tmp_path / "home")]) == 1
    assert "--folder" in capsys.readouterr().err
    folder = candidates("reaper", System.here())[0]
    folder.mkdir(parents=True)
    assert main(["install", "reaper", "--dry-run", "--home", str(tmp_path / "home")]) == 0
    assert str(folder) in capsys.readouterr().out
    assert list(folder.iterdir()) == []
    before = list(sys.path)
    assert main(["install", "vst3", "--home", str(tmp_path / "home")]) in (0, 1)
    assert sys.path == before
    with pytest.raises(SystemExit):
        main(["install", "protools"])


def test_programs_for_the_tests_in_ardour_have_packages() -> None:
    found = system_packages.missing({**system_packages.ARDOUR, sys.executable: own_package()})
    assert own_package() not in found
    names = {package.name for package in system_packages.ARDOUR.values()}
    assert names == {"ardour", "xvfb", "openbox", "xdotool"}
    gone = {"no program has this name": own_package()}
    assert system_packages.missing(gone) == [own_package()]


def own_package() -> system_packages.SystemPackage:
    return system_packages.SystemPackage("python", "for this test", "")
