"""Packages of the operating system that pip cannot bring: installed or named, never guessed."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from failure import SetupFailed


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A Debian package and what stands in for it elsewhere.

    purpose: completes "... is needed"; elsewhere: what to do on a system without apt-get.
    """

    name: str
    purpose: str
    elsewhere: str


VENV = SystemPackage(
    f"python3.{sys.version_info.minor}-venv",
    "to make a private environment",
    "use a Python that ships `ensurepip`, such as the one from python.org",
)
LIBSNDFILE = SystemPackage(
    "libsndfile1",
    "to read and write audio, because soundfile brings no library for this processor",
    "install libsndfile, for instance with `brew install libsndfile`",
)
PORTAUDIO = SystemPackage(
    "libportaudio2",
    "to play sound in the panel, because sounddevice brings no library for this system",
    "install PortAudio, for instance with `brew install portaudio`",
)
_QT_LIBRARIES = ("libegl1", "libgl1", "libxkbcommon0", "libfontconfig1", "libdbus-1-3")
QT = tuple(
    SystemPackage(name, "to open the panel's window", "install the libraries of Qt 6 by hand")
    for name in (*_QT_LIBRARIES, "libglib2.0-0", "libx11-6", "fonts-dejavu-core")
)
ARDOUR = {
    "ardour": SystemPackage("ardour", "to try our scripts in it", "install Ardour 7"),
    "Xvfb": SystemPackage("xvfb", "to show it without a screen", "install Xvfb"),
    "openbox": SystemPackage("openbox", "to give its windows the keyboard", "install openbox"),
    "xdotool": SystemPackage("xdotool", "to type into its dialogs", "install xdotool"),
}
"""By the program that each brings. Tests in a real DAW need them, and are skipped without."""


def can_make_environments() -> bool:
    """Whether this Python can put pip into a new environment; Debian packages that apart."""
    return importlib.util.find_spec("ensurepip") is not None


def missing(packages: Mapping[str, SystemPackage]) -> list[SystemPackage]:
    """Those of `packages` whose program is not there."""
    return [package for name, package in packages.items() if shutil.which(name) is None]


def has_apt(etc: Path = Path("/etc")) -> bool:
    """Whether this is Debian or a relative of it, with apt-get at hand."""
    return (etc / "debian_version").is_file() and shutil.which("apt-get") is not None


def is_root() -> bool:
    """Whether packages can be installed without asking for a password."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def apt_command(packages: Sequence[SystemPackage]) -> list[str]:
    """The apt-get command that installs `packages`, without recommended extras."""
    names = [package.name for package in packages]
    return ["apt-get", "install", "-y", "--no-install-recommends", *names]


def advice(packages: Sequence[SystemPackage], *, apt: bool) -> str:
    """One line for a user who has to install `packages` by hand."""
    needs = "; ".join(f"{package.name} is needed {package.purpose}" for package in packages)
    if apt:
        return f"{needs}. Run: sudo {' '.join(apt_command(packages))}"
    return f"{needs}: {'; '.join(package.elsewhere for package in packages)}"


def install(packages: Sequence[SystemPackage], log: Path) -> None:
    """Install `packages` with apt-get when root on Debian.

    Raises SetupFailed with the exact command for the user otherwise, or when apt-get fails.
    """
    if not (has_apt() and is_root()):
        raise SetupFailed(advice(packages, apt=has_apt()))
    print(f"installing {', '.join(package.name for package in packages)} with apt-get", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        for command in (["apt-get", "update"], apt_command(packages)):
            done = subprocess.run(
                command, env=quiet, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
            )
    if done.returncode != 0:
        raise SetupFailed(f"apt-get failed. {advice(packages, apt=True)}", log)
