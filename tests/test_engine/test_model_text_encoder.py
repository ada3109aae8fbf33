import json
from pathlib import Path

import pytest
import torch

from engine.errors import CheckpointMismatch, CheckpointNotFound
from engine.model.text_encoder import TextEncoder, distance_buckets

from .tiny_model import write_t5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_t5(tmp_path_factory.mktemp("t5"))


@torch.inference_mode()
def test_padding_changes_no_text_and_is_marked(folder: Path) -> None:
    encoder = TextEncoder.from_folder(folder)
    batch = encoder(["dog", "", "a man speaking"])
    assert batch.valid is not None
    assert batch.valid.sum(dim=1).tolist() == [5, 1, 16]  # letters, word marks and the end
    for row, text in enumerate(["dog", ""]):
        alone = encoder([text])
        assert alone.valid is None  # nothing is padded: fast kernels apply
        n_tokens = alone.features.shape[1]
        torch.testing.assert_close(batch.features[row, :n_tokens], alone.features[0])


def test_an_empty_text_is_its_end_token(folder: Path) -> None:
    encoder = TextEncoder.from_folder(folder)
    assert encoder.tokenizer.encode("").ids == [1]


@torch.inference_mode()
def test_long_texts_are_cut_and_keep_their_end(folder: Path) -> None:
    encoder = TextEncoder.from_folder(folder, max_length=7)
    assert encoder(["abcdefghijkl"]).features.shape == (1, 7, 16)
    assert encoder.tokenizer.encode("abcdefghijkl").ids[-1] == 1


def test_buckets_are_exact_near_and_logarithmic_far() -> None:
    buckets = distance_buckets(200, 32, 128)
    from_first = buckets[0].tolist()  # keys at distance 0, 1, 2 ... after the query
    assert from_first[:9] == [0, *range(17, 24), 24]
    assert from_first[16] == 26
    assert set(from_first[128:]) == {31}
    assert buckets[:, 0].tolist()[1:8] == list(range(1, 8))  # keys before it
    assert from_first[1:] == sorted(from_first[1:])


def test_a_folder_that_is_no_t5_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match=r"config\.json"):
        TextEncoder.from_folder(tmp_path)

    config = json.loads((folder / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"feed_forward_proj": "gated-gelu"}))
    with pytest.raises(CheckpointMismatch, match="gated-gelu"):
        TextEncoder.from_folder(tmp_path)

    (tmp_path / "config.json").write_text(json.dumps(config | {"num_layers": 3}))
    with pytest.raises(CheckpointNotFound, match=r"tokenizer\.json"):
        TextEncoder.from_folder(tmp_path)

    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointMismatch, match="not a tokenizer"):
        TextEncoder.from_folder(tmp_path)

    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(CheckpointMismatch, match="missing"):
        TextEncoder.from_folder(tmp_path)
