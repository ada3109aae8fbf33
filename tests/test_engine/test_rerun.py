"""A selection done anew: everything around it stays, and the new part knows what is around it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import Prompt, Separation, Span, separate
from engine.audio_files import clip_from_array, open_clip
from engine.builtin import BuiltinSeparator
from engine.data import AudioClip, Rerun, SeparationOptions
from engine.errors import AudioError, PromptError
from engine.model import SAMAudio
from engine.model.config import CodecConfig
from engine.rerun import FADE_S, checked_rerun, spliced_blocks
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.frames import Frames
from engine.sam_audio.sampling import Course, held, sampled_latents
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.stretch import difference, excerpt, stretch_of
from engine.sam_audio.windows import Window, plan_windows
from engine.samplers import SAMPLERS, Draw, Sampling, batch_noise

from .tiny_model import write_checkpoint

RATE = 44_100
DOG = Prompt("dog barking")


def noise(n_samples: int, n_channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).standard_normal((n_samples, n_channels))
    return (0.1 * samples).astype(np.float32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> SamAudioSeparator:
    folder = write_checkpoint(tmp_path_factory.mktemp("tiny"))
    config = SamAudioConfig(
        device="cpu", sampling=Sampling("midpoint", 2), window_s=2.0, overlap_s=0.5
    )
    return SamAudioSeparator("tiny", lambda: SAMAudio.from_pretrained(folder), config)


def again(
    separator: Any, mixture: NDArray[Any], base: AudioClip, selection: str, **given: Any
) -> Separation:
    rerun = Rerun.parse(selection, base)
    options = SeparationOptions(seed=9, n_threads=1, presence_gate=0, rerun=rerun, **given)
    return separate(mixture, DOG, sample_rate=RATE, separator=separator, options=options)


def outside(n_samples: int, start_s: float, end_s: float) -> NDArray[np.bool_]:
    times = np.arange(n_samples) / RATE
    return np.asarray((times < start_s - FADE_S) | (times > end_s + FADE_S))


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_all_around_the_selection_stays_to_the_last_bit(
    tiny: SamAudioSeparator, dtype: str
) -> None:
    mixture = noise(6 * RATE + 17, 2)
    if dtype == "int16":
        mixture = (mixture * 32_767).astype(np.int16)
    mixture = mixture.astype(dtype)
    options = SeparationOptions(n_threads=1, presence_gate=0)
    first = separate(mixture, DOG, sample_rate=RATE, separator=tiny, options=options)
    second = again(tiny, mixture, first.target, "2.2:3.1")
    before, after = first.target.samples, second.target.samples
    kept = outside(len(mixture), 2.2, 3.1)
    assert before.dtype == after.dtype
    assert np.array_equal(after[kept], before[kept])
    assert np.abs(after - before)[~kept].max() > 1e-3
    assert second.residual is not None
    null = mixture - after - second.residual.samples
    assert np.abs(null).max() <= {"int16": 0, "float32": 2e-8, "float64": 1e-17}[dtype]
    again_options = second.receipt["options"]
    assert isinstance(again_options, dict)
    assert again_options["rerun"] == {"start_s": 2.2, "end_s": 3.1, "base_target": "target"}


def test_only_what_lies_around_the_selection_is_computed(tiny: SamAudioSeparator) -> None:
    mixture = noise(12 * RATE)
    options = SeparationOptions(n_threads=1, presence_gate=0)
    first = separate(mixture, DOG, sample_rate=RATE, separator=tiny, options=options)
    assert tiny._loaded is not None
    model = tiny._loaded.model
    n_seen, n_encoded = [], []
    hooks = [
        model.transformer.output.register_forward_pre_hook(
            lambda _module, inputs: n_seen.append(inputs[0].shape[1])
        ),
        (model.audio_codec.fused_encoder or model.audio_codec.encoder).register_forward_pre_hook(
            lambda _module, inputs: n_encoded.append(inputs[0].shape[-1])
        ),
    ]
    again(tiny, mixture, first.target, "6.2:7.1")
    for hook in hooks:
        hook.remove()
    # 5 s to 8 s, in two windows; the mixture is known, the earlier stems are encoded with 1 s more
    assert len(n_seen) == 2 * 4
    assert sum(n_seen) == 4 * (75 + 13)
    assert sum(n_encoded) == 2 * 5 * 48_000


def test_takes_are_made_anew_and_compared_in_the_selection(tiny: SamAudioSeparator) -> None:
    mixture = noise(4 * RATE)
    base = clip_from_array(0.5 * mixture, RATE)
    result = again(tiny, mixture, base, "1:2", n_candidates=2)
    kept = outside(len(mixture), 1, 2)
    takes = [take.target.samples for take in result.candidates]
    assert all(np.array_equal(take[kept], 0.5 * mixture[kept]) for take in takes)
    assert np.abs(takes[0] - takes[1]).max() > 1e-4


def test_stems_in_files_are_rerun_from_files(tiny: SamAudioSeparator, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mix.wav", noise(3 * RATE, 2), RATE, subtype="PCM_24")
    options = SeparationOptions(presence_gate=0)
    first = separate(
        tmp_path / "mix.wav", DOG, separator=tiny, output=tmp_path / "one", options=options
    )
    assert first.target.path is not None
    base = open_clip(first.target.path)
    options = SeparationOptions(seed=5, presence_gate=0, rerun=Rerun(0.0, 0.5, base))
    second = separate(
        tmp_path / "mix.wav", DOG, separator=tiny, output=tmp_path / "two", options=options
    )
    assert second.null_db == float("-inf")
    kept = outside(3 * RATE, 0.0, 0.5)
    assert np.array_equal(second.target.samples[kept], first.target.samples[kept])
    assert not np.array_equal(second.target.samples, first.target.samples)
    for clip in (base, first.target, second.target, first.residual, second.residual):
        assert clip is not None
        clip.source.close()


def test_the_builtin_separator_keeps_what_is_not_selected() -> None:
    mixture = noise(4 * RATE, 2)
    base = clip_from_array(0.5 * mixture, RATE)
    prompt = Prompt("click", [Span(0, 1), Span(2, 3, "-")])
    options = SeparationOptions(rerun=Rerun(1.0, 2.0, base))
    result = separate(
        mixture, prompt, sample_rate=RATE, separator=BuiltinSeparator(), options=options
    )
    kept = outside(len(mixture), 1, 2)
    assert np.array_equal(result.target.samples[kept], 0.5 * mixture[kept])
    assert not np.array_equal(result.target.samples, 0.5 * mixture)


@given(
    n_samples=st.integers(4000, 40_000),
    times=st.tuples(st.floats(0, 0.3), st.floats(0.01, 0.6)),
    first=st.integers(0, 800),
    n_block=st.integers(20, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_splicing_covers_everything_once(
    n_samples: int, times: tuple[float, float], first: int, n_block: int
) -> None:
    rate = 8000
    base = clip_from_array(np.zeros((n_samples, 1)), rate)
    start_s, length_s = times
    rerun = Rerun(0.15 + start_s, 0.15 + start_s + length_s, base)
    last = min(n_samples, 10_400)

    def blocks() -> Iterator[NDArray[np.float32]]:
        for start in range(first, last, n_block):
            yield np.ones((2, min(n_block, last - start), 1), np.float32)

    whole = np.concatenate(list(spliced_blocks(rerun, first, blocks())), axis=1)
    assert whole.shape == (2, n_samples, 1)
    seconds = np.arange(n_samples) / rate
    inside = (seconds > rerun.start_s) & (seconds < rerun.end_s - 1 / rate)
    assert bool((whole[:, inside] == 1).all())
    far = (seconds < rerun.start_s - FADE_S) | (seconds > rerun.end_s + FADE_S)
    assert bool((whole[:, far] == 0).all())
    assert np.abs(np.diff(whole[0, :, 0])).max() < 0.1


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("joining", ["diffused", "crossfade"])
def test_what_is_held_arrives_where_it_was_and_steers_the_rest(sampler: str, joining: Any) -> None:
    start = batch_noise([Draw(1), Draw(1, 1)], 60, 4)
    earlier = torch.randn(1, 60, 4, generator=torch.Generator().manual_seed(3))
    seen: list[tuple[float, torch.Tensor]] = []

    def velocity(windows: tuple[Window, ...], x: torch.Tensor, t: float) -> torch.Tensor:
        if windows[0].start == 0:
            seen.append((t, x[0, :, :10]))
        return x.mean(dim=2, keepdim=True) - x

    noise_frames, before = Frames.of(start), Frames.of(earlier)
    selection = Window(25, 40)
    steered = held(velocity, noise_frames, before, selection)
    course = Course(Sampling(sampler, 5), plan_windows(60, 40, 10), joining=joining)
    latents = sampled_latents(steered, noise_frames, course, Scratch()).whole()
    kept = torch.ones(60, dtype=torch.bool)
    kept[25:40] = False
    torch.testing.assert_close(latents[:, kept], earlier.expand(2, -1, -1)[:, kept])
    assert float((latents - earlier)[:, ~kept].abs().max()) > 0.1
    for t, x in seen:  # at every time on the straight line, as in training
        torch.testing.assert_close(x, ((1 - t) * start + t * earlier)[:, :10], atol=1e-5, rtol=1e-5)


def test_a_stretch_is_whole_seconds_with_context() -> None:
    clip = clip_from_array(noise(10 * 8000 + 5), 8000)
    stretch = stretch_of(clip, Rerun(4.3, 5.2, clip), 1.5, CodecConfig())
    assert (stretch.start_sample, stretch.clip.n_samples) == (2 * 8000, 5 * 8000)
    assert stretch.frames == Window(50, 175)
    assert stretch.selection == Window(57, 81)
    assert np.array_equal(stretch.clip.samples, clip.samples[16_000:56_000])
    whole = stretch_of(clip, Rerun(0.0, 10.0, clip), 1.5, CodecConfig())
    assert whole.is_whole
    assert whole.clip is clip
    assert stretch_of(clip, None, 1.5, CodecConfig()).is_whole


def test_clips_made_of_clips() -> None:
    a, b = clip_from_array(noise(100, 2), 8000), clip_from_array(noise(100, 2, 1), 8000)
    left = difference(a, b)
    assert np.array_equal(left.samples, a.samples - b.samples)
    assert np.array_equal(excerpt(left, 10, 30).source.read(2, 5), left.samples[12:15])


@pytest.mark.parametrize(
    ("selection", "n_samples", "error"),
    [("4:5", 8000, "starts at 4 s"), ("0:1", 8001, "8001 samples")],
)
def test_impossible_reruns_are_typed_errors(selection: str, n_samples: int, error: str) -> None:
    mixture = clip_from_array(noise(8000), 8000)
    base = clip_from_array(noise(n_samples), 8000)
    with pytest.raises((PromptError, AudioError), match=error):
        checked_rerun(Rerun.parse(selection, base), mixture)


@pytest.mark.parametrize("text", ["-1:2", "2:1", "1", "1:1"])
def test_what_is_no_selection_is_refused(text: str) -> None:
    with pytest.raises(PromptError):
        Rerun.parse(text, clip_from_array(noise(10), 8000))
