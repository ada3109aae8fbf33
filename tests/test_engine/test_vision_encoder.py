"""The visual tower: its published size, what a configuration may say, and what is computed once."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import CheckpointMismatch, CheckpointNotFound
from engine.model.config import VisionEncoderConfig, from_dict
from engine.model.video_frames import SelectedFrame, select_frames
from engine.model.vision_encoder import (
    VisionEncoder,
    VisionTowerConfig,
    pad_features,
    read_towers,
    resize,
    tower_named,
)

N_TEXT_TOWER_TENSORS = 6 + 24 * 12

TINY = VisionTowerConfig(image_size=28, patch_size=14, width=32, layers=2, heads=2, output_dim=12)
TINY_ENCODER = VisionEncoderConfig(name="tiny", dim=12, image_size=28, batch_size=4)


@pytest.fixture
def encoder() -> VisionEncoder:
    torch.manual_seed(0)
    return VisionEncoder(TINY_ENCODER, {"tiny": TINY}).eval()


def test_the_published_tower_has_its_size() -> None:
    with torch.device("meta"):
        encoder = VisionEncoder(VisionEncoderConfig())
    assert sum(weight.numel() for weight in encoder.parameters()) == 317_151_232
    assert len(encoder.state_dict()) + N_TEXT_TOWER_TENSORS == 601


def test_a_frame_that_is_shown_often_is_encoded_once(encoder: VisionEncoder) -> None:
    passes = []
    encoder.model.visual.register_forward_hook(lambda _, inputs, __: passes.append(len(inputs[0])))
    frames = np.random.default_rng(0).integers(0, 256, (6, 3, 20, 30), np.uint8)

    with torch.inference_mode():
        features = encoder.encode_video(select_frames(frames, 50))
        each = encoder(torch.from_numpy(frames))

    assert sum(passes[:-2]) == 6
    assert passes[:2] == [4, 2]
    assert features.shape == (50, 12)
    torch.testing.assert_close(features[[0, -1]], each[[0, -1]])
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(50))


def write_checkpoint(path: Path, encoder: VisionEncoder, **more: Tensor) -> Path:
    """A SAM-Audio checkpoint with this encoder, the text tower and something else in it."""
    text_tower = {
        "model.positional_embedding": torch.zeros(8, 16),
        "model.token_embedding.weight": torch.zeros(40, 16),
        "model.transformer.resblocks.0.ln_1.weight": torch.zeros(16),
        "model.ln_final.bias": torch.zeros(16),
        "model.text_projection": torch.zeros(16, 12),
        "model.logit_scale": torch.zeros(()),
    }
    vision = {**encoder.state_dict(), **text_tower, **more}
    state = {f"vision_encoder.{name}": tensor for name, tensor in vision.items()}
    torch.save({**state, "memory_proj.bias": torch.zeros(4)}, path)
    return path


def test_the_tower_is_read_out_of_a_checkpoint(tmp_path: Path, encoder: VisionEncoder) -> None:
    weights = write_checkpoint(tmp_path / "checkpoint.pt", encoder)
    again = VisionEncoder.from_checkpoint(TINY_ENCODER, weights, {"tiny": TINY})
    half = VisionEncoder.from_checkpoint(TINY_ENCODER, weights, {"tiny": TINY}, torch.bfloat16)

    frames = torch.full((2, 3, 30, 20), 99, dtype=torch.uint8)
    written = encoder.state_dict()
    assert all(torch.equal(tensor, written[name]) for name, tensor in again.state_dict().items())
    with torch.inference_mode():
        torch.testing.assert_close(again(frames), encoder(frames))
        assert half(frames).dtype == torch.bfloat16
        torch.testing.assert_close(half(frames).float(), encoder(frames), atol=0.05, rtol=0.05)


def test_a_checkpoint_with_another_tower_is_refused(tmp_path: Path, encoder: VisionEncoder) -> None:
    more = {"model.visual.head.weight": torch.zeros(3)}
    strange = write_checkpoint(tmp_path / "strange.pt", encoder, **more)
    with pytest.raises(CheckpointMismatch, match=r"unexpected \(1\): model.visual.head.weight"):
        VisionEncoder.from_checkpoint(TINY_ENCODER, strange, {"tiny": TINY})

    wider = replace(TINY, width=64)
    whole = write_checkpoint(tmp_path / "whole.pt", encoder)
    with pytest.raises(CheckpointMismatch, match="another shape"):
        VisionEncoder.from_checkpoint(TINY_ENCODER, whole, {"tiny": wider})


def test_layer_scale_is_taken_up_from_a_checkpoint(tmp_path: Path, encoder: VisionEncoder) -> None:
    def scaled_by(factor: float) -> VisionEncoder:
        gammas = {
            f"model.visual.transformer.resblocks.{layer}.{name}.gamma": torch.full((32,), factor)
            for layer in range(TINY.layers)
            for name in ("ls_1", "ls_2")
        }
        weights = write_checkpoint(tmp_path / f"{factor}.pt", encoder, **gammas)
        return VisionEncoder.from_checkpoint(TINY_ENCODER, weights, {"tiny": TINY})

    frames = torch.zeros(1, 3, 28, 28, dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(scaled_by(1.0)(frames), encoder(frames))
        assert (scaled_by(0.5)(frames) - encoder(frames)).abs().max() > 1e-3


def test_another_grid_is_reached_by_resampling_the_places() -> None:
    torch.manual_seed(0)
    config = VisionEncoderConfig(name="tiny", dim=12, image_size=56)
    larger = VisionEncoder(config, {"tiny": TINY}).eval()
    with torch.inference_mode():
        assert larger(torch.zeros(2, 3, 40, 40, dtype=torch.uint8)).shape == (2, 12)


def test_only_whole_numbers_are_cut_to_their_range_when_resized() -> None:
    edge = torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 255

    free = resize(edge, 32, "bicubic")
    cut = resize(edge.to(torch.uint8), 32, "bicubic")

    assert free.min() < 0
    assert free.max() > 255
    assert cut.dtype == torch.uint8
    assert torch.equal(cut.float(), free.clamp(0, 255).round())
    assert resize(edge, 8, "bicubic") is edge


def test_shorter_videos_are_filled_up_with_zeros() -> None:
    features = pad_features([torch.ones(2, 3), torch.ones(4, 3)], 4)
    assert features.shape == (2, 3, 4)
    assert features[0].sum(dim=0).tolist() == [3, 3, 0, 0]


@pytest.mark.parametrize(
    ("encoder_config", "complaint"),
    [
        ({"name": "PE-Unheard-Of"}, "known are PE-Core-L14-336, tiny"),
        ({"dim": 13}, "dim 13 is not the 12 of tiny"),
        ({"interpolation_mode": "LANCZOS"}, "allowed are BICUBIC and BILINEAR"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    encoder_config: dict[str, object], complaint: str
) -> None:
    config = from_dict(VisionEncoderConfig, {"name": "tiny", "dim": 12, **encoder_config}, "test")
    with pytest.raises(CheckpointMismatch, match=complaint):
        VisionEncoder(config, {"tiny": TINY})


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ({"pool_type": "avg"}, "pool_type 'avg'"),
        ({"use_cls_token": False}, "use_cls_token False"),
        ({"heads": 3}, "must be a multiple of 4"),
        ({"depth": 3}, "unknown key depth"),
    ],
)
def test_a_tower_of_another_kind_is_refused(
    tmp_path: Path, shape: dict[str, object], complaint: str
) -> None:
    vision = {
        "image_size": 28, "patch_size": 14, "width": 32, "layers": 1, "heads": 2, "output_dim": 8,
    }  # fmt: skip
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"name": "other", "vision": {**vision, **shape}}), "utf-8")
    with pytest.raises(CheckpointMismatch, match=complaint):
        read_towers(registry)


def test_a_registry_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", "utf-8")
    nameless = tmp_path / "nameless.json"
    nameless.write_text('[{"vision": {}}]', "utf-8")

    with pytest.raises(CheckpointNotFound):
        read_towers(tmp_path / "absent.json")
    with pytest.raises(CheckpointMismatch, match="not JSON"):
        read_towers(broken)
    with pytest.raises(CheckpointMismatch, match="needs `name` and `vision`"):
        read_towers(nameless)


def test_published_towers_need_no_registry() -> None:
    assert tower_named("PE-Core-L14-336", {"tiny": TINY}).width == 1024


def test_float_frames_are_encoded_like_the_same_whole_numbers(encoder: VisionEncoder) -> None:
    frames = np.full((3, 28, 28), 200, np.uint8)
    with torch.inference_mode():
        whole = encoder.encode_video([SelectedFrame(0, frames, 1)])
        parts = encoder.encode_video([SelectedFrame(0, frames.astype(np.float32), 1)])
    torch.testing.assert_close(whole, parts)
