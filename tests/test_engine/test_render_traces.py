"""What a render leaves: ordinary files of the same bytes each time, or no trace at all."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio_files import clip_from_array
from engine.data import AudioClip, Estimate, Monitor
from engine.errors import OutputError
from engine.render import RenderPlan, render

from .clips import close_all, estimate_of, names_in, noise

N_SAMPLES = 10_000


def mixture() -> AudioClip:
    return clip_from_array(noise(N_SAMPLES, 2).astype(np.float32), 48_000)


def failing_blocks(error: BaseException) -> Iterator[NDArray[np.float64]]:
    yield noise(5_000, 2, 0.1)[None]
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_an_interruption_leaves_nothing_not_even_folders(
    tmp_path: Path, error: BaseException
) -> None:
    (tmp_path / "other.txt").touch()
    for folder in (tmp_path, tmp_path / "new" / "deep"):
        with pytest.raises(type(error)):
            render(mixture(), Estimate(failing_blocks(error)), RenderPlan(folder), Monitor())
        assert names_in(tmp_path) == ["other.txt"]


def test_a_name_that_is_too_long_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    blocks = failing_blocks(AssertionError("it was computed before the outputs were checked"))
    plan = RenderPlan(tmp_path / "new", target_name="x" * 300)
    with pytest.raises(OutputError, match="cannot be written"):
        render(mixture(), Estimate(blocks), plan, Monitor())
    assert names_in(tmp_path) == []


def test_stems_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    made = render(mixture(), estimate_of(noise(N_SAMPLES, 2, 0.1)), RenderPlan(tmp_path), Monitor())
    assert made.target.path is not None
    status = made.target.path.stat()
    assert status.st_mode == (tmp_path / "any").stat().st_mode
    assert status.st_nlink == 1
    close_all(made.target, made.residual)


def test_the_same_stems_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        estimate = estimate_of(noise(N_SAMPLES, 2, 0.1))
        made = render(mixture(), estimate, RenderPlan(tmp_path / name), Monitor())
        close_all(made.target, made.residual)
    for name in ("target.wav", "residual.wav"):
        first, second = ((tmp_path / folder / name).read_bytes() for folder in "ab")
        assert first == second
        assert b"PEAK" not in first
