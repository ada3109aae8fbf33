"""Our networks against the original's numbers, item by item.

One test per item of the set, named `test_<item>`.
Run with `-rP` to see the errors that were met beside their bounds.
"""

import zlib
from collections.abc import Iterator
from dataclasses import fields
from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.checkpoints.load import load_into
from engine.model.anchors import Anchors
from engine.model.codec import DACVAE
from engine.model.config import CodecConfig, SAMAudioConfig, SoundActivityRankerConfig, from_dict
from engine.model.layers import sinusoids
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import EncodedText, TextEncoder
from engine.rankers.base import RankingRequest
from engine.rankers.clap import Clap, ClapConfig, load_clap
from engine.rankers.clap_audio import HtsatConfig
from engine.rankers.clap_input import log_mel, quantised, windows
from engine.rankers.clap_text import RobertaConfig
from engine.rankers.imagebind import ImageBindRanker, load_imagebind
from engine.rankers.imagebind_input import SAMPLE_RATE, audio_clips, video_clips
from engine.rankers.imagebind_towers import ImageBind, ImageBindConfig, TowerConfig
from engine.rankers.resample import resampled
from engine.rankers.sound_activity import SoundActivityRanker, Stretch, overlap_of

from .golden_set import GoldenItem, GoldenSet, golden_set


@pytest.fixture(scope="module")
def golden() -> GoldenSet:
    return golden_set()


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


# --- codec ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def config(golden: GoldenSet) -> SAMAudioConfig:
    return from_dict(SAMAudioConfig, golden.json("sam_config.json"), "sam_config.json")


@pytest.fixture(scope="module")
def codec(golden: GoldenSet, config: SAMAudioConfig) -> DACVAE:
    with torch.device("meta"):
        codec = DACVAE(config.audio_codec)
    state = golden.state("sam_checkpoint.audio_codec.safetensors", "audio_codec.")
    load_into(codec, state, where="sam_checkpoint")
    codec.fold_weight_norm()
    return codec


def test_dacvae_encode(golden: GoldenSet, codec: DACVAE) -> None:
    with golden.item("dacvae_encode") as item:
        item.expect("latent", codec.encode(item["wav"]))
        item.expect("latent_batch", codec.encode(item["wav_batch"]))


def test_dacvae_decode(golden: GoldenSet, codec: DACVAE) -> None:
    with golden.item("dacvae_decode") as item:
        latent = item["latent"]
        item.expect("decoder_trunk", codec.decode_trunk(latent))
        item.expect("wav_without_watermark", codec.decode_without_watermark(latent))
        item.expect("wav_a", codec.decode(latent, item["message_a"]))
        item.expect("wav_b", codec.decode(latent, item["message_b"]))


def test_dacvae_full_size(golden: GoldenSet) -> None:
    with golden.item("dacvae_full_size") as item:
        with torch.device("meta"):
            codec = DACVAE(CodecConfig())
        state = {
            key: procedural_weight(key, shape, item.info["seed"])
            for key, shape in item.info["keys"]
        }
        probe = state["encoder.block.1.block.0.block.1.weight_v"].flatten()[:16]
        assert torch.equal(probe, item["probe"])

        load_into(codec, state, where="procedural weights")
        codec.fold_weight_norm()
        item.expect("latent", codec.encode(item["wav"]))
        item.expect("decoded", codec.decode(item["decode_latent"], item["message"]))


def procedural_weight(key: str, shape: list[int], seed: int) -> Tensor:
    """A weight of the full-size codec by the rule in the set's README."""
    random = np.random.RandomState((zlib.crc32(key.encode()) ^ seed) & 0xFFFFFFFF)
    n, kind = prod(shape), key.rpartition(".")[2]
    if kind == "weight_g":
        values = 0.5 + 0.2 * random.random_sample(n)
    elif kind == "alpha":
        values = 0.5 + random.random_sample(n)
    else:
        values = random.standard_normal(n)
        if kind.startswith("bias"):
            values *= 0.1
        elif "msg_processor" in key:
            values *= 0.7
        elif kind != "weight_v":
            values /= prod(shape[1:]) ** 0.5
    if key in ("encoder.block.0.weight_g", "quantizer.in_proj.weight_g"):
        values *= 2
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


