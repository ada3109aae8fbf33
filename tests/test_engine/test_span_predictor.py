"""The span predictor: its files, what it hears, and the spans that come out and go back in."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from engine.data import Prompt, Span
from engine.errors import AudioError, CheckpointMismatch, CheckpointNotFound
from engine.model.anchors import PRESENT_ID, anchors_from_spans
from engine.model.codec import DACVAEEncoder
from engine.model.config import CodecConfig
from engine.model.modernbert import MAX_TOKENS, ModernBert, ModernBertConfig, attention_masks
from engine.model.pe_transformer import PETransformer, PETransformerConfig
from engine.model.plain_codec import PlainCodecConfig, PlainCodecEncoder
from engine.model.span_predictor import SpanPredictor, spans_from_logits
from engine.units import anchor_frame

from .tiny_listeners import SPANS, TEXT, span_predictor_state, write_span_predictor
from .tiny_model import randomise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_span_predictor(tmp_path_factory.mktemp("spans"))


@pytest.fixture(scope="module")
def predictor(folder: Path) -> SpanPredictor:
    return SpanPredictor.from_folder(folder, hears_waveforms=True)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_an_official_folder_is_read_and_what_nothing_reads_is_left_out(folder: Path) -> None:
    written = span_predictor_state()

    lean = SpanPredictor.from_folder(folder)
    whole = SpanPredictor.from_folder(folder, hears_waveforms=True)

    for predictor in (lean, whole):
        for name, tensor in predictor.state_dict().items():
            assert torch.equal(tensor, written[name]), name
        left_out = written.keys() - predictor.state_dict().keys()
        assert all(name.startswith(predictor.unused_prefixes) for name in left_out)
        assert "text_model.final_norm.weight" in left_out
        assert "text_model.layers.3.attn.Wo.weight" in left_out
        assert "text_model.layers.2.attn.Wo.weight" not in left_out
    assert not any("dac_vae_encoder" in name for name in lean.state_dict())
    with torch.inference_mode():
        latents = noise(1, 9, 128)
        logits = [p.predict(latents, ["a dog"]).logits for p in (lean, whole)]
    torch.testing.assert_close(*logits)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"logit_bias": None}, r"missing \(1\): logit_bias"),
        ({"text_head.other.weight": torch.ones(1)}, r"unexpected \(1\): text_head.other.weight"),
        ({"text_model.layers.5.attn.Wo.weight": torch.ones(1)}, r"unexpected \(1\)"),
        ({"audio_head.proj.weight": torch.ones(3, 24)}, r"another shape \(1\)"),
    ],
)
def test_weights_of_another_model_are_refused(
    tmp_path: Path, change: dict[str, Tensor | None], complaint: str
) -> None:
    folder = write_span_predictor(tmp_path)
    state = {**span_predictor_state(), **change}
    save_file({k: v for k, v in state.items() if v is not None}, folder / "model.safetensors")
    with pytest.raises(CheckpointMismatch, match=complaint):
        SpanPredictor.from_folder(folder)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nth_layer": 3}, "unknown key nth_layer"),
        ({"nth_text_layer": 6}, "nth_text_layer 6: the text model has 5 layers"),
        ({"text_model": {"norm_bias": True}}, "norm_bias: expected False, got True"),
        ({"text_model": {"hidden_size": 9, "num_attention_heads": 2}}, "even width"),
        ({"audio_model": {"audio_transformer": {"hidden_act": "gelu"}}}, "expected 'silu'"),
        ({"audio_model": {"audio_transformer": {"head_dim": 4}}}, "head_dim 4 must be"),
        ({"audio_model": {"audio_transformer": {"num_key_value_heads": 4}}}, "must be 8"),
        ({"audio_model": {"audio_transformer": {"hidden_size": 12}}}, "even width"),
    ],
)
def test_a_configuration_that_asks_for_another_computation_is_refused(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    folder = write_span_predictor(tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **change}), "utf-8")
    with pytest.raises(CheckpointMismatch, match=complaint):
        SpanPredictor.from_folder(folder)


def test_a_folder_without_its_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match=r"config\.json"):
        SpanPredictor.from_folder(tmp_path)
    folder = write_span_predictor(tmp_path)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointNotFound, match=r"tokenizer\.json"):
        SpanPredictor.from_folder(folder)
    (folder / "config.json").write_text("no json", "utf-8")
    with pytest.raises(CheckpointMismatch, match="not JSON"):
        SpanPredictor.from_folder(folder)


def test_the_published_text_model_has_its_size() -> None:
    config = ModernBertConfig()
    with torch.device("meta"):
        model = ModernBert(config, config.num_hidden_layers)
        used = ModernBert(config, 22)
    n_final_norm = config.hidden_size
    assert sum(p.numel() for p in model.parameters()) + n_final_norm == 394_781_696
    assert len(used.state_dict()) == 2 + 22 * 6 - 1


@torch.inference_mode()
def test_a_prompt_does_not_depend_on_its_neighbours(predictor: SpanPredictor) -> None:
    latents = noise(2, 20, 128)
    valid = torch.arange(20).expand(2, -1) < torch.tensor([[20], [13]])

    both = predictor.predict(latents, ["a", "the long bark of a dog"], valid)
    other_end = latents.clone()
    other_end[1, 13:] = 100.0
    changed = predictor.predict(other_end, ["a", "the long bark of a dog"], valid)
    alone = predictor.predict(latents[1:, :13], ["the long bark of a dog"])
    first = predictor.predict(latents[:1], ["a"])

    torch.testing.assert_close(both.logits[1, :13], alone.logits[0], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(both.logits[:1], first.logits, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(both.logits[1, :13], changed.logits[1, :13], atol=2e-5, rtol=1e-4)


@torch.inference_mode()
def test_waveforms_are_heard_as_their_latents(predictor: SpanPredictor) -> None:
    wav = noise(2, 1, 10 * 1920 - 500)
    valid = torch.ones(2, wav.shape[-1], dtype=torch.bool)
    valid[1, 6 * 1920 :] = False

    heard = predictor.predict_from_wav(wav, ["a", "b"], valid)
    latents = predictor.audio_model.encode(wav)
    frame_valid = torch.arange(10).expand(2, -1) < torch.tensor([[10], [6]])

    encoded = predictor.predict(latents, ["a", "b"], frame_valid)
    torch.testing.assert_close(heard.logits, encoded.logits)


@torch.inference_mode()
def test_the_own_encoder_computes_what_the_codecs_does() -> None:
    codec = DACVAEEncoder(CodecConfig(encoder_dim=2, latent_dim=32))
    randomise(codec)
    plain = PlainCodecEncoder(PlainCodecConfig(encoder_hidden_size=2, codebook_size=32))
    codec.fold_weight_norm()
    given = {n: t for n, t in codec.state_dict().items() if "out_proj" not in n}
    wanted = plain.state_dict()
    # Both list the same layers in the same order, under different names.
    tensors = in_file_order(given).values()
    plain.load_state_dict(dict(zip(in_file_order(wanted), tensors, strict=True)))

    wav = noise(1, 1, 5 * 1920 - 77)

    torch.testing.assert_close(plain(wav).transpose(1, 2), codec.encode(wav))


def in_file_order(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weight before bias in every layer, whatever order they were made in."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    kinds = ("alpha", "weight", "bias")
    names = [f"{layer}.{kind}" for layer in layers for kind in kinds]
    return {name: state[name] for name in names if name in state}


@given(st.lists(st.booleans(), min_size=1, max_size=60))
@settings(max_examples=60)
def test_spans_are_the_unbroken_runs(above: list[bool]) -> None:
    logits = torch.tensor([[1.0 if is_above else -1.0 for is_above in above]])

    (spans,) = spans_from_logits(logits)

    covered = [False] * len(above)
    for span in spans:
        first, last = round(span.start_s * 25), round(span.end_s * 25)
        covered[first:last] = [True] * (last - first)
        assert span.sign == "+"
    assert covered == above
    assert all(a.end_s < b.start_s for a, b in pairwise(spans))


def test_a_probability_has_to_be_above_the_threshold() -> None:
    logits = torch.tensor([[0.0, 1e-6, -1e-6]])
    (spans,) = spans_from_logits(logits, threshold=0.5)
    assert [round(span.start_s * 25) for span in spans] == [1]


def test_times_are_float32_numbers_of_seconds() -> None:
    (spans,) = spans_from_logits(torch.tensor([[-1.0, 1.0, -1.0] * 84]))
    assert len(spans) == 84
    for place, span in enumerate(spans):
        assert span.start_s == float(np.float32((3 * place + 1) * 1920) / np.float32(48_000))

    # Which moves about half of the borders by a frame, in the original as here.
    every_second = torch.tensor([[(-1.0) ** k for k in range(251)]])
    borders = {t for s in spans_from_logits(every_second)[0] for t in (s.start_s, s.end_s)}
    assert sum(anchor_frame(t) != round(t * 25) for t in borders if 0 < t <= 10) == 118


@torch.inference_mode()
def test_predicted_spans_can_be_edited_and_passed_back(predictor: SpanPredictor) -> None:
    latents = noise(1, 50, 128) * 3
    (spans,) = predictor.predict(latents, ["a dog"]).spans
    assert spans

    edited = Prompt("a dog", (*spans[1:], Span.absent(0.0, 0.4)))
    before = anchors_from_spans([spans], [50]).per_frame()
    after = anchors_from_spans([edited.spans], [50]).per_frame()

    assert (before == PRESENT_ID).any()
    assert not torch.equal(before, after)


def test_more_sound_than_the_model_has_places_for_is_refused() -> None:
    short = PETransformerConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=10,
    )  # fmt: skip
    assert SPANS.audio_model.audio_transformer.theta == 20_000

    frames, pooled = PETransformer(short)(torch.zeros(1, 9, 8))
    assert (frames.shape, pooled.shape) == ((1, 9, 8), (1, 8))
    with pytest.raises(AudioError, match="10 frames; this model hears at most 9"):
        PETransformer(short)(torch.zeros(1, 10, 8))


@torch.inference_mode()
def test_texts_are_cut_and_padded(predictor: SpanPredictor) -> None:
    assert predictor.tokenizer is not None
    ids, valid = predictor.tokenizer(["ab", "", "x" * 2_000])
    assert ids.shape == (3, MAX_TOKENS)
    assert ids[0, :5].tolist() == [1, 5, 6, 3, TEXT.pad_token_id]
    assert valid.sum(dim=1).tolist() == [4, 2, MAX_TOKENS]
    assert ids[2, -1] == 3


@torch.inference_mode()
def test_local_layers_see_their_neighbours_only() -> None:
    config = ModernBertConfig(
        vocab_size=40, hidden_size=16, intermediate_size=8, num_hidden_layers=2,
        num_attention_heads=2, global_attn_every_n_layers=2, local_attention=4,
    )  # fmt: skip
    model = ModernBert(config, 2)
    randomise(model)
    x = noise(1, 12, 16)
    other = x.clone()
    other[:, 9, 0] += 1.0  # one channel: the norms take out what all have in common

    everywhere, nearby = attention_masks(torch.ones(1, 12, dtype=torch.bool), 2, x.dtype)
    change = (model.layers[1](x, nearby) - model.layers[1](other, nearby)).abs().sum(dim=-1)[0]
    assert change.nonzero()[:, 0].tolist() == [7, 8, 9, 10, 11]
    assert (model.layers[0](x, everywhere) != model.layers[0](other, everywhere)).any(dim=-1).all()
