"""The private environment `.venv` of a checkout: made, repaired, and left alone when it is right.

A stamp is written last, when everything is installed. It holds a digest of all that decides what
should be there, so a second run has nothing to ask pip; a half-made environment has no stamp.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import system_packages
from failure import SetupFailed

STAMP_NAME = "stemlasso-stamp.json"
DISK_NEEDED_BYTES = {"light": 600_000_000, "model": 3_000_000_000}

_MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
_OFFLINE = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "Temporary failure in name resolution",
    "getaddrinfo failed",
    "nodename nor servname",
    "Network is unreachable",
    "ReadTimeoutError",
    "ProxyError",
    "Connection refused",
)


@dataclass(frozen=True, slots=True)
class Installed:
    """What an environment holds. torch_index: where its PyTorch came from; empty for the usual."""

    extras: frozenset[str]
    torch_index: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where things lie. checkout: folder with pyproject.toml; folder: the virtual environment."""

    checkout: Path
    folder: Path

    @classmethod
    def of(cls, checkout: Path) -> "Environment":
        """The environment of a checkout; nothing is made."""
        return cls(checkout, checkout / ".venv")

    @property
    def constraints(self) -> Path:
        """Exact versions of everything that any extra needs."""
        return self.checkout / "installer" / "constraints.txt"

    @property
    def log(self) -> Path:
        """Everything that pip and apt-get said."""
        return self.folder / "setup.log"

    @property
    def stamp(self) -> Path:
        """File that says what is completely installed."""
        return self.folder / STAMP_NAME

    def program(self, name: str) -> Path:
        """A program of the environment, such as `python` or `stemlasso`."""
        if os.name == "nt":
            return self.folder / "Scripts" / f"{name}.exe"
        return self.folder / "bin" / name


def digest(environment: Environment) -> str:
    """Hex digest of what decides which packages belong into the environment.

    An editable install knows its checkout by path, so a moved checkout counts as a change.
    """
    said = hashlib.sha256()
    for part in (
        (environment.checkout / "pyproject.toml").read_bytes(),
        environment.constraints.read_bytes(),
        sys.version.encode(),
        str(environment.checkout).encode(),
    ):
        said.update(len(part).to_bytes(8, "big"))
        said.update(part)
    return said.hexdigest()


