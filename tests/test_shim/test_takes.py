"""Takes to the sample, in a host of our own that says of each block what it wants to."""

import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from .conftest import PATIENCE_S, host_environment
from .take_files import Kept, kept_takes

RATE = 48_000
TEMPO_BPM = 120.0


@dataclass
class Plan:
    """What a host does, line by line; its audio comes from a file, on and on."""

    lines: list[str] = field(default_factory=list)
    n_samples: int = 0

    def prepare(self, rate: int = RATE, largest: int = 8192, mode: str = "offline") -> None:
        """Get ready, at the beginning or between two blocks."""
        self.lines.append(f"prepare {rate} {largest} {mode}")

    def arm(self, is_armed: bool = True, at_sample: int = 0) -> None:
        """`Capture`, automated within the next block."""
        self.lines.append(f"automate Capture {int(is_armed)} {at_sample}")

    def play(
        self,
        n_samples: int,
        position: int | None,
        is_playing: bool = True,
        quarters: float | None = None,
        tempo_bpm: float | None = TEMPO_BPM,
    ) -> slice:
        """One block, the first of it at `position`; gives what of the audio that was."""
        words = ["play", n_samples, "-" if position is None else position]
        if position is not None:
            words += ["yes" if is_playing else "no", told(quarters), told(tempo_bpm)]
        self.lines.append(" ".join(map(str, words)))
        self.n_samples += n_samples
        return slice(self.n_samples - n_samples, self.n_samples)

    def roll(
        self, blocks: Iterable[int], position: int, has_quarters: bool = True, origin: float = 0.0
    ) -> None:
        """Play on from `position`, block after block. origin: quarters at position 0."""
        for n_samples in blocks:
            quarters = origin + position / RATE * TEMPO_BPM / 60 if has_quarters else None
            self.play(n_samples, position, quarters=quarters)
            position += n_samples


def told(value: float | None) -> str:
    """For the host."""
    return "-" if value is None else repr(value)


Capture = Callable[[Plan], tuple[np.ndarray, list[Kept]]]


