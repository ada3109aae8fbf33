"""Signals, estimates and read-back for the tests of audio files and stems."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.data import AudioClip, Estimate, Monitor
from engine.render import Rendered, RenderPlan, render

BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


def noise(n_samples: int, n_channels: int, peak: float = 0.9, seed: int = 0) -> NDArray[np.float64]:
    """White noise [N, C] that is the same every time."""
    return np.random.default_rng(seed).uniform(-peak, peak, (n_samples, n_channels))


def integers(n_samples: int, n_channels: int, bits: int, seed: int = 0) -> NDArray[np.int64]:
    """Whole numbers [N, C] of the full range of `bits`, both ends included."""
    numbers = np.random.default_rng(seed).integers(
        -(1 << (bits - 1)), 1 << (bits - 1), (n_samples, n_channels)
    )
    numbers[0], numbers[-1] = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return numbers


def write_integers(
    path: Path, numbers: NDArray[np.int64], subtype: str, container: str, sample_rate: int = 48_000
) -> None:
    """A file that holds exactly these numbers."""
    aligned = (numbers << (32 - BITS[subtype])).astype(np.int32)
    soundfile.write(path, aligned, sample_rate, subtype, format=container)


def estimate_of(*targets: NDArray[Any], block: int = 1000) -> Estimate:
    """An estimate of these targets [N, C], best first, in blocks."""
    return Estimate(blocks=blocks_of(np.stack(targets), block), n_candidates=len(targets))


def blocks_of(stacked: NDArray[Any], block: int) -> Iterator[NDArray[Any]]:
    """[K, N, C] in consecutive blocks."""
    for start in range(0, stacked.shape[1], block):
        yield stacked[:, start : start + block]


def read_back(clip: AudioClip | None) -> NDArray[np.float64]:
    """What the clip's file holds, by soundfile alone, full scale 1.0."""
    assert clip is not None
    assert clip.path is not None
    samples: NDArray[np.float64] = soundfile.read(clip.path, dtype="float64", always_2d=True)[0]
    return samples


def close_all(*clips: AudioClip | None) -> None:
    """Close the clips that there are."""
    for clip in clips:
        if clip is not None:
            clip.source.close()


def names_in(folder: Path) -> list[str]:
    """Every name in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def rendered(
    folder: Path | None, mixture: AudioClip, *targets: NDArray[Any], **plan: Any
) -> Rendered:
    """The stems of one take after another, the residual with the first.

    targets: [N, C] each.   plan: fields of the plan besides its folder.
    """
    return render(mixture, estimate_of(*targets), RenderPlan(folder, **plan), Monitor())