def read_stamp(environment: Environment) -> Installed | None:
    """What is completely installed; `None` when the environment is not up to date."""
    try:
        found = json.loads(environment.stamp.read_text(encoding="utf-8"))
        if found["digest"] != digest(environment):
            return None
        return Installed(frozenset(map(str, found["extras"])), str(found["torch_index"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(environment: Environment, installed: Installed) -> None:
    """Say what is completely installed."""
    said = {
        "digest": digest(environment),
        "extras": sorted(installed.extras),
        "torch_index": installed.torch_index,
    }
    environment.stamp.write_text(json.dumps(said) + "\n", encoding="utf-8")


def prepare(environment: Environment, extras: Collection[str] = (), torch_index: str = "") -> bool:
    """Make sure that the project and `extras` are installed; returns whether there was work to do.

    torch_index: a package index with another build of the pinned PyTorch; empty for what is there,
    or what pip finds by itself. Raises SetupFailed.
    """
    there = read_stamp(environment) or Installed(frozenset(), "")
    wanted = Installed(there.extras | frozenset(extras), torch_index or there.torch_index)
    if wanted == read_stamp(environment) and _has_programs(environment):
        return False
    _check_disk(environment, wanted.extras)
    if not _is_usable(environment):
        _create(environment)
    environment.stamp.unlink(missing_ok=True)
    names = ", ".join(sorted(wanted.extras)) or "no extras"
    print(f"installing StemLasso ({names}); the first time takes some minutes", flush=True)
    for command in install_commands(environment, wanted):
        _run_pip(environment, command)
    _check_libsndfile(environment)
    if "panel" in extras:
        _check_panel(environment)
    write_stamp(environment, wanted)
    return True


def install_commands(environment: Environment, wanted: Installed) -> list[list[str]]:
    """The pip commands that install the checkout, editable, with its extras.

    An index for PyTorch comes first and is asked for PyTorch alone: pip then takes the build that
    it finds there, such as 2.13.0+cu126, also in place of one that is installed already.
    """
    pip = [str(environment.program("python")), "-m", "pip", "install", "--no-input"]
    what = str(environment.checkout)
    if wanted.extras:
        what += f"[{','.join(sorted(wanted.extras))}]"
    commands = [[*pip, "-e", what]]
    if wanted.torch_index:
        index = ["--extra-index-url", wanted.torch_index]
        commands.insert(0, [*pip, "--upgrade", *index, "torch"])
    return commands


def pip_variables(environment: Environment) -> dict[str, str]:
    """This process's environment variables, with the exact versions for pip added.

    The variables reach the isolated build of the project too, which `-c` does not. A file URI has
    no blanks, at which pip would split a path. `PIP_BUILD_CONSTRAINT` is for pip 25.3 and later.
    """
    uri = environment.constraints.as_uri()
    pinned = {"PIP_CONSTRAINT": uri, "PIP_BUILD_CONSTRAINT": uri}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUTF8": "1"}
    inherited = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**inherited, **pinned, **quiet}


def explain_pip(output: str) -> str:
    """One line that says why pip failed, from everything that it printed."""
    if any(sign in output for sign in _OFFLINE):
        return "the package index cannot be reached; check the network or the proxy and run again"
    if "No space left on device" in output or "Errno 28" in output:
        return "the disk is full; make room and run again"
    lines = [line.strip() for line in output.splitlines()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if errors:
        return f"pip failed: {errors[0]}"
    return "pip failed"


def _has_programs(environment: Environment) -> bool:
    return environment.program("python").exists() and environment.program("stemlasso").exists()


def _is_usable(environment: Environment) -> bool:
    """Whether the folder is an environment of this very Python, at this very place, with pip."""
    python = environment.program("python")
    ask = "import pip, sys; print(sys.version); print(sys.prefix)"
    try:
        said = subprocess.run(
            [str(python), "-c", ask], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if said.returncode != 0:
        return False
    version, _, prefix = said.stdout.rpartition("\n")[0].rpartition("\n")
    return version == sys.version and Path(prefix).resolve() == environment.folder.resolve()


def _create(environment: Environment) -> None:
    _clear(environment.folder)
    if not system_packages.can_make_environments():
        log = environment.checkout / "build" / "setup.log"
        system_packages.install([system_packages.VENV], log)
    print(f"making {environment.folder}", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(environment.folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        lines = (made.stderr or made.stdout).strip().splitlines() or ["it said nothing"]
        raise SetupFailed(f"no environment at {environment.folder}: {lines[-1]}")


def _clear(folder: Path) -> None:
    """Remove a broken or foreign environment. Raises SetupFailed for what is none at all."""
    if not os.path.lexists(folder):
        return
    is_environment = (folder / "pyvenv.cfg").is_file()
    if folder.is_symlink() or not folder.is_dir() or not (is_environment or _is_remnant(folder)):
        raise SetupFailed(f"{folder} is in the way and is no environment; move or remove it")
    print(f"replacing {folder}: it is broken, or was made by another Python or elsewhere")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise SetupFailed(f"{folder} cannot be removed: {error.strerror}; remove it") from error


def _is_remnant(folder: Path) -> bool:
    """Whether a folder holds nothing but what an interrupted `venv` leaves."""
    made_first = {"include", "lib", "lib64", "bin", "Include", "Lib", "Scripts", "setup.log"}
    return all(entry.name in made_first for entry in folder.iterdir())


def _check_disk(environment: Environment, extras: Collection[str]) -> None:
    free = shutil.disk_usage(environment.checkout).free
    needed = DISK_NEEDED_BYTES["model" if "model" in extras else "light"]
    if free < needed:
        raise SetupFailed(
            f"{free / 1e9:.1f} GB are free at {environment.checkout} and {needed / 1e9:.1f} GB "
            "are needed; make room and run again"
        )


def _run_pip(environment: Environment, command: Sequence[str]) -> None:
    with environment.log.open("a+", encoding="utf-8", errors="replace") as log:
        start = log.tell()
        done = subprocess.run(
            command,
            env=pip_variables(environment),
            cwd=environment.checkout,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
        log.seek(start)
        output = log.read()
    if done.returncode != 0:
        raise SetupFailed(explain_pip(output), environment.log)


def _check_libsndfile(environment: Environment) -> None:
    """The wheels of soundfile bring libsndfile for the usual processors, not for all."""
    command = [str(environment.program("python")), "-c", "import soundfile"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        system_packages.install([system_packages.LIBSNDFILE], environment.log)


def _check_panel(environment: Environment) -> None:
    """Qt needs libraries of the system, and PortAudio has no wheel for Linux."""
    python = str(environment.program("python"))
    for code, packages in (
        ("import sounddevice", (system_packages.PORTAUDIO,)),
        ("import PyQt6.QtWidgets", system_packages.QT),
    ):
        if subprocess.run([python, "-c", code], capture_output=True, check=False).returncode != 0:
            system_packages.install(packages, environment.log)
