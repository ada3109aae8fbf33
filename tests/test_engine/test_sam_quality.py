"""Draft, standard and best: one take, ever nearer to where the flow leads; nothing done twice."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import Prompt, Separation, Span, separate
from engine.data import AudioClip, Rerun, SeparationOptions
from engine.sam_audio import sampled
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.device import computing
from engine.sam_audio.frames import Frames
from engine.sam_audio.quality import BEST, DRAFT, sampling_for
from engine.sam_audio.windows import Window, WindowVelocity
from engine.samplers import Sampling

from .known_flows import FLOWS, KnownFlow, error_db
from .stand_in_model import RATE, stand_in_separator

DOG = Prompt("dog")
CONFIG = SamAudioConfig(device="cpu", window_s=1.0, overlap_s=0.2)
WORK = {"draft": 4, "standard": 32, "best": 48}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Arrays this small take several times as long when threads share them."""
    with computing(1):
        yield


def test_standard_is_the_original_and_the_others_cost_less_and_more() -> None:
    assert sampling_for(Sampling(), "standard") == Sampling("midpoint", 16)
    for quality, n_evaluations in WORK.items():
        assert sampling_for(Sampling(), quality).n_evaluations == n_evaluations  # type: ignore[arg-type]
    assert (sampling_for(Sampling(), "draft"), sampling_for(Sampling(), "best")) == (DRAFT, BEST)


def test_a_draft_never_costs_more_than_what_is_configured_and_the_best_never_less() -> None:
    quick, slow = Sampling("euler", 2), Sampling("rk4", 20)
    assert sampling_for(quick, "draft") == quick
    assert sampling_for(slow, "best") == slow


# What each is away from the true end, in dB below the take's level, as measured and rounded up.
WITHIN_DB = {
    "gentle": (-26, -58, -88),
    "open": (-20, -32, -75),
    "stiff": (-16, -26, -73),
    "stiffest": (-15, -25, -70),
    "certain": (-17, -58, -100),
    "certain and stiff": (-13, -27, -56),
}


@pytest.mark.parametrize("name", FLOWS)
def test_every_quality_ends_nearer_to_where_a_known_flow_leads(name: str) -> None:
    flow, end = FLOWS[name], FLOWS[name].end()
    found = {
        quality: sampling_for(Sampling(), quality).solve(flow.velocity, flow.noise)  # type: ignore[arg-type]
        for quality in WORK
    }
    errors = [error_db(found[quality], end) for quality in WORK]
    assert all(error < within for error, within in zip(errors, WITHIN_DB[name], strict=True))
    # A draft is the take that standard makes, heard through its own error, and no other.
    assert error_db(found["draft"], found["standard"]) < WITHIN_DB[name][0]


def test_the_ends_of_the_known_flows_are_where_they_lead() -> None:
    for flow in FLOWS.values():
        end = Sampling("rk4", 80, shift=0.5).solve(flow.velocity, flow.noise)
        assert error_db(end, flow.end()) < -110


def test_adams_reaches_what_is_published_with_three_quarters_of_the_evaluations() -> None:
    fewer = Sampling("adams", 23, shift=0.7)
    assert fewer.n_evaluations == 24
    for flow in FLOWS.values():
        published = error_db(Sampling().solve(flow.velocity, flow.noise), flow.end())
        assert error_db(fewer.solve(flow.velocity, flow.noise), flow.end()) < published


class Counted:
    """A network that sees a little around every frame, and counts its evaluations."""

    def __init__(self) -> None:
        self.n_windows = 0

    def __call__(self, _model: Any, guidance: Any, _times: Any) -> WindowVelocity:
        def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
            self.n_windows += len(windows)
            heard = torch.stack([guidance.audio.read(each.start, each.stop) for each in windows])
            goal = torch.cat((heard, 0.1 * heard.flip(-1)), dim=-1) + 0.01 * len(guidance.spans)
            return goal - torch.tanh(x) * (1 + t)

        return velocity


