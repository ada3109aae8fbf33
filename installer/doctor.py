#!/usr/bin/env python3
"""Say what is installed, what is missing and how to get it: `stemlasso doctor`.

Standard library only. Nothing heavy is imported here: versions come from package metadata, and what
has to be loaded to be known is asked in a process of its own, so that a broken library is a line of
the report and not the end of it. Exit status: 0 healthy, 1 something is wrong.
"""

import argparse
import importlib.machinery
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse
from urllib.request import url2pathname

PACKAGES = ("engine", "bridge", "gui")
FORMATS = ("WAV", "RF64", "AIFF", "FLAC", "OGG", "MP3")
OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2_000_000_000

_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)\s*(?:\(?>=\s*(?P<least>[\d.]+)\)?)?"
    r"(?:[^;]*;.*?extra\s*==\s*['\"](?P<extra>\w+)['\"])?"
)

Status = Literal["ok", "missing", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. missing: optional and not there; problem: has to be mended.

    found: what is there; remedy: what to do, empty when nothing is to be done.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that StemLasso, or one of its extras, asks for. least: oldest good version."""

    name: str
    least: str
    extra: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where StemLasso comes from. root: folder that holds its packages.

    requirements: as the project states them; installed: whether Python knows it by name.
    """

    root: Path
    version: str
    installed: bool
    requirements: tuple[Requirement, ...]

    def how_to_get(self, extra: str = "") -> str:
        """The command that installs StemLasso, or one of its extras."""
        if (self.root / "pyproject.toml").is_file():
            with_extra = f" --with {extra}" if extra else ""
            return f"python3 installer/setup.py install{with_extra}"
        what = f"stemlasso[{extra}]" if extra else "--force-reinstall stemlasso"
        return f'{sys.executable} -m pip install "{what}"'


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report. Returns 0 when all is well, 1 when there is a problem."""
    parser = argparse.ArgumentParser(
        prog="stemlasso doctor",
        description="Say what is installed, what is missing, how to get it.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--devices", action="store_true", help="also load PyTorch and list devices (seconds)"
    )
    given = parser.parse_args(argv)
    checks = list(examine(find_place(), with_devices=given.devices))
    healthy = all(check.status != "problem" for check in checks)
    if given.json:
        print(json.dumps({"healthy": healthy, "checks": [asdict(check) for check in checks]}))
    else:
        print("\n".join(map(line, checks)))
        print("healthy" if healthy else "not healthy: see the lines marked with !!")
    return 0 if healthy else 1


def line(check: Check) -> str:
    """A check for people."""
    mark = {"ok": "ok", "missing": "--", "problem": "!!"}[check.status]
    remedy = f"\n{'':<23}-> {check.remedy}" if check.remedy else ""
    return f"{mark}  {check.name:<18} {check.found}{remedy}"


def examine(place: Place, *, with_devices: bool) -> Iterator[Check]:
    """Every check, quick ones first."""
    yield check_python()
    yield check_project(place)
    yield from (check_name(name, place) for name in PACKAGES)
    extras = dict.fromkeys(requirement.extra for requirement in place.requirements)
    yield from (check_extra(extra, place) for extra in extras)
    yield check_libsndfile(place)
    yield check_pyav(place)
    yield check_devices(place, load=with_devices)
    yield from check_engine(place)
    yield check_space("temporary files", Path(tempfile.gettempdir()))


def find_place() -> Place:
    """StemLasso as this Python knows it; otherwise the checkout that this file lies in."""
    try:
        found = importlib.metadata.distribution("stemlasso")
    except importlib.metadata.PackageNotFoundError:
        return _checkout(Path(__file__).resolve().parent.parent)
    stated = tuple(_requirement(text) for text in found.requires or ())
    return Place(_root(found), found.version, installed=True, requirements=stated)


def check_python() -> Check:
    """The Python that runs this."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Check("Python", "problem", found, f"install Python {oldest} or newer")
    where = "" if sys.prefix == sys.base_prefix else f", environment {sys.prefix}"
    return Check("Python", "ok", found + where)


def check_project(place: Place) -> Check:
    """StemLasso itself: installed, and once."""
    if not place.installed:
        found = f"{place.version} in {place.root}, not installed for {sys.executable}"
        remedy = place.how_to_get()
        if (place.root / ".venv").is_dir():
            remedy += "; then ask the doctor of .venv: `stemlasso doctor` in its bin or Scripts"
        return Check("StemLasso", "problem", found, remedy)
    copies = {str(each.locate_file("")) for each in _distributions("stemlasso")}
    if len(copies) > 1:
        found = f"installed {len(copies)} times: {', '.join(sorted(copies))}"
        return Check("StemLasso", "problem", found, "uninstall it until it is gone, then install")
    return Check("StemLasso", "ok", f"{place.version}, packages in {place.root}")


def check_name(name: str, place: Place) -> Check:
    """`engine`, `bridge` and `gui` are common words: ours must be the one that Python finds.

    pip installs a second package of the same name over the first without a word.
    """
    title = f"name {name}"
    owners = set(importlib.metadata.packages_distributions().get(name, ()))
    if others := sorted(owners - {"stemlasso"}):
        found = f"also belongs to the installed package {', '.join(others)}"
        return Check(
            title, "problem", found, f"uninstall {' and '.join(others)}, then install again"
        )
    spec = importlib.machinery.PathFinder.find_spec(name)
    if spec is None and not place.installed:
        return Check(title, "ok", "free")
    if spec is None:
        return Check(title, "problem", "not found by Python", place.how_to_get())
    first = Path([*(spec.submodule_search_locations or ()), spec.origin or ""][0]).resolve()
    if first != place.root / name:
        found = f"hidden by {first}"
        return Check(title, "problem", found, "take it off PYTHONPATH, or start elsewhere")
    return Check(title, "ok", "ours alone")


def check_extra(extra: str, place: Place) -> Check:
    """The packages of one extra, or with an empty name those that are always needed."""
    wanted = [each for each in place.requirements if each.extra == extra]
    versions = {each.name: _version(each.name) for each in wanted}
    missing = [name for name, version in versions.items() if version is None]
    old = [
        f"{each.name} {versions[each.name]} (needs {each.least})"
        for each in wanted
        if _is_older(versions[each.name], each.least)
    ]
    title = f"extra {extra}" if extra else "packages"
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if old:
        return Check(title, "problem", f"too old: {', '.join(old)}", place.how_to_get(extra))
    if missing:
        status: Status = "missing" if extra else "problem"
        return Check(title, status, f"not there: {', '.join(missing)}", place.how_to_get(extra))
    return Check(title, "ok", found)


def check_libsndfile(place: Place) -> Check:
    """The library that reads and writes audio, and what it can."""
    code = (
        "import soundfile; answer = {'version': soundfile.__libsndfile_version__, "
        "'formats': list(soundfile.available_formats())}"
    )
    said = ask(code, place)
    if "error" in said:
        remedy = "Debian: apt-get install libsndfile1; macOS: brew install libsndfile"
        return Check("libsndfile", "problem", said["error"], remedy)
    lacking = [each for each in FORMATS if each not in said["formats"]]
    found = f"{said['version']}, {', '.join(each for each in FORMATS if each not in lacking)}"
    if lacking:
        remedy = f"libsndfile 1.1 or newer reads {', '.join(lacking)}"
        return Check("libsndfile", "missing", f"{found}; not {', '.join(lacking)}", remedy)
    return Check("libsndfile", "ok", found)


def check_pyav(place: Place) -> Check:
    """The library for everything else: AAC, Opus, videos."""
    if (version := _version("av")) is None:
        return Check("PyAV", "missing", "not there: no AAC, no video", place.how_to_get("video"))
    said = ask("import av; answer = {'codec': av.library_versions['libavcodec']}", place)
    if "error" in said:
        return Check("PyAV", "problem", said["error"], place.how_to_get("video"))
    return Check("PyAV", "ok", f"{version}, libavcodec {'.'.join(map(str, said['codec']))}")


def check_devices(place: Place, *, load: bool) -> Check:
    """What PyTorch can compute on; loaded only when asked, because that takes seconds."""
    if (version := _version("torch")) is None:
        return Check("devices", "missing", "no PyTorch: builtin only", place.how_to_get("model"))
    if not load:
        return Check("devices", "ok", f"PyTorch {version}; add --devices to load it and look")
    code = (
        "import torch\n"
        "answer = {'devices': ['cpu'] + ['mps'] * torch.backends.mps.is_available()\n"
        "  + [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]}"
    )
    said = ask(code, place)
    if "error" in said:
        return Check("devices", "problem", said["error"], place.how_to_get("model"))
    return Check("devices", "ok", f"PyTorch {version}: {', '.join(said['devices'])}")


def check_engine(place: Place) -> Iterator[Check]:
    """The separators, the models that are there, and room for more of them."""
    code = (
        "from engine.checkpoints.store import Store, default_root\n"
        "from engine.separator import separators\n"
        "store = Store(default_root())\n"
        "answer = {'root': str(store.root), 'models': [m.model.name for m in store.installed()],\n"
        "  'separators': [(s.name, s.available, s.missing) for s in separators()]}"
    )
    said = ask(code, place)
    if "error" in said:
        yield Check("engine", "problem", said["error"], place.how_to_get())
        return
    for name, available, missing in said["separators"]:
        yield Check(f"separator {name}", "ok" if available else "missing", missing or "ready")
    root, models = Path(said["root"]), ", ".join(said["models"])
    yield Check("models", "ok", f"{models or 'none'} in {root}")
    yield check_space("models", root)


def check_space(purpose: str, folder: Path) -> Check:
    """Room on the disk for files of `purpose`; the folder need not be there yet."""
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free for {purpose} at {existing}"
    if free < LEAST_FREE_BYTES:
        return Check("disk", "problem", found, f"make room: {LEAST_FREE_BYTES / 1e9:.0f} GB")
    return Check("disk", "ok", found)


def ask(code: str, place: Place) -> dict[str, Any]:
    """`answer` after running `code` in a fresh Python, or `{"error": last line}`.

    -P keeps a folder that happens to be the current one from hiding a package.
    """
    start = "" if place.installed else f"import sys; sys.path.insert(0, {str(place.root)!r})\n"
    end = "\nimport json; print('\\n' + json.dumps(answer))"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", start + code + end],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": "no answer within 120 s"}
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        return {"error": said[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _checkout(root: Path) -> Place:
    """StemLasso as its sources state it. Outside of a checkout nothing is known."""
    file = root / "pyproject.toml"
    if not file.is_file():
        return Place(root, "unknown version", installed=False, requirements=())
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    stated = {"": project["dependencies"], **project["optional-dependencies"]}
    wanted = (
        Requirement(each.name, each.least, extra)
        for extra, texts in stated.items()
        for each in map(_requirement, texts)
    )
    return Place(root, project["version"], installed=False, requirements=tuple(wanted))


def _requirement(text: str) -> Requirement:
    found = _REQUIREMENT.match(text)
    assert found is not None, text
    return Requirement(found["name"], found["least"] or "0", found["extra"] or "")


def _root(found: importlib.metadata.Distribution) -> Path:
    """Folder of the packages: the checkout for an editable install, else site-packages."""
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return Path(url2pathname(urlparse(origin["url"]).path)).resolve()
    return Path(str(found.locate_file(""))).resolve()


def _distributions(name: str) -> Iterator[importlib.metadata.Distribution]:
    return iter(importlib.metadata.distributions(name=name))


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _is_older(version: str | None, least: str) -> bool:
    if version is None:
        return False
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, without zeros at the end: 2.13.0+cpu is (2, 13)."""
    leading = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in leading[0].split(".")] if leading else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


if __name__ == "__main__":
    sys.exit(main())
