"""Windows over one state: they cover it, weigh one everywhere, and agree whatever the plan."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.data import Monitor
from engine.errors import PromptError
from engine.model.codec import DACVAE
from engine.model.sam_audio import SAMAudioNetwork
from engine.sam_audio.config import SamAudioConfig
from engine.sam_audio.frames import Frames
from engine.sam_audio.hearing import encoded_chunks
from engine.sam_audio.plan import RunPlan
from engine.sam_audio.residency import Residency
from engine.sam_audio.rolling import RollingSamples
from engine.sam_audio.sampling import Course, _solved, sampled_latents
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.settings import Joining
from engine.sam_audio.voicing import voiced_blocks
from engine.sam_audio.windows import Window, joined, noise_field, plan_windows, window_weights
from engine.sam_audio.workplace import Workplace
from engine.samplers import SAMPLERS, Draw, Sampling, batch_noise

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


def sampled(course: Course, noise: Tensor) -> Tensor:
    def velocity(_windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        return framewise(x, t)

    return sampled_latents(velocity, Frames.of(noise), course, Scratch()).whole()


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("joining", ["diffused", "crossfade"])
def test_one_window_is_the_whole_to_the_last_bit(sampler: str, joining: Joining) -> None:
    noise = batch_noise([Draw(1), Draw(1, 1)], 90, 8)
    sampling = Sampling(sampler, 5)
    whole = sampling.solve(framewise, noise)
    course = Course(sampling, plan_windows(90, 100, 10), joining=joining)
    assert torch.equal(sampled(course, noise), whole)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_state_in_pieces_is_solved_like_a_tensor_bit_by_bit(sampler: str) -> None:
    noise = batch_noise([Draw(2)], 1300, 8)  # more than two pieces
    sampling = Sampling(sampler, 4, 0.7)

    def field(x: Frames, t: float) -> Frames:
        x.settle(scratch)
        cuts = (0, 100, 700, 1300)
        pieces = (framewise(x.read(*cut), t) for cut in itertools.pairwise(cuts))
        return Frames.stored(pieces, scratch)

    scratch = Scratch()
    in_pieces = _solved(sampling, field, Frames.of(noise))
    assert torch.equal(in_pieces.whole(), sampling.solve(framewise, noise))


@pytest.mark.parametrize("joining", ["diffused", "crossfade"])
@pytest.mark.parametrize("n_at_once", [1, 3])
@pytest.mark.parametrize("plan", PLANS)
def test_a_network_without_context_does_not_notice_the_windows(
    plan: tuple[int, int], n_at_once: int, joining: Joining
) -> None:
    noise = batch_noise([Draw(4), Draw(4, 1)], 400, 8)
    whole = Sampling().solve(framewise, noise)
    course = Course(Sampling(), plan_windows(400, *plan), n_at_once, joining)
    torch.testing.assert_close(sampled(course, noise), whole, atol=1e-5, rtol=0)


def test_a_frame_in_two_windows_has_their_weighted_mean() -> None:
    windows = plan_windows(100, 60, 20)

    def starts(group: tuple[Window, ...]) -> Tensor:
        return torch.stack([torch.full((1, 60, 2), float(each.start)) for each in group])

    pieces = list(joined(windows, 1, starts))
    assert [piece.shape[1] for piece in pieces] == [40, 60]
    whole = torch.cat(pieces, dim=1)[0, :, 0]
    assert windows == (Window(0, 60), Window(40, 100))
    assert bool((whole[:40] == 0).all())
    assert bool((whole[60:] == 40).all())
    assert bool((whole[40:60].diff() > 0).all())
    torch.testing.assert_close(whole[40:60].mean(), torch.tensor(20.0))
    assert torch.equal(torch.cat(list(joined(windows, 2, starts)), dim=1)[0, :, 0], whole)


@given(n_frames=st.integers(1, 600), longest=st.integers(2, 200), n_at_once=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_windows_that_say_the_same_are_joined_to_just_that(
    n_frames: int, longest: int, n_at_once: int
) -> None:
    x = torch.linspace(-1, 1, n_frames)[None, :, None]
    windows = plan_windows(n_frames, longest, max(1, longest // 2))
    pieces = joined(
        windows, n_at_once, lambda group: torch.stack([x[:, w.start : w.stop] for w in group])
    )
    torch.testing.assert_close(torch.cat(list(pieces), dim=1), x, atol=1e-6, rtol=0)


def test_the_noise_of_a_long_file_is_one_field() -> None:
    draws = [Draw(3), Draw(3, 1)]
    whole = batch_noise(draws, 2100, 4)
    assert torch.equal(noise_field(draws, 2100, 4).whole(), whole)
    assert torch.equal(noise_field(draws, 300, 4, 1000).read(10, 200), whole[:, 1010:1200])


@pytest.mark.parametrize(
    "change",
    [
        {"overlap_s": 0},
        {"overlap_s": 16},
        {"window_s": 4},
        {"codec_chunk_s": 0},
        {"window_batch": 0},
        {"joining": "glued"},
        {"predict_spans": "maybe"},
    ],
)
def test_impossible_windows_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PromptError, match=next(iter(change))):
        SamAudioConfig(**change)


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
        chunks = list(encoded_chunks(encode, n_samples, 1920, 4, Monitor()))
    chunked = torch.cat(chunks, dim=1)
    scale = float(whole.abs().max())
    torch.testing.assert_close(chunked, whole, atol=1e-5 * scale, rtol=0)


def workplace(network: SAMAudioNetwork, codec_chunk_frames: int = 250) -> Workplace:
    plan = RunPlan(750, 125, n_rows=1, codec_chunk_frames=codec_chunk_frames)
    return Workplace(network, Residency(network.device), plan)


@pytest.mark.parametrize("n_frames", [1, 5, 31])
def test_decoding_in_chunks_is_decoding_the_whole(n_frames: int) -> None:
    network = tiny_network().double()  # its random weights amplify rounding
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(2, n_frames, 128, generator=generator, dtype=torch.float64)
    n_samples = n_frames * 1920 - 77
    with torch.inference_mode():
        whole = network.audio_codec.decode_without_watermark(latents.transpose(1, 2))[:, 0]
    blocks = list(voiced_blocks(workplace(network), Frames.of(latents), n_samples, 0.2, Monitor()))
    chunked = torch.from_numpy(np.concatenate(blocks).T)
    assert chunked.shape == (2, n_samples)
    assert float(whole.abs().max()) > 1e-3
    torch.testing.assert_close(chunked, whole[:, :n_samples].float(), atol=1e-6, rtol=0)
