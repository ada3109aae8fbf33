"""`stemlasso install HOST`: put scripts or the plug-in where a DAW finds them, and take them away.

What was done is written down (`installed.py`), and `--uninstall` undoes exactly that: files that
were changed since stay, and are named.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import host_files
import installed
import locate_hosts
from failure import SetupFailed
from host_files import Placed, Registered, Settings
from installed import Log
from locate_hosts import System

from bridge.folders import find_folders
from bridge.store_layout import StoreLayout

CHECKOUT = Path(__file__).resolve().parent.parent
_NEXT = {
    "reaper": "Start REAPER. The actions are in the list of actions (?) as "
    "'Custom: StemLasso - ...'; give them keys or buttons there.",
    "ableton": "Start Live anew, open Settings, Link, Tempo & MIDI, and choose StemLasso as a "
    "control surface. Then `stemlasso live --help` says what it can do.",
    "ardour": "Start Ardour. In Edit, Lua Scripts, Script Manager, set 'StemLasso' actions to "
    "slots; they are then in Edit, Lua Scripts, and can have keys. Ardour keeps a copy in "
    "the slot: slots that had them before want them set again.",
    "vst3": "Let your DAW scan its plug-ins, then put StemLasso on a track.",
}
_AFTER_UNINSTALL = {
    "reaper": "REAPER has forgotten the actions when it starts again.",
    "ableton": "Live has forgotten the control surface when it starts again.",
    "ardour": "Ardour keeps copies of scripts in its slots: remove the 'StemLasso' ones in Edit, "
    "Lua Scripts, Script Manager.",
    "vst3": "A DAW that runs keeps the plug-in until it is closed.",
}
_WHERE_ELSE = {
    "reaper": "Start REAPER once, or name its resource folder with --folder; for a portable REAPER "
    "that is the folder of its program",
    "ableton": "Start Live once, or name its User Library with --folder; Live shows where it lies "
    "in Settings, Library",
    "ardour": "Start Ardour once, or name the folder of its configuration with --folder",
    "vst3": "Name a folder with --folder",
}


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
        hint = "; is it open in a running DAW, or write-protected?"
        is_refused = isinstance(error, PermissionError)
        what = f"{error.filename}: {error.strerror}{hint if is_refused else ''}"
        print(f"error: {what}", file=sys.stderr)
    return 1


def _run(given: argparse.Namespace, is_running: Callable[[str], bool]) -> int:
    folders = find_folders(given.home)
    path = folders.store.parent / "hosts" / f"{given.host}.json"
    if given.host == "reaper" and not given.dry_run and is_running("reaper"):
        raise SetupFailed("REAPER runs, and would write over its list of actions: close it first")
    if given.uninstall:
        return _uninstall(given, path, str(locate_hosts.launcher(folders.home, System.here())))
    hosts = _hosts(given)
    settings = Settings(folders.store, _command())
    files, lines = _wanted(given, settings)
    if given.host == "vst3":
        there = locate_hosts.launcher(folders.home, System.here())
        files = [*files, host_files.launcher(there, settings)]
    if not files:
        raise SetupFailed("there is nothing to install; is the checkout complete?")
    placed = {host / each.target: each for host in hosts for each in files}
    wanted = Log(
        {str(file): [installed.digest_of(each.content)] for file, each in placed.items()},
        {str(host / name): ours for host in hosts for name, ours in _by_file(lines).items()},
        [folder for file in placed for folder in installed.missing_folders(file)],
    )
    old = Log.read(path)
    _check(placed, old)
    if given.dry_run:
        _say(placed, wanted)
        return 0
    if given.host != "vst3":
        StoreLayout(folders.store).make()  # scripts may ask before the engine process ever ran
    _install(placed, wanted, old, path, hosts)
    print(_NEXT[given.host])
    return 0


def _hosts(given: argparse.Namespace) -> list[Path]:
    """The host's folders. Raises SetupFailed with where it looked and what to do."""
    if given.folder:
        if given.host != "vst3" and not given.folder.is_dir():
            raise SetupFailed(f"--folder {given.folder}: there is no such folder")
        return [given.folder.absolute()]
    found = locate_hosts.find(given.host, System.here())
    if not found:
        looked = " or ".join(map(str, locate_hosts.candidates(given.host, System.here())))
        raise SetupFailed(
            f"{given.host} was not found: there is no {looked}. {_WHERE_ELSE[given.host]}"
        )
    return [each.absolute() for each in found]


