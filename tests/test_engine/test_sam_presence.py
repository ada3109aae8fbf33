"""Absent sound is silence: what speaks for a sound, the gate it passes, and what is said of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import Prompt, Separation, Span, separate
from engine.data import Monitor, Presence, Rerun, SeparationOptions
from engine.eval.metrics import si_sdr
from engine.gate import FADE_S, Gate, gate_for, gated
from engine.model import SAMAudio
from engine.rankers.ensemble import RankingReport
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.evidence import Evidence, gathered
from engine.sam_audio.frames import Frames
from engine.sam_audio.guidance import Guidance, Network
from engine.sam_audio.presence import _judged, as_drawn, confidence_of, lane_of, log_odds
from engine.sam_audio.ranking import RankedTakes
from engine.sam_audio.takes import Takes
from engine.sam_audio.windows import Window, WindowVelocity
from engine.samplers import Sampling

from .stand_in_model import HOP_LENGTH, RATE, stand_in_separator

SECONDS = 8
N = SECONDS * RATE
PANS = np.array([1.0, 0.5])
HEARD = float(PANS.mean())
TIMES = np.arange(N) / RATE
FRAME_S = HOP_LENGTH / RATE
QUICK = SamAudioConfig(device="cpu", sampling=Sampling("midpoint", 2), window_s=3, overlap_s=1)


def tune() -> NDArray[np.float64]:
    """A plucked voice that is there from 2 to 5 s, in eight notes."""
    since = (TIMES % 0.375) * (TIMES >= 2) * (TIMES < 5)
    pitch = 220 * 2 ** (np.floor(TIMES / 0.375) % 5 / 6)
    envelope = np.exp(-4 * since) * (TIMES >= 2) * (TIMES < 5) * np.minimum(since / 0.005, 1)
    partials = sum(np.sin(2 * np.pi * k * pitch * TIMES) / k for k in range(1, 6))
    return np.asarray(0.15 * envelope * partials)


def bed() -> NDArray[np.float64]:
    """A drone and soft noise that last."""
    noise = np.random.default_rng(2).standard_normal(N)
    drone = sum(np.sin(2 * np.pi * hertz * TIMES) for hertz in (97, 146, 311))
    return np.asarray(0.02 * noise + 0.05 * drone)


TUNE, BED = tune(), bed()


def says(target: NDArray[np.float64], residual: NDArray[np.float64]) -> Network:
    """A network whose every take is this target and residual, as loud as in the channels' mean."""
    latents = torch.from_numpy(HEARD * np.stack([target, residual]).astype(np.float32))
    goal = latents.view(2, -1, HOP_LENGTH)

    def network(_model: SAMAudio, guidance: Guidance, _times: Sequence[float]) -> WindowVelocity:
        def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
            first = guidance.first_frame
            wanted = [goal[:, first + each.start : first + each.stop] for each in windows]
            whole = torch.stack([torch.cat((each[0], each[1]), dim=-1) for each in wanted])
            return (whole[:, None] - x) / (1 - t)

        return velocity

    return network


def split(
    mixture: NDArray[np.float64], network: Network, prompt: Prompt | None = None, **options: Any
) -> Separation:
    return separate(
        (mixture[:, None] * PANS).astype(np.float32),
        prompt or Prompt("tune"),
        sample_rate=RATE,
        separator=stand_in_separator(QUICK, network),
        options=SeparationOptions(n_threads=1, **options),
    )


def codes(result: Separation) -> list[str]:
    return [notice.code for notice in result.notices]


def peak_db(samples: NDArray[Any]) -> float:
    return float(20 * np.log10(np.abs(samples).max() + 1e-12))


@pytest.mark.parametrize("stereo", ["project", "generated", "mono"])
@pytest.mark.parametrize("leak_db", [-30, -20, -12])
def test_a_sound_that_is_absent_is_silence(stereo: str, leak_db: float) -> None:
    leak = 10 ** (leak_db / 20) * BED
    result = split(BED, says(leak, BED - leak), stereo=stereo)
    assert peak_db(result.target.samples) < -60
    assert result.confidence < 0.1
    assert {"low_confidence", "target_silent"} <= set(codes(result))
    loud = split(BED, says(leak, BED - leak), stereo="generated", presence_gate=0)
    assert peak_db(loud.target.samples) > -60
    assert codes(loud) == ["low_confidence"]


@pytest.mark.parametrize("stereo", ["project", "generated"])
def test_a_sound_that_is_there_loses_nothing_and_its_rests_are_silent(stereo: str) -> None:
    leaky = TUNE + 0.05 * BED
    network = says(leaky, 0.95 * BED)
    mixture = TUNE + BED
    truth = TUNE[:, None] * PANS
    whole = split(mixture, network, stereo=stereo, presence_gate=0).target.samples
    result = split(mixture, network, stereo=stereo)
    target = result.target.samples
    assert si_sdr(target, truth) > si_sdr(whole, truth) - 0.1
    assert result.confidence > 0.9
    assert codes(result) == []
    rests = (TIMES < 1.5) | (TIMES > 5.6)
    assert np.abs(target[rests]).max() == 0
    assert np.abs(whole[rests]).max() > 0
    sounding = (TIMES > 2) & (TIMES < 5)
    assert np.array_equal(target[sounding], whole[sounding])


