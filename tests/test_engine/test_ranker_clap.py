"""CLAP: windows, deterministic scores, official files."""

import itertools
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CheckpointMismatch, CheckpointNotFound
from engine.rankers.clap import Clap, ClapConfig, ClapRanker, clap_tokenizer, open_clap
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

from .tiny_rankers import CLAP, noise, request_of, write_clap, write_word_tokenizer

CPU = torch.device("cpu")


@pytest.fixture
def ranker(tmp_path: Path) -> ClapRanker:
    return open_clap(write_clap(tmp_path), write_word_tokenizer(tmp_path), CPU, CLAP)


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
    made = request_of(noise(2, 700_000))

    first, second = ranker.score(made), ranker.score(made)

    assert first.shape == (1, 2)
    assert torch.equal(first, second)


def test_a_long_candidate_is_heard_to_its_end(ranker: ClapRanker) -> None:
    wav = noise(1, 700_000)
    other_end = wav.clone()
    other_end[:, 600_000:] = 0

    assert ranker.score(request_of(wav)) != ranker.score(request_of(other_end))


def test_scores_are_float32_whatever_comes_in(ranker: ClapRanker) -> None:
    wav = noise(1, 48_000).half()

    assert ranker.score(request_of(wav)).dtype == torch.float32
    assert torch.equal(ranker.score(request_of(wav)), ranker.score(request_of(wav.float())))
    assert {parameter.dtype for parameter in ranker.network.parameters()} == {torch.float32}


def test_tables_made_while_ranking_serve_other_callers_too(ranker: ClapRanker) -> None:
    wav = noise(1, 48_000)
    ranker.score(request_of(wav))

    embedding = ranker.network.embed_audio(log_mel(windows(wav[0])))

    assert not embedding.requires_grad
    torch.testing.assert_close(embedding.norm(dim=-1), torch.ones(1))


def test_an_empty_description_cannot_be_ranked(ranker: ClapRanker) -> None:
    assert ranker.unusable_because(request_of(noise(1, 100), "")) is not None
    assert ranker.unusable_because(request_of(noise(1, 100))) is None


def test_padding_changes_no_text_embedding(ranker: ClapRanker) -> None:
    ids = torch.tensor([[0, 4, 5, 2, 1, 1, 1]])
    valid = ids != 1

    padded = ranker.network.embed_text(ids, valid)

    assert torch.equal(padded, ranker.network.embed_text(ids[:, :4], valid[:, :4]))


def test_descriptions_are_cut_and_padded_to_77_tokens(tmp_path: Path) -> None:
    tokenizer = clap_tokenizer(write_word_tokenizer(tmp_path))

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


def test_another_models_file_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"module.encoder.weight": torch.zeros(2)}}, tmp_path / "other.pt")

    with pytest.raises(CheckpointMismatch, match=r"encoder\.weight"):
        open_clap(tmp_path / "other.pt", write_word_tokenizer(tmp_path), CPU, CLAP)


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match=r"roberta-base"):
        open_clap(write_clap(tmp_path), tmp_path / "absent.json", CPU, CLAP)
