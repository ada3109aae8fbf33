"""What the plug-in costs a DAW, and an engine that dies a hundred times beside it. By hand:

    python tests/benchmarks/bench_shim.py [--kills 100]

process  median of 4000 blocks of 256 stereo frames at 48 kHz, warm: idle and while it captures; and
         what is allocated, freed and locked in them, which JUCE's wrapper does without us as well
load     median of 100: the module opened, one instance made; warm, and the first one
window   median of 100 in our own host under Xvfb, warm: from asking for the editor, with a clip and
         a stem, until its first picture is on the screen
size     of the binary as it is built, and stripped
kills    the engine's process is ended with SIGKILL while audio runs in minihost, and started again:
         blocks that did not pass to the bit

Needs the built plug-in with its test hosts, see plugin_shim/README.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.eval.machine import hardware  # noqa: E402
from tests.test_daw.serving import write_mixture  # noqa: E402
from tests.test_shim.conftest import host_environment  # noqa: E402
from tests.test_shim.editor_host import write_state  # noqa: E402
from tests.test_shim.window_host import window_host  # noqa: E402

BUILD = ROOT / "plugin_shim" / "build" / "release"
PLUGIN = BUILD / "StemLasso_artefacts/Release/VST3/StemLasso.vst3"
HOSTS = ROOT / "tests" / "test_shim" / "hosts"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=100, metavar="N")
    given = options.parse_args()
    print(f"{hardware()}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        environ = host_environment(home)
        first = _rt_host(environ, "cycles", "1")
        counted, loaded = _rt_host(environ, "count"), _rt_host(environ, "cycles", "100")
        for name in ("idle", "capturing"):
            print(f"process, {name}: {json.dumps(counted[name])}")
        print(f"load: {loaded['median_load_s']} s, first after a start {first['median_load_s']} s")
        print(f"threads before and after 100 loads: {loaded['threads']}, files: {loaded['files']}")
        print(_window(home, Path(scratch)))
        print(_sizes(Path(scratch)))
        if given.kills:
            print(f"{given.kills} kills: {json.dumps(_kill(given.kills, home, environ))}")


def _rt_host(environ: dict[str, str], *words: str) -> dict:
    command = [str(BUILD / "rt_host"), str(PLUGIN), *words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _window(home: Path, scratch: Path) -> str:
    song = scratch / "Nocturne.wav"
    write_mixture(song, 45.0)
    state = write_state(scratch, song, "noise", (song,))
    with window_host(ROOT, PLUGIN, home, state) as host:
        host.ask("again", 100)
        said = host.outcome()
    return f"window: {said['median_s']:.3f} s, slowest {said['slowest_s']:.3f} s"


def _sizes(scratch: Path) -> str:
    (binary,) = PLUGIN.rglob("*.so")
    stripped = scratch / "stripped.so"
    shutil.copy(binary, stripped)
    subprocess.run(["strip", str(stripped)], check=True)
    return f"size: {binary.stat().st_size} bytes, stripped {stripped.stat().st_size} bytes"


def _kill(n_kills: int, home: Path, environ: dict[str, str]) -> dict:
    host = subprocess.Popen(
        [sys.executable, str(HOSTS / "minihost_dying_engine.py"), str(PLUGIN)],
        cwd=home.parent,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    with host:
        host.stdout.readline()
        for _ in range(n_kills):
            with subprocess.Popen(
                [sys.executable, "-m", "bridge", "serve", "--home", str(home)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as server:
                assert server.stdout is not None
                server.stdout.readline()
                _play(host, "separate")
                server.kill()
                _play(host, "play")
        host.stdin.write("end\n")
        host.stdin.close()
        return json.loads(host.stdout.readline())


def _play(host: "subprocess.Popen[str]", word: str) -> None:
    assert host.stdin is not None
    assert host.stdout is not None
    host.stdin.write(word + "\n")
    host.stdin.flush()
    host.stdout.readline()


if __name__ == "__main__":
    main()