@pytest.fixture
def capture(plugin: Path, checkout: Path, home: Path, tmp_path: Path) -> Capture:
    """Runs a plan in the host; gives the bits of the audio [N, 2] and the takes."""
    program = checkout / "plugin_shim" / "build" / "release" / "take_host"
    if not program.exists():
        pytest.skip(f"{program} was not built: build all of plugin_shim, as its README.md says")

    def run(plan: Plan) -> tuple[np.ndarray, list[Kept]]:
        bits = np.random.default_rng(7).integers(0, 2**32, (plan.n_samples, 2), np.uint32)
        audio = tmp_path / "audio.f32"
        audio.write_bytes(bits.tobytes())
        done = subprocess.run(
            [str(program), str(plugin), str(audio)],
            input="\n".join(plan.lines),
            env=host_environment(home),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        n_blocks = sum(line.startswith("play") for line in plan.lines)
        assert json.loads(done.stdout) == {"n_blocks": n_blocks, "altered": 0}
        return bits, kept_takes(home / "spool")

    return run


CROSSES = [64, 1, 479, 512, 7, 333, 1024, 64, 100]
ENDS_AT_ZERO = [100, 700, 200, 512, 33, 480]
BEFORE = [1000] * 5 + [64] * 10


@pytest.mark.parametrize("has_quarters", [True, False], ids=["quarters", "none"])
@pytest.mark.parametrize(
    ("start", "blocks"),
    [(-1000, CROSSES), (-1, [1, 512]), (-1, [512, 64]), (-1000, ENDS_AT_ZERO), (-5000, BEFORE)],
    ids=["crosses 0", "one sample", "crosses by one", "ends at 0", "all before"],
)
def test_what_is_played_before_zero_is_cut_to_the_sample(
    capture: Capture, start: int, blocks: Sequence[int], has_quarters: bool
):
    plan = Plan()
    plan.prepare()
    plan.arm()
    plan.roll(blocks, start, has_quarters)
    bits, (take,) = capture(plan)
    assert take.time_reference == 0
    np.testing.assert_array_equal(take.bits, bits[-start:])


def test_what_only_plays_before_zero_leaves_no_take(capture: Capture):
    plan = Plan()
    plan.prepare()
    plan.arm()
    plan.roll([512, 64, 424], -1000)
    _, takes = capture(plan)
    assert takes == []


@pytest.mark.parametrize("start", [-1776, 0, 48_000])
def test_a_bar_line_elsewhere_moves_no_take(capture: Capture, start: int):
    """Ardour plays a latency of 1776 samples before 0, which is −0.074 quarters."""
    plan = Plan()
    plan.prepare()
    plan.arm()
    plan.roll([512] * 8, start, origin=-0.074 if start >= 0 else 0.0)
    bits, (take,) = capture(plan)
    assert take.time_reference == max(start, 0)
    np.testing.assert_array_equal(take.bits, bits[max(-start, 0) :])


def test_each_place_at_which_a_host_begins_is_a_take_of_its_own(capture: Capture):
    plan = Plan()
    plan.prepare()
    plan.arm()
    plan.roll([512, 100], -300)
    plan.play(64, 312, is_playing=False)
    plan.roll([700, 12], 96_000)
    plan.roll([700, 12], -700)  # back to the pre-roll while it plays
    plan.roll([64, 8192], 312)
    plan.roll([512], 0)  # a loop of one block
    plan.roll([512], 0)
    bits, takes = capture(plan)
    assert [take.time_reference for take in takes] == [0, 96_000, 0, 312, 0, 0]
    expected = [(300, 612), (676, 1388), (2088, 2100), (2100, 10_356)]
    expected += [(10_356, 10_868), (10_868, 11_380)]
    for take, (start, end) in zip(takes, expected, strict=True):
        np.testing.assert_array_equal(take.bits, bits[start:end])


def test_a_loop_within_a_block_begins_a_take_with_the_next_block(capture: Capture):
    """VST3 says a block's first place only: what lies behind the turn stays with the block."""
    plan = Plan()
    plan.prepare()
    plan.arm()
    plan.roll([512, 512], 1000)
    plan.roll([512], 200)  # the block before ended at 200: it turned at some sample
    bits, takes = capture(plan)
    assert [take.time_reference for take in takes] == [1000, 200]
    np.testing.assert_array_equal(takes[0].bits, bits[:1024])
    np.testing.assert_array_equal(takes[1].bits, bits[1024:])


def test_capture_acts_with_the_block_in_which_it_is_automated(capture: Capture):
    """JUCE gives a plug-in the last value of a block for all of it."""
    plan = Plan()
    plan.prepare()
    plan.roll([512], 0)
    plan.arm(at_sample=200)
    plan.roll([512, 512], 512)
    plan.arm(is_armed=False, at_sample=100)
    plan.roll([512, 512], 1536)
    bits, (take,) = capture(plan)
    assert take.time_reference == 512
    np.testing.assert_array_equal(take.bits, bits[512:1536])


def test_a_host_that_says_nothing_of_its_transport_has_one_take(capture: Capture):
    plan = Plan()
    plan.prepare()
    plan.arm()
    for n_samples in (512, 1, 7, 8192):
        plan.play(n_samples, None)
    bits, (take,) = capture(plan)
    np.testing.assert_array_equal(take.bits, bits)


def test_a_render_that_no_host_calls_one_loses_nothing(capture: Capture):
    plan = Plan()
    plan.prepare(mode="realtime")
    plan.arm()
    plan.roll([4096] * 400, 0)
    bits, (take,) = capture(plan)
    np.testing.assert_array_equal(take.bits, bits)


def test_getting_ready_again_while_armed_goes_on_where_nothing_changed(capture: Capture):
    plan = Plan()
    plan.prepare()
    plan.arm()
    plan.roll([512, 512], 0)
    plan.prepare(largest=256)
    plan.roll([256, 100], 1024)
    plan.prepare(mode="realtime")
    plan.prepare(rate=96_000)
    plan.roll([512], 1380)
    bits, takes = capture(plan)
    assert [take.rate for take in takes][-1] == 96_000
    ends = np.cumsum([len(take.bits) for take in takes])
    assert ends[-1] == len(bits)  # nothing lost, in as many takes as there may be
    for take, end in zip(takes, ends, strict=True):
        assert take.time_reference == end - len(take.bits)
        np.testing.assert_array_equal(take.bits, bits[end - len(take.bits) : end])