def _install(
    placed: dict[Path, Placed], wanted: Log, old: Log, path: Path, hosts: Sequence[Path]
) -> None:
    """Write everything down, place it, and take away what an older installation had there."""
    old.and_also(wanted).write(path)
    try:
        for file, each in placed.items():
            print(f"writes {file}")
            installed.place(file, each)
        for name, ours in wanted.lines.items():
            print(f"adds {len(ours)} lines to {name}")
            installed.add_lines(Path(name), ours)
    except OSError:
        if not old:  # half of it would be of no use
            installed.take_away(wanted)
            path.unlink(missing_ok=True)
        raise
    here = {name for name in old.files() if any(Path(name).is_relative_to(host) for host in hosts)}
    stale = here - wanted.files()
    installed.take_away(old.only(stale))
    for host_file in here & set(wanted.lines):
        gone = set(old.lines.get(host_file, ())) - set(wanted.lines[host_file])
        installed.take_away(Log({}, {host_file: sorted(gone)}))
    kept = old.only(old.files() - here - wanted.files())
    kept.and_also(Log(wanted.digests, wanted.lines, [*old.folders, *wanted.folders])).write(path)


def _uninstall(given: argparse.Namespace, path: Path, launcher: str) -> int:
    """launcher: goes with the last plug-in."""
    old = Log.read(path)
    log = old
    if given.folder:
        folder = given.folder.absolute()
        inside = {name for name in old.files() if Path(name).is_relative_to(folder)}
        is_last = inside and old.files() - inside <= {launcher}
        log = old if is_last else old.only(inside)
    if not log:
        where = f" into {given.folder}" if given.folder else ""
        raise SetupFailed(
            f"nothing of StemLasso was installed for {given.host}{where} by this command"
        )
    for file in installed.changed_since(log):
        print(f"keeps {file}: it was changed since it was installed")
    for name in log.digests:
        if Path(name).is_file():
            print(f"{'would remove' if given.dry_run else 'removes'} {name}")
    for name, lines in log.lines.items():
        print(f"{'would take' if given.dry_run else 'takes'} {len(lines)} lines out of {name}")
    if given.dry_run:
        print("nothing was changed")
        return 0
    installed.take_away(log)
    old.only(old.files() - log.files()).write(path)
    print(_AFTER_UNINSTALL[given.host])
    return 0


def _say(placed: dict[Path, Placed], wanted: Log) -> None:
    for file in placed:
        print(f"would write {file}")
    for name, lines in wanted.lines.items():
        for line in lines:
            is_there = installed.has_line(Path(name), line)
            print(f"{'is in' if is_there else 'would add to'} {name}: {line}")
    print("nothing was changed")


def _by_file(lines: Sequence[Registered]) -> dict[Path, list[str]]:
    names = dict.fromkeys(each.file for each in lines)
    return {name: [each.line for each in lines if each.file == name] for name in names}


def _wanted(given: argparse.Namespace, settings: Settings) -> tuple[list[Placed], list[Registered]]:
    if given.host == "vst3":
        if given.built and not given.built.exists():
            raise SetupFailed(f"--from {given.built}: there is no such file")
        return host_files.plugin(given.built or host_files.find_plugin(CHECKOUT))
    made = {
        "reaper": host_files.reaper,
        "ableton": host_files.ableton,
        "ardour": host_files.ardour,
    }
    return made[given.host](host_files.scripts_folder(), settings)


def _check(placed: dict[Path, Placed], old: Log) -> None:
    """Raises SetupFailed when a file of somebody else is in the way, before anything is changed."""
    for path, each in placed.items():
        if not path.exists() or each.is_shared:
            continue
        digest = installed.digest_of(path.read_bytes()) if path.is_file() else ""
        known = (*old.digests.get(str(path), ()), installed.digest_of(each.content))
        if digest not in known:
            raise SetupFailed(f"{path} is in the way: it is another's or was changed; move it")


def _command() -> tuple[str, ...]:
    """How a script starts `stemlasso`, wherever it runs."""
    name = "Scripts/stemlasso.exe" if sys.platform == "win32" else "bin/stemlasso"
    program = Path(sys.prefix) / name
    return (str(program),) if program.is_file() else (sys.executable, "-m", "bridge")


if __name__ == "__main__":
    sys.exit(main())
