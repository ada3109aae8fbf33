"""The weight-free separator: quality on small scenes, every shape, streaming, refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.builtin import BuiltinConfig, BuiltinSeparator
from engine.data import AudioClip, Estimate, Monitor, Progress, Prompt, SeparationOptions, Span
from engine.errors import AudioUnreadable, Cancelled, PromptError, PromptNeedsSpans
from tests.test_engine.builtin_scenes import (
    SAMPLE_RATE,
    ArraySource,
    clip,
    drum_hits,
    melody,
    si_sdr,
    silence,
    stereo,
    sweeps,
    tone,
)

SMALL_BLOCKS = BuiltinConfig(learn_block_s=0.9, decode_block_s=0.7)
PRESENT = Span.present(2.0, 4.0)
ABSENT = Span.absent(0.0, 1.9)


def estimate(
    mixture: AudioClip,
    prompt: Prompt,
    *,
    config: BuiltinConfig | None = None,
    options: SeparationOptions | None = None,
    monitor: Monitor | None = None,
) -> Estimate:
    separator = BuiltinSeparator(config or BuiltinConfig())
    options = options or SeparationOptions(n_threads=1)
    return separator.estimate(mixture, prompt, options, monitor or Monitor())


def target_of(mixture: AudioClip, prompt: Prompt, **how: object) -> NDArray[np.float32]:
    """The whole target [N, C], with the promises about blocks checked."""
    blocks = list(estimate(mixture, prompt, **how).blocks)  # type: ignore[arg-type]
    assert all(b.dtype == np.float32 and b.shape[0] == 1 for b in blocks)
    target = np.concatenate(blocks, axis=1)[0]
    assert target.shape == (mixture.n_samples, mixture.n_channels)
    assert np.isfinite(target).all()
    return target


def event_scene() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Target [N, 2] and mixture: chirps from 2 s on over a repeating melody, 4 s."""
    target = stereo(sweeps(4.0, 2.05), 0.4)
    return target, target + stereo(melody(4.0), 0.6)


@pytest.mark.parametrize(
    ("spans", "gain_db"), [((PRESENT, ABSENT), 10.0), ((PRESENT,), 8.0), ((ABSENT,), 8.0)]
)
def test_spans_take_an_event_out_of_a_melody(spans: tuple[Span, ...], gain_db: float) -> None:
    target, mixture = event_scene()
    found = target_of(clip(mixture), Prompt("", spans))
    assert si_sdr(found, target) > si_sdr(mixture, target) + gain_db


def test_a_description_takes_drums_out_of_a_tone() -> None:
    target = stereo(drum_hits(4.0))
    mixture = target + stereo(tone(4.0), 0.3)
    found = target_of(clip(mixture), Prompt("drums"))
    assert si_sdr(found, target) > si_sdr(mixture, target) + 6


@pytest.mark.parametrize("description", ["drums", "", "dog barking", "piano"])
def test_blocks_are_the_same_as_the_whole(description: str) -> None:
    _, mixture = event_scene()
    prompt = Prompt(description, (PRESENT, ABSENT))
    whole = target_of(clip(mixture), prompt, config=BuiltinConfig(decode_block_s=60))
    streamed = target_of(clip(mixture), prompt, config=SMALL_BLOCKS)
    assert np.abs(whole - streamed).max() < 1e-5


@pytest.mark.parametrize("description", ["drums", "bass", "speech", "piano"])
def test_text_alone_streams_like_the_whole(description: str) -> None:
    mixture = stereo(drum_hits(4.0) + melody(4.0))
    whole = target_of(clip(mixture), Prompt(description), config=BuiltinConfig(decode_block_s=60))
    streamed = target_of(clip(mixture), Prompt(description), config=SMALL_BLOCKS)
    assert np.abs(whole - streamed).max() < 1e-5


def test_a_seed_gives_the_same_stem_on_any_number_of_threads() -> None:
    _, mixture = event_scene()
    prompt = Prompt("", (PRESENT, ABSENT))

    def once(seed: int, n_threads: int) -> NDArray[np.float32]:
        options = SeparationOptions(seed=seed, n_threads=n_threads)
        return target_of(clip(mixture), prompt, config=SMALL_BLOCKS, options=options)

    assert np.array_equal(once(7, 1), once(7, 2))
    assert not np.array_equal(once(7, 1), once(8, 1))


def test_a_limit_of_frames_to_learn_from_still_separates() -> None:
    target, mixture = event_scene()
    few = BuiltinConfig(max_learn_frames=60, learn_block_s=0.9)
    found = target_of(clip(mixture), Prompt("", (PRESENT, ABSENT)), config=few)
    assert si_sdr(found, target) > si_sdr(mixture, target) + 8


def test_reads_stay_short_in_a_long_mixture() -> None:
    mixture = clip(np.tile(event_scene()[1], (4, 1)))
    target_of(mixture, Prompt("", (PRESENT, ABSENT)), config=SMALL_BLOCKS)
    assert isinstance(mixture.source, ArraySource)
    assert mixture.source.longest_read < 1.2 * SAMPLE_RATE


@settings(max_examples=25, deadline=None)
@given(n_samples=st.integers(1, 5000), text=st.sampled_from(["", "drums", "violin"]))
def test_any_length_is_kept(n_samples: int, text: str) -> None:
    rng = np.random.default_rng(n_samples)
    duration_s = n_samples / SAMPLE_RATE
    prompt = Prompt(text, (Span.present(0, duration_s / 2), Span.absent(duration_s / 2, 1)))
    target_of(clip(rng.standard_normal((n_samples, 2)) * 0.1), prompt)


