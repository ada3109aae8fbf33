"""Settings of a model's run: what is refused, and which device and precision they lead to."""

from typing import Any

import pytest
import torch

from engine.errors import BackendUnavailable, PromptError
from engine.memory import host_memory
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.device import best_format, chosen_device, devices, dtype_of, free_bytes
from engine.sam_audio.settings import ModelSettings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "gpu"}, "allowed are auto, cpu, mps, cuda"),
        ({"device": "cuda:x"}, "cuda:x"),
        ({"precision": "bf16"}, "bfloat16"),
        ({"joining": "glue"}, "crossfade"),
        ({"offload": True}, "auto, on, off"),
        ({"overlap_s": 0.0}, "more than 0 s"),
        ({"window_s": 6.0, "overlap_s": 4.0}, "half of their length"),
    ],
)
def test_wrong_settings_say_what_is_allowed(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(PromptError, match=said):
        ModelSettings(**wrong)


@pytest.mark.parametrize("wrong", [{"codec_chunk_s": 0}, {"window_batch": 0}, {"device": "gpu"}])
def test_a_configuration_is_checked_as_its_settings_are(wrong: dict[str, Any]) -> None:
    with pytest.raises(PromptError, match=str(next(iter(wrong)))):
        SamAudioConfig(**wrong)


def test_settings_become_a_configuration() -> None:
    settings = ModelSettings(device="cpu", int8=True, window_s=12.0)
    config = SamAudioConfig.of(settings)
    assert (config.device, config.int8, config.window_s) == ("cpu", True, 12.0)
    assert SamAudioConfig.of(config) is config


def test_every_device_that_is_listed_can_be_chosen() -> None:
    there = devices()
    assert there[-1] == "cpu"
    assert chosen_device("auto") == torch.device(there[0])
    for name in there:
        assert chosen_device(name) == torch.device(name)
    with pytest.raises(BackendUnavailable, match=there[0]):
        chosen_device("cuda:77")


def test_the_processor_computes_in_float32_unless_told_otherwise() -> None:
    cpu = torch.device("cpu")
    assert dtype_of(best_format(cpu)) == torch.float32
    assert 0 < free_bytes(cpu) <= host_memory().total_bytes
