"""What is done when memory runs out, with memory that really does: child processes with a limit."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import Cancelled, OutOfMemory
from engine.sam_audio.exhaustion import is_out_of_memory
from engine.sam_audio.ladder import MemoryLadder
from engine.sam_audio.plan import RunPlan, first_that_fits, rungs

WIDE = RunPlan(window_frames=750, overlap_frames=125, n_rows=4, codec_chunk_frames=250)

LIMITED = """
import resource, sys
import torch
from engine.sam_audio.ladder import MemoryLadder
from engine.sam_audio.plan import RunPlan, rungs

torch.set_num_threads(1)
WIDE = RunPlan(window_frames=750, overlap_frames=125, n_rows=4, codec_chunk_frames=256)

@torch.inference_mode()
def work(plan):
    assert plan.n_rows == 1 or plan.codec_chunk_frames == 256
    batch = torch.ones(plan.n_rows, 32, 1920 * plan.codec_chunk_frames)
    return batch.cumsum(2).shape[0]

work(RunPlan(750, 125, 1, 12))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 2**20, -1))
ladder = MemoryLadder(rungs(WIDE))
try:
    ladder.run(work)
    print("fits", ladder.plan.n_rows, ladder.plan.codec_chunk_frames, len(ladder.notices()))
    kept, tried = ladder.plan, []
    ladder.run(lambda plan: (tried.append(plan), work(plan)))
    print("kept", tried[0] == kept)
except Exception as error:
    print(type(error).__name__, error)
"""


def run_limited(spare_mib: int, checkout: Path) -> list[str]:
    """Lines printed by a process that may take `spare_mib` more than it has when it starts."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(spare_mib)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return done.stdout.splitlines()


linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="limits the address space of a process as Linux does"
)


@linux_only
def test_work_shrinks_until_it_fits(checkout: Path) -> None:
    first, second = run_limited(100, checkout)
    said, n_rows, n_frames, n_notices = first.split()
    assert (said, n_rows, n_notices) == ("fits", "1", "1")
    assert 12 <= int(n_frames) < 256
    assert second == "kept True", "what follows starts with the plan that worked"


@linux_only
def test_with_enough_memory_nothing_shrinks(checkout: Path) -> None:
    assert run_limited(1_500, checkout) == ["fits 4 256 0", "kept True"]


@linux_only
def test_the_last_rung_ends_with_a_word_about_what_to_do(checkout: Path) -> None:
    (line,) = run_limited(1, checkout)
    assert line.startswith("OutOfMemory memory ran out even with 1 row of 5 s at once")
    assert "int8" in line


def test_every_rung_is_smaller_and_windows_are_the_last_to_shrink() -> None:
    plans = rungs(WIDE)
    assert plans[0] == WIDE
    assert len(set(plans)) == len(plans)
    assert plans[-1] == RunPlan(125, 62, n_rows=1, codec_chunk_frames=12, offload=True)
    first_short = next(i for i, plan in enumerate(plans) if plan.window_frames < 750)
    assert plans[first_short - 1] == RunPlan(750, 125, 1, 12, offload=True)
    for plan in plans:
        assert 0 < plan.overlap_frames <= plan.window_frames // 2
    assert rungs(plans[-1]) == (plans[-1],)


def test_a_plan_is_the_first_that_fits_or_the_least() -> None:
    plans = rungs(WIDE)

    def needed(plan: RunPlan) -> int:
        return plan.n_rows * plan.window_frames

    assert first_that_fits(plans, needed, 1_600).n_rows == 2
    assert first_that_fits(plans, needed, 10_000) == WIDE
    assert first_that_fits(plans, needed, 0) == plans[-1]
    assert [WIDE.n_windows_at_once(n_takes) for n_takes in (1, 2, 3, 8)] == [4, 2, 1, 1]


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (OutOfMemory("ours"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB, max allowed: 9)"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("could not create a primitive"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("could not create a primitive descriptor for a pooling"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
        (Cancelled("stop"), False),
    ],
)
def test_lack_of_memory_is_told_from_other_errors(error: Exception, is_memory: bool) -> None:
    assert is_out_of_memory(error) is is_memory
    calls = []

    def work(plan: RunPlan) -> None:
        calls.append(plan)
        raise error

    with pytest.raises(OutOfMemory if is_memory else type(error)):
        MemoryLadder(rungs(WIDE)[:2]).run(work)
    assert len(calls) == (2 if is_memory else 1)


def test_what_a_failed_try_held_is_let_go_of_before_the_next() -> None:
    held: list[int] = []

    class Big:
        def __del__(self) -> None:
            held.remove(id(self))

        def __init__(self) -> None:
            held.append(id(self))

    def work(plan: RunPlan) -> int:
        n_before = len(held)
        big = Big()
        if plan.n_rows > 1:
            raise MemoryError(str(big))
        return n_before

    assert MemoryLadder(rungs(WIDE)).run(work) == 0
