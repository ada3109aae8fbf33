"""`SAMAudio` on a tiny checkpoint in the official layout."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

import engine.model
from engine.data import MaskedVideo, Monitor, Span
from engine.errors import Cancelled, CheckpointMismatch, CheckpointNotFound, PromptError
from engine.model import SAMAudio, SAMAudioProcessor
from engine.model.config import JudgeRankerConfig, SoundActivityRankerConfig
from engine.model.judge import Judge
from engine.samplers import Sampling

from .tiny_model import TINY_TOWERS, write_checkpoint
from .tiny_rankers import write_judge

SHORT = Sampling("adams", n_steps=2)
PROCESSOR = SAMAudioProcessor()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder: Path) -> SAMAudio:
    return SAMAudio.from_pretrained(folder, towers=TINY_TOWERS)


@pytest.fixture(autouse=True)
def _nothing_loaded(model: SAMAudio) -> Iterator[None]:
    yield
    model.companions.release()


def noise_of(n_samples: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(n_samples, generator=torch.Generator().manual_seed(seed))


def difference(actual: Tensor, expected: Tensor) -> float:
    """Of two waveforms, as a share of the expected one's level."""
    error = (actual - expected).square().mean().sqrt()
    return float(error / expected.square().mean().sqrt())


SAME, OTHER = 1e-4, 1e-2
"""Rounding in another batch shape stays below `SAME`; another prompt or seed is above `OTHER`."""


def test_the_public_names_are_sorted_and_there() -> None:
    assert engine.model.__all__ == sorted(engine.model.__all__)
    assert all(hasattr(engine.model, name) for name in engine.model.__all__)


