"""The built plug-in, and a way to run it in a host: each in a process of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.test_bridge.conftest import end, serve
from tests.test_daw.serving import write_mixture

from .wire_client import WireClient

HOSTS = Path(__file__).resolve().parent / "hosts"
BUILT = "plugin_shim/build/release/StemLasso_artefacts/Release/VST3/StemLasso.vst3"
PATIENCE_S = 240.0
SONG_S, LONG_SONG_S = 4.0, 45.0

RunHost = Callable[..., dict[str, Any]]
OpenClient = Callable[..., WireClient]


@pytest.fixture(scope="session")
def plugin(checkout: Path) -> Path:
    """The VST3 bundle."""
    named = os.environ.get("STEMLASSO_VST3", "")
    path = Path(named) if named else checkout / BUILT
    if not path.exists():
        pytest.skip(
            f"{path} was not built: run `cmake --preset release && cmake --build --preset "
            "release` in plugin_shim, or name a built one in STEMLASSO_VST3"
        )
    return path


@pytest.fixture
def built(plugin: Path, checkout: Path) -> Callable[[str], Path]:
    """Gives a test host that was built, by its name: beside the plug-in, or where the build is."""

    def find(name: str) -> Path:
        for folder in (plugin.parents[3], checkout / "plugin_shim" / "build" / "release"):
            if (folder / name).exists():
                return folder / name
        pytest.skip(f"{name} was not built: build all of plugin_shim, as its README.md says")

    return find


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where plug-in and engine keep everything in a test."""
    return tmp_path / "home"


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A file with `SONG_S` of a mixture."""
    path = tmp_path / "Nocturne.wav"
    write_mixture(path, SONG_S)
    return path


@pytest.fixture
def long_song(tmp_path: Path) -> Path:
    """A file with `LONG_SONG_S` of a mixture, whose separation takes its time."""
    path = tmp_path / "Nocturne.wav"
    write_mixture(path, LONG_SONG_S)
    return path


@pytest.fixture
def run_host(plugin: Path, home: Path, tmp_path: Path) -> RunHost:
    """Runs a script of `hosts/` with the plug-in and words; gives the JSON of its last line."""

    def run(script: str, *words: object, **environ: str) -> dict[str, Any]:
        return host_says(HOSTS / script, plugin, home, tmp_path, words, environ)

    return run


def host_says(
    script: Path,
    plugin: Path,
    home: Path,
    folder: Path,
    words: tuple[object, ...] = (),
    environ: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What a script printed last, as JSON; fails with all it said when it ended badly."""
    done = subprocess.run(
        [sys.executable, str(script), str(plugin), *map(str, words)],
        cwd=folder,
        env=host_environment(home) | (environ or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{script.name}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def host_environment(home: Path) -> dict[str, str]:
    """Of a host's process: nothing of the user's, no screen, and no engine that it could start."""
    # without a name JUCE takes the first screen, which may be another test's and go away with it
    nowhere = ":9999"
    own = {"STEMLASSO_HOME": str(home), "OMP_NUM_THREADS": "1", "DISPLAY": nowhere}
    return {**os.environ, **own, "STEMLASSO_COMMAND": json.dumps([str(home / "no-engine")])}


@pytest.fixture
def open_client(checkout: Path, home: Path) -> Iterator[OpenClient]:
    """Starts `wire_client`s; all of them have to end when told to, and a server that one of them
    started is stopped at the end."""
    program = checkout / "plugin_shim" / "build" / "release" / "wire_client"
    if not program.exists():
        pytest.skip(f"{program} was not built: build all of plugin_shim, as its README.md says")
    home.mkdir(exist_ok=True)
    opened: list[WireClient] = []

    def open_one(**options: object) -> WireClient:
        opened.append(WireClient(program, home, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for each in opened:
        assert each.end() == 0
    file = home / "run" / "connection.json"
    if file.is_file():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(json.loads(file.read_text("utf-8"))["pid"])
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(60)


@pytest.fixture
def server(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server of this test's own."""
    process = serve(home)
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
    end(process)


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """Four seconds of 24 bits."""
    path = tmp_path / "Größe.wav"
    write_mixture(path)
    return path


@pytest.fixture(scope="session")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute: long enough to be met in the middle of its computation."""
    path = tmp_path_factory.mktemp("clips") / "minute.wav"
    write_mixture(path, seconds=60.0)
    return path
