import dataclasses
import json

import pytest

from engine.errors import CheckpointMismatch
from engine.model.config import (
    ClapRankerConfig,
    EnsembleRankerConfig,
    ImageBindRankerConfig,
    SAMAudioConfig,
    TransformerConfig,
    from_dict,
)


def test_missing_keys_take_the_defaults_and_an_empty_file_is_the_default_model() -> None:
    assert from_dict(SAMAudioConfig, {}, "config.json") == SAMAudioConfig()
    config = from_dict(SAMAudioConfig, {"audio_codec": {"encoder_dim": 32}}, "config.json")
    assert config.audio_codec.encoder_dim == 32
    assert config.audio_codec.hop_length == 1920


@pytest.mark.parametrize("size", SAMAudioConfig.sizes)
def test_a_published_size_survives_the_way_through_json(size: str) -> None:
    config = SAMAudioConfig.published(size)
    text = json.dumps(dataclasses.asdict(config))
    assert from_dict(SAMAudioConfig, json.loads(text), "config.json") == config


def test_published_sizes_have_the_hidden_widths_of_the_files() -> None:
    hidden = [
        SAMAudioConfig.published(size).transformer.ffn_hidden for size in SAMAudioConfig.sizes
    ]
    assert hidden == [4096, 5504, 7552]
    assert SAMAudioConfig.published("large").transformer.head_dim == 128
    assert TransformerConfig().rope_theta == 20_000
    with pytest.raises(CheckpointMismatch, match="'huge' was not published"):
        SAMAudioConfig.published("huge")


def test_every_unknown_key_is_named_with_the_place() -> None:
    data = {"transformer": {"dim": 2048, "n_head": 2, "depth": 3}}
    with pytest.raises(
        CheckpointMismatch, match=r"folder/config\.json: transformer.*depth, n_head"
    ):
        from_dict(SAMAudioConfig, data, "folder/config.json")


def test_rankers_are_typed_by_their_kind() -> None:
    data = {
        "visual_ranker": {"kind": "imagebind", "checkpoint": None},
        "text_ranker": {
            "kind": "ensemble",
            "rankers": {"clap": [{"kind": "clap", "checkpoint": "clap.pt"}, 5]},
        },
    }
    config = from_dict(SAMAudioConfig, data, "config.json")
    assert config.visual_ranker == ImageBindRankerConfig()
    assert config.text_ranker == EnsembleRankerConfig(
        {"clap": (ClapRankerConfig(checkpoint="clap.pt"), 5.0)}
    )
    with pytest.raises(CheckpointMismatch, match=r"kind: expected 'imagebind' or .*, got 'taste'"):
        from_dict(SAMAudioConfig, {"text_ranker": {"kind": "taste"}}, "config.json")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"transformer": 3}, "transformer: expected an object with keys, got 3"),
        ({"transformer": {"dim": "wide"}}, "dim: expected int, got 'wide'"),
        ({"transformer": {"n_layers": True}}, "n_layers: expected int, got True"),
        ({"transformer": {"non_linearity": "tanh"}}, "non_linearity: expected 'swiglu' or"),
        ({"transformer": {"dim": 64}}, "context_dim 2048 must equal dim 64"),
        ({"transformer": {"n_heads": 7}}, "over n_heads 7"),
        ({"audio_codec": {"encoder_rates": 2}}, "encoder_rates: expected a list, got 2"),
        ({"audio_codec": {"codebook_dim": 64}}, "in_channels 768 must be"),
        ({"text_ranker": {"kind": "ensemble"}}, "rankers"),
        ({"text_ranker": {"kind": "ensemble", "rankers": {"a": [1]}}}, "a list of 2 items"),
        ([], "expected an object with keys"),
    ],
)
def test_wrong_values_are_refused_with_what_was_met(data: object, message: str) -> None:
    with pytest.raises(CheckpointMismatch, match=message):
        from_dict(SAMAudioConfig, data, "config.json")
