"""On a CUDA device: the numbers of the CPU, however they are launched. `pytest -m gpu`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import Prompt, Separation, separate
from engine.audio_files import clip_from_array
from engine.model.anchors import anchors_from_spans
from engine.model.config import SAMAudioConfig
from engine.model.int8 import quantise
from engine.model.kernels import Kernels
from engine.model.random_weights import fill_randomly
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import EncodedText
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.frames import Frames
from engine.sam_audio.guidance import Guidance, window_velocity
from engine.sam_audio.loading import Loaded, load_installed
from engine.sam_audio.plan import RunPlan
from engine.sam_audio.residency import Residency
from engine.sam_audio.sampling import Course, sampled_latents
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.windows import noise_field, plan_windows
from engine.sam_audio.workplace import Workplace
from engine.samplers import Draw, Sampling

from .clips import noise
from .tiny_model import tiny_config, write_checkpoint

DEVICE = torch.device("cuda")
TIMES = (0.0, 0.5)
N_TOKENS = 5

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
    pytest.mark.filterwarnings("ignore"),  # of the driver and of torch's own compiler
]


@pytest.fixture(autouse=True)
def _exact_products() -> Iterator[None]:
    """float32 is float32 here."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def network(
    size: str, dtype: torch.dtype = torch.float32, *, int8: bool = False
) -> SAMAudioNetwork:
    """On the host; the same weights every time. `small` is its first two layers, and no codec."""
    config = tiny_config()
    if size == "small":
        config = SAMAudioConfig.published("small")
        config = replace(config, transformer=replace(config.transformer, n_layers=2))
    with torch.device("meta"):
        made = SAMAudioNetwork(config)
    if size == "small":
        del made.audio_codec
    made.to_empty(device="cpu")
    fill_randomly(made)
    if int8:
        quantise(made.transformer.layers)
    for name, parameter in made.named_parameters():
        if not name.startswith("audio_codec."):
            parameter.data = parameter.data.to(dtype)
    return made.eval().requires_grad_(False)


def velocities(model: SAMAudioNetwork, n_calls: int = 3, n_rows: int = 2, n: int = 51) -> Tensor:
    """Of several calls, which are alike, at each of the times: [n_times, n_rows, n, 2C]."""
    random = torch.Generator().manual_seed(1)
    text = torch.randn(1, N_TOKENS, model.config.text_encoder.dim, generator=random)
    audio = torch.randn(n_rows, n, 128, generator=random)
    x = torch.randn(n_rows, n, 256, generator=random).to(model.device)
    evaluator = model.evaluator(EncodedText(text.to(model.device), None), TIMES)
    anchors = anchors_from_spans([()] * n_rows, [n] * n_rows).to(model.device)
    condition = evaluator.condition(audio.to(model.device), anchors)
    calls = [
        torch.stack([evaluator.velocity(x, t, condition) for t in TIMES]).cpu()
        for _ in range(n_calls)
    ]
    for call in calls[1:]:
        assert_same(call, calls[0], 1e-6 if model.proj.weight.dtype == torch.float32 else 1e-2)
    return calls[-1]


def assert_same(actual: Tensor, expected: Tensor, within: float = 1e-5) -> None:
    assert actual.shape == expected.shape
    assert float((actual - expected).norm() / expected.norm()) <= within


@pytest.mark.parametrize("size", ["tiny", "small"])
@pytest.mark.parametrize("graphs", [False, True])
def test_a_velocity_is_that_of_the_cpu(size: str, graphs: bool) -> None:
    expected = velocities(network(size))
    there = network(size).to(DEVICE)
    there.kernels = Kernels(graphs=graphs)
    assert_same(velocities(there), expected)
    assert there.kernels.notices() == ()


@pytest.mark.parametrize(
    ("dtype", "int8", "within"),
    [
        (torch.bfloat16, False, 3e-2),
        (torch.float16, False, 4e-3),
        (torch.float32, True, 3e-2),
        (torch.bfloat16, True, 4e-2),
    ],
)
def test_short_weights_cost_what_they_cost(dtype: torch.dtype, int8: bool, within: float) -> None:
    there = network("small", dtype, int8=int8).to(DEVICE)
    assert_same(velocities(there), velocities(network("small"), 1), within)


def test_many_shapes_are_recorded_and_the_oldest_go() -> None:
    there = network("tiny").to(DEVICE)
    text = EncodedText(torch.zeros(1, N_TOKENS, 16, device=DEVICE), None)
    evaluator = there.evaluator(text, TIMES)
    for n in (8, 9, 10, 11, 12, 13, 8):
        x = torch.randn(1, n, 256, device=DEVICE)
        condition = torch.randn(1, n, 24, device=DEVICE)
        one, two, three = (evaluator.velocity(x, 0.5, condition) for _ in range(3))
        assert_same(two, one, 1e-6)
        assert_same(three, one, 1e-6)


