"""Our networks against the original's numbers, item by item.

One test per item of the set, named `test_<item>`; the first test proves that none is left out.
Run with `-rP` to see the errors that were met beside their bounds.
"""

import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import fields
from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.checkpoints.load import load_into
from engine.data import Span
from engine.model.anchors import Anchors
from engine.model.batch import Batch
from engine.model.codec import DACVAE
from engine.model.config import CodecConfig, SAMAudioConfig, SoundActivityRankerConfig, from_dict
from engine.model.judge import Judge
from engine.model.layers import sinusoids
from engine.model.masked_video import apply_mask, masked_frames
from engine.model.modernbert import TextTokenizer
from engine.model.precision_report import measure
from engine.model.processor import SAMAudioProcessor
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.separation import SAMAudio, SeparationResult
from engine.model.span_predictor import THRESHOLD, SpanPredictor
from engine.model.text_encoder import EncodedText, TextEncoder
from engine.model.video_frames import select_frames
from engine.model.vision_encoder import VisionEncoder, pad_features, read_towers
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
from engine.samplers import Sampling

from .golden_set import GoldenItem, GoldenSet, golden_set


@pytest.fixture(scope="module")
def golden() -> GoldenSet:
    return golden_set()


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def test_no_item_of_the_set_goes_without_a_comparison(golden: GoldenSet) -> None:
    assert golden.names()
    assert not [name for name in golden.names() if f"test_{name}" not in globals()]


# --- vision --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vision(golden: GoldenSet, config: SAMAudioConfig) -> VisionEncoder:
    return VisionEncoder.from_checkpoint(
        config.vision_encoder,
        golden.folder / "sam_checkpoint.rest.safetensors",
        read_towers(golden.folder / "pe_vision_registry.json"),
    )


def test_vision(golden: GoldenSet, vision: VisionEncoder) -> None:
    with golden.item("vision") as item:
        # Made with the reference's helper, which blacks the object out.
        frames, mask = item["frames"].numpy(), item["mask"].numpy()
        masked = torch.from_numpy(apply_mask(frames, mask, keep_object=False))
        item.expect("masked", masked)
        pixels = vision.prepare(masked)
        item.expect("pixels", pixels)
        item.expect("features_unnormalized", vision.model.visual(pixels))
        item.expect("features", vision(masked)[None])


def test_vision_of_separate_video(golden: GoldenSet, vision: VisionEncoder) -> None:
    item = golden.item("separate_video")
    rows = []
    for name in item.keys("frame_index_"):
        video = item[name.replace("frame_index", "masked_video")].numpy()
        frames = list(select_frames(video, len(item[name])))
        item.expect(name, torch.tensor([f.number for f in frames for _ in range(f.n_repeats)]))
        rows.append(vision.encode_video(frames))
    item.expect("masked_video_features", pad_features(rows, max(len(row) for row in rows)))


# --- spans ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def span_predictor(golden: GoldenSet, config: SAMAudioConfig) -> SpanPredictor:
    assert config.span_predictor is not None
    return SpanPredictor.from_folder(golden.folder / config.span_predictor, hears_waveforms=True)


def test_span_single(golden: GoldenSet, span_predictor: SpanPredictor) -> None:
    compare_prediction(golden, span_predictor, "span_single")


def test_span_batch(golden: GoldenSet, span_predictor: SpanPredictor) -> None:
    compare_prediction(golden, span_predictor, "span_batch")


def compare_prediction(golden: GoldenSet, span_predictor: SpanPredictor, name: str) -> None:
    with golden.item(name) as item:
        texts, latents = item.info["texts"], item["input_features"]
        valid = item.flag("padding_mask")
        assert item.info.get("threshold", THRESHOLD) == THRESHOLD
        ids, text_valid = expect_tokens(item, span_predictor.tokenizer, texts)
        item.expect("text_hidden", span_predictor.text_model(ids, text_valid))
        hidden, pooled = span_predictor.audio_model(latents, valid)
        item.expect("audio_hidden", hidden)
        item.expect("audio_pooled", pooled)

        predicted = span_predictor.predict(latents, texts, valid)
        item.expect("text_embeds", predicted.text)
        item.expect("audio_embeds", predicted.audio)
        item.expect("logits", predicted.logits)
        assert predicted.spans == spans_of(item)


def test_span_from_wav(golden: GoldenSet, span_predictor: SpanPredictor) -> None:
    with golden.item("span_from_wav") as item:
        wav, texts, valid = item["input_values"], item.info["texts"], item.flag("padding_mask")
        expect_tokens(item, span_predictor.tokenizer, texts)
        item.expect("dac_features", span_predictor.audio_model.encode(wav))
        predicted = span_predictor.predict_from_wav(wav, texts, valid)
        item.expect("audio_embeds", predicted.audio)
        assert predicted.spans == spans_of(item)


def spans_of(item: GoldenItem) -> tuple[tuple[Span, ...], ...]:
    return tuple(tuple(Span.present(*times) for times in row) for row in item.info["spans"])


