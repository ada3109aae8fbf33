"""Weights in 8 bits: what is lost, what is not, and what is saved."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.model import SAMAudio
from engine.model.int8 import Int8Linear, quantise, weight_bytes
from engine.model.int8_cost import quantise_measured
from engine.model.precision_report import probe
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.loading import load_installed

from .tiny_model import tiny_network, write_checkpoint


def linear(n_in: int, n_out: int, bias: bool = False, seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(n_in, n_out, bias=bias).requires_grad_(False)


def inputs(n_in: int, *shape: int) -> Tensor:
    return torch.randn(*shape, n_in, generator=torch.Generator().manual_seed(1))


def error(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


def test_every_weight_is_within_half_a_step() -> None:
    layer = linear(96, 40)
    short = Int8Linear.of(layer)
    step = layer.weight.abs().amax(dim=1, keepdim=True) / 127
    off = (short.weights(torch.float32) - layer.weight).abs()
    assert bool((off <= step * 0.5001).all())
    assert short.quantised.abs().amax(dim=1).eq(127).all(), "each channel uses all of its range"
    assert (short.in_features, short.out_features) == (96, 40)


def test_a_channel_of_large_weights_does_not_coarsen_the_others() -> None:
    layer = linear(64, 8)
    layer.weight[3] *= 1e4
    x = inputs(64, 5)
    for channel in range(8):
        one = error(Int8Linear.of(layer)(x)[:, channel], layer(x)[:, channel])
        assert one < 0.02


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float32, 0.01), (torch.bfloat16, 0.02), (torch.float16, 0.01)]
)
def test_products_are_close_in_every_type(dtype: torch.dtype, bound: float, bias: bool) -> None:
    layer = linear(512, 96, bias)
    x = 30 * inputs(512, 2, 7)
    out = Int8Linear.of(layer)(x.to(dtype))
    assert out.dtype == dtype
    assert out.shape == (2, 7, 96)
    assert 1e-4 < error(out.float(), layer(x)) < bound


def test_weights_that_8_bits_hold_come_back_exactly() -> None:
    layer = linear(32, 4)
    layer.weight.copy_(torch.randint(-127, 128, (4, 32)).float() / 64)
    layer.weight[:, 0] = 127 / 64
    assert torch.equal(Int8Linear.of(layer).weights(torch.float32), layer.weight)
    silent = linear(8, 3)
    silent.weight.zero_()
    assert torch.equal(Int8Linear.of(silent)(inputs(8, 2)), torch.zeros(2, 3))


def test_joined_layers_are_the_parts_to_the_last_bit() -> None:
    parts = [Int8Linear.of(linear(48, n_out, True, seed)) for seed, n_out in ((0, 24), (1, 10))]
    orders = [torch.randperm(24), torch.arange(10).flip(0)]
    weights = Int8Linear.joined(parts, orders).weights(torch.float32)
    expected = [part.weights(torch.float32)[rows] for part, rows in zip(parts, orders, strict=True)]
    assert torch.equal(weights, torch.cat(expected))
    x = inputs(48, 3)
    apart = torch.cat([part(x)[:, rows] for part, rows in zip(parts, orders, strict=True)], dim=1)
    torch.testing.assert_close(Int8Linear.joined(parts, orders)(x), apart, atol=1e-6, rtol=1e-5)


def test_only_the_layers_matrices_change_and_a_quarter_of_them_is_left() -> None:
    network = tiny_network()
    before = weight_bytes(network.transformer.layers)
    rest = weight_bytes(network) - before
    quantise(network.transformer.layers)
    kinds = {type(module) for module in network.transformer.layers.modules()}
    assert nn.Linear not in kinds
    assert Int8Linear in kinds
    assert type(network.proj) is nn.Linear
    assert weight_bytes(network) - weight_bytes(network.transformer.layers) == rest
    assert weight_bytes(network.transformer.layers) < 0.4 * before  # rows of 24 have many scales


def test_a_checkpoint_is_loaded_in_8_bits(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    full = dict(SAMAudio.from_pretrained(folder).named_parameters())
    for dtype in (torch.float32, torch.bfloat16):
        short = SAMAudio.from_pretrained(folder, dtype=dtype, int8=True)
        for name, tensor in short.named_parameters():
            if "layers" not in name:
                wanted = torch.float32 if name.startswith("audio_codec") else dtype
                assert tensor.dtype == wanted
                assert torch.equal(tensor, full[name].to(wanted))
        layer = short.transformer.get_submodule("layers.1.feed_forward.w1")
        assert isinstance(layer, Int8Linear)
        assert (layer.quantised.dtype, layer.scale.dtype) == (torch.int8, torch.float32)


def test_what_8_bits_cost_is_measured_while_they_are_made() -> None:
    plain, measured = tiny_network(), tiny_network()
    before = probe(plain)
    quantise(plain.transformer.layers)
    cost = quantise_measured(measured)
    torch.testing.assert_close(probe(measured), probe(plain), atol=0, rtol=0)
    error = float((probe(plain) - before).norm() / before.norm())
    assert cost.error == pytest.approx(error)
    assert 0 < cost.error < 0.1
    assert f"({cost.decibels:.0f} dB)" in cost.notice.message
    assert cost.notice.code == "int8_cost"


def test_a_model_loaded_in_8_bits_says_what_it_lost(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    assert SAMAudio.from_pretrained(folder).int8_cost is None
    config = SamAudioConfig(device="cpu", precision="float32", int8=True)
    assert [n.code for n in load_installed(folder, None, config).notices] == ["int8_cost"]