def test_the_originals_examples_run_with_the_import_changed(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "mix.wav"
    soundfile.write(file, noise_of(5000).numpy(), 48_000)
    model = SAMAudio.from_pretrained(str(folder))
    processor = SAMAudioProcessor.from_pretrained(str(folder))
    model = model.eval().to("cpu")

    batch = processor(audios=[str(file)], descriptions=["a man speaking"]).to("cpu")
    with torch.inference_mode():
        result = model.separate(batch, predict_spans=False, reranking_candidates=1)
    assert processor.audio_sampling_rate == 48_000
    assert result.target[0].shape == result.residual[0].shape == (5760,)
    assert result.target[0].cpu().isfinite().all()

    spanned = processor(
        audios=[str(file)], descriptions=["dog"], anchors=[[["+", 0.02, 0.06], ["-", 0.08, 0.1]]]
    )
    with torch.inference_mode():
        other = model.separate(spanned)
    assert other.spans == ((Span(0.02, 0.06), Span(0.08, 0.1, "-")),)
    assert difference(other.target[0], result.target[0]) > OTHER


def test_text_loads_neither_eyes_nor_predictor_nor_rankers(model: SAMAudio) -> None:
    model.separate(PROCESSOR(["dog"], [noise_of(3000)]), sampling=SHORT)
    assert model.companions.text_encoder.is_loaded
    assert not model.companions.vision_encoder.is_loaded
    assert not model.companions.span_predictor.is_loaded


def test_the_same_seed_gives_the_same_whatever_the_batch(model: SAMAudio) -> None:
    wav = noise_of(3840)
    alone = model.separate(PROCESSOR(["dog"], [wav]), seed=5, sampling=SHORT)
    batch = PROCESSOR(["a man", "dog"], [noise_of(3840, 1), wav])
    together = model.separate(batch, seed=5, sampling=SHORT)
    assert difference(together.target[1], alone.target[0]) < SAME
    assert difference(together.residual[1], alone.residual[0]) < SAME
    other = model.separate(PROCESSOR(["dog"], [wav]), seed=6, sampling=SHORT)
    assert difference(other.target[0], alone.target[0]) > OTHER

    given = model.separate(PROCESSOR(["dog"], [wav]), alone.noise, seed=5, sampling=SHORT)
    assert torch.equal(given.target[0], alone.target[0])


def test_more_candidates_keep_the_first_ones(model: SAMAudio) -> None:
    batch = PROCESSOR(["dog", "cat"], [noise_of(3000), noise_of(5000, 1)])
    one = model.separate(batch, sampling=SHORT)
    three = model.separate(batch, reranking_candidates=3, sampling=SHORT)
    assert [takes.shape for takes in three.candidates] == [(3, 3840), (3, 5760)]
    assert three.order == ((0, 1, 2), (0, 1, 2))  # no ranker in this model, no spans
    assert three.scores is None
    assert [notice.code for notice in three.notices] == ["candidates_unranked"]
    assert not one.notices
    for few, many in zip(one.target, three.target, strict=True):
        assert difference(many, few) < SAME


def test_candidates_come_best_first_with_their_residual(tmp_path: Path) -> None:
    ranker = SoundActivityRankerConfig(threshold_mode="abs", sil_threshold=-90.0)
    model = SAMAudio.from_pretrained(write_checkpoint(tmp_path, text_ranker=ranker))
    batch = PROCESSOR(["dog"], [noise_of(48_000)], anchors=[[Span(0.0, 0.7)]])
    ranked = model.separate(batch, reranking_candidates=4, sampling=SHORT)
    assert ranked.scores is not None
    scores = ranked.scores[0].tolist()
    assert scores == sorted(scores, reverse=True)
    assert sorted(ranked.order[0]) == [0, 1, 2, 3]
    assert ranked.ranking.used == (("sound_activity", 1.0),)
    assert not ranked.notices
    assert torch.equal(ranked.target[0], ranked.candidates[0][0])

    best = ranked.order[0][0]
    alone = model.separate(
        batch,
        ranked.noise[best : best + 1],
        message=messages(4)[2 * best : 2 * best + 2],
        sampling=SHORT,
    )
    assert difference(ranked.residual[0], alone.residual[0]) < SAME


def test_a_ranker_without_weights_is_named_in_the_result(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", text_ranker=JudgeRankerConfig())
    model = SAMAudio.from_pretrained(folder, root=tmp_path)
    batch = PROCESSOR(["dog"], [noise_of(3000)])
    result = model.separate(batch, reranking_candidates=2, sampling=SHORT)
    assert result.scores is None
    assert [missing.name for missing in result.ranking.missing] == ["judge"]
    assert [notice.code for notice in result.notices] == ["rankers_missing"]


def test_a_ranker_may_lie_beside_the_model_and_keeps_float32(tmp_path: Path) -> None:
    folder = write_checkpoint(
        tmp_path / "model", text_ranker=JudgeRankerConfig(checkpoint_or_model_id="judge")
    )
    write_judge(folder / "judge")
    model = SAMAudio.from_pretrained(folder, dtype=torch.bfloat16, root=tmp_path)
    batch = PROCESSOR(["dog"], [noise_of(3000)])
    first = model.separate(batch, reranking_candidates=2, sampling=SHORT)
    assert first.ranking.used == (("judge", 1.0),)
    assert first.scores is not None

    judge = Judge.from_folder(folder / "judge")
    by_hand = judge.score([batch.audios[0, 0]], [first.candidates[0]], ["dog"])
    assert torch.allclose(first.scores, by_hand.overall, atol=1e-6)
    again = model.separate(batch, reranking_candidates=2, sampling=SHORT)
    assert again.scores is not None
    assert torch.equal(again.scores, first.scores)


def messages(n_candidates: int) -> Tensor:
    from engine.model.watermark import message_from_seed
    from engine.samplers import Draw

    return message_from_seed([Draw(0, take) for take in range(n_candidates)])


def test_a_masked_video_is_seen_and_the_tower_loaded_for_it(model: SAMAudio) -> None:
    wav, random = noise_of(7000), np.random.default_rng(0)
    frames = random.integers(0, 255, (5, 3, 20, 30), dtype=np.uint8)
    mask = np.zeros((5, 20, 30), dtype=np.uint8)
    mask[:, 5:15, 10:20] = 1
    plain = model.separate(PROCESSOR(["dog"], [wav]), sampling=SHORT)

    batch = PROCESSOR(["dog"], [wav], masked_videos=[MaskedVideo(frames, mask)])
    seen = model.separate(batch, sampling=SHORT)
    assert model.companions.vision_encoder.is_loaded
    assert difference(seen.target[0], plain.target[0]) > OTHER

    masked = PROCESSOR.mask_videos([torch.from_numpy(frames)], [torch.from_numpy(mask)])
    same = model.separate(PROCESSOR(["dog"], [wav], masked_videos=masked), sampling=SHORT)
    assert torch.equal(same.target[0], seen.target[0])

    mixed = PROCESSOR(["dog", "dog"], [wav, wav], masked_videos=[None, masked[0]])
    both = model.separate(mixed, sampling=SHORT)
    assert difference(both.target[0], plain.target[0]) < SAME
    assert difference(both.target[1], seen.target[0]) < SAME


def test_progress_rises_and_a_job_can_be_cancelled(model: SAMAudio) -> None:
    batch = PROCESSOR(["dog"], [noise_of(3000)])
    seen: list[tuple[str, float]] = []
    monitor = Monitor(on_progress=lambda progress: seen.append((progress.stage, progress.fraction)))
    model.separate(batch, sampling=Sampling("euler", 3), monitor=monitor)
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    assert seen[0] == ("encode", 0.0)
    assert seen[-1] == ("done", 1.0)

    stopped = Monitor(is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        model.separate(batch, monitor=stopped)


def test_what_does_not_fit_is_refused_before_anything_is_computed(model: SAMAudio) -> None:
    batch = PROCESSOR(["dog"], [noise_of(3000)])
    with pytest.raises(
        PromptError, match=r"noise has shape \(1, 2, 256\); needed is \(2, 2, 256\)"
    ):
        model.separate(batch, torch.zeros(1, 2, 256), reranking_candidates=2)
    with pytest.raises(PromptError, match=r"message has shape \(1, 16\); needed is \(2, 16\)"):
        model.separate(batch, message=torch.zeros(1, 16))
    with pytest.raises(PromptError, match="reranking_candidates 0"):
        model.separate(batch, reranking_candidates=0)


def test_companions_that_are_not_there_are_named(folder: Path, tmp_path: Path) -> None:
    batch = PROCESSOR(["dog"], [noise_of(3000)])
    model = SAMAudio.from_pretrained(folder, root=tmp_path)
    with pytest.raises(CheckpointNotFound, match="pe-a-frame-large"):
        model.separate(batch, predict_spans=True, sampling=SHORT)

    spanned = PROCESSOR(["dog"], [noise_of(3000)], anchors=[[Span(0, 0.02)]])
    model.separate(spanned, predict_spans=True, sampling=SHORT)  # nothing is left to predict

    none = write_checkpoint(tmp_path / "none", span_predictor=None)
    with pytest.raises(CheckpointNotFound, match="names no span predictor"):
        SAMAudio.from_pretrained(none).separate(batch, predict_spans=True, sampling=SHORT)


def test_names_are_looked_up_in_the_store(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match="sam-audio-small"):
        SAMAudio.from_pretrained("facebook/sam-audio-small", root=tmp_path)
    with pytest.raises(CheckpointNotFound, match="neither a folder nor a known model"):
        SAMAudioProcessor.from_pretrained("sam-audio-huge", root=tmp_path)


def test_a_checkpoint_has_to_fit_its_configuration(folder: Path, tmp_path: Path) -> None:
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    config = json.loads((folder / "config.json").read_text("utf-8"))

    def opened(changed: dict[str, Tensor]) -> SAMAudio:
        (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
        torch.save(changed, tmp_path / "checkpoint.pt")
        return SAMAudio.from_pretrained(tmp_path, towers=TINY_TOWERS)

    without = {name: tensor for name, tensor in state.items() if name != "proj.bias"}
    with pytest.raises(CheckpointMismatch, match=r"missing \(1\): proj\.bias"):
        opened(without)
    with pytest.raises(CheckpointMismatch, match=r"unexpected \(1\): extra"):
        opened(state | {"extra": torch.zeros(1)})

    # A copy that lost its eyes serves text, and says what it lacks when it shall see.
    blind = {name: t for name, t in state.items() if not name.startswith("vision_encoder.")}
    model = opened(blind)
    model.companions.text_encoder.release()
    config["text_encoder"]["name"] = str(folder / "t5")
    model = opened(blind)
    model.separate(PROCESSOR(["dog"], [noise_of(2000)]), sampling=SHORT)
    video = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(CheckpointMismatch, match="missing"):
        model.separate(PROCESSOR(["dog"], [noise_of(2000)], masked_videos=[video]), sampling=SHORT)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_16_bit_network_keeps_its_codec_precise(folder: Path, dtype: torch.dtype) -> None:
    precise = SAMAudio.from_pretrained(folder)
    short = SAMAudio.from_pretrained(folder, dtype=dtype)
    assert short.proj.weight.dtype == dtype
    assert {p.dtype for p in short.audio_codec.parameters()} == {torch.float32}
    batch = PROCESSOR(["dog"], [noise_of(9000)])
    expected = precise.separate(batch, sampling=SHORT)
    actual = short.separate(batch, sampling=SHORT)
    assert actual.target[0].dtype == torch.float32
    assert 0 < difference(actual.target[0], expected.target[0]) < 0.05


def test_an_option_of_the_file_reaches_the_network(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["transformer"]["heads"] = 3
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointMismatch, match=r"config\.json: transformer: unknown key heads"):
        SAMAudio.from_pretrained(folder)