def expect_tokens(
    item: GoldenItem, tokenizer: TextTokenizer | None, texts: list[str]
) -> tuple[Tensor, Tensor]:
    assert tokenizer is not None
    ids, valid = tokenizer(texts)
    item.expect("input_ids", ids)
    item.expect("attention_mask", valid.long())
    return ids, valid


# --- judge ---------------------------------------------------------------------------------------


def test_judge(golden: GoldenSet) -> None:
    folder = golden.folder
    judge = Judge.from_files(
        folder / "judge_config.json",
        folder / "judge_checkpoint.safetensors",
        folder / "judge_tokenizer",
    )
    with golden.item("judge") as item:
        mixtures, separated = item["input_values"], item["separated_values"]
        valid, texts = item.flag("padding_mask"), item.info["texts"]
        ids, text_valid = expect_tokens(item, judge.tokenizer, texts)

        unmasked = judge(mixtures, separated, ids, text_valid)
        item.expect("overall_without_padding_mask", unmasked.overall)
        scores = judge(mixtures, separated, ids, text_valid, valid)
        item.expect("overall", scores.overall)
        item.expect("recall", scores.recall)
        item.expect("precision", scores.precision)
        item.expect("faithfulness", scores.faithfulness)


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
    codec.fuse()
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
        codec.fuse()
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
    network.audio_codec.fuse()
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


# --- batches -------------------------------------------------------------------------------------


def test_processor(golden: GoldenSet) -> None:
    with golden.item("processor") as item:
        wavs = [torch.zeros(size) for size in item["wav_sizes"].tolist()]
        batch = SAMAudioProcessor()([""] * len(wavs), wavs, anchors=item.info["anchors"])
        item.expect("wav_sizes", torch.tensor(batch.wav_sizes))
        item.expect("sizes", torch.tensor(batch.n_frames, dtype=torch.float32))
        item.expect("anchor_ids", batch.anchors.ids)
        item.expect("anchor_alignment", batch.anchors.alignment)
        item.expect("audio_pad_mask", all_valid(batch))


def all_valid(batch: Batch) -> Tensor:
    """The batch's frames that are not padding, also where there is no padding."""
    if batch.valid is not None:
        return batch.valid
    return torch.ones(batch.n_prompts, max(batch.n_frames), dtype=torch.bool)


# --- separation ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(golden: GoldenSet, tmp_path_factory: pytest.TempPathFactory) -> SAMAudio:
    """The set's model, read as it would be published, with its companions beside it."""
    folder = tmp_path_factory.mktemp("sam-audio")
    config = golden.json("sam_config.json")
    for name in (config["text_encoder"]["name"], config["span_predictor"]):
        shutil.copytree(golden.folder / name, folder / name)
    shutil.copytree(golden.folder / "judge_tokenizer", folder / "judge")
    shutil.copy(golden.folder / "judge_config.json", folder / "judge/config.json")
    torch.save(golden.state("judge_checkpoint.safetensors"), folder / "judge/checkpoint.pt")

    config["text_ranker"] = {"kind": "judge", "checkpoint_or_model_id": str(folder / "judge")}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    state = {
        **golden.state("sam_checkpoint.audio_codec.safetensors"),
        **golden.state("sam_checkpoint.rest.safetensors"),
    }
    torch.save(state, folder / "checkpoint.pt")
    towers = read_towers(golden.folder / "pe_vision_registry.json")
    return SAMAudio.from_pretrained(folder, towers=towers)


def test_separate_text(golden: GoldenSet, model: SAMAudio) -> None:
    model.companions.release()
    with golden.item("separate_text") as item:
        compare_separation(item, model, batch_of(item))
    assert not model.companions.vision_encoder.is_loaded  # text needs no eyes
    assert not model.companions.span_predictor.is_loaded


def test_separate_spans(golden: GoldenSet, model: SAMAudio) -> None:
    with golden.item("separate_spans") as item:
        compare_separation(item, model, batch_of(item))


def test_separate_batch(golden: GoldenSet, model: SAMAudio) -> None:
    with golden.item("separate_batch") as item:
        compare_separation(item, model, batch_of(item))


def test_separate_video(golden: GoldenSet, model: SAMAudio) -> None:
    with golden.item("separate_video") as item:
        batch = batch_of(item)
        for index, (video, n_frames) in enumerate(zip(batch.videos, batch.n_frames, strict=True)):
            assert video is not None
            frames = list(masked_frames(video, n_frames))
            numbers = torch.tensor([frame.number for frame in frames])
            repeats = torch.tensor([frame.n_repeats for frame in frames])
            item.expect(f"frame_index_{index}", numbers.repeat_interleave(repeats))
        compare_separation(item, model, batch)


