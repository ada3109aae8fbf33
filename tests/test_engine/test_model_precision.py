"""16 bits against float32, and the real sizes at work, with random weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.model import SAMAudio, SAMAudioProcessor
from engine.model.companions import Companions
from engine.model.config import SAMAudioConfig
from engine.model.precision_report import PrecisionError, main, measure, random_network
from engine.model.random_weights import fill_randomly
from engine.model.text_encoder import T5Config, TextEncoder, read_tokenizer
from engine.samplers import Sampling

from .tiny_model import write_tokenizer


def assert_bounded(errors: list[PrecisionError]) -> None:
    """bfloat16 keeps 8 bits, float16 11 and int8 7: errors of some roundings, and not of more."""
    bfloat, half, int8, both = errors
    assert (bfloat.format.dtype, half.format.dtype) == (torch.bfloat16, torch.float16)
    assert int8.format.int8
    assert both.format.int8
    assert 1e-4 < bfloat.velocity < 0.03
    assert 1e-5 < half.velocity < 0.004
    assert bfloat.latent < 0.03
    assert half.latent < 0.004
    assert 1e-4 < int8.velocity < 0.03
    assert int8.latent < 0.03
    assert both.latent < 0.04


def test_16_bits_cost_little_at_the_full_width() -> None:
    config = SAMAudioConfig.published("small")
    config = replace(config, transformer=replace(config.transformer, n_layers=1))
    assert_bounded(measure(random_network(config), 6, Sampling("euler", 2)))


def test_the_report_prints_a_line_per_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--size", "small", "--layers", "1", "--frames", "2", "--steps", "1"]) == 0
    head, full, bfloat, half, int8, both = capsys.readouterr().out.splitlines()
    assert head == "small, 1 layers, random weights, 2 frames, 1 midpoint steps"
    assert full.startswith("float32          weights ")
    assert bfloat.startswith("bfloat16         velocity ")
    assert int8.startswith("int8 ")
    assert both.startswith("int8, bfloat16 ")
    assert half.startswith("float16 ")
    assert "latent" in half


@pytest.mark.slow
def test_small_runs_on_this_machine(tmp_path: Path) -> None:
    """All of it but the eyes, at the published size: 12 layers, codec and T5-base in float32."""
    write_tokenizer(tmp_path / "tokenizer.json")

    def text_encoder() -> TextEncoder:
        with torch.device("meta"):
            encoder = TextEncoder(T5Config(), read_tokenizer(tmp_path / "tokenizer.json"))
        encoder.to_empty(device="cpu")
        fill_randomly(encoder)
        return encoder.eval().requires_grad_(False)

    with torch.device("meta"):
        model = SAMAudio(SAMAudioConfig.published("small"), Companions(text_encoder))
    model.to_empty(device="cpu")
    fill_randomly(model)
    model.audio_codec.fold_weight_norm()
    model.eval().requires_grad_(False)

    wav = 0.1 * torch.randn(12_345, generator=torch.Generator().manual_seed(0))
    batch = SAMAudioProcessor()(["a dog barking"], [wav])
    result = model.separate(batch, sampling=Sampling("euler", 2))
    for stem in (result.target[0], result.residual[0]):
        assert stem.shape == (13_440,)
        assert bool(stem.isfinite().all())
        assert float(stem.std()) > 0
