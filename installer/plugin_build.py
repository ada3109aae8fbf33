"""Builds the plug-in of a checkout and runs its C++ tests, with what is on this machine.

    packages (Debian, as root) --> configure --> compile --> ctest

The compiler's results are kept by ccache in its usual folder, which a fresh clone finds again.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import system_packages
from environment import Environment, prepare
from failure import SetupFailed

RELEASE = "release"
THREAD = "thread"
"""Preset of what has no JUCE in it, under ThreadSanitizer."""

_BUILT = Path("build/release/StemLasso_artefacts/Release/VST3/StemLasso.vst3")
_CCACHE = ("-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")


@dataclass(frozen=True, slots=True)
class Shim:
    """The plug-in's sources in a checkout. folder: with CMakePresets.json."""

    folder: Path

    @classmethod
    def of(cls, checkout: Path) -> "Shim":
        """That of a checkout; nothing is made."""
        return cls(checkout / "plugin_shim")

    @property
    def built(self) -> Path:
        """The bundle that the preset `release` makes."""
        return self.folder / _BUILT

    def log(self, preset: str) -> Path:
        """Everything that CMake, the compiler and ctest said."""
        return self.folder / "build" / f"{preset}.log"


def run(environment: Environment) -> int:
    """Build the plug-in for a user and say what comes next. Raises SetupFailed."""
    prepare(environment)
    shim = Shim.of(environment.checkout)
    system_packages.install_missing(system_packages.PLUGIN, shim.log("packages"))
    start_s = time.monotonic()
    print("building the plug-in; the first time takes some minutes", flush=True)
    build(shim, RELEASE, ("StemLasso_VST3",))
    n_bytes = sum(each.stat().st_size for each in shim.built.rglob("*") if each.is_file())
    print(f"built in {time.monotonic() - start_s:.0f} s: {shim.built} ({n_bytes / 1e6:.1f} MB)")
    print(f"put it where DAWs look: {environment.program('stemlasso')} install vst3")
    print("for its button `Open panel`: python3 installer/setup.py install --with panel")
    return 0


def build(shim: Shim, preset: str, targets: Sequence[str] = ()) -> None:
    """Configure and compile; targets: only those, empty for everything. Raises SetupFailed."""
    variables = build_variables(shim)
    launcher = _CCACHE if system_packages.has_program("ccache") else ()
    commands = [
        ["cmake", "--preset", preset, *launcher],
        ["cmake", "--build", "--preset", preset, "-j", str(os.cpu_count() or 1)],
    ]
    if targets:
        commands[1] += ["--target", *targets]
    log = shim.log(preset)
    log.unlink(missing_ok=True)
    for command in commands:
        _run(command, shim, log, variables)


def run_tests(shim: Shim, preset: str, which: str = "") -> None:
    """Run the C++ tests of a preset that was built. Raises SetupFailed.

    which: only those whose names match; empty for all.
    """
    command = ["ctest", "--preset", preset, "-j", str(os.cpu_count() or 1), "--no-tests=error"]
    command += ["-R", which] if which else []
    _run(command, shim, shim.log(preset), dict(os.environ))


def build_variables(shim: Shim) -> dict[str, str]:
    """The environment for the compiler: what ccache keeps fits a checkout in another folder too.

    JUCE's modules write dates into what they compile, which ccache has to overlook.
    """
    ccache: Mapping[str, str] = {
        "CCACHE_BASEDIR": str(shim.folder.parent),
        "CCACHE_NOHASHDIR": "1",
        "CCACHE_SLOPPINESS": "time_macros,include_file_mtime,include_file_ctime",
    }
    return {**ccache, **os.environ}


def explain(output: str) -> str:
    """One line that says why a build or its tests failed, from everything that was printed."""
    lines = [line.strip() for line in output.splitlines()]
    signs = (
        "error: ",
        "CMake Error",
        "FAILED: ",
        "***Failed",
        "***Timeout",
        "ERROR: ",
        "WARNING: ",
    )
    for sign in signs:
        found = next((line for line in lines if sign in line), None)
        if found is not None:
            return found
    return next((line for line in reversed(lines) if line), "it said nothing")


def _run(command: Sequence[str], shim: Shim, log: Path, variables: Mapping[str, str]) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("a+", encoding="utf-8", errors="replace") as out:
            start = out.seek(0, os.SEEK_END)
            done = subprocess.run(
                command,
                cwd=shim.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
            out.seek(start)
            said = out.read()
    except FileNotFoundError as error:
        raise SetupFailed(f"{command[0]} is not here; install CMake 3.22 or newer") from error
    if done.returncode != 0:
        raise SetupFailed(f"{' '.join(command[:3])} failed: {explain(said)}", log)
