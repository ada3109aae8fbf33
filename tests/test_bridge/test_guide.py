"""Every Python block and every command of bridge/README.md runs as printed."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bridge
from bridge.__main__ import main
from bridge.folders import HOME_VARIABLE

from .clips import write_clip
from .conftest import end, free_ports

GUIDE = (Path(bridge.__file__).parent / "README.md").read_text("utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = re.findall(r"^\$ stemlasso (.+)$", GUIDE, re.MULTILINE)
STUDIO_COMMANDS = re.findall(r"^(workstation|gpu)\$ stemlasso (.+)$", GUIDE, re.MULTILINE)
ROOT = Path(bridge.__file__).parent.parent


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a mixture, in it the home of a server that is started when it is needed."""
    folder = tmp_path_factory.mktemp("guide")
    write_clip(folder / "mix.wav", 7.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder / "home"))
        patch.chdir(folder)
        yield folder
        if (folder / "home" / "run" / "connection.json").exists():
            assert main(["stop"]) == 0


def test_the_guide_has_examples() -> None:
    assert len(PYTHON_BLOCKS) >= 4
    assert len(COMMANDS) >= 8
    assert len(STUDIO_COMMANDS) >= 6


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_python_examples_run(desk: Path, block: str) -> None:
    exec(compile(block, "bridge/README.md", "exec"), {})


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(desk: Path, command: str) -> None:
    assert main(shlex.split(command)) == 0


def test_the_steps_to_a_machine_elsewhere_work(tmp_path: Path) -> None:
    """Both computers are this one, with a home and a folder each."""
    address = f"127.0.0.1:{free_ports()}"
    keys: dict[str, str] = {}
    serving: list[subprocess.Popen[bytes]] = []
    for computer in ("workstation", "gpu"):
        (tmp_path / computer).mkdir()
        shown = json.loads(run(tmp_path / computer, "keys --json").stdout)
        keys["CLIENT-KEY" if computer == "workstation" else "SERVER-KEY"] = shlex.quote(
            shown["client" if computer == "workstation" else "server"]
        )
    write_clip(tmp_path / "workstation" / "mix.wav", 7.0)
    try:
        for computer, printed in STUDIO_COMMANDS:
            command = re.sub("CLIENT-KEY|SERVER-KEY", lambda name: keys[name[0]], printed)
            command = command.replace("192.168.1.20", address)
            if command.startswith("serve"):
                serving.append(start(tmp_path / computer, command))
            else:
                done = run(tmp_path / computer, command)
                assert done.returncode == 0, (command, done.stderr)
    finally:
        for server in serving:
            end(server)
    assert len(serving) == 1
    assert len(list((tmp_path / "workstation" / "stems").iterdir())) == 2


def arguments(folder: Path, command: str) -> dict[str, object]:
    paths = filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))
    environment = {
        **os.environ,
        HOME_VARIABLE: str(folder / "home"),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    return {
        "args": [sys.executable, "-m", "bridge", *shlex.split(command)],
        "cwd": folder,
        "env": environment,
    }


def run(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """A command to its end."""
    given = arguments(folder, command)
    return subprocess.run(**given, capture_output=True, text=True, timeout=300, check=False)


def start(folder: Path, command: str) -> "subprocess.Popen[bytes]":
    """A server that is ready."""
    process = subprocess.Popen(**arguments(folder, command), stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process
