"""Whatever the mixture and the estimate: the stems have its shape and add up."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio_files import open_clip
from engine.data import Monitor
from engine.render import RenderPlan, render

from .clips import close_all, estimate_of, noise, read_back

FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("AIFF", "PCM_24"),
    ("AIFF", "FLOAT"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("RF64", "PCM_32"),
    ("W64", "FLOAT"),
]
lengths = st.one_of(st.integers(1, 5), st.integers(6, 5_000))


@settings(max_examples=40, deadline=None)
@given(
    n_samples=lengths,
    n_channels=st.integers(1, 8),
    form=st.sampled_from(FORMATS),
    sample_rate=st.integers(800, 19_200).map(lambda tens: 10 * tens),
    gain=st.sampled_from([0.3, -1.0]),
)
def test_files_add_up(
    n_samples: int, n_channels: int, form: tuple[str, str], sample_rate: int, gain: float
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        container, subtype = form
        path = folder / "mix.audio"
        soundfile.write(path, noise(n_samples, n_channels), sample_rate, subtype, format=container)
        mixture = open_clip(path)
        target = gain * read_back(mixture)
        made = render(mixture, estimate_of(target), RenderPlan(folder=folder / "out"), Monitor())
        left = read_back(mixture) - read_back(made.target) - read_back(made.residual)
        assert left.shape == (n_samples, n_channels)
        assert soundfile.info(str(made.target.path)).samplerate == sample_rate
        if subtype.startswith("PCM"):
            assert not left.any()
            assert made.null_db == -math.inf
        else:
            assert np.abs(left).max() < 1e-7
        close_all(mixture, made.target, made.residual)
