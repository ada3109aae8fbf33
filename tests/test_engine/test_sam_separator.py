"""SAM-Audio behind the front door: whole files through a tiny model with the official layout."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from engine import (
    ModelSettings,
    Prompt,
    Separation,
    Separator,
    Span,
    find_separator,
    separate,
    separators,
)
from engine.audio_files import clip_from_array
from engine.checkpoints.catalog import find
from engine.checkpoints.store import Store
from engine.data import MaskedVideo, Monitor, Progress, SeparationOptions
from engine.errors import (
    BackendUnavailable,
    Cancelled,
    CheckpointCorrupt,
    CheckpointNotFound,
    PromptError,
)
from engine.model import SAMAudio, SAMAudioProcessor
from engine.model.config import SoundActivityRankerConfig
from engine.model.evaluator import Evaluator
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.frames import Frames
from engine.sam_audio.guidance import Guidance, window_condition, window_velocity
from engine.sam_audio.preparation import prepared
from engine.sam_audio.sampled import sampled
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.windows import Window
from engine.samplers import Sampling

from .tiny_model import TINY_TOWERS, write_checkpoint, write_store

SMALL = "sam-audio-small"
QUICK = SamAudioConfig(device="cpu", sampling=Sampling("midpoint", 2))
DOG = Prompt("dog barking")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a tiny model called sam-audio-small and its T5."""
    ranker = SoundActivityRankerConfig(threshold_mode="abs", sil_threshold=-90.0)
    return write_store(tmp_path_factory.mktemp("sam"), text_ranker=ranker).root


@pytest.fixture(scope="module")
def tiny(root: Path) -> SamAudioSeparator:
    return SamAudioSeparator.installed(SMALL, root, QUICK)


def noise(n_samples: int, n_channels: int, seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).standard_normal((n_samples, n_channels))
    return (0.1 * samples).astype(np.float32)


def split(
    separator: Separator, mixture: NDArray[Any], rate: int = 48_000, **given: Any
) -> Separation:
    prompt = given.pop("prompt", DOG)
    # random weights make no sound that could be there: without the gate
    options = SeparationOptions(n_threads=1, **{"presence_gate": 0, **given})
    return separate(mixture, prompt, sample_rate=rate, separator=separator, options=options)


def codes(result: Separation) -> list[str]:
    """Of the notices, but for the one that random weights bring about or not."""
    return [each.code for each in result.notices if each.code != "low_confidence"]


@pytest.mark.parametrize(
    ("rate", "n_channels", "n_samples", "dtype"),
    [
        (48_000, 1, 1, "float32"),
        (48_000, 2, 1920, "int16"),
        (44_100, 2, 30_011, "int16"),
        (8_000, 3, 4_001, "float64"),
        (96_000, 2, 20_003, "int32"),
    ],
)
def test_any_mixture_gives_stems_of_its_own_shape(
    tiny: SamAudioSeparator, rate: int, n_channels: int, n_samples: int, dtype: str
) -> None:
    mixture = noise(n_samples, n_channels)
    if dtype.startswith("int"):
        mixture = (mixture * 0.5 * np.iinfo(dtype).max).astype(dtype)
    result = split(tiny, mixture.astype(dtype), rate)
    assert result.target.samples.shape == (n_samples, n_channels)
    assert result.target.sample_rate == rate
    assert result.residual is not None
    assert result.null_db == float("-inf") if dtype.startswith("int") else result.null_db < -140
    assert bool(np.isfinite(result.target.samples).all())


def test_the_same_seed_gives_the_same_and_another_does_not(tiny: SamAudioSeparator) -> None:
    mixture = noise(24_000, 2)
    first = split(tiny, mixture, seed=3).target.samples
    assert np.array_equal(split(tiny, mixture, seed=3).target.samples, first)
    other = split(tiny, mixture, seed=4).target.samples
    assert np.abs(other - first).max() > 1e-4


