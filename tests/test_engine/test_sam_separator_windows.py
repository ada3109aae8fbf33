"""Windows over one state: they cover it, weigh one everywhere, and agree whatever the plan."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.data import Monitor
from engine.errors import PromptError
from engine.model.codec import DACVAE
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.hearing import encode_in_chunks
from engine.sam_audio.rolling import RollingSamples
from engine.sam_audio.voicing import voiced_blocks
from engine.sam_audio.windows import Window, joined_field, noise_field, plan_windows, window_weights
from engine.samplers import Draw, Sampling, batch_noise

from .tiny_model import tiny_network

PLANS = [(400, 10), (100, 25), (60, 30), (37, 5)]


def framewise(x: Tensor, t: float) -> Tensor:
    """A network that looks at nothing but the frame itself."""
    return torch.tanh(3 * x.flip(-1)) - (1 + t) * x


@given(n_frames=st.integers(1, 3000), longest=st.integers(2, 800), share=st.floats(0.001, 0.5))
@settings(max_examples=150, deadline=None)
def test_windows_cover_everything_and_weigh_one(n_frames: int, longest: int, share: float) -> None:
    overlap = max(1, int(longest * share))
    windows = plan_windows(n_frames, longest, overlap)
    assert windows[0].start == 0
    assert windows[-1].stop == n_frames
    assert len({window.n_frames for window in windows}) == 1
    assert windows[0].n_frames <= longest
    total = torch.zeros(n_frames)
    for window, weights in zip(windows, window_weights(windows), strict=True):
        assert bool((weights > 0).all())
        total[window.start : window.stop] += weights
    torch.testing.assert_close(total, torch.ones(n_frames), atol=1e-6, rtol=0)
    for before, after in itertools.pairwise(windows):
        assert before.stop - after.start >= overlap - 1


def test_there_are_no_more_windows_than_needed() -> None:
    assert plan_windows(750, 750, 125) == (Window(0, 750),)
    assert plan_windows(775, 750, 125) == (Window(0, 450), Window(325, 775))


def test_one_window_is_the_field_itself() -> None:
    x = batch_noise([Draw(1), Draw(1, 1)], 90, 8)
    joined = joined_field(plan_windows(90, 100, 10), lambda _window, part, t: framewise(part, t))
    assert torch.equal(joined(x, 0.3), framewise(x, 0.3))


@pytest.mark.parametrize("plan", PLANS)
def test_a_network_without_context_does_not_notice_the_windows(plan: tuple[int, int]) -> None:
    noise = batch_noise([Draw(4)], 400, 8)
    whole = Sampling().solve(framewise, noise)
    field = joined_field(plan_windows(400, *plan), lambda _window, part, t: framewise(part, t))
    torch.testing.assert_close(Sampling().solve(field, noise), whole, atol=1e-5, rtol=0)


def test_a_frame_in_two_windows_has_their_weighted_mean() -> None:
    windows = plan_windows(100, 60, 20)
    field = joined_field(
        windows, lambda window, part, _t: torch.full_like(part, float(window.start))
    )
    velocity = field(torch.zeros(1, 100, 2), 0.0)[0, :, 0]
    assert windows == (Window(0, 60), Window(40, 100))
    assert bool((velocity[:40] == 0).all())
    assert bool((velocity[60:] == 40).all())
    assert bool((velocity[40:60].diff() > 0).all())
    torch.testing.assert_close(velocity[40:60].mean(), torch.tensor(20.0))


def test_the_noise_of_a_long_file_is_one_field() -> None:
    draws = [Draw(3), Draw(3, 1)]
    assert torch.equal(noise_field(draws, 2100, 4), batch_noise(draws, 2100, 4))


@pytest.mark.parametrize(
    "change", [{"overlap_s": 0}, {"overlap_s": 16}, {"window_s": 4}, {"codec_chunk_s": 0}]
)
def test_impossible_windows_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(PromptError, match=next(iter(change))):
        SamAudioConfig(**change)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def codec() -> DACVAE:
    return tiny_network().audio_codec


@pytest.mark.parametrize("n_samples", [1, 700, 1920, 40_000, 57_600])
def test_encoding_in_chunks_is_encoding_the_whole(codec: DACVAE, n_samples: int) -> None:
    wav = torch.randn(1, 1, n_samples, generator=torch.Generator().manual_seed(2))
    blocks = np.array_split(wav[0].numpy().T, 7)
    mono = RollingSamples(iter(blocks))

    def encode(start: int, stop: int) -> Tensor:
        piece = torch.from_numpy(np.ascontiguousarray(mono.read(start, stop).T))
        return codec.encode(piece[None]).transpose(1, 2)

    with torch.inference_mode():
        whole = codec.encode(wav).transpose(1, 2)
        chunked = encode_in_chunks(encode, n_samples, 1920, 4, Monitor())
    scale = float(whole.abs().max())
    torch.testing.assert_close(chunked, whole, atol=1e-5 * scale, rtol=0)


@pytest.mark.parametrize("n_frames", [1, 5, 31])
def test_decoding_in_chunks_is_decoding_the_whole(n_frames: int) -> None:
    network = tiny_network().double()  # its random weights amplify rounding
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(2, n_frames, 128, generator=generator, dtype=torch.float64)
    n_samples = n_frames * 1920 - 77
    with torch.inference_mode():
        whole = network.audio_codec.decode_without_watermark(latents.transpose(1, 2))[:, 0]
    blocks = list(voiced_blocks(network, latents, n_samples, 0.2, Monitor()))
    chunked = torch.from_numpy(np.concatenate(blocks).T)
    assert chunked.shape == (2, n_samples)
    assert float(whole.abs().max()) > 1e-3
    torch.testing.assert_close(chunked, whole[:, :n_samples].float(), atol=1e-6, rtol=0)