# --- text ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def text_encoder(golden: GoldenSet, config: SAMAudioConfig) -> TextEncoder:
    return TextEncoder.from_folder(golden.folder / config.text_encoder.name)


def test_t5(golden: GoldenSet, text_encoder: TextEncoder) -> None:
    with golden.item("t5") as item:
        texts = item.info["texts"]
        encoded = text_encoder(texts)
        item.expect("last_hidden_state", encoded.features)

        tokens = torch.tensor([e.ids for e in text_encoder.tokenizer.encode_batch(texts)])
        valid = torch.ones_like(tokens) if encoded.valid is None else encoded.valid.long()
        item.expect("input_ids", tokens)
        item.expect("attention_mask", valid)
        item.expect("mask", valid)


# --- one evaluation of the transformer -----------------------------------------------------------


@pytest.fixture(scope="module")
def network(golden: GoldenSet, config: SAMAudioConfig) -> SAMAudioNetwork:
    with torch.device("meta"):
        network = SAMAudioNetwork(config)
    state = {
        **golden.state("sam_checkpoint.audio_codec.safetensors"),
        **golden.state("sam_checkpoint.rest.safetensors"),
    }
    load_into(network, state, where="sam_checkpoint", allowed_unexpected=(network.vision_prefix,))
    network.audio_codec.fold_weight_norm()
    return network.eval()


def test_dit_single(golden: GoldenSet, network: SAMAudioNetwork) -> None:
    compare_evaluation(golden, network, "dit_single")


def test_dit_batch(golden: GoldenSet, network: SAMAudioNetwork) -> None:
    compare_evaluation(golden, network, "dit_batch")


