"""The codec put together for speed against its plain layers: the same numbers."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.model.codec import DACVAE, DACVAEEncoder
from engine.model.config import CodecConfig
from engine.model.fused_codec_layers import (
    BLOCK_SAMPLES,
    channels_last,
    convolved,
    convolved_by_products,
)
from engine.model.watermark import message_from_seed
from engine.samplers import Draw

from .tiny_model import randomise

TINY = CodecConfig(encoder_dim=2, latent_dim=16, decoder_dim=96)

CONFIGS = {
    "tiny": TINY,
    "other strides": replace(TINY, encoder_rates=(2, 4, 4, 6), decoder_rates=(6, 4, 4, 2)),
    "wider": CodecConfig(encoder_dim=6, latent_dim=32, decoder_dim=192),
}


def codec_of(config: CodecConfig, alphas: Callable[[Tensor], None] | None = None) -> DACVAE:
    """A plain codec with random weights. alphas: changes every Snake's, in place.

    Its kernels are small enough not to blow up rounding, which is what the bounds are about.
    """
    codec = DACVAE(config)
    randomise(codec)
    for name, parameter in codec.named_parameters():
        if name.endswith("weight_g"):
            parameter.data *= 0.4
        if name.endswith("alpha") and alphas is not None:
            alphas(parameter.data)
    return codec.eval().requires_grad_(False)


def assert_same(actual: Tensor, expected: Tensor) -> None:
    """Within 1e-5 of the expected norm, and of its largest value."""
    assert actual.shape == expected.shape
    error = actual - expected
    assert float(error.norm() / expected.norm()) <= 1e-5
    assert float(error.abs().max() / expected.abs().max()) <= 1e-5


@torch.inference_mode()
def assert_fusing_changes_nothing(codec: DACVAE, n_samples: int, n_rows: int = 1) -> None:
    generator = torch.Generator().manual_seed(n_samples)
    wav = torch.randn(n_rows, 1, n_samples, generator=generator)
    latent = codec.encode(wav)
    trunk, wave = codec.decode_trunk(latent), codec.decode_without_watermark(latent)
    message = message_from_seed([Draw(n_samples)])[:1].expand(n_rows, -1)
    marked = codec.decode(latent, message)

    codec.fuse()
    codec.fuse()  # once more does nothing
    assert_same(codec.encode(wav), latent)
    assert_same(codec.decode_trunk(latent), trunk)
    assert_same(codec.decode_without_watermark(latent), wave)
    assert_same(codec.decode(latent, message), marked)


@pytest.mark.parametrize("n_samples", [1, 959, 1920, 1921, 3 * BLOCK_SAMPLES, 20_001])
def test_every_length_gives_the_plain_numbers(n_samples: int) -> None:
    assert_fusing_changes_nothing(codec_of(TINY), n_samples)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_gives_the_plain_numbers(name: str) -> None:
    assert_fusing_changes_nothing(codec_of(CONFIGS[name]), 9600, n_rows=2)


def some_zero(alpha: Tensor) -> None:
    alpha[:, ::3] = 0.0


def some_tiny(alpha: Tensor) -> None:
    alpha[:, ::2] *= 1e-6


def some_negative(alpha: Tensor) -> None:
    alpha[:, ::2] *= -1


def spread(alpha: Tensor) -> None:
    alpha *= torch.logspace(-2, 1, alpha.shape[1])[:, None]


@pytest.mark.parametrize("alphas", [some_zero, some_tiny, some_negative, spread])
def test_any_alpha_of_a_snake_gives_the_plain_numbers(alphas: Callable[[Tensor], None]) -> None:
    assert_fusing_changes_nothing(codec_of(TINY, alphas), 5000)


def test_weights_that_were_folded_before_can_be_fused() -> None:
    codec = codec_of(TINY)
    codec.fold_weight_norm()
    assert_fusing_changes_nothing(codec, 4000)


def test_odd_strides_stay_plain() -> None:
    odd = replace(TINY, encoder_rates=(2, 5, 4, 6), decoder_rates=(6, 5, 4, 2))
    codec = codec_of(odd)
    codec.fuse()
    assert codec.fused_encoder is None
    assert codec.fused_decoder is None


@torch.inference_mode()
def test_an_encoder_alone_is_fused_as_well() -> None:
    codec = DACVAEEncoder(TINY)
    randomise(codec)
    wav = torch.randn(1, 1, 7777)
    expected = codec.encode(wav)
    codec.fuse()
    assert codec.fused_encoder is not None
    assert_same(codec.encode(wav), expected)


def test_fusing_holds_no_weight_twice() -> None:
    codec = codec_of(CodecConfig(encoder_dim=16, latent_dim=128, decoder_dim=384))
    before = weight_bytes(codec)
    codec.fuse()
    assert weight_bytes(codec) <= before


def weight_bytes(codec: DACVAE) -> int:
    """Of all parameters, storage by storage."""
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage() for p in codec.parameters()}
    return sum(storage.nbytes() for storage in storages.values())


@torch.inference_mode()
def test_a_fused_codec_moves_and_converts() -> None:
    codec = codec_of(TINY)
    wav = torch.randn(1, 1, 4000, dtype=torch.float64)
    latent = codec.double().encode(wav)
    wave = codec.decode_without_watermark(latent)
    codec.float().fuse()
    codec.double()
    assert_same(codec.encode(wav), latent)
    assert_same(codec.decode_without_watermark(latent), wave)


@pytest.mark.parametrize("dilation", [1, 3, 9])
@pytest.mark.parametrize("n_samples", [1, 5, 60])
def test_products_convolve_as_convolutions_do(dilation: int, n_samples: int) -> None:
    kernel = channels_last(torch.randn(6, 4, 7))
    x, bias = torch.randn(n_samples, 4), torch.randn(6)
    expected = convolved(x, kernel, bias, dilation, 3 * dilation)
    actual = convolved_by_products(x, kernel, bias, dilation, 3 * dilation)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
