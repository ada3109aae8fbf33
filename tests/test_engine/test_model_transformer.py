from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import AudioError
from engine.model.anchors import anchors_from_spans
from engine.model.attention import Attention
from engine.model.conditioning import Conditioning
from engine.model.config import NonLinearity, TransformerConfig
from engine.model.rope import rotary_table, rotate
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.text_encoder import EncodedText
from engine.model.transformer import DiT, DiTBlock

from .tiny_model import randomise, tiny_network

TINY = TransformerConfig(dim=24, context_dim=24, n_heads=2, n_layers=2)


@pytest.fixture(scope="module")
def network() -> SAMAudioNetwork:
    return tiny_network()


def conditioned(network: SAMAudioNetwork, n_rows: int, n_frames: int) -> Conditioning:
    audio = torch.randn(n_rows, n_frames, 128)
    text = EncodedText(torch.randn(n_rows, 3, 16), None)
    anchors = anchors_from_spans([[]] * n_rows, [n_frames] * n_rows)
    with torch.inference_mode():
        return network.condition(audio, text, anchors)


@torch.inference_mode()
def test_a_mask_of_true_is_no_mask(network: SAMAudioNetwork) -> None:
    conditioning = conditioned(network, 2, 7)
    masked = replace(
        conditioning,
        valid=torch.ones(2, 7, dtype=torch.bool),
        text_valid=torch.ones(2, 3, dtype=torch.bool),
    )
    noisy, t = torch.randn(2, 7, 256), torch.tensor([0.0, 0.5])
    plain = network(noisy, t, conditioning)
    torch.testing.assert_close(network(noisy, t, masked), plain)


@torch.inference_mode()
def test_attention_does_not_hear_padding() -> None:
    block = DiTBlock(TINY)
    randomise(block)
    x, time, y = torch.randn(1, 9, 24), torch.randn(1, 6, 24), torch.randn(1, 5, 24)
    table = rotary_table(9, 12, TINY.rope_theta, x.device)
    valid = torch.arange(9)[None] < 6
    y_valid = torch.arange(5)[None] < 2

    padded = block(x, time, y, table, valid, y_valid)[:, :6]
    alone = block(x[:, :6], time, y[:, :2], table[:6])
    torch.testing.assert_close(padded, alone)


@torch.inference_mode()
def test_rows_of_a_batch_do_not_hear_each_other(network: SAMAudioNetwork) -> None:
    conditioning = conditioned(network, 2, 6)
    noisy, t = torch.randn(2, 6, 256), torch.tensor([0.2, 0.9])
    both = network(noisy, t, conditioning)
    second = Conditioning(conditioning.frames[1:], conditioning.text[1:])
    torch.testing.assert_close(both[1:], network(noisy[1:], t[1:], second))


@torch.inference_mode()
def test_candidates_share_their_conditioning(network: SAMAudioNetwork) -> None:
    conditioning = conditioned(network, 2, 4)
    repeated = conditioning.repeated(3)
    assert repeated.n_rows == 6
    assert torch.equal(repeated.frames[2], conditioning.frames[0])
    assert torch.equal(repeated.text[3], conditioning.text[1])
    assert conditioning.repeated(1) is conditioning


@torch.inference_mode()
def test_a_missing_video_is_a_video_of_zeros(network: SAMAudioNetwork) -> None:
    constant = network.align_masked_video(None)
    zeros = network.align_masked_video(torch.zeros(1, 8, 5))
    torch.testing.assert_close(constant.expand_as(zeros), zeros)
    assert float(constant.abs().max()) > 0


@torch.inference_mode()
def test_interleaved_heads_are_the_usual_ones_after_a_permutation() -> None:
    attention = Attention(TINY)
    randomise(attention)
    x = torch.randn(2, 5, 24)
    keys, values = attention.keys_values(x)

    head_major = torch.arange(24).view(12, 2).T.flatten()  # place h * 12 + j takes channel 2 j + h

    def heads(weight: Tensor) -> Tensor:
        return functional.linear(x, weight[head_major]).view(2, 5, 2, 12).transpose(1, 2)

    torch.testing.assert_close(values, heads(attention.wv.weight))
    torch.testing.assert_close(keys, attention.k_norm(heads(attention.wk.weight)))
    gathered = functional.scaled_dot_product_attention(
        attention.q_norm(heads(attention.wq.weight)), keys, values
    )
    expected = attention.wo(gathered.transpose(1, 2).reshape(2, 5, 24))
    torch.testing.assert_close(attention(x, keys, values), expected)


def test_rotation_tells_distance_alone() -> None:
    table = rotary_table(300, 8, 20_000.0, torch.device("cpu"))
    query, key = torch.randn(8), torch.randn(8)
    queries = rotate(query.expand(300, 8), table)
    keys = rotate(key.expand(300, 8), table)
    torch.testing.assert_close(queries[0] @ keys[7], queries[280] @ keys[287])
    torch.testing.assert_close(queries.norm(dim=-1), query.norm().expand(300))
    assert torch.equal(rotate(query[None], table[:1])[0], query)


def test_rotation_keeps_its_table_precise_in_16_bits() -> None:
    table = rotary_table(3000, 8, 20_000.0, torch.device("cpu"))
    x = torch.randn(3000, 8)
    rotated = rotate(x.bfloat16(), table)
    assert rotated.dtype == torch.bfloat16
    exact = rotate(x.bfloat16().float(), table)
    assert bool(((rotated - exact).abs() <= exact.abs() * 2**-8).all())  # one rounding


@pytest.mark.parametrize("name", ["swiglu", "relu", "gelu", "approx_gelu", "srelu", "silu"])
@torch.inference_mode()
def test_every_non_linearity_of_the_files_runs(name: NonLinearity) -> None:
    config = replace(
        TINY,
        non_linearity=name,
        timestep_non_linearity=name,
        context_norm=True,
        qk_norm=False,
        use_rope=False,
        fc_bias=True,
        in_channels=5,
    )
    dit = DiT(config)
    velocity = dit(torch.randn(1, 4, 24), torch.tensor([0.5]), torch.randn(1, 2, 24))
    assert velocity.shape == (1, 4, 256)
    gates = [key for key in dit.state_dict() if key.endswith("feed_forward.w3.weight")]
    assert bool(gates) == (name == "swiglu")
    assert dit.state_dict()["data_proj.weight"].shape == (24, 5)


def test_more_frames_than_positions_are_refused() -> None:
    dit = DiT(replace(TINY, max_positions=100))
    with pytest.raises(AudioError, match=r"101 frames at once.*positions for 100 \(4 s\)"):
        dit(torch.zeros(1, 101, 24), torch.zeros(1), torch.zeros(1, 1, 24))
