"""CLAP: windows, deterministic scores, official files."""

import itertools
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from engine.errors import CheckpointMismatch, CheckpointNotFound
from engine.rankers.base import RankingRequest
from engine.rankers.clap import Clap, ClapConfig, ClapRanker, clap_tokenizer, open_clap
from engine.rankers.clap_audio import HtsatConfig
from engine.rankers.clap_input import (
    HOP_LENGTH,
    N_MELS,
    WINDOW_SAMPLES,
    log_mel,
    mel_bands,
    quantised,
    window_starts,
    windows,
)
from engine.rankers.clap_text import RobertaConfig

TINY = ClapConfig(
    audio=HtsatConfig(embed_dim=8, depths=(1, 2), num_heads=(2, 2)),
    text=RobertaConfig(
        vocab_size=12,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=80,
    ),
    joint_dim=8,
)
CPU = torch.device("cpu")


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    words = ["<s>", "<pad>", "</s>", "<unk>", "dog", "barking", "rain", "a"]
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file in the layout of `630k-best.pt`, with everything in it that ranking does not need."""
    torch.manual_seed(0)
    state = Clap(TINY).state_dict()
    state |= {
        "audio_branch.bn0.num_batches_tracked": torch.tensor(7),
        "audio_branch.spectrogram_extractor.stft.conv_real.weight": torch.zeros(513, 1, 1024),
        "audio_branch.logmel_extractor.melW": torch.zeros(513, 64),
        "audio_branch.layers.0.blocks.0.attn.relative_position_index": torch.zeros(64, 64),
        "audio_branch.layers.1.blocks.1.attn_mask": torch.zeros(16, 64, 64),
        "audio_branch.tscam_conv.weight": torch.zeros(3, 16, 2, 3),
        "audio_branch.head.weight": torch.zeros(3, 3),
        "audio_transform.sequential.0.weight": torch.zeros(8, 8),
        "text_transform.sequential.0.weight": torch.zeros(8, 8),
        "text_branch.embeddings.position_ids": torch.arange(80)[None],
        "logit_scale_a": torch.tensor(1.0),
        "logit_scale_t": torch.tensor(1.0),
    }
    wrapped = {"epoch": 3, "state_dict": {f"module.{name}": t for name, t in state.items()}}
    torch.save(wrapped, tmp_path / "630k-best.pt")
    return tmp_path / "630k-best.pt"


@pytest.fixture
def ranker(checkpoint: Path, tokenizer_file: Path) -> ClapRanker:
    return open_clap(checkpoint, tokenizer_file, CPU, TINY)


def request(candidates: torch.Tensor, description: str = "dog barking") -> RankingRequest:
    return RankingRequest((candidates[0],), (candidates,), (description,), ((),), (None,), 48_000)


def noise(*shape: int) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@given(st.integers(0, 30 * WINDOW_SAMPLES))
def test_windows_cover_everything_evenly(n_samples: int) -> None:
    starts = window_starts(n_samples)

    steps = [after - before for before, after in itertools.pairwise(starts)]
    assert starts[0] == 0
    assert starts[-1] + WINDOW_SAMPLES == max(n_samples, WINDOW_SAMPLES)
    assert all(0 < step <= WINDOW_SAMPLES for step in steps)
    assert not steps or max(steps) - min(steps) <= 1


def test_short_audio_is_repeated_whole_then_padded() -> None:
    wav = torch.arange(1.0, 200_001.0)

    window = windows(wav)

    assert window.shape == (1, WINDOW_SAMPLES)
    assert torch.equal(window[0, :400_000], torch.cat([wav, wav]))
    assert not window[0, 400_000:].any()


def test_ten_seconds_are_one_window_unchanged() -> None:
    wav = noise(WINDOW_SAMPLES)

    assert torch.equal(windows(wav), wav[None])


def test_quantised_values_are_cut_towards_zero() -> None:
    wav = torch.tensor([0.99999, -0.99999, 3.0, -3.0, 0.5 / 32_767])

    assert quantised(wav).mul(32_767).round().tolist() == [32_766, -32_766, 32_767, -32_767, 0]


def test_a_tone_of_64_bins_lights_its_own_mel_band() -> None:
    time = torch.arange(WINDOW_SAMPLES) / 48_000
    spectrum = log_mel(torch.sin(2 * torch.pi * 3000 * time)[None])

    assert spectrum.shape == (1, 1, 1 + WINDOW_SAMPLES // HOP_LENGTH, N_MELS)
    assert int(spectrum[0, 0, 500].argmax()) == int(mel_bands()[64].argmax())


def test_the_same_long_candidates_always_get_the_same_scores(ranker: ClapRanker) -> None:
    made = request(noise(2, 700_000))

    first, second = ranker.score(made), ranker.score(made)

    assert first.shape == (1, 2)
    assert torch.equal(first, second)


def test_a_long_candidate_is_heard_to_its_end(ranker: ClapRanker) -> None:
    wav = noise(1, 700_000)
    other_end = wav.clone()
    other_end[:, 600_000:] = 0

    assert ranker.score(request(wav)) != ranker.score(request(other_end))


def test_scores_are_float32_whatever_comes_in(ranker: ClapRanker) -> None:
    wav = noise(1, 48_000).half()

    assert ranker.score(request(wav)).dtype == torch.float32
    assert torch.equal(ranker.score(request(wav)), ranker.score(request(wav.float())))
    assert {parameter.dtype for parameter in ranker.network.parameters()} == {torch.float32}


def test_an_empty_description_cannot_be_ranked(ranker: ClapRanker) -> None:
    assert ranker.unusable_because(request(noise(1, 100), "")) is not None
    assert ranker.unusable_because(request(noise(1, 100))) is None


def test_padding_changes_no_text_embedding(ranker: ClapRanker) -> None:
    ids = torch.tensor([[0, 4, 5, 2, 1, 1, 1]])
    valid = ids != 1

    padded = ranker.network.embed_text(ids, valid)

    assert torch.equal(padded, ranker.network.embed_text(ids[:, :4], valid[:, :4]))


def test_descriptions_are_cut_and_padded_to_77_tokens(tokenizer_file: Path) -> None:
    tokenizer = clap_tokenizer(tokenizer_file)

    short, long = tokenizer.encode("dog barking"), tokenizer.encode("dog " * 100)

    assert short.ids[:5] == [0, 4, 5, 2, 1]
    assert sum(short.attention_mask) == 4
    assert len(short.ids) == len(long.ids) == 77
    assert (long.ids[0], long.ids[-1]) == (0, 2)


def test_the_published_sizes() -> None:
    with torch.device("meta"):
        network = Clap(ClapConfig())

    names = set(network.state_dict())

    assert sum(parameter.numel() for parameter in network.parameters()) == 153_492_888
    assert {
        "audio_branch.layers.2.blocks.5.attn.relative_position_bias_table",
        "audio_branch.layers.2.downsample.reduction.weight",
        "audio_branch.bn0.running_var",
        "audio_projection.2.bias",
        "text_branch.encoder.layer.11.attention.self.query.weight",
        "text_branch.pooler.dense.weight",
        "text_projection.0.weight",
    } <= names


def test_another_models_file_is_refused(tmp_path: Path, tokenizer_file: Path) -> None:
    torch.save({"state_dict": {"module.encoder.weight": torch.zeros(2)}}, tmp_path / "other.pt")

    with pytest.raises(CheckpointMismatch, match=r"encoder\.weight"):
        open_clap(tmp_path / "other.pt", tokenizer_file, CPU, TINY)


def test_a_missing_tokenizer_is_named(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match=r"roberta-base"):
        open_clap(checkpoint, tmp_path / "absent.json", CPU, TINY)