@pytest.mark.parametrize("n_channels", [1, 2, 6, 32])
@pytest.mark.parametrize("sample_rate", [8_000, 192_000])
def test_any_layout_and_rate_is_kept(n_channels: int, sample_rate: int) -> None:
    rng = np.random.default_rng(0)
    mixture = clip(rng.standard_normal((sample_rate // 3, n_channels)) * 0.1, sample_rate)
    target_of(mixture, Prompt("", (Span.present(0.1, 0.2),)))
    target_of(mixture, Prompt("drums"))


@pytest.mark.parametrize("description", ["drums", "kick", "bass", "speech", "piano"])
def test_nothing_comes_out_of_silence(description: str) -> None:
    assert not target_of(clip(stereo(silence(1.0))), Prompt(description)).any()


def test_nothing_comes_out_of_a_silent_stretch() -> None:
    mixture = stereo(tone(2.0))
    mixture[SAMPLE_RATE:] = 0
    result = estimate(clip(mixture), Prompt("", (Span.present(1.1, 1.9),)))
    assert not np.concatenate(list(result.blocks), axis=1).any()
    assert [notice.code for notice in result.notices] == ["target_absent"]


@pytest.mark.parametrize("level", [1e-20, 1e6])
def test_level_does_not_matter(level: float) -> None:
    target, mixture = event_scene()
    found = target_of(clip(mixture * np.float32(level)), Prompt("", (PRESENT, ABSENT)))
    assert si_sdr(found / np.float32(level), target) > si_sdr(mixture, target) + 10


@pytest.mark.parametrize("description", ["", "drums", "piano"])
@pytest.mark.parametrize("shape", ["dc", "square", "impulse"])
def test_odd_signals_stay_finite(description: str, shape: str) -> None:
    n = SAMPLE_RATE
    mixture = {
        "dc": np.ones((n, 2)),
        "square": np.sign(np.sin(np.arange(n) / 30))[:, None].repeat(2, 1),
        "impulse": np.eye(n, 2),
    }[shape]
    spans = () if description else (Span.present(0.2, 0.5),)
    target_of(clip(mixture), Prompt(description, spans))


def test_a_broken_sample_is_refused() -> None:
    mixture = stereo(tone(1.0))
    mixture[1000, 1] = np.nan
    with pytest.raises(AudioUnreadable, match="NaN"):
        estimate(clip(mixture), Prompt("drums"))


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("zorblax", "not among the sounds"),
        ("dog barking", "only with spans"),
        ("rain", "only with spans"),
        ("drums and guitar", "more than one sound"),
        ("everything but the vocals", "what to leave out"),
    ],
)
def test_too_little_is_refused_with_advice(description: str, says: str) -> None:
    with pytest.raises(PromptNeedsSpans, match=says) as caught:
        estimate(clip(stereo(tone(0.2))), Prompt(description))
    assert "'+' span" in str(caught.value)
    assert "SAM-Audio" in str(caught.value)


def test_a_span_outside_the_mixture_is_refused() -> None:
    with pytest.raises(PromptError, match="outside"):
        estimate(clip(stereo(tone(0.2))), Prompt("drums", (Span.present(3, 4),)))


def test_progress_rises_through_both_stages() -> None:
    seen: list[Progress] = []
    monitor = Monitor(on_progress=seen.append)
    mixture = clip(event_scene()[1])
    target_of(mixture, Prompt("", (PRESENT,)), config=SMALL_BLOCKS, monitor=monitor)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert list(dict.fromkeys(progress.stage for progress in seen)) == ["learn", "separate"]


@pytest.mark.parametrize("after", [0, 2, 8])
def test_cancelling_stops_within_a_block(after: int) -> None:
    seen: list[Progress] = []
    monitor = Monitor(on_progress=seen.append, is_cancelled=lambda: len(seen) > after)
    mixture = clip(event_scene()[1])
    with pytest.raises(Cancelled):
        target_of(mixture, Prompt("", (PRESENT,)), config=SMALL_BLOCKS, monitor=monitor)
    assert len(seen) == after + 1


def test_notices_and_confidence_follow_the_prompt() -> None:
    mixture = clip(event_scene()[1])

    def judged(prompt: Prompt) -> tuple[float, set[str]]:
        result = estimate(mixture, prompt)
        return result.confidence, {notice.code for notice in result.notices}

    both, codes = judged(Prompt("", (PRESENT, ABSENT)))
    assert not codes
    plus, codes = judged(Prompt("", (PRESENT,)))
    assert codes == {"no_absent_spans"}
    text, codes = judged(Prompt("piano"))
    assert codes == {"rough_text_only"}
    short, codes = judged(Prompt("", (Span.present(2.1, 2.2), ABSENT)))
    assert codes == {"spans_too_short"}
    endless, codes = judged(Prompt("", (Span.present(0, 4),)))
    assert "target_never_stops" in codes
    assert 0 < endless < text < plus < both < 1
    assert short < both


def test_settings_make_the_same_again() -> None:
    settings_ = estimate(clip(event_scene()[1]), Prompt("piano", (PRESENT,))).settings
    assert settings_["route"] == "spans"
    assert settings_["sound"] == "pitched"
    assert settings_["seed"] == 0
