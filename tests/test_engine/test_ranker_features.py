"""Resampling and mel features: ours by themselves, and beside torchaudio's where it is there."""

import pytest
import torch

from engine.rankers.clap_input import HIGHEST_HZ, LOWEST_HZ, N_FFT, N_MELS, SAMPLE_RATE, mel_bands
from engine.rankers.kaldi import fbank, fbank_by_fft
from engine.rankers.resample import resampled, resampled_by_sinc
from engine.rankers.torchaudio_door import (
    torchaudio_functional,
    torchaudio_kaldi,
    why_no_torchaudio,
)

RATES = [(48_000, 16_000), (44_100, 48_000), (48_000, 44_100), (22_050, 16_000)]

beside_torchaudio = pytest.mark.skipif(
    why_no_torchaudio() is not None, reason=why_no_torchaudio() or ""
)


def tone(sample_rate: int, n_samples: int) -> torch.Tensor:
    return torch.sin(2 * torch.pi * 440 / sample_rate * torch.arange(n_samples))


def noise(*shape: int) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_resampled_tone_stays_that_tone(from_hz: int, to_hz: int) -> None:
    wav = tone(from_hz, from_hz // 2 + 1)

    made = resampled(torch.stack([wav, -wav]), from_hz, to_hz)

    n_expected = -(-wav.shape[0] * to_hz // from_hz)
    middle = slice(100, n_expected - 100)
    assert made.shape == (2, n_expected)
    assert (made[0] - tone(to_hz, n_expected))[middle].abs().max() < 2e-3
    assert torch.equal(made[0], -made[1])


def test_an_equal_rate_changes_nothing() -> None:
    wav = noise(100)

    assert resampled(wav, 48_000, 48_000) is wav


def test_tones_above_the_new_range_vanish() -> None:
    wav = torch.sin(2 * torch.pi * 12_000 / 48_000 * torch.arange(48_000))

    assert resampled(wav, 48_000, 16_000)[100:-100].abs().max() < 1e-2


def test_filter_banks_take_whole_frames_only() -> None:
    assert fbank(noise(399), 16_000, 128).shape == (0, 128)
    assert fbank(noise(400), 16_000, 128).shape == (1, 128)
    assert fbank(noise(32_000), 16_000, 128).shape == (198, 128)


def test_silence_has_the_smallest_energy_there_is() -> None:
    energies = fbank(torch.zeros(1600), 16_000, 128)

    assert (energies == torch.tensor(torch.finfo(torch.float32).eps).log()).all()


def test_filter_banks_ignore_a_constant_offset() -> None:
    wav = noise(1600)

    torch.testing.assert_close(
        fbank(wav + 0.25, 16_000, 128), fbank(wav, 16_000, 128), atol=2e-3, rtol=0
    )


def test_a_higher_tone_lights_a_higher_band() -> None:
    low = fbank(torch.sin(2 * torch.pi * 500 / 16_000 * torch.arange(1600)), 16_000, 128)
    high = fbank(torch.sin(2 * torch.pi * 2000 / 16_000 * torch.arange(1600)), 16_000, 128)

    # 1127 ln(1 + f / 700) between 20 Hz and 8 kHz in 129 equal steps: these tones lie at steps
    # 26.4 and 68.4, and band i is centred on step i + 1.
    assert low.mean(dim=0).argmax() == 25
    assert high.mean(dim=0).argmax() == 67


@beside_torchaudio
@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_resampling_equals_torchaudios(from_hz: int, to_hz: int) -> None:
    wav = noise(2, 5003)

    library = torchaudio_functional().resample(wav, from_hz, to_hz)

    torch.testing.assert_close(resampled_by_sinc(wav, from_hz, to_hz), library, atol=2e-6, rtol=0)


@beside_torchaudio
def test_filter_banks_equal_torchaudios() -> None:
    wav = noise(16_007)

    library = torchaudio_kaldi().fbank(
        wav[None],
        htk_compat=True,
        sample_frequency=16_000,
        window_type="hanning",
        num_mel_bins=128,
        dither=0.0,
    )

    torch.testing.assert_close(fbank_by_fft(wav, 16_000, 128), library, atol=1e-5, rtol=0)


@beside_torchaudio
def test_mel_bands_equal_torchaudios() -> None:
    library = torchaudio_functional().melscale_fbanks(
        N_FFT // 2 + 1,
        LOWEST_HZ,
        HIGHEST_HZ,
        N_MELS,
        SAMPLE_RATE,
        norm="slaney",
        mel_scale="slaney",
    )

    torch.testing.assert_close(mel_bands(), library, atol=1e-7, rtol=1e-5)