def test_the_codec_is_that_of_the_cpu() -> None:
    here, there = network("tiny"), network("tiny")
    here.audio_codec.fuse()
    there.audio_codec.fuse()
    there.to(DEVICE)
    wav = 0.1 * torch.randn(1, 1, 4000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        latent = here.audio_codec.encode(wav)
        assert_same(there.audio_codec.encode(wav.to(DEVICE)).cpu(), latent)
        sound = here.audio_codec.decode_without_watermark(latent)
        made = there.audio_codec.decode_without_watermark(latent.to(DEVICE)).cpu()
    assert_same(made, sound, 1e-4)


@pytest.mark.parametrize("on_device", [False, True])
def test_windows_over_a_file_are_those_of_the_cpu(on_device: bool) -> None:
    expected = latents(network("tiny"), None)
    resident = DEVICE if on_device else None
    assert_same(latents(network("tiny").to(DEVICE), resident), expected)


def latents(model: SAMAudioNetwork, resident: torch.device | None) -> Tensor:
    n_frames = 130
    random = torch.Generator().manual_seed(2)
    audio = Frames.of(torch.randn(1, n_frames, 128, generator=random))
    text = EncodedText(torch.randn(1, N_TOKENS, 16, generator=random), None)
    sampling = Sampling("midpoint", 4)
    plan = RunPlan(40, 10, n_rows=4, codec_chunk_frames=50)
    work = Workplace(model, Residency(model.device), plan)
    velocity = work.fitting(window_velocity(model, Guidance(audio, text), sampling.times))
    course = Course(sampling, plan_windows(n_frames, 40, 10), n_at_once=2)
    noise = noise_field([Draw(0), Draw(0, 1)], n_frames, 256)
    return sampled_latents(velocity, noise, course, Scratch(), resident=resident).whole()


def test_memory_that_runs_out_is_given_back_and_it_goes_on() -> None:
    there = network("tiny").to(DEVICE)
    text = EncodedText(torch.zeros(1, N_TOKENS, 16, device=DEVICE), None)
    evaluator = there.evaluator(text, TIMES)
    small = torch.randn(1, 20, 256, device=DEVICE)
    expected = evaluator.velocity(small, 0.5, torch.zeros(1, 20, 24, device=DEVICE))

    def evaluate_ever_more() -> None:
        for n_rows in (64, 256, 1024, 4096):
            x = torch.randn(n_rows, 2000, 256, device=DEVICE)
            evaluator.velocity(x, 0.5, torch.zeros(n_rows, 2000, 24, device=DEVICE))

    torch.cuda.set_per_process_memory_fraction(0.02)
    try:
        with pytest.raises(torch.OutOfMemoryError):
            evaluate_ever_more()
        for _ in range(3):
            again = evaluator.velocity(small, 0.5, torch.zeros(1, 20, 24, device=DEVICE))
            assert_same(again, expected, 1e-6)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert there.kernels.records


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "float32"},
        {"precision": "float32", "compile": True},
        {"precision": "float32", "offload": "on"},
        {"precision": "bfloat16"},
        {"precision": "bfloat16", "int8": True},
    ],
)
def test_a_separation_is_that_of_the_cpu(changes: dict[str, object], tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    sampling = Sampling("midpoint", 4)
    expected, _ = separated(folder, SamAudioConfig(device="cpu", sampling=sampling))
    config = SamAudioConfig(device="cuda", sampling=sampling, **changes)  # type: ignore[arg-type]
    target, result = separated(folder, config)
    within = 1e-3 if changes["precision"] == "float32" else 0.2
    assert np.linalg.norm(target - expected) <= within * np.linalg.norm(expected)
    assert not {notice.code for notice in result.notices} & {"not_compiled", "no_graphs"}


def separated(folder: Path, config: SamAudioConfig) -> tuple[NDArray[np.float64], Separation]:
    """The target of two seconds of noise, by the model in `folder`."""
    mixture = clip_from_array(noise(96_000, 2).astype(np.float32), 48_000)

    def load() -> Loaded:
        return load_installed(folder, None, config)

    separator = SamAudioSeparator("tiny", load, config)
    result = separate(mixture, Prompt("dog"), separator=separator)
    assert result.null_db < -140
    return result.target.samples.astype(np.float64), result


def test_compiled_blocks_give_the_velocity_of_the_cpu(tmp_path: Path) -> None:
    torch.compiler.reset()
    there = network("small").to(DEVICE)
    there.kernels = Kernels(compile=True, cache=tmp_path)
    for n_rows, n in ((2, 51), (3, 40)):
        expected = velocities(network("small"), 1, n_rows, n)
        assert_same(velocities(there, n_rows=n_rows, n=n), expected)
    assert there.kernels.compiles
    assert there.kernels.notices() == ()
