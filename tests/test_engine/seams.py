"""A network whose windows disagree, and the test that tells whether seams can be told.

The sound has two timbres, +m and -m, in every frame and channel. Which one it takes hangs on the
noise there and on where the window lies: another window often decides otherwise. Two windows
sampled alone and faded over then cancel where they disagree.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.sam_audio.sampling import Course, sampled_latents
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.settings import Joining
from engine.sam_audio.windows import Window, WindowVelocity, noise_field
from engine.samplers import Draw, Sampling

N_CHANNELS = 32
_STEEPNESS = 4.0


def two_timbres(windows: Sequence[Window], seed: int, disagreement: float) -> WindowVelocity:
    """disagreement: how much of a decision the window makes; the noise is 1."""
    generator = torch.Generator().manual_seed(100 + seed)
    sizes = torch.randn(windows[-1].stop, N_CHANNELS, generator=generator).abs() + 0.2
    biases = disagreement * torch.randn(len(windows), N_CHANNELS, generator=generator)
    place = {window.start: index for index, window in enumerate(windows)}

    def velocity(group: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        size = torch.stack([sizes[each.start : each.stop] for each in group])[:, None]
        bias = torch.stack([biases[place[each.start]] for each in group])[:, None, None]
        goal = size * torch.tanh(_STEEPNESS * (x / size + bias))
        return (goal - x) / (1 - t)

    return velocity


def joined_timbres(
    windows: Sequence[Window], seed: int, disagreement: float, joining: Joining
) -> NDArray[np.float32]:
    """The sound [T, C] that becomes of it."""
    noise = noise_field([Draw(seed)], windows[-1].stop, N_CHANNELS)
    course = Course(Sampling("midpoint", 16), tuple(windows), 1, joining)
    velocity = two_timbres(windows, seed, disagreement)
    sound: NDArray[np.float32] = (
        sampled_latents(velocity, noise, course, Scratch()).whole()[0].numpy()
    )
    return sound


def in_seams(windows: Sequence[Window]) -> NDArray[np.bool_]:
    """[T], True where two windows overlap."""
    marks = np.zeros(windows[-1].stop, bool)
    for before, after in pairwise(windows):
        marks[after.start : before.stop] = True
    return marks


def flux(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much the size of every channel changes from the frame before, summed up, [T]."""
    sizes = np.abs(sound.astype(np.float64))
    return np.asarray(np.abs(np.diff(sizes, axis=0, prepend=sizes[:1])).sum(axis=1))


def level(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Root mean square of every frame, [T]."""
    return np.asarray(np.sqrt(np.square(sound, dtype=np.float64).mean(axis=1)))


def shift_test(values: NDArray[np.float64], marks: NDArray[np.bool_]) -> float:
    """p of the mean at the marks differing from the mean elsewhere, two-sided.

    A permutation test: against the same marks shifted, round the end, to every other place. It
    keeps what neighbouring frames have in common, which a test of single frames takes for proof.
    """
    n_marked = int(marks.sum())
    # Sums under all shifts at once: a circular correlation.
    sums = np.fft.irfft(np.fft.rfft(values) * np.conj(np.fft.rfft(marks)), len(values))
    differences = sums / n_marked - (values.sum() - sums) / (len(values) - n_marked)
    distances = np.abs(differences - differences.mean())
    return float((distances >= distances[0] - 1e-12).mean())