def test_separate_predict_spans_fixed(golden: GoldenSet, model: SAMAudio) -> None:
    with golden.item("separate_predict_spans_fixed") as item:
        batch = batch_of(item)
        predicted = model.with_predicted_spans(batch, model.encode_audio(batch.audios))
        assert anchors_of(predicted) == item.info["anchors_after"]
        compare_conditioning(item, model, predicted)
        result = compare_result(item, model, batch, predict_spans=True)
        assert result.spans == predicted.spans
        again = model.separate(predicted, item["noise"], message=item["message"])
        assert torch.equal(again.target[0], result.target[0])  # spans can be passed back


def test_separate_predict_spans_head(golden: GoldenSet, model: SAMAudio) -> None:
    """The original's release predicted the same spans and then separated without them."""
    with golden.item("separate_predict_spans_head") as item:
        n_samples = [int(size) * model.audio_codec.hop_length for size in item["sizes"]]
        silence = [torch.zeros(n) for n in n_samples]
        batch = SAMAudioProcessor()(item.info["descriptions"], silence)
        audio = item["audio_features"][..., : model.config.audio_codec.codebook_dim]
        predicted = model.with_predicted_spans(batch, audio)
        assert anchors_of(predicted) == item.info["anchors_after"]
        compare_conditioning(item, model, batch, audio)
        assert item["message"].shape == (2 * batch.n_prompts, 16)  # of waveforms not in the set


def test_separate_rerank_judge(golden: GoldenSet, model: SAMAudio) -> None:
    with golden.item("separate_rerank_judge") as item:
        batch = batch_of(item)
        result = compare_separation(item, model, batch)
        assert result.scores is not None
        order = torch.tensor(result.order)
        item.expect("scores", torch.zeros(order.shape).scatter(1, order, result.scores))
        assert order[:, 0].tolist() == item.info["chosen"]
        assert torch.equal(result.candidates[0][0], result.target[0])


def batch_of(item: GoldenItem) -> Batch:
    """The item's prompts and mixtures."""
    videos = [item[key] for key in item.keys("masked_video_")]
    return SAMAudioProcessor()(
        item.info["descriptions"],
        [item[key] for key in item.keys("wav_")],
        item.info["anchors"],
        videos or None,
    )


def anchors_of(batch: Batch) -> list[list[list[object]]]:
    return [[[span.sign, span.start_s, span.end_s] for span in item] for item in batch.spans]


def compare_separation(item: GoldenItem, model: SAMAudio, batch: Batch) -> SeparationResult:
    assert item.info["anchors_after"] == item.info["anchors"]
    compare_conditioning(item, model, batch)
    return compare_result(item, model, batch)


def compare_conditioning(
    item: GoldenItem, model: SAMAudio, batch: Batch, audio: Tensor | None = None
) -> None:
    """What the model is told, and the latent that the noise becomes under it."""
    n_takes = item.info["reranking_candidates"]
    item.expect("sizes", torch.tensor(batch.n_frames, dtype=torch.float32))
    item.expect("audio_pad_mask", all_valid(batch).repeat_interleave(n_takes, dim=0))
    anchors = batch.anchors.repeated(n_takes)
    item.expect("anchor_ids", anchors.ids)
    item.expect("anchor_alignment", anchors.alignment)

    audio = model.encode_audio(batch.audios) if audio is None else audio
    doubled = torch.cat((audio, audio), dim=-1)
    item.expect("audio_features", doubled.repeat_interleave(n_takes, dim=0))
    video = model.encode_videos(batch)
    if video is None:
        assert not bool(item["masked_video_features"].any())
    else:
        item.expect("masked_video_features", video.repeat_interleave(n_takes, dim=0))

    seen: list[float] = []
    conditioning = model.conditioning(batch, audio).repeated(n_takes)
    field = model.vector_field(conditioning)

    def noted(x: Tensor, t: float) -> Tensor:
        seen.append(t)
        return field(x, t)

    item.expect("final_latent", Sampling().solve(noted, item["noise"]))
    assert seen == item.info["eval_times"]


def compare_result(
    item: GoldenItem, model: SAMAudio, batch: Batch, *, predict_spans: bool = False
) -> SeparationResult:
    result = model.separate(
        batch,
        item["noise"],
        reranking_candidates=item.info["reranking_candidates"],
        predict_spans=predict_spans,
        message=item["message"],
    )
    for index, (target, residual) in enumerate(zip(result.target, result.residual, strict=True)):
        item.expect(f"target_{index}", target)
        item.expect(f"residual_{index}", residual)
    return result


# --- fewer bits ----------------------------------------------------------------------------------


def test_fewer_bits_cost_little_on_the_golden_model(network: SAMAudioNetwork) -> None:
    bfloat, half, int8, both = measure(network, 11, Sampling())
    assert 0 < bfloat.velocity < 0.03
    assert 0 < half.velocity < 0.004
    assert bfloat.latent < 0.03
    assert half.latent < 0.004
    assert 0 < int8.velocity < 0.02
    assert int8.latent < 0.02
    assert both.latent < 0.04
    print(bfloat, half, int8, both, sep="\n")


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
