"""Packages of the operating system that pip cannot bring: installed or named, never guessed."""

import importlib.util
import os
import platform
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
LUA = {
    "luacheck": SystemPackage("lua-check", "to look for slips in scripts", "install luacheck"),
}
"""The same, for a look at our Lua scripts."""
_BUILD = "to build the plug-in"
_INCLUDE = "/usr/include"
PLUGIN = {
    "g++": SystemPackage("g++", _BUILD, "install a C++20 compiler"),
    "cmake": SystemPackage("cmake", _BUILD, "install CMake 3.22 or newer"),
    "ninja": SystemPackage("ninja-build", _BUILD, "install Ninja"),
    "pkg-config": SystemPackage("pkg-config", _BUILD, "install pkg-config"),
    "ccache": SystemPackage("ccache", "to build it again in seconds", "install ccache"),
    "/usr/share/juce/modules": SystemPackage(
        "juce-modules-source", _BUILD, "name a checkout of JUCE 8, see the README"
    ),
    f"{_INCLUDE}/zmq.h": SystemPackage("libzmq3-dev", _BUILD, "install libzmq 4.3 with CURVE"),
    f"{_INCLUDE}/zmq.hpp": SystemPackage("cppzmq-dev", _BUILD, "install cppzmq 4.9"),
    f"{_INCLUDE}/msgpack.hpp": SystemPackage(
        "libmsgpack-cxx-dev", _BUILD, "install msgpack-cxx 4.1 or newer"
    ),
    f"{_INCLUDE}/nlohmann/json.hpp": SystemPackage(
        "nlohmann-json3-dev", _BUILD, "install nlohmann-json 3.11"
    ),
}
"""By a program or a file that each brings. Without them there is no plug-in."""
PLUGIN_TESTS = {
    f"{_INCLUDE}/catch2/catch.hpp": SystemPackage("catch2", "to test it", "install Catch2 2.13"),
    "Xvfb": SystemPackage("xvfb", "to show its window without a screen", "install Xvfb"),
    "openbox": SystemPackage("openbox", "to give its window the keyboard", "install openbox"),
    "xsettingsd": SystemPackage("xsettingsd", "to stand in for a desktop", "install xsettingsd"),
    "xdotool": SystemPackage("xdotool", "to click in its window", "install xdotool"),
    **{
        f"/usr/lib/{platform.machine()}-linux-gnu/{library}": SystemPackage(
            name, "to drag stems from it into a window of Qt", "install the libraries of Qt for X11"
        )
        for library, name in (
            ("libxcb-cursor.so.0", "libxcb-cursor0"),
            ("libxcb-icccm.so.4", "libxcb-icccm4"),
            ("libxcb-keysyms.so.1", "libxcb-keysyms1"),
        )
    },
}
"""The same, for its tests."""


def can_make_environments() -> bool:
    """Whether this Python can put pip into a new environment; Debian packages that apart."""
    return importlib.util.find_spec("ensurepip") is not None


def has_program(name: str) -> bool:
    """Whether a program of this name is on the path."""
    return shutil.which(name) is not None


def missing(packages: Mapping[str, SystemPackage]) -> list[SystemPackage]:
    """Those of `packages` whose program, or file where a whole path names one, is not there."""
    return [
        package
        for name, package in packages.items()
        if not (Path(name).exists() if name.startswith("/") else has_program(name))
    ]


def install_missing(packages: Mapping[str, SystemPackage], log: Path) -> None:
    """Install what is missing of `packages`. Raises SetupFailed with the command to type.

    Elsewhere than on Debian the libraries may lie anywhere: there CMake says what it misses.
    """
    wanted = missing(packages)
    if wanted and has_apt():
        install(wanted, log)


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