def test_the_lane_follows_the_sound() -> None:
    result = split(TUNE + BED, says(TUNE + 0.05 * BED, 0.95 * BED))
    lane = result.presence
    assert lane is not None
    assert lane.period_s == 0.2
    assert len(lane.values) == SECONDS / lane.period_s
    times = np.arange(len(lane.values)) * lane.period_s
    values = np.array(lane.values)
    assert values[(times >= 2.2) & (times < 4.8)].min() > 0.9
    assert values[(times < 1.4) | (times > 5.6)].max() < 0.1
    assert result.summary()["presence"] == {
        "period_s": 0.2,
        "start_s": 0.0,
        "values": list(lane.values),
    }


def test_target_and_residual_still_add_up_in_every_mode() -> None:
    network = says(TUNE + 0.05 * BED, 0.95 * BED)
    mixture = TUNE + BED
    assert split(mixture, network).null_db < -140
    own = split(mixture, network, stereo="generated", residual="generated")
    plain = split(mixture, network, stereo="generated", residual="generated", presence_gate=0)
    assert own.residual is not None
    assert plain.residual is not None
    sums = [each.target.samples + each.residual.samples for each in (own, plain)]
    np.testing.assert_allclose(sums[0], sums[1], atol=1e-6)
    rests = TIMES < 1.5
    assert np.abs(own.target.samples[rests]).max() == 0


def test_every_take_has_a_gate_of_its_own() -> None:
    def both(model: SAMAudio, guidance: Guidance, times: Sequence[float]) -> WindowVelocity:
        right = says(TUNE, BED)(model, guidance, times)
        wrong = says(0.1 * BED, 0.9 * BED + TUNE)(model, guidance, times)

        def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
            return torch.cat((right(windows, x[:, :1], t), wrong(windows, x[:, 1:], t)), dim=1)

        return velocity

    result = split(TUNE + BED, both, n_candidates=2)
    first, second = (take.target.samples for take in result.candidates)
    assert np.abs(first).max() > 0.1
    assert np.abs(second).max() == 0


def test_what_the_user_drew_outweighs_what_is_estimated() -> None:
    leak = says(0.1 * BED, 0.9 * BED)
    drawn = split(BED, leak, Prompt("tune", [Span(1, 3)])).target.samples
    assert np.abs(drawn[(TIMES > 1) & (TIMES < 3)]).max() > 0
    assert np.abs(drawn[(TIMES < 0.8) | (TIMES > 3.4)]).max() == 0
    network = says(TUNE, BED)
    denied = split(TUNE + BED, network, Prompt("tune", [Span(3, 4, "-")])).target.samples
    assert np.abs(denied[(TIMES > 3.3) & (TIMES < 3.85)]).max() == 0
    assert np.abs(denied[(TIMES > 4.1) & (TIMES < 5)]).max() > 0.05


def test_a_rerun_is_gated_in_its_selection_alone() -> None:
    base = split(BED, says(0.3 * BED, 0.7 * BED), presence_gate=0, stereo="generated").target
    leak = says(0.1 * BED, 0.9 * BED)
    result = split(BED, leak, rerun=Rerun(3.0, 5.0, base), stereo="generated")
    target = result.target.samples
    selected = (TIMES >= 3) & (TIMES < 5)
    assert np.abs(target[selected]).max() == 0
    around = (TIMES < 2.9) | (TIMES > 5.1)
    assert np.array_equal(target[around], base.samples[around])
    assert result.presence is not None
    assert result.presence.start_s > 0


def evidence(mixture: NDArray[np.float64], *takes: NDArray[np.float64], block: int = N) -> Evidence:
    heard = mixture.astype(np.float32)[:, None]
    blocks = (heard[start : start + block] for start in range(0, len(heard), block))
    waves = torch.from_numpy(np.stack(takes).astype(np.float32))[..., None]
    return gathered(blocks, Frames.of(waves), RATE, HOP_LENGTH, Monitor())


def test_evidence_does_not_depend_on_the_blocks() -> None:
    whole = evidence(TUNE + BED, TUNE, 0.1 * BED)
    small = evidence(TUNE + BED, TUNE, 0.1 * BED, block=777)
    assert whole.own.shape == (2, SECONDS * 25)
    assert np.array_equal(whole.own, small.own)
    assert np.array_equal(whole.agreement, small.agreement)


def test_evidence_of_silence_speaks_against_the_sound() -> None:
    nothing = np.zeros(1000)
    found = evidence(nothing, nothing)
    assert found.own.shape == (1, 4)
    assert found.own.max() < -3
    assert evidence(BED, 0 * BED).own.max() < -3
    assert evidence(nothing, BED[:1000]).own.max() < -3, "a sound out of silence"


def test_takes_that_agree_speak_for_the_sound() -> None:
    same = evidence(TUNE + BED, TUNE, TUNE).agreement
    assert same[60:120].min() > 0.99
    apart = evidence(TUNE + BED, TUNE, BED).agreement
    assert apart[60:120].mean() < 0
    assert not evidence(TUNE + BED, TUNE).agreement.any()


