import pytest
import torch
from torch.nn import functional

from engine.errors import AudioError
from engine.model.codec import DACVAE, reflect_to_frames
from engine.model.config import CodecConfig
from engine.model.watermark import message_from_seed
from engine.samplers.noise import Draw

TINY = CodecConfig(encoder_dim=2, latent_dim=16, decoder_dim=96)


def n_parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_codec_has_its_parameters_and_keys() -> None:
    with torch.device("meta"):
        codec = DACVAE(CodecConfig())
    assert n_parameters(codec.encoder) == 27_288_704
    assert n_parameters(codec.quantizer) == 395_776
    assert n_parameters(codec.decoder) == 79_986_691
    assert n_parameters(codec.decoder.wm_model) == 9_328_483
    assert len(codec.state_dict()) == 317
    assert codec.hop_length == 1920


def test_folding_changes_no_number_and_leaves_no_parts() -> None:
    torch.manual_seed(0)
    codec = DACVAE(TINY)
    for parameter in codec.parameters():
        parameter.data.normal_(std=0.3)
    wav, latent = torch.randn(1, 1, 4000), torch.randn(1, 128, 2)
    message = message_from_seed([Draw(0)])[:1]
    with torch.inference_mode():
        before = codec.encode(wav), codec.decode(latent, message)
        codec.fold_weight_norm()
        codec.fold_weight_norm()  # once more does nothing
        after = codec.encode(wav), codec.decode(latent, message)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not [name for name in codec.state_dict() if name.endswith(("weight_g", "weight_v"))]


@pytest.mark.parametrize("n_samples", [1919, 1000, 961, 3000])
def test_the_end_is_reflected_as_the_original_does(n_samples: int) -> None:
    wav = torch.randn(2, 1, n_samples)
    padded = functional.pad(wav, (0, -n_samples % 1920), mode="reflect")
    assert torch.equal(reflect_to_frames(wav, 1920), padded)


@pytest.mark.parametrize("n_samples", [1, 2, 7, 960])
def test_audio_too_short_for_one_reflection_is_reflected_again(n_samples: int) -> None:
    wav = torch.arange(n_samples, dtype=torch.float32)[None, None]
    padded = reflect_to_frames(wav, 1920)
    assert padded.shape == (1, 1, 1920)
    assert float(padded[0, 0].diff().abs().max()) <= 1  # no jump anywhere
    assert torch.equal(padded[..., :n_samples], wav)
    assert DACVAE(TINY).encode(wav).shape == (1, 128, 1)


def test_no_audio_is_an_error() -> None:
    with pytest.raises(AudioError, match="0 samples"):
        reflect_to_frames(torch.zeros(1, 1, 0), 1920)
    assert reflect_to_frames(torch.ones(1, 1, 1920), 1920).shape == (1, 1, 1920)


def test_the_message_is_heard_and_belongs_to_its_candidate() -> None:
    messages = message_from_seed([Draw(7, 0), Draw(7, 1), Draw(8, 0)])
    assert messages.shape == (6, 16)
    assert set(messages.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(message_from_seed([Draw(8, 0)]), messages[4:])
    assert len({tuple(row.tolist()) for row in messages}) == 6

    torch.manual_seed(0)
    codec = DACVAE(TINY)
    with torch.inference_mode():
        latent = torch.randn(1, 128, 2).expand(2, -1, -1)
        one, other = codec.decode(latent, messages[:2])
        assert not torch.equal(one, other)
        swapped = codec.decode(latent, messages[[1, 0]])
    assert torch.equal(swapped, torch.stack((other, one)))