def compare_evaluation(golden: GoldenSet, network: SAMAudioNetwork, name: str) -> None:
    dit = network.transformer
    with golden.item(name) as item:
        time, audio = item["time"], item["audio_features"]
        valid, text_valid = item.flag("audio_pad_mask"), item.flag("text_mask")
        conditioning = network.condition(
            audio[..., : audio.shape[-1] // 2],
            EncodedText(item["text_features"], text_valid),
            Anchors(item["anchor_ids"], item["anchor_alignment"]),
            item["masked_video_features"],
            valid,
        )
        aligned = network.align(item["noisy"], conditioning)
        item.expect("aligned", aligned)
        memory = network.remember(time, conditioning)
        item.expect("timestep_emb", sinusoids(time, memory.shape[-1])[:, None])
        item.expect("memory", memory)

        x = dit.embed_frames(aligned)
        item.expect("x_embedded", x)
        embedded = dit.embed_time(time, x.dtype)
        item.expect("t", embedded.final)
        item.expect("t0", embedded.blocks.flatten(1))
        y = dit.y_embedder(memory)
        item.expect("y", y)
        rotary = dit.rotary(x.shape[1], x.device)
        item.expect("layer0", dit.layers[0](x, embedded.blocks, y, rotary, valid, text_valid))

        item.expect("output", network(item["noisy"], time, conditioning))


# --- rankers -------------------------------------------------------------------------------------


def test_rankers(golden: GoldenSet) -> None:
    with golden.item("rankers") as item:
        compare_clap(golden, item)
        compare_imagebind(golden, item)


def compare_clap(golden: GoldenSet, item: GoldenItem) -> None:
    network = tiny_clap(golden, item)
    wavs = [item[name].float() / 32_768 for name in item.keys("clap_pcm16_")]

    cut = torch.cat([windows(quantised(wav)) for wav in wavs])
    item.expect("clap_padded_head", cut[:, -70_000::500])
    spectra = log_mel(cut)
    item.expect("clap_logmel_sub", spectra[:, 0, ::20])
    item.expect("clap_image_sub", network.audio_branch.image(spectra)[:, ::16, ::16])
    audio = network.embed_audio(spectra)
    item.expect("clap_audio_embed", audio)

    text = network.embed_text(item["clap_input_ids"], item.flag("clap_attention_mask"))
    item.expect("clap_text_embed", text)
    item.expect("clap_scores", audio @ text.T)


def tiny_clap(golden: GoldenSet, item: GoldenItem) -> Clap:
    sizes = item.info["clap"]
    htsat, roberta = sizes["htsat"], sizes["roberta"]
    config = ClapConfig(
        audio=HtsatConfig(
            embed_dim=htsat["embed_dim"],
            depths=tuple(htsat["depths"]),
            num_heads=tuple(htsat["num_heads"]),
            window_size=htsat["window_size"],
            n_mels=sizes["audio_cfg"]["mel_bins"],
        ),
        text=RobertaConfig(**{field.name: roberta[field.name] for field in fields(RobertaConfig)}),
        joint_dim=sizes["joint"],
    )
    state = golden.state("rankers_checkpoint.safetensors", "clap.")
    return load_clap(state, "rankers_checkpoint", config)


def compare_imagebind(golden: GoldenSet, item: GoldenItem) -> None:
    network = tiny_imagebind(golden, item)
    wavs, video = item["ib_pcm16"].float() / 32_768, item["ib_video"]

    pictures = torch.stack([audio_clips(resampled(wav, 48_000, SAMPLE_RATE)) for wav in wavs])
    assert list(pictures.shape) == item.info["imagebind"]["mel_shape"]
    item.expect("ib_mel_sub", pictures[:, :, 0, ::4, ::3])
    item.expect("ib_audio_raw", torch.stack([network.embed_audio(some) for some in pictures]))

    clips = video_clips(video, wavs.shape[1] / 48_000)
    assert [1, *clips.shape] == item.info["imagebind"]["clips_shape"]
    item.expect("ib_clips_sub", clips[None, ..., ::16, ::16])
    item.expect("ib_video_raw", network.embed_video(clips)[None])

    request = RankingRequest((wavs[0],), (wavs,), ("",), ((),), (video,), 48_000)
    item.expect("ib_scores", ImageBindRanker(network).score(request)[..., None])


def tiny_imagebind(golden: GoldenSet, item: GoldenItem) -> ImageBind:
    sizes = item.info["imagebind"]["config"]
    config = ImageBindConfig(
        vision=TowerConfig(sizes["v"], sizes["vb"], sizes["vh"]),
        audio=TowerConfig(sizes["a"], sizes["ab"], sizes["ah"]),
        output_dim=sizes["out"],
    )
    state = golden.state("rankers_checkpoint.safetensors", "imagebind.")
    return load_imagebind(state, "rankers_checkpoint", config)


def test_sound_activity(golden: GoldenSet) -> None:
    with golden.item("sound_activity") as item:
        wav, sample_rate = item["pcm16"].float() / 32_768, item.info["sample_rate"]
        absolute = SoundActivityRankerConfig(threshold_mode="abs", sil_threshold=-30.0)

        found = SoundActivityRanker().active_stretches(wav, sample_rate)
        assert found == stretches(item, "rel_to_max_m40")
        found_absolutely = SoundActivityRanker(absolute).active_stretches(wav, sample_rate)
        assert found_absolutely == stretches(item, "abs_m30")

        overlap = overlap_of(found, stretches(item, "ref_spans"))
        assert overlap.iou == item.info["scores"]["iou"]
        assert overlap.recall == item.info["scores"]["recall"]
        assert overlap.precision == item.info["scores"]["precision"]


def stretches(item: GoldenItem, key: str) -> list[Stretch]:
    return [(start, end) for start, end in item.info[key]]