def test_a_sound_that_is_not_the_one_described_is_told_by_the_span_predictor() -> None:
    there = Evidence(np.full((2, 75), 4, np.float32), np.zeros(75, np.float32))
    probability = np.repeat(np.array([1.0, 0.0, 0.5], np.float32), 25)
    nats = log_odds(there, probability, None)
    assert nats[0, 5:15].min() > 2.5
    assert nats[0, 32:44].max() < -2.5
    assert gate_for(nats[0], 0.04, 0.5).open_s[0][1] < 1.6
    assert abs(nats[0, 70]) < 0.1
    leak = Evidence(np.full((1, 75), -4, np.float32), np.zeros(75, np.float32))
    assert log_odds(leak, probability, None).max() < -3.5


def test_the_judge_has_its_say() -> None:
    there = Evidence(np.full((2, 4), 4, np.float32), np.zeros(4, np.float32))
    good, poor = log_odds(there, None, np.array([4.5, 1.0], np.float32))[:, 0]
    assert good > 2
    assert -0.5 < poor < 0.5, "alone it makes a take doubtful, and does not silence it"
    spotted = np.full(4, 0.3, np.float32)
    assert log_odds(there, spotted, np.array([1.0, 1.0], np.float32)).max() < -2


def test_scores_of_the_judge_are_used_when_it_judged_all_takes() -> None:
    order, report = (1, 0), RankingReport((("judge", 1.0),))
    takes = Takes(Frames.of(torch.zeros(2, 1, 2)), Frames.of(torch.zeros(2, 1, 1)))
    assert _judged(takes) is None
    for scores, used in (((4.0, 2.0), True), ((4.0, float("nan")), False)):
        ranked = RankedTakes(order, scores, report, {"judge": scores})
        found = _judged(replace(takes, ranked=ranked))
        assert (found is not None) == used


def test_later_spans_win_and_a_stretch_has_its_own_time() -> None:
    nats = np.zeros((1, 10), np.float32)
    drawn = as_drawn(nats, (Span(10, 10.3), Span(10.1, 10.2, "-")), 0.1, 10.0)
    assert drawn[0].tolist()[:4] == [5, -5, 5, 0]
    assert not nats.any()
    assert not as_drawn(nats, (Span(0, 1),), 0.1, 10.0).any()


def test_the_lane_of_a_long_file_has_longer_periods() -> None:
    short = lane_of(np.zeros(7, np.float32), 0.04, 2.0)
    assert short == Presence(0.2, (0.5, 0.5), 2.0)
    long = lane_of(np.zeros(25 * 3600 * 10, np.float32), 0.04, 0.0)
    assert len(long.values) <= 18_000
    assert len(long.values) * long.period_s >= 36_000
    assert confidence_of(np.full(3, 9, np.float32), 0.04) > 0.99


@pytest.mark.parametrize("strictness", [0.01, 0.5, 1.0])
def test_a_stricter_gate_opens_less(strictness: float) -> None:
    nats = np.repeat(np.array([-4, -2.5, 1, 3.5, -4], np.float32), 25)
    gate = gate_for(nats, 0.04, strictness)
    (region,) = gate.open_s
    first = {0.01: 25, 0.5: 50, 1.0: 75}[strictness]
    assert region[0] == pytest.approx(first * 0.04 - 0.08)
    assert region[1] == pytest.approx(100 * 0.04 + 0.24)


def test_hysteresis_keeps_what_is_between() -> None:
    nats = np.array([-4, -1, -1, 1, -1, -1, -4, -1, -1, -4], np.float32)
    (region,) = gate_for(np.repeat(nats, 25), 0.04, 0.5).open_s
    assert region == (pytest.approx(1 - 0.08), pytest.approx(6 + 0.24))


def test_gains_are_smooth_and_the_same_in_any_blocks() -> None:
    gate = Gate(((0.1, 0.2), (0.5, 0.9)))
    whole = gate.gains(0, 48_000, 48_000)
    parts = [gate.gains(start, min(start + 777, 48_000), 48_000) for start in range(0, 48_000, 777)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.abs(np.diff(whole)).max() < np.pi / (2 * FADE_S * 48_000) * 1.01
    assert whole[4_800:9_600].min() == 1
    assert whole[int((0.2 + FADE_S) * 48_000) + 1 : int((0.5 - FADE_S) * 48_000)].max() == 0
    assert Gate(()).is_closed
    assert not Gate(()).gains(0, 10, 48_000).any()


def test_what_the_gate_holds_back_goes_to_the_residual() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((3, 4800, 2)).astype(np.float32)
    gates = (Gate(()), Gate(((-1.0, 2.0),)))
    (made,) = gated(iter([rows]), gates, 48_000)
    assert made.dtype == np.float32
    assert not made[0].any()
    assert np.array_equal(made[1], rows[1])
    np.testing.assert_allclose(made[2], rows[2] + rows[0], atol=1e-6)
    everything = replace(gates[1])
    (same,) = gated(iter([rows[:1]]), (everything,), 48_000)
    assert np.shares_memory(same, rows)
