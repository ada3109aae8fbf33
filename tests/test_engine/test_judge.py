"""The judge: its files, its scores, and what is computed once for many candidates."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.errors import AudioError, CheckpointCorrupt, CheckpointMismatch
from engine.model.codec import reflect_to_frames
from engine.model.judge import Judge, JudgeScores

from .tiny_listeners import judge_state, write_judge

HOP = 1920
TEXTS = ["a dog barking", "rain"]


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_judge(tmp_path_factory.mktemp("judge"))


@pytest.fixture(scope="module")
def judge(folder: Path) -> Judge:
    return Judge.from_folder(folder)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def table(scores: JudgeScores) -> Tensor:
    return torch.stack((scores.overall, scores.recall, scores.precision, scores.faithfulness))


def plainly(judge: Judge, mixture: Tensor, take: Tensor, text: str, n_frames: int) -> Tensor:
    """The four scores of one pair, in one pass as the original computes them."""
    assert judge.tokenizer is not None
    n_valid = -(-len(mixture) // HOP) * HOP
    rows = torch.zeros(2, 1, 1, n_frames * HOP)
    rows[0, 0, 0, :n_valid] = reflect_to_frames(mixture, HOP)
    rows[1, 0, 0, : -(-len(take) // HOP) * HOP] = reflect_to_frames(take, HOP)
    valid = torch.arange(n_frames * HOP)[None] < n_valid
    return table(judge(rows[0], rows[1], *judge.tokenizer([text]), valid))[:, 0, 0]


def test_an_official_folder_is_read_and_what_nothing_reads_is_left_out(folder: Path) -> None:
    written = judge_state()
    judge = Judge.from_folder(folder)

    read = judge.state_dict()
    fused = {name for name in read if name.startswith("audio_codec.")}
    assert fused - written.keys()
    for name in read.keys() - fused:
        assert torch.equal(read[name], written[name]), name

    left_out = {name for name in written.keys() - read.keys() if "audio_codec." not in name}
    assert left_out
    assert all(name.startswith(judge.unused_prefixes) for name in left_out)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"mean": None}, r"missing \(1\): mean"),
        ({"decoder.weight": torch.ones(1)}, r"unexpected \(1\): decoder.weight"),
        ({"head.weight": torch.ones(5, 16)}, r"head.weight \(5, 16\), needs \(4, 16\)"),
    ],
)
def test_weights_of_another_model_are_refused(
    tmp_path: Path, change: dict[str, Tensor | None], complaint: str
) -> None:
    folder = write_judge(tmp_path)
    state = {**judge_state(), **change}
    torch.save({k: v for k, v in state.items() if v is not None}, folder / "checkpoint.pt")
    with pytest.raises(CheckpointMismatch, match=complaint):
        Judge.from_folder(folder)


def test_a_truncated_file_and_an_unknown_key_are_refused(tmp_path: Path) -> None:
    folder = write_judge(tmp_path)
    weights = folder / "checkpoint.pt"
    weights.write_bytes(weights.read_bytes()[:-2_000])
    with pytest.raises(CheckpointCorrupt):
        Judge.from_folder(folder)

    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["dac_vae_encoder"] = {}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointMismatch, match="unknown key dac_vae_encoder"):
        Judge.from_folder(folder)


def test_candidates_get_the_scores_that_they_get_alone(judge: Judge) -> None:
    mixture = noise(7 * HOP - 300)
    takes = noise(3, 7 * HOP, seed=1)

    scores = table(judge.score([mixture], [takes], TEXTS[:1]))

    assert scores.shape == (4, 1, 3)
    for place, take in enumerate(takes):
        alone = plainly(judge, mixture, take, TEXTS[0], 7)
        torch.testing.assert_close(scores[:, 0, place], alone, atol=1e-5, rtol=1e-5)
    assert len(set(scores[0, 0].tolist())) == 3


def test_prompts_of_different_lengths_are_scored_as_one_padded_batch(judge: Judge) -> None:
    mixtures = [noise(4 * HOP, seed=2), noise(9 * HOP - 1000, seed=3)]
    takes = [noise(2, 4 * HOP, seed=4), noise(2, 9 * HOP, seed=5)]

    scores = table(judge.score(mixtures, takes, TEXTS))

    for row in range(2):
        for place in range(2):
            alone = plainly(judge, mixtures[row], takes[row][place], TEXTS[row], 9)
            torch.testing.assert_close(scores[:, row, place], alone, atol=1e-5, rtol=1e-5)


def test_mixture_and_description_are_heard_once_per_prompt(judge: Judge) -> None:
    rows: dict[str, list[int]] = {"transformer": [], "finetune_transformer": [], "text_model": []}

    def watch(name: str) -> nn.modules.module.RemovableHandle:
        return getattr(judge, name).register_forward_hook(
            lambda _, inputs, __: rows[name].append(len(inputs[0]))
        )

    handles = [watch(name) for name in rows]
    judge.score([noise(3 * HOP)] * 2, [noise(5, 3 * HOP)] * 2, TEXTS)
    for handle in handles:
        handle.remove()

    assert rows["transformer"] == [1] * (2 + 2 * 5)
    assert rows["finetune_transformer"] == [1] * 10
    assert rows["text_model"] == [2]


def test_the_same_request_gets_the_same_scores(judge: Judge) -> None:
    request = ([noise(5 * HOP + 1)], [noise(2, 6 * HOP, seed=1)], TEXTS[:1])
    assert torch.equal(table(judge.score(*request)), table(judge.score(*request)))


def test_scores_are_on_the_checkpoints_scale(tmp_path: Path, judge: Judge) -> None:
    folder = write_judge(tmp_path)
    plain = {**judge_state(), "mean": torch.zeros(4), "std": torch.ones(4)}
    torch.save(plain, folder / "checkpoint.pt")
    request = ([noise(4 * HOP)], [noise(1, 4 * HOP, seed=1)], TEXTS[:1])

    raw = table(Judge.from_folder(folder).score(*request))[:, 0, 0]
    scaled = table(judge.score(*request))[:, 0, 0]

    torch.testing.assert_close(scaled, raw * judge.std + judge.mean)


def test_only_the_mean_leaves_padding_out(judge: Judge) -> None:
    heard = judge.hear(noise(1, 1, 6 * HOP))
    text = judge.read(TEXTS[:1])[0]
    valid = torch.tensor([True] * 4 + [False] * 2)
    otherwise = heard.clone()
    otherwise[:, 4:] += 1.0

    scores = judge.compare(heard, heard, text, valid)
    changed = judge.compare(otherwise, heard, text, valid)

    # Both transformers hear the padding, although their frames are not counted there.
    assert (scores - changed).abs().max() > 1e-6
    assert not torch.equal(scores, judge.compare(heard, heard, text))


def test_no_sound_at_all_is_refused(judge: Judge) -> None:
    with pytest.raises(AudioError, match="0 samples"):
        judge.score([torch.zeros(0)], [torch.zeros(1, 0)], TEXTS[:1])
