"""`stemlasso install HOST`: put scripts or the plug-in where a DAW finds them, and take them away.

What was done is written down, and `--uninstall` undoes exactly that: files that were changed since
stay, and are named.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import host_files
import locate_hosts
from failure import SetupFailed
from host_files import Placed, Registered, Settings
from locate_hosts import System

from bridge.folders import find_folders
from bridge.store_layout import StoreLayout

CHECKOUT = Path(__file__).resolve().parent.parent
_NEXT = {
    "reaper": "Start REAPER. The actions are in the list of actions (?) as "
    "'Custom: StemLasso - ...'; give them keys or buttons there.",
    "ableton": "Start Live, open Settings, Link, Tempo & MIDI, and choose StemLasso as a control "
    "surface. Then `stemlasso live --help` says what it can do.",
    "ardour": "Start Ardour. In Edit, Lua Scripts, Script Manager, set 'StemLasso' actions to "
    "slots; they are then in Edit, Lua Scripts, and can have keys.",
    "vst3": "Let your DAW scan its plug-ins, then put StemLasso on a track.",
}


@dataclass(frozen=True, slots=True)
class Log:
    """What was installed for one host. digests: absolute file -> sha256; lines: file -> lines."""

    digests: dict[str, str]
    lines: dict[str, list[str]]


def parser() -> argparse.ArgumentParser:
    """The options, all of them."""
    made = argparse.ArgumentParser(
        prog="stemlasso install",
        description="Put what belongs to StemLasso where a DAW finds it.",
        epilog="Exit status: 0 done, 1 not done, 2 the command line is wrong.",
    )
    made.add_argument("host", choices=locate_hosts.HOSTS)
    made.add_argument("--dry-run", action="store_true", help="only say what would be done")
    made.add_argument("--uninstall", action="store_true", help="take away what was installed")
    made.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="the host's folder, when it is not in the usual place: REAPER's resource folder, "
        "Live's User Library, Ardour's configuration, or where plug-ins go",
    )
    made.add_argument("--from", dest="built", type=Path, metavar="FILE", help="a built .vst3")
    made.add_argument("--home", type=Path, metavar="DIR", help="StemLasso's own folder")
    return made


def main(
    argv: Sequence[str] | None = None,
    is_running: Callable[[str], bool] = locate_hosts.is_running,
) -> int:
    """Run the command; returns the exit status. is_running: tells whether a program runs."""
    given = parser().parse_args(argv)
    try:
        return _run(given, is_running)
    except SetupFailed as failed:
        print(f"error: {failed}", file=sys.stderr)
    except BrokenPipeError:
        raise  # of the output: `stemlasso` ends quietly
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
    return 1


def _run(given: argparse.Namespace, is_running: Callable[[str], bool]) -> int:
    folders = find_folders(given.home)
    path = folders.store.parent / "hosts" / f"{given.host}.json"
    if given.host == "reaper" and not given.dry_run and is_running("reaper"):
        raise SetupFailed("REAPER runs, and would write over its list of actions: close it first")
    old = _read(path)
    if given.uninstall:
        if not (old.digests or old.lines):
            raise SetupFailed(
                f"nothing of StemLasso was installed for {given.host} by this command"
            )
        _remove(old, path, given.dry_run)
        return 0
    hosts = [given.folder] if given.folder else locate_hosts.find(given.host, System.here())
    if not hosts:
        looked = " or ".join(map(str, locate_hosts.candidates(given.host, System.here())))
        raise SetupFailed(
            f"{given.host} was not found: there is no {looked}. Start it once, or name its folder "
            "with --folder"
        )
    settings = Settings(folders.store, _command())
    files, lines = _wanted(given, settings)
    if given.host == "vst3":
        there = locate_hosts.launcher(folders.home, System.here())
        files = [*files, host_files.launcher(there, settings)]
    _check(hosts, files, old)
    if old.digests or old.lines:
        _remove(old, path, given.dry_run, is_quiet=True)
    if given.host != "vst3" and not given.dry_run:
        StoreLayout(folders.store).make()  # scripts may ask before the engine process ever ran
    log = Log({}, {})
    try:
        for host in hosts:
            _place(host.absolute(), files, lines, log, given.dry_run)
    finally:
        if log.digests and not given.dry_run:
            _write(path, log)  # also of half an installation, for --uninstall to take away
    if given.dry_run:
        print("nothing was changed")
        return 0
    print(_NEXT[given.host])
    return 0


def _wanted(given: argparse.Namespace, settings: Settings) -> tuple[list[Placed], list[Registered]]:
    if given.host == "vst3":
        return host_files.plugin(given.built or host_files.find_plugin(CHECKOUT))
    made = {
        "reaper": host_files.reaper,
        "ableton": host_files.ableton,
        "ardour": host_files.ardour,
    }
    return made[given.host](host_files.scripts_folder(), settings)


def _check(hosts: Sequence[Path], files: Sequence[Placed], old: Log) -> None:
    """Raises SetupFailed when a file of somebody else is in the way, before anything is changed."""
    if not files:
        raise SetupFailed("there is nothing to install; is the checkout complete?")
    for host in hosts:
        for each in files:
            path = host.absolute() / each.target
            if not path.exists() or each.is_shared:
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            known = (old.digests.get(str(path)), hashlib.sha256(each.content).hexdigest())
            if digest not in known:
                raise SetupFailed(f"{path} is in the way: it is another's or was changed; move it")


def _place(
    host: Path,
    files: Sequence[Placed],
    lines: Sequence[Registered],
    log: Log,
    is_dry: bool,
) -> None:
    for each in files:
        path = host / each.target
        print(f"{'would write' if is_dry else 'writes'} {path}")
        if not is_dry:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_file(path, each)
        log.digests[str(path)] = hashlib.sha256(each.content).hexdigest()
    for each_line in lines:
        path = host / each_line.file
        if is_dry:
            print(f"would add to {path}: {each_line.line}")
            continue
        there = _lines(path)
        if each_line.line.encode() not in there:
            _write_lines(path, [*there, each_line.line.encode()])
            log.lines.setdefault(str(path), []).append(each_line.line)


def _write_file(path: Path, file: Placed) -> None:
    """Whole or not at all: a host that runs keeps the file that it has open."""
    mode = file.mode or (0o755 if file.target.suffix in ("", ".so") else 0)
    _replace(path, file.content, mode)


def _replace(path: Path, content: bytes, mode: int = 0) -> None:
    """mode: of the file; 0 for the usual one. What cannot be finished is not left behind."""
    part = path.with_name(f".{path.name}.stemlasso")
    try:
        part.write_bytes(content)
        if mode:
            part.chmod(mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _remove(log: Log, path: Path, is_dry: bool, is_quiet: bool = False) -> None:
    """Take away what `log` lists, and the folders that are empty then."""
    for name, digest in log.digests.items():
        file = Path(name)
        if not file.is_file():
            continue
        if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            print(f"keeps {file}: it was changed since it was installed")
            continue
        if not is_quiet:
            print(f"{'would remove' if is_dry else 'removes'} {file}")
        if not is_dry:
            file.unlink()
            _prune(file.parent)
    for name, lines in log.lines.items():
        left = [line for line in _lines(Path(name)) if line.decode("utf-8", "replace") not in lines]
        if is_dry:
            print(f"would take {len(lines)} lines out of {name}")
        else:
            _write_lines(Path(name), left)
    if not is_dry:
        path.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Remove folders of ours that are empty: those below one named StemLasso, and itself."""
    if folder.name == "stemlasso" and not any(folder.iterdir()):
        folder.rmdir()  # the one of settings on Linux
        return
    while any(part.startswith("StemLasso") for part in folder.parts):
        leftover = folder / "__pycache__"  # Live's Python leaves it beside the script
        if leftover.is_dir() and {each.name for each in folder.iterdir()} == {"__pycache__"}:
            for each in leftover.glob("*.pyc"):
                each.unlink()
            leftover.rmdir()
        if any(folder.iterdir()) or not folder.name:
            return
        folder.rmdir()
        folder = folder.parent


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.is_file() else []


def _write_lines(path: Path, lines: Sequence[bytes]) -> None:
    """Whole or not at all, with the line ends that it has: the file is the host's own."""
    if not lines:
        path.unlink(missing_ok=True)
        return
    end = b"\r\n" if path.is_file() and b"\r\n" in path.read_bytes() else b"\n"
    _replace(path, end.join(lines) + end)


def _command() -> tuple[str, ...]:
    """How a script starts `stemlasso`, wherever it runs."""
    name = "Scripts/stemlasso.exe" if sys.platform == "win32" else "bin/stemlasso"
    program = Path(sys.prefix) / name
    return (str(program),) if program.is_file() else (sys.executable, "-m", "bridge")


def _read(path: Path) -> Log:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Log(dict(found["digests"]), dict(found["lines"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Log({}, {})


def _write(path: Path, log: Log) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"digests": log.digests, "lines": log.lines}
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
