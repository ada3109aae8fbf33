"""The real sizes, on the meta device: parameters and names as in the published checkpoints."""

import pytest
import torch
from torch import nn

from engine.model.config import SAMAudioConfig
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import T5Config, T5Encoder

VISION_PARAMETERS = 671_137_793
"""Of the published vision encoder with its unused text tower; see its own tests."""

# size: (transformer, transformer with its inputs, whole checkpoint)
PARAMETERS = {
    "small": (492_089_856, 496_226_818, 1_275_035_782),
    "base": (1_146_918_912, 1_152_434_690, 1_931_243_654),
    "large": (2_928_828_672, 2_936_412_674, 3_715_221_638),
}


def n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def meta_network(size: str) -> SAMAudioNetwork:
    with torch.device("meta"):
        return SAMAudioNetwork(SAMAudioConfig.published(size))


def test_every_published_size_is_counted() -> None:
    assert tuple(PARAMETERS) == SAMAudioConfig.sizes


@pytest.mark.parametrize("size", PARAMETERS)
def test_a_published_size_has_its_parameters_and_keys(size: str) -> None:
    transformer, core, whole = PARAMETERS[size]
    network = meta_network(size)
    assert n_parameters(network.transformer) == transformer
    assert n_parameters(network) - n_parameters(network.audio_codec) == core
    assert n_parameters(network) + VISION_PARAMETERS == whole
    assert len(network.state_dict()) == 317 + 18 * len(network.transformer.layers) + 31


def test_t5_base_has_its_parameters() -> None:
    with torch.device("meta"):
        assert n_parameters(T5Encoder(T5Config())) == 109_628_544


def test_names_are_those_of_the_checkpoint() -> None:
    names = set(meta_network("small").state_dict())
    assert {name.split(".")[0] for name in names} == {
        "align_masked_video",
        "audio_codec",
        "embed_anchors",
        "memory_proj",
        "proj",
        "transformer",
    }
    assert {
        "transformer.layers.11.cross_attention.k_norm.weight",
        "transformer.x_embedder.block.block2.groupnorm.bias",
        "transformer.final_layer_scale_shift_table",
        "audio_codec.decoder.model.4.block.11.weight",
        "audio_codec.decoder.wm_model.msg_processor.msg_processor.weight",
        "embed_anchors.gate",
    } <= names
