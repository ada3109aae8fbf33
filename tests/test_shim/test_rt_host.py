"""The plug-in in a host of our own, which counts, hurries and damages what no other host does."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import PATIENCE_S, host_environment


@pytest.fixture
def rt_host(plugin: Path, checkout: Path, home: Path):
    """Runs `rt_host` with words; gives what it printed."""
    program = checkout / "plugin_shim" / "build" / "release" / "rt_host"
    if not program.exists():
        pytest.skip(f"{program} was not built: build all of plugin_shim, as its README.md says")

    def run(*words: object) -> dict[str, Any]:
        done = subprocess.run(
            [str(program), str(plugin), *map(str, words)],
            env=host_environment(home),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    return run


@pytest.mark.parametrize("kind", ["mallocs", "frees", "locks"])
def test_capturing_adds_nothing_to_what_the_audio_thread_does(rt_host, kind: str):
    said = rt_host("count")
    # JUCE 7.0.5 itself does one of each in every block, and every JUCE takes the lock: or they are
    # not counted at all
    assert said["idle"][kind] <= said["n_blocks"]
    assert said["idle"]["locks"] == said["n_blocks"]
    assert said["capturing"][kind] == said["idle"][kind]
    assert said["after_a_jump"][kind] == said["idle"][kind]


def test_audio_passes_while_states_and_parameters_change_on_other_threads(rt_host):
    said = rt_host("threads")
    assert said["n_blocks"] == 4000
    assert said["altered"] == 0


def test_no_state_does_harm(rt_host):
    said = rt_host("states", 10_000)
    assert said == {"n_states": 10_000, "altered": 0, "same_after": True}


def test_a_hundred_loads_leave_no_thread_and_no_open_file(rt_host):
    said = rt_host("cycles", 100)
    assert said["n_cycles"] == 100
    assert said["threads"][0] == said["threads"][1] == 1
    assert said["files"][0] == said["files"][1]