def test_one_window_is_the_model_as_published(tiny: SamAudioSeparator, root: Path) -> None:
    mixture = noise(40_000, 1)
    spans = (Span(0.2, 0.4), Span(0.5, 0.6, "-"))
    prompt = Prompt("dog barking", spans)
    clip = clip_from_array(mixture, 48_000)
    options = SeparationOptions(seed=2, n_candidates=2)
    job = tiny._job(clip, prompt, options, Scratch())
    ours = sampled(job, prepared(job, Monitor()), window_velocity, Monitor())

    batch = SAMAudioProcessor.from_pretrained(SMALL, root=root)(
        ["dog barking"], [torch.from_numpy(mixture.T)], anchors=[list(spans)]
    )
    published = SAMAudio.from_pretrained(SMALL, root=root)
    with torch.inference_mode():
        conditioning = published.conditioning(batch, published.encode_audio(batch.audios))
        start = published.separate(batch, reranking_candidates=2, seed=2, sampling=QUICK.sampling)
        latent = published.sample(conditioning.repeated(2), start.noise, QUICK.sampling, Monitor())
        text = published.companions.text_encoder.on(published.device)(batch.descriptions)
        evaluator = Evaluator(published, text, QUICK.sampling.times)
        condition = evaluator.condition(published.encode_audio(batch.audios), batch.anchors)
        whole = QUICK.sampling.solve(lambda x, t: evaluator.velocity(x, t, condition), start.noise)
    assert len(job.windows) == 1
    assert torch.equal(ours.whole(), whole)
    torch.testing.assert_close(whole, latent, atol=1e-5, rtol=1e-5)


def test_many_windows_are_finite_and_near_the_mixture(root: Path) -> None:
    config = SamAudioConfig(
        device="cpu", sampling=QUICK.sampling, window_s=0.4, overlap_s=0.1, codec_chunk_s=0.3
    )
    separator = SamAudioSeparator.installed(SMALL, root, config)
    result = split(
        separator, noise(2 * 44_100 + 13, 2), 44_100, prompt=Prompt("dog", [Span(0.1, 0.2)])
    )
    assert result.receipt["settings"]["n_windows"] == 7  # type: ignore[index, call-overload]
    assert codes(result) == ["windows_without_spans"]
    target = result.target.samples
    assert bool(np.isfinite(target).all())
    assert target.std() > 0


def test_candidates_are_ranked_and_say_by_what(tiny: SamAudioSeparator) -> None:
    prompt = Prompt("dog", [Span(0.0, 0.2)])
    result = split(tiny, noise(24_000, 1), prompt=prompt, n_candidates=3)
    scores = [take.score for take in result.candidates]
    assert len(scores) == 3
    assert None not in scores
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    settings = result.receipt["settings"]
    assert isinstance(settings, dict)
    assert settings["ranking"] == {"used": {"sound_activity": 1.0}, "missing": {}}


def test_the_receipt_says_what_makes_the_same_again(tiny: SamAudioSeparator, root: Path) -> None:
    result = split(tiny, noise(9_000, 1), seed=9)
    stored = Store(root).get(find(SMALL)[0]).manifest.files
    settings = result.receipt["settings"]
    assert isinstance(settings, dict)
    assert settings["weights_sha256"] in {file.sha256 for file in stored}
    expected = {"model": SMALL, "precision": "float32", "sampler": "midpoint", "n_steps": 2}
    assert expected.items() <= settings.items()
    assert (settings["seed"], settings["window_s"], settings["device"]) == (9, 30.0, "cpu")
    json.dumps(result.summary(), allow_nan=False)


def test_the_model_gets_the_words_as_it_learned_them(tiny: SamAudioSeparator) -> None:
    plain, typed, other = (
        split(tiny, noise(9_000, 2), prompt=Prompt(words))
        for words in ("dog barking", " Dog  Barking.", "dog")
    )
    assert np.array_equal(typed.target.samples, plain.target.samples)
    assert not np.array_equal(other.target.samples, plain.target.samples)
    settings = typed.receipt["settings"]
    assert isinstance(settings, dict)
    assert settings["asked_for"] == "dog barking"


def test_notices_name_what_the_model_does_not_get(tiny: SamAudioSeparator) -> None:
    one = noise(9_000, 1)
    opposite = np.concatenate([one, -one], axis=1)
    result = split(tiny, opposite, prompt=Prompt(spans=[Span(0.0, 0.1)]))
    assert codes(result) == ["channels_turned", "no_description"]
    assert not codes(split(tiny, one))
    wide = np.concatenate([one, noise(9_000, 1, 1)], axis=1)
    notices = split(tiny, wide, 96_000, stereo="generated").notices
    notice = next(each for each in notices if each.code == "band_limited")
    assert "24 kHz" in notice.message


