"""What a user's plug-in folder gets: a small file that shows its entry points and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MOST_BYTES = 4_000_000
ENTRY_POINTS = {"GetPluginFactory", "ModuleEntry", "ModuleExit"}


@pytest.fixture
def binary(plugin: Path) -> Path:
    """The library in the bundle."""
    if sys.platform != "linux":
        pytest.skip("sizes and symbols are those of the Linux build")
    (found,) = plugin.rglob("*.so")
    return found


def test_the_plugin_is_small_and_stripped(binary: Path) -> None:
    assert binary.stat().st_size <= MOST_BYTES
    assert b".debug_info" not in binary.read_bytes()


def test_only_the_entry_points_are_shown(binary: Path) -> None:
    nm = shutil.which("nm")
    assert nm is not None, "nm comes with the compiler that built the plug-in"
    said = subprocess.run(
        [nm, "--dynamic", "--defined-only", str(binary)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.split()[-1] for line in said.stdout.splitlines()} == ENTRY_POINTS


def test_only_libraries_that_are_everywhere_are_asked_for(binary: Path) -> None:
    readelf = shutil.which("readelf")
    assert readelf is not None
    said = subprocess.run(
        [readelf, "--dynamic", str(binary)], capture_output=True, text=True, check=True
    )
    needed = {
        line.partition("[")[2].partition(".so")[0]
        for line in said.stdout.splitlines()
        if "(NEEDED)" in line
    }
    assert "libzmq" in needed
    assert not [name for name in needed if name.startswith(("libcurl", "libwebkit", "libgtk"))]
