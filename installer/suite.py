"""Every check of the project, in one run: style, types, import contracts, tests."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import plugin_build
import system_packages
from environment import Environment, prepare
from failure import SetupFailed

EXTRAS = ("dev", "model", "panel", "plot", "video")


def run(environment: Environment, torch_index: str, pytest_options: Sequence[str]) -> int:
    """Install what the tests need and run everything. Returns 0 when all of it is well.

    pytest comes last and its closing line stays the last one when everything passed. Raises
    SetupFailed when something cannot be installed.
    """
    prepare(environment, EXTRAS, torch_index)
    _prepare_scripts(environment)
    # The compilers run beside the checks, which take one core, and never beside the tests.
    with ThreadPoolExecutor(1) as beside:
        plugin = beside.submit(_build_plugin, environment)
        failed = [
            name
            for name, command in checks(environment).items()
            if not _passes(name, command, environment)
        ]
        failed += plugin.result()
    print("pytest", flush=True)
    tested = subprocess.run(
        [*pytest_command(environment), *pytest_options],
        cwd=environment.checkout,
        env=_variables(environment),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if tested.returncode != 0:
        failed.append("pytest")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr, flush=True)
    return 1 if failed else 0


def checks(environment: Environment) -> dict[str, list[str]]:
    """Name and command of every check but the tests."""
    ruff, mypy = str(environment.program("ruff")), str(environment.program("mypy"))
    formatter = str(environment.program("clang-format"))
    folders = (environment.checkout / name for name in (".ci", "installer"))
    scripts = [str(path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    sources = [str(path) for path in cpp_sources(environment.checkout / "plugin_shim")]
    return {
        "ruff check": [ruff, "check", "."],
        "ruff format": [ruff, "format", "--check", "."],
        "clang-format": [formatter, "--dry-run", "--Werror", *sources],
        "mypy": [mypy],
        "mypy scripts": [mypy, "--strict", *scripts],
        "import contracts": [str(environment.program("lint-imports")), "--no-logo"],
    }


def cpp_sources(shim: Path) -> list[Path]:
    """Our C++ files below `shim`, without what a build made."""
    found = (path for ending in ("*.h", "*.cpp") for path in sorted(shim.rglob(ending)))
    return [path for path in found if path.relative_to(shim).parts[0] != "build"]


def pytest_command(environment: Environment) -> list[str]:
    """The tests, with the slowest ones named at the end."""
    return [str(environment.program("python")), "-m", "pytest", "--durations=15"]


def _prepare_scripts(environment: Environment) -> None:
    """What tests of DAW scripts need, where nobody has to be asked; they are skipped without it."""
    wanted = system_packages.missing({**system_packages.ARDOUR, **system_packages.LUA})
    if wanted and system_packages.has_apt() and system_packages.is_root():
        try:
            system_packages.install(wanted, environment.log)
        except SetupFailed as failed:
            print(f"note: tests in Ardour, or of Lua scripts, are skipped: {failed}", flush=True)


def _build_plugin(environment: Environment) -> list[str]:
    """Build the plug-in and run its C++ tests; names what failed. Nothing where it cannot be."""
    shim = plugin_build.Shim.of(environment.checkout)
    try:
        wanted = {**system_packages.PLUGIN, **system_packages.PLUGIN_TESTS}
        system_packages.install_missing(wanted, environment.log)
    except SetupFailed as missing:
        print(f"note: the plug-in is not built, and its tests are skipped: {missing}", flush=True)
        return []
    if not system_packages.has_apt():
        print("note: the plug-in is built and tested only on Debian, see its README", flush=True)
        return []
    failed = []
    if not _is_well_built(shim, plugin_build.RELEASE):
        failed.append("plug-in")
    # The rest is run under it by hand, see the README: it would take minutes more.
    if not _is_well_built(shim, plugin_build.THREAD, ("wire_tests",), "^wire:"):
        failed.append("plug-in's threads")
    return failed


def _is_well_built(
    shim: plugin_build.Shim, preset: str, targets: Sequence[str] = (), which: str = ""
) -> bool:
    start_s = time.monotonic()
    try:
        plugin_build.build(shim, preset, targets)
        built_s = time.monotonic()
        plugin_build.run_tests(shim, preset, which)
    except SetupFailed as why:
        print(f"plug-in {preset:<10}FAILED  {why}\n{_end_of(why.log)}", flush=True)
        return False
    times = f"built {built_s - start_s:.1f} s, tests {time.monotonic() - built_s:.1f} s"
    print(f"plug-in {preset:<10}ok  {times}", flush=True)
    return True


def _end_of(log: Path | None, n_lines: int = 60) -> str:
    """The last lines of a log, for whoever sees only the output of the run."""
    if log is None:
        return ""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-n_lines:])


def _passes(name: str, command: Sequence[str], environment: Environment) -> bool:
    start_s = time.monotonic()
    done = subprocess.run(
        command,
        cwd=environment.checkout,
        env=_variables(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    passed = done.returncode == 0
    verdict = "ok" if passed else f"FAILED (exit status {done.returncode})"
    print(f"{name:<18}{verdict}  {time.monotonic() - start_s:.1f} s", flush=True)
    if not passed:
        print(done.stdout, flush=True)
    return passed


def _variables(environment: Environment) -> dict[str, str]:
    programs = str(environment.program("python").parent)
    return {**os.environ, "PATH": os.pathsep.join((programs, os.environ.get("PATH", "")))}
