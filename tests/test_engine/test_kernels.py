"""Compiled blocks and recorded evaluations: the same velocity, and a way on without them."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import Prompt, SeparationOptions, separate
from engine.audio_files import clip_from_array
from engine.model.anchors import anchors_from_spans
from engine.model.graphs import Graphs
from engine.model.kernels import Kernels, kernels_folder
from engine.model.text_encoder import EncodedText
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.loading import load_installed
from engine.sam_audio.separator import SamAudioSeparator
from engine.samplers import Sampling

from .clips import noise
from .tiny_model import tiny_network, write_checkpoint

TIMES = (0.0, 0.5)

# torch's own compiler uses what torch itself has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Every test compiles anew, into a folder of these tests."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folder))
    torch.compiler.reset()


def velocity(kernels: Kernels, n_windows: int = 2, n: int = 9) -> Tensor:
    """Of a tiny network, which is the same every time."""
    network = tiny_network()
    network.kernels = kernels
    generator = torch.Generator().manual_seed(3)
    text = EncodedText(torch.randn(1, 3, 16, generator=generator), None)
    evaluator = network.evaluator(text, TIMES)
    audio = torch.randn(n_windows, n, 128, generator=generator)
    condition = evaluator.condition(audio, anchors_from_spans([()] * n_windows, [n] * n_windows))
    x = torch.randn(n_windows, n, 256, generator=generator)
    return torch.stack([evaluator.velocity(x, t, condition) for t in TIMES])


def assert_same(actual: Tensor, expected: Tensor) -> None:
    assert float((actual - expected).norm() / expected.norm()) <= 1e-5


def test_compiled_blocks_give_the_plain_velocity() -> None:
    kernels = Kernels(compile=True)
    assert_same(velocity(kernels), velocity(Kernels()))
    assert kernels.compiles
    assert kernels.notices() == ()


@pytest.fixture
def no_compiler() -> Iterator[None]:
    """A machine that has none."""
    from torch._inductor import config

    with config.patch({"cpp.cxx": ("no-such-compiler",)}):
        yield


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_it_goes_on_and_says_so() -> None:
    kernels = Kernels(compile=True)
    assert torch.equal(velocity(kernels), velocity(Kernels()))
    assert not kernels.compiles
    (notice,) = kernels.notices()
    assert notice.code == "not_compiled"
    assert torch.equal(velocity(kernels), velocity(Kernels()))


def test_a_lack_of_memory_is_no_reason_to_give_up_compiling() -> None:
    kernels = Kernels(compile=True)

    def short(x: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        kernels.built(short)(torch.zeros(2))
    assert kernels.compiles


def test_kernels_are_kept_apart_for_torch_and_device(tmp_path: Path) -> None:
    folder = kernels_folder(tmp_path)
    assert folder.parent == tmp_path
    assert f"torch-{torch.__version__}".replace("_", "-") in folder.name


def test_the_folder_is_used_unless_the_user_chose_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = os.environ["TORCHINDUCTOR_CACHE_DIR"]
    Kernels(compile=True, cache=tmp_path / "ours").built(torch.sin)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == chosen
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    Kernels(compile=True, cache=tmp_path / "ours").built(torch.sin)
    assert Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).parent == tmp_path / "ours"
    assert list((tmp_path / "ours").iterdir())


def test_nothing_is_recorded_where_there_is_no_cuda() -> None:
    kernels = Kernels()
    calls = []

    def run(x: Tensor) -> Tensor:
        calls.append(x)
        return x + 1

    graphs = Graphs(kernels)
    x = torch.zeros(3)
    for _ in range(3):
        assert torch.equal(graphs.launch(run, x), torch.ones(3))
    assert all(each is x for each in calls)
    assert kernels.records
    assert kernels.notices() == ()


@pytest.mark.usefixtures("no_compiler")
def test_a_separation_that_cannot_compile_says_so(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    settings = SamAudioConfig(device="cpu", sampling=Sampling("euler", 1), compile=True)
    separator = SamAudioSeparator("tiny", lambda: load_installed(folder, None, settings), settings)
    mixture = clip_from_array(noise(4800, 1).astype(np.float32), 48_000)
    result = separate(
        mixture,
        Prompt("dog"),
        separator=separator,
        options=SeparationOptions(presence_gate=0.0),
    )
    assert "not_compiled" in {notice.code for notice in result.notices}
    assert result.receipt["settings"]["compile"] is False
