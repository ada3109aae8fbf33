"""What is timed is the real thing, and models with random weights are whole and what they say."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import Prompt, SeparationOptions, separate
from engine.cost.footprint import WeightFormat
from engine.cost.measure import (
    Patience,
    copy_rate,
    decoding,
    encoding,
    evaluating,
    peak_of,
    preparing,
    product_rate,
    timed,
)
from engine.cost.stand_in import RandomModel, filled
from engine.model import SAMAudio
from engine.model.int8 import Int8Linear
from engine.model.time_tables import TimeTable
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.separator import SamAudioSeparator
from engine.samplers import Sampling

from .tiny_model import tiny_config

CPU = torch.device("cpu")
FORMATS = (
    WeightFormat("float32"),
    WeightFormat("bfloat16"),
    WeightFormat("float32", int8=True),
    WeightFormat("bfloat16", int8=True),
)


@pytest.mark.parametrize("weights", FORMATS, ids=str)
def test_random_models_are_whole_in_every_format(weights: WeightFormat) -> None:
    model = filled(tiny_config(), weights)
    assert model.proj.weight.dtype == getattr(torch, weights.precision)
    assert model.codec_dtype == torch.float32
    kinds = {type(layer) for layer in model.transformer.layers.modules()}
    assert (Int8Linear in kinds) == weights.int8
    velocity = evaluating(model, n_frames=9, n_rows=2)()
    assert isinstance(velocity, Tensor)
    assert velocity.shape == (2, 9, 256)
    assert bool(velocity.isfinite().all())
    assert float(velocity.std()) > 0


def test_every_piece_of_work_is_done_in_full() -> None:
    model = filled(tiny_config(), FORMATS[0])
    latents = encoding(model, 7)()
    assert isinstance(latents, Tensor)
    assert latents.shape == (1, 7, 128)
    wave = decoding(model, 7)()
    assert isinstance(wave, Tensor)
    assert wave.shape == (1, 1, 7 * 1920)
    prepared = preparing(model, Sampling("euler", 4))()
    assert len(prepared._tables) == 4  # type: ignore[attr-defined]
    assert all(isinstance(table, TimeTable) for table in prepared._tables.values())  # type: ignore[attr-defined]


def test_the_plain_codec_says_the_same_as_the_fused_one() -> None:
    plain, fused = (filled(tiny_config(), FORMATS[0], fused=flag) for flag in (False, True))
    assert fused.audio_codec.fused_decoder is not None
    assert plain.audio_codec.fused_decoder is None
    # random weights amplify rounding
    torch.testing.assert_close(decoding(plain, 5)(), decoding(fused, 5)(), atol=5e-3, rtol=0)


def test_a_published_size_can_have_fewer_layers() -> None:
    config = RandomModel("small", FORMATS[0], n_layers=1).config()
    assert (config.transformer.dim, config.transformer.n_layers) == (1536, 1)
    assert RandomModel("small", FORMATS[0]).config().transformer.n_layers == 12


def test_a_random_model_separates() -> None:
    def load() -> SAMAudio:
        return filled(tiny_config(), FORMATS[0])

    config = SamAudioConfig(device="cpu", sampling=Sampling("euler", 1), predict_spans="off")
    result = separate(
        np.random.default_rng(0).standard_normal((8_000, 1)).astype(np.float32) * 0.1,
        Prompt("dog"),
        sample_rate=8_000,
        separator=SamAudioSeparator("random", load, config),
        options=SeparationOptions(n_threads=1, presence_gate=0),
    )
    assert np.isfinite(result.target.samples).all()


def test_timing_calls_as_often_as_it_says() -> None:
    calls: list[int] = []
    timing = timed(lambda: calls.append(1), CPU, Patience(n_warm=2, least_calls=5, most_s=0.0))
    assert timing.n_calls == 5
    assert len(calls) == 7
    assert 0 <= timing.least_s <= timing.median_s


def test_rates_are_numbers_of_this_machine() -> None:
    quick = Patience(n_warm=0, least_calls=1, most_s=0.0)
    assert product_rate(CPU, torch.float32, 64, quick) > 0
    assert copy_rate(CPU, 1 << 20, quick) > 0
    assert peak_of(lambda: None, CPU) == 0
