"""Files to separate, and the sum of what comes out."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.protocol.values import Job

WAIT_S = 120.0
"""The longest that a test waits for anything."""


def write_clip(
    path: Path, seconds: float = 1.0, n_channels: int = 2, sample_rate: int = 48_000, seed: int = 0
) -> Path:
    """Clicks over noise, as a float WAV."""
    samples = clicks(seconds, n_channels, sample_rate, seed)
    soundfile.write(path, samples, sample_rate, "FLOAT")
    return path


def clicks(
    seconds: float, n_channels: int = 2, sample_rate: int = 48_000, seed: int = 0
) -> NDArray[np.float32]:
    """Samples [N, C] with clicks in the first tenth of every second."""
    n_samples = max(round(seconds * sample_rate), 1)
    samples = 0.05 * np.random.default_rng(seed).standard_normal((n_samples, n_channels))
    for start in range(0, n_samples, sample_rate):
        samples[start : start + sample_rate // 10 : 97] += 0.5
    return samples.astype(np.float32)


def stem_sum(job: Job) -> NDArray[np.float64]:
    """Target + residual of a finished job [N, C]."""
    assert job.result is not None
    stems = {stem.role: stem.path for stem in job.result.stems}
    parts = [soundfile.read(stems[role], always_2d=True)[0] for role in ("target", "residual")]
    total: NDArray[np.float64] = parts[0] + parts[1]
    return total
