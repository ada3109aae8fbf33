"""A CUDA device that is too small, for real: PyTorch is allowed a share of it and no more."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from engine import Prompt, Separation, SeparationOptions, separate
from engine.cost.footprint import WeightFormat
from engine.cost.stand_in import RandomModel
from engine.model.int8 import weight_bytes
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.residency import free_device_memory
from engine.sam_audio.separator import SamAudioSeparator
from engine.samplers import Sampling

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CUDA = torch.device("cuda:0")
SPEC = RandomModel("small", WeightFormat("bfloat16"), n_layers=4)


@pytest.fixture(autouse=True)
def _whole_device_afterwards() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    free_device_memory(CUDA)


def allow(n_bytes: float) -> None:
    """No more than this, weights included."""
    free_device_memory(CUDA)
    total = torch.cuda.get_device_properties(CUDA).total_memory
    torch.cuda.set_per_process_memory_fraction(n_bytes / total)


def run(model: torch.nn.Module) -> Separation:
    config = SamAudioConfig(
        device="cuda:0",
        precision="bfloat16",
        sampling=Sampling("euler", 2),
        window_batch=8,
        predict_spans="off",
    )
    separator = SamAudioSeparator("small", lambda: model, config)  # type: ignore[arg-type, return-value]
    noise = 0.1 * np.random.default_rng(0).standard_normal((75 * 48_000, 1)).astype(np.float32)
    options = SeparationOptions(n_candidates=3, presence_gate=0)
    return separate(noise, Prompt("dog"), sample_rate=48_000, separator=separator, options=options)


def test_a_small_device_gives_the_same_stems_with_a_notice() -> None:
    model = SPEC.make(CUDA)
    weights = weight_bytes(model)
    torch.cuda.reset_peak_memory_stats(CUDA)
    plain = run(model)
    assert "memory_was_short" not in {notice.code for notice in plain.notices}
    spent = torch.cuda.max_memory_allocated(CUDA) - weights
    allow(weights + 0.6 * spent)
    result = run(model)
    assert "memory_was_short" in {notice.code for notice in result.notices}
    error = np.linalg.norm(result.target.samples - plain.target.samples)
    assert error < 0.05 * np.linalg.norm(plain.target.samples)
