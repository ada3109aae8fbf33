"""Rankers against the numbers of the reference implementation."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.model.config import SoundActivityRankerConfig
from engine.rankers.base import RankingRequest
from engine.rankers.clap import Clap, ClapConfig, load_clap
from engine.rankers.clap_audio import HtsatConfig
from engine.rankers.clap_input import log_mel, quantised, windows
from engine.rankers.clap_text import RobertaConfig
from engine.rankers.imagebind import ImageBindRanker, load_imagebind
from engine.rankers.imagebind_input import audio_clips, video_clips
from engine.rankers.imagebind_towers import ImageBind, ImageBindConfig, TowerConfig
from engine.rankers.resample import resampled
from engine.rankers.sound_activity import SoundActivityRanker, overlap_of

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(os.environ.get("STEMLASSO_GOLDEN", ROOT / "../shared/golden/public"))

pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(),
    reason=f"no golden files in {GOLDEN}; name their folder in STEMLASSO_GOLDEN",
)


def item(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = load_file(GOLDEN / f"{name}.safetensors")
    return tensors, json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def close(found: Tensor, expected: Tensor, bounds_of: str) -> None:
    bounds = json.loads((GOLDEN / "tolerances.json").read_text("utf-8"))[bounds_of]
    torch.testing.assert_close(
        found, expected, atol=bounds["recommended_atol"], rtol=bounds["recommended_rtol"]
    )


def weights_of(ranker: str) -> dict[str, Tensor]:
    stored = load_file(GOLDEN / "rankers_checkpoint.safetensors")
    prefix = f"{ranker}."
    return {n.removeprefix(prefix): tensor for n, tensor in stored.items() if n.startswith(prefix)}


def clap() -> Clap:
    values = item("rankers")[1]["clap"]
    htsat, roberta = values["htsat"], values["roberta"]
    config = ClapConfig(
        audio=HtsatConfig(
            embed_dim=htsat["embed_dim"],
            depths=tuple(htsat["depths"]),
            num_heads=tuple(htsat["num_heads"]),
            window_size=htsat["window_size"],
            n_mels=values["audio_cfg"]["mel_bins"],
        ),
        text=RobertaConfig(**{item.name: roberta[item.name] for item in fields(RobertaConfig)}),
        joint_dim=values["joint"],
    )
    return load_clap(weights_of("clap"), "the golden checkpoint", config)


@torch.inference_mode()
def test_clap() -> None:
    tensors, _ = item("rankers")
    network = clap()
    n_wavs = sum(name.startswith("clap_pcm16_") for name in tensors)
    wavs = [tensors[f"clap_pcm16_{index}"].float() / 32_768 for index in range(n_wavs)]

    cut = torch.cat([windows(quantised(wav)) for wav in wavs])
    spectra = log_mel(cut)
    image = network.audio_branch.image(spectra)
    audio = network.embed_audio(spectra)
    text = network.embed_text(tensors["clap_input_ids"], tensors["clap_attention_mask"].bool())

    close(cut[:, -70_000::500], tensors["clap_padded_head"], "rankers")
    close(spectra[:, 0, ::20], tensors["clap_logmel_sub"], "rankers")
    close(image[:, ::16, ::16], tensors["clap_image_sub"], "rankers")
    close(audio, tensors["clap_audio_embed"], "rankers")
    close(text, tensors["clap_text_embed"], "rankers")
    close(audio @ text.T, tensors["clap_scores"], "rankers")


def imagebind() -> ImageBind:
    sizes = item("rankers")[1]["imagebind"]["config"]
    config = ImageBindConfig(
        vision=TowerConfig(sizes["v"], sizes["vb"], sizes["vh"]),
        audio=TowerConfig(sizes["a"], sizes["ab"], sizes["ah"]),
        output_dim=sizes["out"],
    )
    return load_imagebind(weights_of("imagebind"), "the golden checkpoint", config)


@torch.inference_mode()
def test_imagebind() -> None:
    tensors, values = item("rankers")
    network = imagebind()
    wavs = tensors["ib_pcm16"].float() / 32_768
    video = tensors["ib_video"]

    pictures = torch.stack([audio_clips(resampled(wav, 48_000, 16_000)) for wav in wavs])
    clips = video_clips(video, wavs.shape[1] / 48_000)
    audio = torch.stack([network.embed_audio(some) for some in pictures])
    seen = network.embed_video(clips)
    scores = ImageBindRanker(network).score(
        RankingRequest((wavs[0],), (wavs,), ("",), ((),), (video,), 48_000)
    )

    assert list(pictures.shape) == values["imagebind"]["mel_shape"]
    assert [1, *clips.shape] == values["imagebind"]["clips_shape"]
    close(pictures[:, :, 0, ::4, ::3], tensors["ib_mel_sub"], "rankers")
    close(clips[None, :, :, :, ::16, ::16], tensors["ib_clips_sub"], "rankers")
    close(audio, tensors["ib_audio_raw"], "rankers")
    close(seen[None], tensors["ib_video_raw"], "rankers")
    close(scores[..., None], tensors["ib_scores"], "rankers")


def test_sound_activity() -> None:
    tensors, values = item("sound_activity")
    wav = tensors["pcm16"].float() / 32_768
    absolute = SoundActivityRankerConfig(threshold_mode="abs", sil_threshold=-30.0)
    wanted = [(start, end) for start, end in values["ref_spans"]]

    relative_found = SoundActivityRanker().active_stretches(wav, values["sample_rate"])
    absolute_found = SoundActivityRanker(absolute).active_stretches(wav, values["sample_rate"])
    overlap = overlap_of(relative_found, wanted)

    assert relative_found == [(start, end) for start, end in values["rel_to_max_m40"]]
    assert absolute_found == [(start, end) for start, end in values["abs_m30"]]
    assert overlap.iou == values["scores"]["iou"]
    assert overlap.recall == values["scores"]["recall"]
    assert overlap.precision == values["scores"]["precision"]
