"""Sounds to open, with known content."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 48_000
BURSTS_S = ((1.0, 1.4), (2.6, 3.0))
EXAMPLE = Path(__file__).resolve().parents[2] / "installer" / "example"


def mixture(duration_s: float = 4.0) -> NDArray[np.float64]:
    """A chord throughout and bursts of noise at `BURSTS_S`: samples [N, 2]."""
    n_samples = round(duration_s * RATE)
    times_s = np.arange(n_samples) / RATE
    chord = sum(0.08 * np.sin(2 * np.pi * each * times_s) for each in (220, 277.2, 329.6))
    samples = np.stack([chord, 0.8 * chord], axis=1)
    rng = np.random.default_rng(5)
    for start_s, end_s in BURSTS_S:
        start, end = (min(round(each * RATE), n_samples) for each in (start_s, end_s))
        ramp = np.arange(end - start) / (0.01 * RATE)
        fade = np.minimum(np.minimum(ramp, ramp[::-1]), 1)[:, None]
        samples[start:end] += 0.12 * fade * rng.standard_normal((end - start, 2))
    return samples


def write_mixture(path: Path, duration_s: float = 4.0, subtype: str = "PCM_24") -> Path:
    """`mixture` as a file."""
    soundfile.write(path, mixture(duration_s), RATE, subtype)
    return path
