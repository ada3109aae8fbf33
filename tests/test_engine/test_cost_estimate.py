"""What a run will take: more work costs more, what is known costs nothing, and runs are learned
from. Times themselves are compared by tests/benchmarks/bench_estimates.py."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import Prompt, Rerun, SeparationOptions, Span, separate
from engine.audio_files import clip_from_array
from engine.builtin import BuiltinSeparator
from engine.cost.clock import StageClock
from engine.cost.cost import Cost, corrected, readable_s
from engine.cost.footprint import WeightFormat
from engine.cost.ledger import VERSION, Ledger
from engine.cost.lines import line_of
from engine.cost.overview import cost_lines
from engine.cost.rates import Rates, guessed_rates
from engine.cost.shape import ModelShape
from engine.cost.stages import STAGES, Foreseen
from engine.cost.task import Known, Sound, Task, windows_over
from engine.data import MaskedVideo, Monitor
from engine.model import SAMAudio
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.costing import Costing
from engine.sam_audio.plan import RunPlan
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.windows import plan_windows
from engine.samplers import Sampling

from .tiny_model import write_checkpoint

RATES = Rates(
    start_s=2.0,
    load_s=1e-9,
    layer_s=1e-3,
    evaluate_s=1e-11,
    encode_s=1e-11,
    decode_s=1e-11,
    product_s=1e-11,
    host_s=0.01,
    copy_s=1e-11,
)
DOG, PLAIN = Prompt("dog"), SeparationOptions()
SMALL = ModelShape.published("small")
PLAN = RunPlan(750, 125, n_rows=1, codec_chunk_frames=250)
CPU_CONFIG = SamAudioConfig(device="cpu")


def costing(size: str = "small", config: SamAudioConfig = CPU_CONFIG) -> Costing:
    return Costing(f"sam-audio-{size}", ModelShape.published(size), config, Ledger())


def cost(duration_s: float = 60.0, **changes: object) -> Cost:
    known = changes.pop("known", Known())
    prompt = changes.pop("prompt", DOG)
    options = replace(PLAIN, **changes)  # type: ignore[arg-type]
    return costing().cost(Sound.lasting(duration_s), prompt, options, known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_frames", "longest", "overlap"),
    [(1, 750, 125), (750, 750, 125), (751, 750, 125), (9001, 300, 60)],
)
def test_windows_are_counted_as_they_are_planned(n_frames: int, longest: int, overlap: int) -> None:
    windows = plan_windows(n_frames, longest, overlap)
    cut = windows_over(n_frames, longest, overlap)
    assert (cut.n_windows, cut.n_frames) == (len(windows), windows[0].n_frames)


def test_longer_larger_and_better_costs_more() -> None:
    assert cost(10).seconds < cost(60).seconds < cost(600).seconds
    assert cost().seconds < cost(n_candidates=4).seconds
    assert cost().host_bytes < cost(n_candidates=4).host_bytes
    assert cost(quality="draft").seconds <= cost().seconds <= cost(quality="best").seconds
    sizes = [
        costing(size).cost(Sound.lasting(60), DOG, PLAIN) for size in ("small", "base", "large")
    ]
    assert [each.seconds for each in sizes] == sorted(each.seconds for each in sizes)
    assert [each.host_bytes for each in sizes] == sorted(each.host_bytes for each in sizes)
    base = clip_from_array(np.zeros((60 * 48_000, 2), np.float32), 48_000)
    assert cost(rerun=Rerun(10, 12, base)).seconds < cost().seconds
    draft = cost(quality="draft")
    assert cost(quality="draft", residual="generated").seconds > draft.seconds, "decoded as well"
    video = MaskedVideo(Path("cat.mp4"))
    assert cost(prompt=Prompt("cat", masked_video=video)).seconds > cost().seconds


def test_memory_does_not_grow_with_length_and_disk_does() -> None:
    short, long = cost(60), cost(3_600)
    assert long.host_bytes == short.host_bytes
    assert long.disk_bytes == pytest.approx(60 * short.disk_bytes, rel=0.01)


@pytest.mark.parametrize("what", ["loaded", "heard", "text", "seen", "spotted"])
def test_what_is_known_costs_nothing(what: str) -> None:
    task = Task(
        Sound.lasting(60), Sound.lasting(60), 32, spot_bytes=10**9, see_bytes=10**9, known=Known()
    )
    run = Foreseen(SMALL, WeightFormat("float32"), PLAN, task, RATES)
    known = replace(run, task=replace(task, known=Known(**{what: True})))
    assert set(run.seconds()) == set(STAGES)
    assert sum(known.seconds().values()) < sum(run.seconds().values())


def test_evaluations_windows_and_takes_multiply() -> None:
    task = Task(Sound.lasting(20), Sound.lasting(20), 32)
    run = Foreseen(SMALL, WeightFormat("float32"), PLAN, task, RATES)
    assert replace(run, task=replace(task, n_evaluations=64)).sample_s() == 2 * run.sample_s()
    four = replace(run, task=replace(task, n_takes=4), plan=replace(PLAN, n_rows=4))
    assert 3 * run.sample_s() < four.sample_s() < 4 * run.sample_s(), "one call for all takes"
    alone = replace(four, plan=PLAN)
    assert four.sample_s() < alone.sample_s() <= 4 * run.sample_s()


def test_a_model_that_does_not_fit_is_said_and_still_counted() -> None:
    config = SamAudioConfig(device="cpu", precision="float32", window_s=30_000, overlap_s=5)
    huge = replace(ModelShape.published("large"), n_layers=4_000)
    found = Costing("huge", huge, config, Ledger()).cost(Sound.lasting(60), DOG, PLAIN)
    assert [notice.code for notice in found.notices] == ["does_not_fit"]
    assert found.seconds > 0


def test_a_cost_is_told_in_words_and_as_json() -> None:
    found = cost()
    assert found.basis == "guessed"
    assert "a guess before anything is measured here" in str(found)
    assert found.least_s < found.seconds < found.most_s
    assert sum(found.stages.values()) == pytest.approx(found.seconds)
    assert json.loads(json.dumps(found.as_json()))["separator"] == "sam-audio-small"
    assert [readable_s(s) for s in (0.44, 12.2, 200, 9_000)] == [
        "0.4 s",
        "12 s",
        "3 min",
        "2 h 30 min",
    ]


def test_measured_rates_come_back_from_the_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "cache" / "rates.json")
    assert ledger.rates("here") is None
    ledger.measured("here", RATES)
    again = Ledger(tmp_path / "cache" / "rates.json")
    assert again.rates("here") == RATES
    assert again.rates("elsewhere") is None
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["rates.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        json.dumps({"version": VERSION + 1, "machines": {"here": {}}}).encode(),
        json.dumps(
            {"version": VERSION, "machines": {"here": {"rates": {"start_s": "no"}}}}
        ).encode(),
        json.dumps(
            {"version": VERSION, "machines": {"here": {"ratios": {"load": ["x", -1]}}}}
        ).encode(),
        json.dumps({"version": VERSION, "machines": {"here": [1]}}).encode(),
    ],
)
def test_a_bad_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rates.json"
    path.write_bytes(content)
    ledger = Ledger(path)
    assert ledger.rates("here") is None
    assert ledger.ratio("here", "load").n_runs == 0
    ledger.measured("here", RATES)
    assert ledger.rates("here") == RATES


def test_a_file_that_cannot_be_written_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    ledger = Ledger(tmp_path / "file" / "rates.json")
    ledger.measured("here", RATES)
    ledger.learn("here", {"sample": 10.0}, {"sample": 12.0})
    assert ledger.rates("here") is None


def test_runs_are_learned_from_within_bounds() -> None:
    ledger = Ledger()
    for took in (12.0, 11.0, 400.0, 12.5, 11.5):
        ledger.learn("here", {"sample": 10.0, "load": 0.01}, {"sample": took, "load": 0.02})
    ratio = ledger.ratio("here", "sample")
    assert (ratio.value, ratio.n_runs) == (1.2, 5), "one run out of bounds moves nothing"
    assert 1.1 <= ratio.spread < 1.4
    assert ledger.ratio("here", "load").n_runs == 0, "too short to tell"
    for _ in range(20):
        ledger.learn("here", {"sample": 10.0}, {"sample": 1000.0})
    assert ledger.ratio("here", "sample").value == 4.0
    assert ledger.ratio("here", "sample").n_runs == 9
    time = corrected({"sample": 10.0, "finish": 1.0}, ledger, "here", is_measured=True)
    assert (time.seconds, time.basis, time.n_runs) == (41.0, "learned", 9)
    ledger.measured("here", RATES)
    assert ledger.ratio("here", "sample").n_runs == 0, "they were about the old rates"


def test_stages_are_told_apart_by_progress() -> None:
    told: list[str] = []
    clock = StageClock(Monitor(lambda progress: told.append(progress.stage)))
    for stage in ("load", "encode", "spot", "sample", "decode", "write"):
        clock.monitor.part(0, 0.5).report(stage, 0.5)
    assert told == ["load", "encode", "spot", "sample", "decode", "write"]
    assert set(clock.stop()) == set(STAGES)
    assert all(seconds >= 0 for seconds in clock.stop().values())


def test_the_builtin_separator_has_a_cost_and_learns() -> None:
    separator = BuiltinSeparator()
    noise = 0.1 * np.random.default_rng(0).standard_normal((48_000 * 80, 2)).astype(np.float32)
    clip = clip_from_array(noise, 48_000)
    prompt = Prompt(spans=[Span.present(1, 2), Span.absent(3, 5)])
    before = separator.estimate_cost(clip, prompt, PLAIN)
    assert (before.basis, before.separator) == ("guessed", "builtin")
    assert separator.estimate_cost(Sound.lasting(600), prompt, PLAIN).seconds > before.seconds
    separate(clip, prompt, separator=separator)
    after = separator.estimate_cost(clip, prompt, PLAIN)
    assert (after.basis, after.n_runs) == ("learned", 1)


def test_a_separator_knows_what_earlier_runs_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy computer may need seconds for the run, from which slow rates would be learned.
    monkeypatch.setattr(Ledger, "learn", lambda *_: None)
    folder = write_checkpoint(tmp_path / "model")
    config = SamAudioConfig(device="cpu", sampling=Sampling("euler", 1), predict_spans="off")
    shape = ModelShape.read(folder / "config.json")
    separator = SamAudioSeparator(
        "tiny",
        lambda: SAMAudio.from_pretrained(folder),
        config,
        costing=Costing("tiny", shape, config, Ledger()),
    )
    clip = clip_from_array(0.1 * np.ones((8_000, 1), np.float32), 8_000)
    cold = separator.estimate_cost(clip, DOG, PLAIN)
    assert not separator.is_loaded, "nothing is loaded for an estimate"
    assert cold.stages["load"] > 0
    separate(clip, DOG, separator=separator, options=replace(PLAIN, presence_gate=0))
    warm = separator.estimate_cost(clip, DOG, PLAIN)
    assert warm.stages["load"] == 0
    assert warm.stages["encode"] < cold.stages["encode"]
    other = separator.estimate_cost(clip, Prompt("cat"), PLAIN)
    assert warm.stages["encode"] < other.stages["encode"], "its text is new"
    assert separator.estimate_cost(Sound.of(clip), DOG, PLAIN).seconds > warm.seconds


def test_int8_and_16_bits_take_less_memory() -> None:
    def host(**settings: object) -> int:
        config = SamAudioConfig(device="cpu", **settings)  # type: ignore[arg-type]
        return costing(config=config).cost(Sound.lasting(60), DOG, PLAIN).host_bytes

    full, short = host(precision="float32"), host(precision="bfloat16")
    least = host(precision="bfloat16", int8=True)
    assert least < short < full


def test_lines_say_what_ready_separators_take(tmp_path: Path) -> None:
    lines = cost_lines(tmp_path / "models")
    assert [(line.separator, line.quality) for line in lines] == [
        ("builtin", quality) for quality in ("draft", "standard", "best")
    ]
    costs = costing()
    line = line_of(lambda sound, options: costs.cost(sound, DOG, options), "standard")
    assert 0 < line.per_take_s < line.per_channel_s
    expected = costs.cost(Sound.lasting(600), DOG, replace(PLAIN, n_candidates=2)).seconds
    told = line.fixed_s + 600 * 2 * (line.per_channel_s + line.per_take_s)
    assert told == pytest.approx(expected, rel=0.1)


def test_rates_are_numbers_or_nothing() -> None:
    assert Rates.from_json(RATES.as_json()) == RATES
    for bad in ({}, None, {**RATES.as_json(), "copy_s": -1}, {**RATES.as_json(), "copy_s": "1"}):
        assert Rates.from_json(bad) is None
    for device in ("cpu", "cuda", "mps"):
        assert guessed_rates(device, WeightFormat("bfloat16")).evaluate_s > 0
