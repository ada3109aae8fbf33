"""Every Python block and every command of the documentation runs as printed."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "engine" / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = re.findall(r"^\$ stemlasso (.+)$", GUIDE, re.MULTILINE)
SLOW_TO_CHECK = ("doctor",)
"""Commands with tests of their own that look at the whole installation."""


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name."""
    rng = np.random.default_rng(3)
    mixture = 0.1 * rng.standard_normal((44_100 * 7, 2))
    soundfile.write(tmp_path / "mix.wav", mixture, 44_100)
    for number, name in enumerate(("take.wav", "take-2.wav"), 2):
        soundfile.write(tmp_path / name, mixture / number, 44_100)
    (tmp_path / "takes").mkdir()
    soundfile.write(tmp_path / "takes" / "one.wav", mixture[: 44_100 * 2], 44_100)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_guide_has_examples() -> None:
    assert len(PYTHON_BLOCKS) >= 4
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_python_examples_run(studio: Path, block: str) -> None:
    exec(compile(block, "engine/README.md", "exec"), {})


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(SLOW_TO_CHECK)])
def test_commands_run(studio: Path, command: str) -> None:
    assert main(shlex.split(command)) == 0