def test_progress_rises_and_every_step_can_be_the_last(tiny: SamAudioSeparator) -> None:
    seen: list[Progress] = []
    clip = clip_from_array(noise(9_000, 1), 48_000)
    estimate = tiny.estimate(clip, DOG, SeparationOptions(seed=50), Monitor(seen.append))
    assert sum(block.shape[1] for block in estimate.blocks) == 9_000
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert sum(progress.stage == "sample" for progress in seen) == 1 + 2 * 2  # evaluations

    for n_allowed in range(5):
        steps: list[str] = []

        def on_progress(progress: Progress, steps: list[str] = steps) -> None:
            if progress.stage == "sample":
                steps.append(progress.stage)

        def is_cancelled(steps: list[str] = steps, n_allowed: int = n_allowed) -> bool:
            return len(steps) > n_allowed

        monitor = Monitor(on_progress, is_cancelled)
        with pytest.raises(Cancelled):
            list(tiny.estimate(clip, DOG, SeparationOptions(seed=n_allowed + 51), monitor).blocks)
        assert len(steps) == n_allowed + 1


def test_text_loads_no_eyes_and_nothing_before_its_use(root: Path) -> None:
    separator = SamAudioSeparator.installed(SMALL, root, QUICK)
    assert not separator.is_loaded
    split(separator, noise(5_000, 1))
    assert separator._loaded is not None
    assert not separator._loaded.model.companions.vision_encoder.is_loaded


def test_bfloat16_stays_near_float32(tiny: SamAudioSeparator, root: Path) -> None:
    config = SamAudioConfig(device="cpu", precision="bfloat16", sampling=QUICK.sampling)
    result = split(SamAudioSeparator.installed(SMALL, root, config), noise(9_000, 1))
    exact = split(tiny, noise(9_000, 1)).target.samples
    settings = result.receipt["settings"]
    assert isinstance(settings, dict)
    assert settings["precision"] == "bfloat16"
    error = np.square(result.target.samples - exact).sum() / np.square(exact).sum()
    assert 0 < error < 0.01


def test_the_store_decides_which_separators_are_ready(root: Path, tmp_path: Path) -> None:
    ready = {info.name: info.available for info in separators(root)}
    assert list(ready)[:2] == [SMALL, "builtin"]
    assert ready[SMALL]
    assert not ready["sam-audio-large-tv"]
    assert find_separator("auto", root).name == SMALL
    assert find_separator(SMALL, root).name == SMALL
    with pytest.raises(BackendUnavailable, match="cuda:77"):
        split(find_separator(SMALL, root, ModelSettings(device="cuda:77")), noise(5_000, 1))

    nothing = {info.name: info for info in separators(tmp_path)}
    assert len(nothing) == 7
    assert "stemlasso models download sam-audio-small" in nothing[SMALL].missing
    assert "stemlasso models download t5-base" in nothing[SMALL].missing
    assert find_separator("auto", tmp_path).name == "builtin"
    with pytest.raises(CheckpointNotFound, match="models download sam-audio-small"):
        find_separator(SMALL, tmp_path)


def test_weights_without_their_text_encoder_are_not_ready(root: Path, tmp_path: Path) -> None:
    (tmp_path / SMALL).symlink_to(root / SMALL, target_is_directory=True)
    with pytest.raises(CheckpointNotFound, match="models download t5-base"):
        find_separator(SMALL, tmp_path)


def truncated(folder: Path) -> None:
    weights = folder / "checkpoint.pt"
    weights.write_bytes(weights.read_bytes()[:1000])


def without_manifest_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize("harm", [truncated, without_manifest_json])
def test_damaged_weights_are_a_typed_error(
    tmp_path: Path, root: Path, harm: Callable[[Path], None]
) -> None:
    folder = tmp_path / SMALL
    folder.mkdir()
    for file in (root / SMALL).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    harm(folder)
    with pytest.raises(CheckpointCorrupt):
        split(SamAudioSeparator.installed(SMALL, tmp_path, QUICK), noise(5_000, 1))


