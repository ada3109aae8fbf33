"""ImageBind: clips, towers, official files."""

from fractions import Fraction
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CheckpointMismatch
from engine.rankers.imagebind import ImageBindRanker, open_imagebind
from engine.rankers.imagebind_input import (
    CLIP_S,
    MEL_MEAN,
    MEL_SCALE,
    audio_clips,
    clip_starts,
    frame_pair,
    video_clips,
)
from engine.rankers.imagebind_towers import ImageBind, ImageBindConfig

from .tiny_rankers import IMAGEBIND, film, noise, request_of, write_imagebind

CPU = torch.device("cpu")


@pytest.fixture
def ranker(tmp_path: Path) -> ImageBindRanker:
    return open_imagebind(write_imagebind(tmp_path), CPU, IMAGEBIND)


def test_clips_are_spread_from_start_to_end() -> None:
    assert clip_starts(5.0, 3) == [0, Fraction(3, 2), 3]
    assert clip_starts(1.0, 3) == [0, 0, 0]


@given(st.floats(0.05, 400), st.integers(1, 12_000), st.integers(2, 5))
def test_every_clip_has_frames_of_the_video(duration_s: float, n_frames: int, n_clips: int) -> None:
    pairs = [
        frame_pair(float(start), duration_s, n_frames) for start in clip_starts(duration_s, n_clips)
    ]

    assert all(0 <= first <= last < n_frames for first, last in pairs)
    assert pairs[0][0] == 0
    assert duration_s <= CLIP_S or pairs[-1][1] >= n_frames - 2


def test_frames_of_a_clip_are_its_first_and_last() -> None:
    assert frame_pair(0.0, 4.0, 100) == [0, 49]
    assert frame_pair(2.0, 4.0, 100) == [50, 99]
    assert frame_pair(0.0, 1.0, 25) == [0, 24]


def test_pictures_are_padded_and_the_audio_is_left_as_it_was() -> None:
    wav = noise(40_000) + 0.5
    before = wav.clone()

    pictures = audio_clips(wav)

    assert pictures.shape == (3, 1, 128, 204)
    assert torch.equal(wav, before)
    padding = torch.full((3, 1, 128, 6), -MEL_MEAN / MEL_SCALE)
    torch.testing.assert_close(pictures[..., 198:], padding)


def test_very_short_audio_is_all_padding() -> None:
    assert audio_clips(torch.zeros(0)).shape == (3, 1, 128, 204)
    assert audio_clips(noise(100)).unique().numel() == 1


@pytest.mark.parametrize(("height", "width"), [(24, 32), (32, 24), (224, 224), (300, 1000)])
def test_crops_are_squares_along_the_longer_side(height: int, width: int) -> None:
    clips = video_clips(film(10, height, width), 2.0)

    assert clips.shape == (15, 3, 2, 224, 224)
    if height == width:
        assert torch.equal(clips[0], clips[2])
    else:
        assert not torch.equal(clips[0], clips[2])


def test_scores_are_cosines_and_always_the_same(ranker: ImageBindRanker) -> None:
    made = request_of(noise(3, 120_000), video=film(62))

    first, second = ranker.score(made), ranker.score(made)

    assert first.shape == (1, 3)
    assert torch.equal(first, second)
    assert first.abs().max() <= 1 + 1e-6
    assert first.unique().numel() == 3


def test_scores_are_float32_whatever_comes_in(ranker: ImageBindRanker) -> None:
    wav = noise(1, 48_000).half()

    half = ranker.score(request_of(wav, video=film(25)))
    full = ranker.score(request_of(wav.float(), video=film(25)))

    assert half.dtype == torch.float32
    assert torch.equal(half, full)
    assert {parameter.dtype for parameter in ranker.network.parameters()} == {torch.float32}


def test_the_video_counts(ranker: ImageBindRanker) -> None:
    wav = noise(1, 48_000)

    shown = ranker.score(request_of(wav, video=film(25)))
    inverted = ranker.score(request_of(wav, video=255 - film(25)))

    assert not torch.equal(shown, inverted)


def test_without_video_there_is_nothing_to_compare(ranker: ImageBindRanker) -> None:
    wav = noise(1, 48_000)

    assert ranker.unusable_because(request_of(wav, video=None)) is not None
    assert ranker.unusable_because(request_of(wav, video=film(0))) is not None
    assert ranker.unusable_because(request_of(wav, video=film(3))) is None


def test_the_published_sizes() -> None:
    with torch.device("meta"):
        network = ImageBind(ImageBindConfig())

    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}

    # The file's 1.2 billion include four modalities that are not built here.
    assert sum(parameter.numel() for parameter in network.parameters()) == 719_065_089
    assert shapes["modality_preprocessors.vision.rgbt_stem.proj.1.weight"] == (1280, 3, 2, 14, 14)
    assert shapes["modality_preprocessors.audio.rgbt_stem.norm_layer.bias"] == (768,)
    assert shapes["modality_preprocessors.audio.pos_embedding_helper.pos_embed"] == (1, 229, 768)
    assert shapes["modality_trunks.vision.pre_transformer_layer.0.weight"] == (1280,)
    assert shapes["modality_trunks.vision.blocks.31.attn.in_proj_weight"] == (3840, 1280)
    assert shapes["modality_trunks.audio.blocks.11.attn.bias_k"] == (1, 1, 768)
    assert shapes["modality_heads.vision.2.weight"] == (1024, 1280)
    assert shapes["modality_postprocessors.audio.1.log_logit_scale"] == ()
    assert "modality_trunks.vision.blocks.0.attn.bias_k" not in shapes


def test_another_models_file_is_refused(tmp_path: Path) -> None:
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "other.pt")

    with pytest.raises(CheckpointMismatch, match=r"encoder\.weight"):
        open_imagebind(tmp_path / "other.pt", CPU, IMAGEBIND)
