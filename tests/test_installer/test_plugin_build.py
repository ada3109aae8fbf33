"""How the plug-in is built: what is asked of whom, what a failure says. A stand-in for CMake."""

import os
from pathlib import Path

import plugin_build
import pytest
import suite
import system_packages
from environment import Environment
from failure import SetupFailed
from plugin_build import Shim

CMAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> said.txt
echo "basedir $CCACHE_BASEDIR" >> said.txt
[ ! -e fail ] || { echo "wire/Link.cpp:3:1: error: expected ';'"; echo "ninja: stopped"; exit 1; }
"""


@pytest.fixture
def shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shim:
    """Sources in a checkout, and programs that only write down what they were asked."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("cmake", "ctest"):
        (programs / name).write_text(CMAKE)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("CCACHE_BASEDIR", raising=False)
    folder = tmp_path / "a checkout" / "plugin_shim"
    folder.mkdir(parents=True)
    return Shim(folder)


def said(shim: Shim) -> list[str]:
    """What the programs were asked, in order."""
    return (shim.folder / "said.txt").read_text("utf-8").splitlines()


def test_a_build_configures_and_compiles_by_the_preset(shim: Shim) -> None:
    plugin_build.build(shim, "release", ("StemLasso_VST3",))
    configure, basedir, compile_, _ = said(shim)
    assert configure.startswith("cmake --preset release")
    assert basedir == f"basedir {shim.folder.parent}"
    assert compile_.startswith("cmake --build --preset release")
    assert compile_.endswith("--target StemLasso_VST3")


def test_a_failed_build_says_the_first_error_and_where_the_rest_is(shim: Shim) -> None:
    (shim.folder / "fail").touch()
    with pytest.raises(SetupFailed, match=r"wire/Link.cpp:3:1: error: expected") as failed:
        plugin_build.build(shim, "release")
    assert failed.value.log == shim.log("release")
    assert "ninja: stopped" in shim.log("release").read_text("utf-8")


def test_tests_without_any_test_fail(shim: Shim) -> None:
    plugin_build.run_tests(shim, "thread", "^wire:")
    assert said(shim)[0].startswith("ctest --preset thread")
    assert "--no-tests=error" in said(shim)[0]
    assert said(shim)[0].endswith("-R ^wire:")


def test_without_cmake_the_words_say_so(shim: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shim.folder))
    with pytest.raises(SetupFailed, match="cmake is not here; install CMake"):
        plugin_build.build(shim, "release")


def test_what_the_user_set_for_ccache_stays(shim: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCACHE_BASEDIR", "/elsewhere")
    assert plugin_build.build_variables(shim)["CCACHE_BASEDIR"] == "/elsewhere"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("[1/2] x\n/a/b.cpp:1:2: error: no\nninja: stopped", "/a/b.cpp:1:2: error: no"),
        ("CMake Error at CMakeLists.txt:3:\n  no zmq\n", "CMake Error at CMakeLists.txt:3:"),
        ("1/2 Test #1: wire ...***Failed 0.1 s\n", "1/2 Test #1: wire ...***Failed 0.1 s"),
        ("WARNING: ThreadSanitizer: data race\n", "WARNING: ThreadSanitizer: data race"),
        ("Killed\n\n", "Killed"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_is_told_in_one_line(output: str, line: str) -> None:
    assert plugin_build.explain(output) == line


def test_a_package_is_known_by_its_program_or_its_file(tmp_path: Path) -> None:
    there = tmp_path / "zmq.h"
    there.touch()
    package = system_packages.VENV
    packages = {"sh": package, str(there): package}
    assert system_packages.missing(packages) == []
    gone = {"no-such-program": package, str(tmp_path / "none.h"): package}
    assert system_packages.missing(gone) == [package, package]


def test_a_user_is_told_what_is_missing_and_the_tests_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system_packages, "has_apt", lambda: True)
    monkeypatch.setattr(system_packages, "is_root", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert suite._build_plugin(Environment.of(tmp_path)) == []
    told = capsys.readouterr().out
    assert "its tests are skipped" in told
    assert "sudo apt-get install" in told
    assert "cmake" in told
