"""What the sums of a model's cost say, held against the networks themselves and their counters."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.cost.footprint import WeightFormat, footprint, network_bytes
from engine.cost.shape import ModelShape
from engine.errors import CheckpointMismatch, CheckpointNotFound, OutOfMemory
from engine.model.conditioning import Conditioning
from engine.model.config import SAMAudioConfig
from engine.model.int8 import quantise, weight_bytes
from engine.model.sam_audio import SAMAudioNetwork
from engine.sam_audio.budget import plan_loading, plan_run, wanted_plan
from engine.sam_audio.plan import RunPlan
from engine.sam_audio.settings import ModelSettings

from .tiny_model import tiny_config, tiny_network

WIDE = RunPlan(750, 125, n_rows=4, codec_chunk_frames=250)
FULL = WeightFormat("float32")
META = torch.device("meta")


def on_meta(config: SAMAudioConfig) -> SAMAudioNetwork:
    with META:
        return SAMAudioNetwork(config).requires_grad_(False).eval()


@pytest.mark.parametrize("size", SAMAudioConfig.sizes)
def test_operations_are_those_that_pytorch_counts(size: str) -> None:
    config = SAMAudioConfig.published(size)
    shape, network = ModelShape.of(asdict(config)), on_meta(config)
    assert shape == ModelShape.published(size)
    with FlopCounterMode(display=False) as counter, META, torch.inference_mode():
        known = Conditioning(torch.zeros(1, 250, shape.dim), torch.zeros(1, 6, shape.dim))
        network(torch.zeros(1, 250, 256), torch.zeros(1), known)
    ours = shape.evaluation_flops(250) + shape.text_flops(6)
    assert ours == pytest.approx(counter.get_total_flops(), rel=0.002)
    weights = sum(p.numel() for n, p in network.named_parameters() if "audio_codec" not in n)
    assert shape.layer_weights + shape.other_weights == pytest.approx(weights, rel=0.001)
    assert network_bytes(shape, WeightFormat("bfloat16")) == pytest.approx(2 * weights, rel=0.001)


def test_the_codec_costs_what_pytorch_counts() -> None:
    shape = ModelShape.published("small").codec
    codec = on_meta(SAMAudioConfig.published("small")).audio_codec
    with FlopCounterMode(display=False) as counter, META, torch.inference_mode():
        codec.encode(torch.zeros(1, 1, 10 * 1920))
    assert shape.encode_flops == pytest.approx(counter.get_total_flops() / 10, rel=1e-3)
    with FlopCounterMode(display=False) as counter, META, torch.inference_mode():
        codec.decode_without_watermark(torch.zeros(1, 128, 10))
    assert shape.decode_flops == pytest.approx(counter.get_total_flops() / 10, rel=1e-3)
    n_bytes = 4 * sum(p.numel() for p in codec.parameters())
    assert footprint(ModelShape.published("small"), FULL, WIDE).codec == pytest.approx(
        n_bytes, rel=0.01
    )


def test_int8_weighs_what_is_counted() -> None:
    network = tiny_network()
    del network.audio_codec
    shape = ModelShape.of(asdict(tiny_config()))
    assert network_bytes(shape, FULL) == pytest.approx(weight_bytes(network), rel=0.03)
    quantise(network.transformer.layers)
    counted = network_bytes(shape, WeightFormat("float32", int8=True))
    assert counted == pytest.approx(weight_bytes(network), rel=0.03)


def test_a_shape_is_read_from_the_official_file(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(asdict(SAMAudioConfig.published("base"))), "utf-8")
    assert ModelShape.read(config) == ModelShape.published("base")
    config.write_text("{}", "utf-8")
    assert ModelShape.read(config) == ModelShape.published("base"), "the original's defaults"
    config.write_text("{", "utf-8")
    with pytest.raises(CheckpointMismatch):
        ModelShape.read(config)
    with pytest.raises(CheckpointNotFound):
        ModelShape.read(tmp_path / "none.json")
    with pytest.raises(CheckpointMismatch, match="small, base, large"):
        ModelShape.published("huge")


def test_a_smaller_plan_needs_no_more() -> None:
    shape, settings = ModelShape.published("small"), ModelSettings()
    wanted = wanted_plan(shape, settings, n_rows=4, codec_chunk_s=10.0)
    assert wanted == WIDE
    needs = footprint(shape, FULL, wanted)
    whole, offloaded = needs.peak(offload=False), needs.peak(offload=True)
    assert offloaded < whole
    free = 1 << 62
    for share in (2.0, 1.0, 0.95, 0.9, 0.5):
        plan = plan_run(shape, FULL, wanted, int(whole * share), 0)
        peak = footprint(shape, FULL, plan).peak(offload=plan.offload)
        assert peak <= free, "less memory never makes a larger plan"
        free = peak
    assert plan_run(shape, FULL, wanted, 0, 0).window_frames == 125


def test_weights_that_fit_are_chosen_and_it_is_said() -> None:
    shape = ModelShape.published("large")
    assert plan_loading(shape, ModelSettings(), FULL, 64 * 10**9).weights == FULL
    less = plan_loading(shape, ModelSettings(), FULL, 9 * 10**9)
    assert less.weights == WeightFormat("bfloat16")
    least = plan_loading(shape, ModelSettings(), FULL, 5 * 10**9)
    assert least.weights == WeightFormat("bfloat16", int8=True)
    assert [notice.code for notice in least.notices] == ["weights_made_smaller"]
    asked = ModelSettings(precision="float32", offload="off")
    with pytest.raises(OutOfMemory, match=r"needs 1\d\.\d GB .* 5\.0 GB are free; leave precision"):
        plan_loading(shape, asked, FULL, 5 * 10**9)
    with pytest.raises(OutOfMemory, match=r"even int8 needs .* a smaller model"):
        plan_loading(shape, ModelSettings(), FULL, 10**9)
