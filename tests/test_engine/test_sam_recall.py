"""What one prompt computed serves the next, and nothing else is kept."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine import Prompt, Separation, Span, separate
from engine.audio_files import clip_from_array
from engine.data import MaskedVideo, Monitor, Rerun, SeparationOptions
from engine.errors import CheckpointNotFound
from engine.model import SAMAudio
from engine.model.anchors import NULL_ID, PRESENT_ID
from engine.model.companions import Lazy
from engine.model.masked_video import masked_frames
from engine.model.span_predictor import SpanPredictor
from engine.model.vision_encoder import VisionEncoder
from engine.sam_audio.beside import BesidePlan
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.frames import Frames
from engine.sam_audio.loading import loaded
from engine.sam_audio.recall import Recent, clip_key, video_key
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.seeing import see, shown_in
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.spotting import spot
from engine.sam_audio.windows import Window, plan_windows
from engine.samplers import Sampling

from .tiny_listeners import write_span_predictor
from .tiny_model import TINY_TOWERS, write_checkpoint

RATE = 48_000
QUICK = SamAudioConfig(device="cpu", sampling=Sampling("euler", 1), window_s=1.0, overlap_s=0.2)


def noise(n_samples: int, seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).standard_normal((n_samples, 1))
    return (0.1 * samples).astype(np.float32)


def write_model(folder: Path, *, with_spans: bool) -> Path:
    """A tiny model; its span predictor hears the sound in about half of the frames."""
    write_checkpoint(folder)
    if with_spans:
        weights = write_span_predictor(folder / "pe-a-frame-large") / "model.safetensors"
        predictor = SpanPredictor.from_folder(weights.parent)
        latents = torch.randn(1, 60, 128, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            middle = predictor.predict(latents, ["dog"]).logits.median()
        state = load_file(weights)
        state["logit_bias"] = state["logit_bias"] - middle - 0.85
        save_file(state, weights)
    return folder


def separator(folder: Path, **changes: Any) -> SamAudioSeparator:
    def load() -> SAMAudio:
        return SAMAudio.from_pretrained(folder, towers=TINY_TOWERS)

    return SamAudioSeparator("tiny", load, replace(QUICK, **changes))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("plain"), with_spans=False)


@pytest.fixture(scope="module")
def spotting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("spotting"), with_spans=True)


def split(with_: SamAudioSeparator, mixture: NDArray[Any], prompt: Prompt, **given: Any) -> Any:
    options = SeparationOptions(n_threads=1, presence_gate=0, **given)
    return separate(mixture, prompt, sample_rate=RATE, separator=with_, options=options)


@contextmanager
def counted(model: SAMAudio) -> Iterator[Counter[str]]:
    """How often the encoder of sound and that of text run."""
    calls: Counter[str] = Counter()

    def count(name: str, module: nn.Module) -> Any:
        return module.register_forward_pre_hook(lambda *_: calls.update([name]))

    text = model.companions.text_encoder.on(model.device)
    assert model.audio_codec.fused_encoder is not None
    hooks = [count("sound", model.audio_codec.fused_encoder), count("text", text.model)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def test_a_new_prompt_on_a_known_clip_encodes_no_sound(plain: Path) -> None:
    tiny = separator(plain)
    mixture = noise(2 * RATE)
    first: Separation = split(tiny, mixture, Prompt("dog"))
    assert tiny._loaded is not None
    with counted(tiny._loaded.model) as calls:
        split(tiny, mixture.copy(), Prompt("cat"))
        assert calls == {"text": 1}
        again = split(tiny, mixture, Prompt("dog"))
        split(tiny, mixture, Prompt("cat", [Span(0, 1)]))
        assert calls == {"text": 1}
        split(tiny, noise(RATE, 5), Prompt("cat"))
        assert calls == {"text": 1, "sound": 1}
        split(tiny, mixture, Prompt("cat"), rerun=Rerun(0.5, 0.6, first.target))
        assert calls == {"text": 1, "sound": 3}  # the earlier target and what it left
    assert np.array_equal(again.target.samples, first.target.samples)
    fresh = split(separator(plain), mixture, Prompt("dog"))
    assert np.array_equal(fresh.target.samples, first.target.samples)


def test_clips_are_known_by_content_alone() -> None:
    samples = noise(1000)
    key = clip_key(clip_from_array(samples, RATE))
    assert clip_key(clip_from_array(samples.copy(), RATE)) == key
    samples[500] += 1e-6
    others = [clip_from_array(samples, RATE), clip_from_array(noise(1000), 44_100)]
    assert key not in [clip_key(other) for other in others]


def test_videos_are_known_by_content_or_by_their_file(tmp_path: Path) -> None:
    frames = np.zeros((2, 3, 4, 4), np.uint8)
    assert video_key(MaskedVideo(frames)) == video_key(MaskedVideo(frames.copy()))
    assert video_key(MaskedVideo(frames)) != video_key(MaskedVideo(frames + 1))
    assert video_key(MaskedVideo(frames)) != video_key(MaskedVideo(frames, frames[:, 0]))
    mask = tmp_path / "mask.npy"
    np.save(mask, frames[:, 0])
    before = video_key(MaskedVideo(frames, mask))
    assert video_key(MaskedVideo(frames, mask)) == before
    np.save(mask, np.ones((3, 4, 4), np.uint8))
    assert video_key(MaskedVideo(frames, mask)) != before


def test_the_least_recently_used_goes_first() -> None:
    recent: Recent[int] = Recent(2)
    made: list[str] = []

    def make(key: str) -> int:
        return recent.get(key, lambda: made.append(key) or len(made))

    for key in ("a", "b", "a", "c", "a", "b"):
        make(key)
    assert made == ["a", "b", "c", "b"]
    assert recent.known("c") is None


def test_what_is_let_go_of_gives_its_room_back(plain: Path) -> None:
    tiny = separator(plain)
    for seed in range(6):
        split(tiny, noise(RATE // 4, seed), Prompt("dog"))
    assert len(tiny._recall.scratch._files) == 4 + 6  # of clips, and of what was sampled


def test_predicted_spans_reach_the_network(spotting: Path, plain: Path) -> None:
    mixture = noise(2 * RATE)
    seen: list[Tensor] = []

    def anchors_of(folder: Path, prompt: Prompt, **changes: Any) -> tuple[Tensor, Any]:
        seen.clear()
        tiny = separator(folder, window_s=5.0, overlap_s=1.0, **changes)
        tiny._loaded = loaded(tiny._load(), QUICK)
        tiny._loaded.model.embed_anchors.register_forward_pre_hook(
            lambda _module, inputs: seen.append(inputs[0].per_frame())
        )
        result = split(tiny, mixture, prompt)
        return seen[0][0], result

    without, _ = anchors_of(plain, Prompt("dog"))
    assert bool((without == NULL_ID).all())
    predicted, result = anchors_of(spotting, Prompt("dog"))
    assert result.spans
    assert 0 < int((predicted == PRESENT_ID).sum()) < 50
    as_given, given_result = anchors_of(spotting, Prompt("dog", result.spans))
    assert torch.equal(as_given, predicted)
    assert np.array_equal(given_result.target.samples, result.target.samples)
    # The same take: the predictor can only make it less likely, and drawn spans are believed.
    lanes = [each.presence.values for each in (result, given_result)]
    assert lanes[0] != lanes[1]
    assert all(estimated <= drawn for estimated, drawn in zip(*lanes, strict=True))
    off, unpredicted = anchors_of(spotting, Prompt("dog"), predict_spans="off")
    assert bool((off == NULL_ID).all())
    assert np.abs(unpredicted.target.samples - result.target.samples).max() > 1e-5
    by_user, _ = anchors_of(spotting, Prompt("dog", [Span(0, 0.1)]))
    assert int((by_user == PRESENT_ID).sum()) == 3
    nothing_said, _ = anchors_of(spotting, Prompt("", [Span(0, 0.1, "-")]))
    assert not bool((nothing_said == PRESENT_ID).any())
    with pytest.raises(CheckpointNotFound):
        anchors_of(plain, Prompt("dog"), predict_spans="on")


def test_the_prediction_of_windows_is_joined_and_moves_with_a_selection(spotting: Path) -> None:
    tiny = separator(spotting)
    mixture = noise(4 * RATE)
    first = split(tiny, mixture, Prompt("dog"))
    assert tiny._loaded is not None
    assert not tiny._loaded.model.companions.span_predictor.is_loaded
    assert first.receipt["settings"]["predicted_spans"] == [str(span) for span in first.spans]
    assert max(span.end_s for span in first.spans) > 2.5
    part = split(tiny, mixture, Prompt("dog"), rerun=Rerun(2.5, 2.9, first.target))
    assert all(2.0 <= span.start_s < span.end_s <= 4.0 for span in part.spans)


def test_one_window_is_predicted_as_a_whole(spotting: Path) -> None:
    predictor = SpanPredictor.from_folder(spotting / "pe-a-frame-large")
    latents = torch.randn(1, 90, 128, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        whole = predictor.predict(latents, ["dog"])
    spotted = spot(predictor, Frames.of(latents), "dog", (Window(0, 90),), Monitor())
    assert spotted.spans == whole.spans[0]
    assert np.array_equal(spotted.probability, whole.logits.sigmoid()[0].numpy())
    windows = plan_windows(90, 40, 20)
    joined = spot(predictor, Frames.of(latents), "dog", windows, Monitor())
    assert joined.probability.shape == (90,)


def test_video_features_are_made_once_and_cut_to_a_stretch(plain: Path) -> None:
    model = SAMAudio.from_pretrained(plain, towers=TINY_TOWERS)
    frames = np.random.default_rng(5).integers(0, 255, (70, 3, 28, 28), dtype=np.uint8)
    video = MaskedVideo(frames)
    with torch.inference_mode():
        encoder = model.companions.vision_encoder.on(model.device)
        whole = encoder.encode_video(masked_frames(video, 200))
    eyes = BesidePlan("vision tower", model.device, n_at_once=8)
    features = see(model, eyes, video, 200, Window(0, 200), Scratch()).whole()[0]
    torch.testing.assert_close(features, whole, atol=1e-6, rtol=1e-5)
    part = see(model, eyes, video, 200, Window(33, 101), Scratch()).whole()[0]
    torch.testing.assert_close(part, whole[33:101], atol=1e-6, rtol=1e-5)
    still = see(model, eyes, MaskedVideo(frames[:1]), 1200, Window(0, 1200), Scratch())
    assert still.n_frames == 1200

    loads: list[int] = []
    load_eyes = partial(VisionEncoder.from_checkpoint, model.config.vision_encoder, plain)

    def load() -> VisionEncoder:
        loads.append(1)
        return load_eyes(TINY_TOWERS)

    model.companions.vision_encoder = Lazy("vision encoder", load)
    tiny = separator(plain)
    tiny._loaded = loaded(model, QUICK)
    mixture = noise(RATE)
    first = split(tiny, mixture, Prompt("dog", masked_video=video))
    again = split(tiny, mixture, Prompt("dog", masked_video=MaskedVideo(frames.copy())))
    part = split(
        tiny, mixture, Prompt("dog", masked_video=video), rerun=Rerun(0.2, 0.3, first.target)
    )
    assert loads == [1]
    assert np.array_equal(again.target.samples, first.target.samples)
    assert part.null_db < -140


@pytest.mark.parametrize("stretch", [Window(0, 10), Window(3, 4), Window(2, 9), Window(9, 10)])
def test_frames_of_a_stretch_repeat_as_often_as_it_is_long(stretch: Window) -> None:
    frames = np.arange(4, dtype=np.uint8)[:, None, None, None].repeat(3, axis=1)
    numbers = [f.number for f in masked_frames(MaskedVideo(frames), 10) for _ in range(f.n_repeats)]
    shown = shown_in(masked_frames(MaskedVideo(frames), 10), stretch)
    cut = [frame.number for frame in shown for _ in range(frame.n_repeats)]
    assert cut == numbers[stretch.start : stretch.stop]
