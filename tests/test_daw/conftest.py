"""A REAPER with a desk beside it; the scripts of `installer/` import each other by name."""

import sys
from pathlib import Path

import pytest

from .reaper_host import RATE, Desk, Reaper, write_ramp

sys.path.append(str(Path(__file__).resolve().parents[2] / "installer"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


@pytest.fixture
def reaper(tmp_path: Path, desk: Desk) -> Reaper:
    return Reaper(tmp_path, tmp_path / "home")


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.wav"
    write_ramp(path, 2 * RATE)
    return path
