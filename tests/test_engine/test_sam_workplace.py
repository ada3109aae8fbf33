"""Less at once gives the same, and a lack of memory during a run ends in stems, not in an error."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine import Prompt, separate
from engine.data import SeparationOptions
from engine.errors import OutOfMemory
from engine.model import SAMAudio
from engine.model.sam_audio import SAMAudioNetwork
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.plan import RunPlan
from engine.sam_audio.residency import Residency
from engine.sam_audio.separator import SamAudioSeparator
from engine.sam_audio.windows import Window
from engine.sam_audio.workplace import Workplace
from engine.samplers import Sampling

from .tiny_model import tiny_network, write_checkpoint

WHOLE = RunPlan(750, 125, n_rows=64, codec_chunk_frames=250)
QUICK = SamAudioConfig(
    device="cpu", sampling=Sampling("euler", 2), window_s=12.0, overlap_s=1.0, window_batch=2
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def workplace(network: SAMAudioNetwork, plan: RunPlan = WHOLE) -> Workplace:
    return Workplace(network, Residency(network.device), plan)


@pytest.mark.parametrize("n_chunk", [1, 7, 20])
def test_codec_pieces_are_the_whole(n_chunk: int) -> None:
    network = tiny_network().double()  # its random weights amplify rounding
    pieces = workplace(network, RunPlan(750, 125, 1, n_chunk))
    wav = 0.1 * noise(1, 1, 41 * 1920 - 333)
    latents = workplace(network).encode(wav)
    assert latents.shape == (1, 41, 128)
    torch.testing.assert_close(pieces.encode(wav), latents, atol=1e-9, rtol=1e-9)
    takes = noise(2, 41, 128, seed=1)
    waves = workplace(network).decode(takes)
    assert waves.shape == (2, 41 * 1920)
    torch.testing.assert_close(pieces.decode(takes), waves, atol=1e-6, rtol=0)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 5, 6, 12])
def test_rows_in_groups_are_the_rows_together(n_rows: int) -> None:
    windows = tuple(Window(start, start + 9) for start in (0, 5, 10, 15))
    x = noise(4, 3, 9, 6)
    sizes = []

    def velocity(group: tuple[Window, ...], part: Tensor, t: float) -> Tensor:
        assert part.shape[0] == len(group)
        sizes.append(part.shape[0] * part.shape[1])
        starts = torch.tensor([window.start for window in group])
        return part * t + starts[:, None, None, None]

    together = velocity(windows, x, 0.3)
    sizes.clear()
    fitting = workplace(tiny_network(), RunPlan(750, 125, n_rows, 250)).fitting(velocity)
    assert torch.equal(fitting(windows, x, 0.3), together)
    assert max(sizes) <= n_rows
    assert sum(sizes) == 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("tiny") / "model")


class Crowded:
    """A model on a device that has room for so many rows and frames at once, and no more."""

    def __init__(self, folder: Path, most_rows: int, most_frames: int) -> None:
        self.n_refused = 0
        self.model = SAMAudio.from_pretrained(folder)
        self._most_rows, self._most_frames = most_rows, most_frames
        self.model.transformer.output.register_forward_pre_hook(self._look)

    def _look(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        n_rows, n_frames, _ = inputs[0].shape
        if n_rows > self._most_rows or n_frames > self._most_frames:
            self.n_refused += 1
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    def run(self, **options: int) -> tuple[torch.Tensor, tuple[str, ...], dict[str, object]]:
        separator = SamAudioSeparator("tiny", lambda: self.model, QUICK)
        mixture = np.random.default_rng(4).standard_normal((30 * 8_000, 1)).astype(np.float32)
        result = separate(
            0.1 * mixture,
            Prompt("dog"),
            sample_rate=8_000,
            separator=separator,
            options=SeparationOptions(n_threads=1, presence_gate=0, **options),
        )
        settings = result.receipt["settings"]
        assert isinstance(settings, dict)
        codes = tuple(notice.code for notice in result.notices)
        return torch.tensor(result.target.samples), codes, settings


def test_fewer_rows_give_the_same_stems_and_a_notice(folder: Path) -> None:
    free = Crowded(folder, 99, 10_000)
    target, codes, _ = free.run()
    assert "memory_was_short" not in codes
    crowded = Crowded(folder, 1, 10_000)
    same, codes, settings = crowded.run()
    assert crowded.n_refused == 1, "asked once, and remembered"
    assert "memory_was_short" in codes
    assert settings["n_windows"] == 3
    torch.testing.assert_close(same, target, atol=1e-5, rtol=1e-4)


def test_shorter_windows_are_the_last_answer(folder: Path) -> None:
    target, codes, settings = Crowded(folder, 1, 200).run()
    assert "memory_was_short" in codes
    assert settings["n_windows"] == 6
    assert bool(target.isfinite().all())
    assert float(target.std()) > 0


def test_what_never_fits_is_an_error_that_says_what_to_do(folder: Path) -> None:
    with pytest.raises(OutOfMemory, match=r"1 row of 5 s at once.*smaller model"):
        Crowded(folder, 1, 20).run()
