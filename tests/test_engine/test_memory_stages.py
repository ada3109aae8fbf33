"""Memory that runs out in any stage of a run is answered, or ends in words about what to do.

A hook on every module refuses the first calls of one stage, as a full device would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from engine import MaskedVideo, Prompt, Separation, SeparationOptions, separate
from engine.errors import OutOfMemory
from engine.model import SAMAudio
from engine.model.config import JudgeRankerConfig
from engine.model.vision_encoder import MAX_FRAMES_AT_ONCE
from engine.sam_audio.beside import BesidePlan, beside_rungs
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.plan import RunPlan
from engine.sam_audio.residency import Residency
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.settings import PredictSpans
from engine.sam_audio.workplace import Workplace
from engine.samplers import Sampling

from .tiny_listeners import write_judge, write_span_predictor
from .tiny_model import TINY_TOWERS, tiny_network, write_checkpoint

CPU, META = torch.device("cpu"), torch.device("meta")
DOG = Prompt("dog")
VIDEO = Prompt(
    "cat", masked_video=MaskedVideo(np.zeros((30, 3, 28, 28), np.uint8), np.ones((30, 28, 28)))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with eyes, a span predictor and a judge."""
    here = tmp_path_factory.mktemp("tiny")
    return write_checkpoint(
        here / "model",
        span_predictor=str(write_span_predictor(here / "span")),
        text_ranker=JudgeRankerConfig(checkpoint_or_model_id=str(write_judge(here / "judge"))),
    )


@contextmanager
def refusing(stage: str, n_times: int) -> Iterator[list[str]]:
    """The first calls of modules that are named so, or defined in such a file, find no memory."""
    refused: list[str] = []

    def look(module: nn.Module, _inputs: object) -> None:
        name = type(module).__name__
        if stage in (name, type(module).__module__.rpartition(".")[2]) and len(refused) < n_times:
            refused.append(name)
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    handle = register_module_forward_pre_hook(look)
    try:
        yield refused
    finally:
        handle.remove()


def run(
    folder: Path, prompt: Prompt = DOG, n_takes: int = 1, spans: PredictSpans = "off"
) -> Separation:
    config = SamAudioConfig(
        device="cpu", sampling=Sampling("euler", 2), window_batch=2, predict_spans=spans
    )
    separator = SamAudioSeparator(
        "tiny", lambda: SAMAudio.from_pretrained(folder, towers=TINY_TOWERS), config
    )
    noise = 0.1 * np.random.default_rng(4).standard_normal((12_000, 1)).astype(np.float32)
    options = SeparationOptions(n_candidates=n_takes, n_threads=1, presence_gate=0)
    return separate(noise, prompt, sample_rate=8_000, separator=separator, options=options)


def codes(result: Separation) -> set[str]:
    return {notice.code for notice in result.notices}


@pytest.mark.parametrize(
    ("stage", "prompt"),
    [
        ("FusedEncoder", DOG),
        ("FusedDecoder", DOG),
        ("FusedTransformer", DOG),
        ("vision_layers", VIDEO),
    ],
)
def test_less_at_once_gives_the_same_stems(folder: Path, stage: str, prompt: Prompt) -> None:
    plain = run(folder, prompt)
    assert "memory_was_short" not in codes(plain)
    with refusing(stage, 1) as refused:
        result = run(folder, prompt)
    assert refused
    assert "memory_was_short" in codes(result)
    np.testing.assert_allclose(result.target.samples, plain.target.samples, atol=1e-5)


def test_predicted_spans_are_done_without_unless_insisted_on(folder: Path) -> None:
    with refusing("pe_transformer", 1) as refused:
        result = run(folder, spans="auto")
    assert refused
    assert "spans_not_predicted" in codes(result)
    with refusing("pe_transformer", 1), pytest.raises(OutOfMemory, match="span predictor"):
        run(folder, spans="on")


def test_takes_that_cannot_be_ranked_are_kept_as_they_came(folder: Path) -> None:
    plain = run(folder, n_takes=2)
    assert all(take.score is not None for take in plain.candidates)
    with refusing("pe_transformer", 1) as refused:
        result = run(folder, n_takes=2)
    assert refused
    assert [take.score for take in result.candidates] == [None, None]
    (notice,) = [each for each in result.notices if "memory ran out" in each.message]
    assert "rankers" in notice.message


def test_a_text_encoder_without_memory_is_an_error_that_says_what_to_do(folder: Path) -> None:
    with refusing("text_encoder", 1), pytest.raises(OutOfMemory, match=r"text encoder.*int8"):
        run(folder)


def test_a_model_beside_the_network_ends_on_the_processor() -> None:
    network = tiny_network()
    work = Workplace(network, Residency(META), RunPlan(750, 125, 1, 250))
    with work.on_device(network.transformer):
        pass
    tried: list[BesidePlan] = []

    def see(plan: BesidePlan) -> str:
        tried.append(plan)
        if plan.device != CPU:
            raise RuntimeError("CUDA out of memory")
        assert {each.device for each in network.parameters()} == {CPU}, "the network left"
        return "seen"

    assert work.beside("vision tower", see, MAX_FRAMES_AT_ONCE) == "seen"
    assert tried == list(beside_rungs(BesidePlan("vision tower", META, MAX_FRAMES_AT_ONCE)))
    assert [(plan.device.type, plan.offload) for plan in tried[:2]] == [
        ("meta", False),
        ("meta", True),
    ]
    (notice,) = work.notices()
    assert notice.message.endswith("it went on with the vision tower on the processor.")