@pytest.fixture
def network() -> Counted:
    return Counted()


@pytest.fixture
def split(network: Counted) -> Any:
    """Separates a fixed mixture of 2 s; what a separator keeps is kept between calls."""
    separator = stand_in_separator(CONFIG, network)

    def run(prompt: Prompt = DOG, *, mixture: Any = None, **options: Any) -> Separation:
        given = SeparationOptions(n_threads=1, **options)
        samples = noise() if mixture is None else mixture
        return separate(samples, prompt, sample_rate=RATE, separator=separator, options=given)

    return run


def noise(seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).standard_normal((2 * RATE, 1))
    return (0.1 * samples).astype(np.float32)


def fresh(**options: Any) -> NDArray[Any]:
    separator = stand_in_separator(CONFIG, Counted())
    given = SeparationOptions(n_threads=1, **options)
    result = separate(noise(), DOG, sample_rate=RATE, separator=separator, options=given)
    return result.target.samples


N_WINDOWS = 3


@pytest.mark.parametrize("order", [("draft", "standard", "best"), ("best", "draft", "standard")])
def test_the_first_evaluation_is_shared_and_changes_no_bit(
    network: Counted, split: Any, order: tuple[str, ...]
) -> None:
    for n_earlier, quality in enumerate(order):
        network.n_windows = 0
        result = split(quality=quality)
        n_new = WORK[quality] - (n_earlier > 0)
        assert network.n_windows == n_new * N_WINDOWS
        assert np.array_equal(result.target.samples, fresh(quality=quality))
    network.n_windows = 0
    for quality in order:
        assert np.array_equal(split(quality=quality).target.samples, fresh(quality=quality))
    assert network.n_windows == 0


def test_what_does_not_concern_the_model_samples_nothing_again(
    network: Counted, split: Any
) -> None:
    split()
    network.n_windows = 0
    for change in ({"stereo": "mono"}, {"residual": "generated"}, {"presence_gate": 0.0}):
        split(**change)
    assert network.n_windows == 0


def test_whatever_the_velocity_or_the_noise_hangs_on_is_sampled_anew(
    network: Counted, split: Any
) -> None:
    first: AudioClip = split().target
    changes: tuple[dict[str, Any], ...] = (
        {"seed": 1},
        {"n_candidates": 2},
        {"prompt": Prompt("cat")},
        {"prompt": Prompt("dog", [Span(0.5, 1.0)])},
        {"mixture": noise(1)},
        {"rerun": Rerun(0.5, 1.0, first)},
    )
    for change in changes:
        network.n_windows = 0
        split(**change)
        assert network.n_windows >= 32, change
    network.n_windows = 0
    split(rerun=Rerun(0.5, 1.0, replace(first, name="the same under another name")))
    assert network.n_windows == 0


def test_crossfaded_windows_share_results_and_no_velocity(network: Counted) -> None:
    separator = stand_in_separator(replace(CONFIG, joining="crossfade"), network)
    for n_windows, quality in ((4, "draft"), (32, "standard"), (0, "standard")):
        network.n_windows = 0
        options = SeparationOptions(n_threads=1, quality=quality)  # type: ignore[arg-type]
        separate(noise(), DOG, sample_rate=RATE, separator=separator, options=options)
        assert network.n_windows == n_windows * N_WINDOWS


def test_a_state_too_large_to_keep_serves_its_own_job_alone() -> None:
    large = Frames(lambda start, stop: torch.zeros(1, stop - start, 256), (1, 1 << 17, 256))

    class OfJob:
        recall = stand_in_separator(CONFIG, Counted())._recall

    assert sampled._kept(OfJob, "key", lambda: large) is large  # type: ignore[arg-type]
    assert OfJob.recall.sampled.known("key") is None


def test_the_steepest_of_the_flows_is_that_of_its_narrowest_sound() -> None:
    assert KnownFlow(0.05, 0.3).steepest() > KnownFlow(0.2, 0.3).steepest() > 5
