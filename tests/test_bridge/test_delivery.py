"""Copies in a folder of the user's: all or none, and what they replaced comes back on failure."""

import errno
import os
from pathlib import Path

import pytest

from bridge.delivery import Delivery, DeliveryFailed, deliver, sweep

NAMES = ("target.wav", "residual.wav")


def made(folder: Path, what: str) -> tuple[Path, ...]:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"{what} {name}")
    return tuple(folder / name for name in NAMES)


def test_overwriting_leaves_only_the_new_files(tmp_path: Path) -> None:
    stems, there = made(tmp_path / "stems", "new"), tmp_path / "there"
    made(there, "old")
    assert deliver(Delivery(stems, there, "j1", overwrite=True)) == tuple(there / n for n in NAMES)
    assert sorted(path.name for path in there.iterdir()) == sorted(NAMES)
    assert [(there / name).read_text() for name in NAMES] == [f"new {name}" for name in NAMES]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_second_copy_that_cannot_be_named_brings_the_first_old_file_back(
    tmp_path: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems, there = made(tmp_path / "stems", "new"), tmp_path / "there"
    made(there, "old")
    replace = Path.replace

    def refuse_the_second(self: Path, target: Path) -> Path:
        if self.suffix == ".part" and target.name == NAMES[1]:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return replace(self, target)

    def refuse_links(source: Path, destination: Path) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(Path, "replace", refuse_the_second)
    if not has_links:
        monkeypatch.setattr(os, "link", refuse_links)
    with pytest.raises(DeliveryFailed, match="Permission denied"):
        deliver(Delivery(stems, there, "j1", overwrite=True))
    assert sorted(path.name for path in there.iterdir()) == sorted(NAMES)
    assert [(there / name).read_text() for name in NAMES] == [f"old {name}" for name in NAMES]


def test_a_sweep_takes_no_file_that_is_the_only_one(tmp_path: Path) -> None:
    lonely, doubled = tmp_path / ".stemlasso-j1-aa.old", tmp_path / ".stemlasso-j1-bb.old"
    part, other = tmp_path / ".stemlasso-j1-cc.part", tmp_path / ".stemlasso-j2-dd.part"
    for path in (lonely, tmp_path / "there.wav", part, other):
        path.write_text("x")
    os.link(tmp_path / "there.wav", doubled)
    sweep(tmp_path, "j1")
    assert sorted(tmp_path.iterdir()) == sorted([lonely, other, tmp_path / "there.wav"])