def test_what_is_not_there_is_a_typed_error(root: Path) -> None:
    with pytest.raises(PromptError, match="int3"):
        SamAudioConfig(precision="int3")  # type: ignore[arg-type]
    with pytest.raises(PromptError, match="abacus"):
        SamAudioConfig(device="abacus")
    nowhere = SamAudioConfig(device="cuda:77")
    with pytest.raises(BackendUnavailable, match="cuda:77"):
        split(SamAudioSeparator.installed(SMALL, root, nowhere), noise(5_000, 1))
    clip = clip_from_array(noise(5_000, 1), 48_000)
    separator = SamAudioSeparator.installed(SMALL, root, QUICK)
    with pytest.raises(PromptError, match="n_candidates"):
        separator.estimate(clip, DOG, SeparationOptions(n_candidates=0), Monitor())


LISTING = "import sys, engine; print(len(engine.separators())); sys.exit('torch' in sys.modules)"


def test_listing_separators_loads_no_torch(checkout: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LISTING], cwd=checkout, capture_output=True)
    assert (done.returncode, done.stdout.strip()) == (0, b"7")


def test_the_command_separates_with_it(root: Path, tmp_path: Path, checkout: Path) -> None:
    soundfile.write(tmp_path / "mix.wav", noise(22_050, 2), 44_100)
    command = [sys.executable, "-m", "bridge", "separate", str(tmp_path / "mix.wav")]
    command += ["--describe", "dog barking", "--separator", SMALL, "--threads", "1", "--json"]
    environment = {**os.environ, "STEMLASSO_MODELS": str(root)}
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["receipt"]["separator"] == SMALL
    assert result["null_exact"]
    assert len(list((tmp_path / "stems").iterdir())) == 2


def test_a_video_prompt_is_cut_to_every_window(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)

    def load() -> SAMAudio:
        return SAMAudio.from_pretrained(folder, towers=TINY_TOWERS)

    config = SamAudioConfig("cpu", sampling=QUICK.sampling, window_s=0.2, overlap_s=0.1)
    frames = np.random.default_rng(5).integers(0, 255, (10, 3, 28, 28), dtype=np.uint8)
    mask = np.ones((10, 28, 28), np.uint8)
    mixture = noise(24_000, 1)
    targets = []
    for marks in (mask, mask * (np.arange(10) < 5)[:, None, None].astype(np.uint8)):
        separator = SamAudioSeparator("tiny", load, config)
        video = Prompt(masked_video=MaskedVideo(frames, marks))
        result = split(separator, mixture, prompt=video)
        assert not codes(result)
        assert separator._loaded is not None
        assert not separator._loaded.model.companions.vision_encoder.is_loaded
        targets.append(result.target.samples)
    assert np.abs(targets[0] - targets[1]).max() > 1e-5


def test_a_window_is_told_its_own_part_of_the_prompt(tiny: SamAudioSeparator) -> None:
    """Spans, video and mixture of several windows at once: what the whole file has there."""
    split(tiny, noise(5_000, 1))
    assert tiny._loaded is not None
    model = tiny._loaded.model
    generator = torch.Generator().manual_seed(6)
    audio = torch.randn(1, 50, 128, generator=generator)
    video = torch.randn(1, 50, model.config.vision_encoder.dim, generator=generator)
    spans = (Span(0.4, 1.2), Span(1.0, 1.1, "-"))
    with torch.inference_mode():
        text = model.companions.text_encoder.on(model.device)(("dog",))
    evaluator = Evaluator(model, text)
    windows = [Window(20, 45), Window(5, 30)]
    wholes = []
    for shown in (None, Frames.of(video)):
        guidance = Guidance(Frames.of(audio), text, spans, shown)
        whole = window_condition(evaluator, model, guidance, [Window(0, 50)])
        parts = window_condition(evaluator, model, guidance, windows)
        for part, window in zip(parts, windows, strict=True):
            expected = whole[0, window.start : window.stop]
            torch.testing.assert_close(part, expected, atol=1e-6, rtol=1e-5)
        wholes.append(whole)
    assert float((wholes[0] - wholes[1]).abs().max()) > 1e-3
