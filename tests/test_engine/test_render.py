"""Stems that add up: every format, rate and channel count, read back from what was written."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.audio_files import open_clip
from engine.data import AudioClip, Estimate, Monitor
from engine.render import Rendered, RenderPlan, render

FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_24"),
    ("RF64", "FLOAT"),
    ("W64", "PCM_24"),
    ("AIFF", "PCM_16"),
    ("AIFF", "PCM_24"),
    ("AIFF", "FLOAT"),
    ("CAF", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
]
RATES = [8_000, 44_100, 48_000, 96_000, 192_000]
CHANNELS = [1, 2, 6, 32]
INTEGER = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32")


def noise(n_samples: int, n_channels: int, peak: float = 0.9, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-peak, peak, (n_samples, n_channels))


def estimate_of(*targets: NDArray[np.float64], block: int = 1000) -> Estimate:
    stacked = np.stack(targets)
    blocks = (stacked[:, start : start + block] for start in range(0, stacked.shape[1], block))
    return Estimate(blocks=blocks, n_candidates=len(targets))


def read_back(clip: AudioClip) -> NDArray[np.float64]:
    """Samples by soundfile alone, full scale 1.0."""
    assert clip.path is not None
    return soundfile.read(clip.path, dtype="float64", always_2d=True)[0]


def rendered_to(folder: Path, mixture: AudioClip, target: NDArray[np.float64]) -> Rendered:
    return render(mixture, estimate_of(target), RenderPlan(folder=folder), Monitor())


@pytest.mark.parametrize("n_channels", CHANNELS)
@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize(("container", "subtype"), FORMATS)
def test_stems_have_the_mixtures_format_and_add_up(
    tmp_path: Path, container: str, subtype: str, sample_rate: int, n_channels: int
) -> None:
    if container == "FLAC" and n_channels > 8:
        n_channels = 8  # as many as FLAC holds
    path = tmp_path / "mix.wav"
    samples = noise(2_345, n_channels)
    soundfile.write(path, samples, sample_rate, subtype, format=container)
    mixture = open_clip(path)

    made = rendered_to(tmp_path / "out", mixture, noise(2_345, n_channels, peak=0.1, seed=1))

    assert made.residual is not None
    for stem in (made.target, made.residual):
        assert (stem.n_samples, stem.n_channels, stem.sample_rate) == (*samples.shape, sample_rate)
        info = soundfile.info(str(stem.path))
        assert (info.format, info.frames) == (container, len(samples))
    assert soundfile.info(str(made.target.path)).subtype == subtype
    left = read_back(mixture) - read_back(made.target) - read_back(made.residual)
    peak = np.abs(left).max()
    if subtype in INTEGER:
        assert peak == 0.0
        assert made.null_db == -math.inf
    else:
        assert peak < 1e-7
        assert made.null_db < -140
    for clip in (mixture, made.target, made.residual):
        clip.source.close()


def test_the_matrix_is_not_empty() -> None:
    assert FORMATS
    assert RATES
    assert CHANNELS
