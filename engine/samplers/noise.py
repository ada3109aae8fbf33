"""Random numbers that depend on what they are for, and on nothing else.

A value is addressed by purpose, seed, candidate and position. Any part of it can be drawn alone:
the second candidate without the first, frames 700 to 900 without those before, on any device. So
windows of a long file share their noise where they overlap, asking for more candidates keeps
those that were there, and a prompt gets the same noise alone and in any batch.

torch's generators cannot do this: they are streams (no jump to frame 700), differ between CPU
and CUDA, and the CPU one keeps 32 bits of its seed. Philox is counter-based, and NumPy promises
its raw words for all time; the normal distribution on top of them is made here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_WORDS_PER_COUNT = 4  # Philox makes four 64-bit words per value of its counter


@dataclass(frozen=True, slots=True)
class Draw:
    """What random numbers are for: one candidate. seed: the job's; candidate: index of the take.

    The place of a prompt in its batch is no part of it: mixture and description differ anyway.
    """

    seed: int
    candidate: int = 0


def random_words(purpose: str, draw: Draw, start: int, n_words: int) -> NDArray[np.uint64]:
    """Words `start` to `start + n_words` of an endless uniform sequence, [n_words] uint64.

    purpose: sequences of different purposes are independent of each other.
    """
    label = f"{purpose}:{draw.seed}:{draw.candidate}".encode()
    key = int.from_bytes(hashlib.blake2b(label, digest_size=16).digest(), "little")
    first_count, skipped = divmod(start, _WORDS_PER_COUNT)
    generator = np.random.Philox(key=key, counter=first_count)
    words = generator.random_raw(skipped + n_words)
    return np.asarray(words[skipped:], dtype=np.uint64)


def latent_noise(draw: Draw, start_frame: int, n_frames: int, n_channels: int) -> Tensor:
    """Standard normal noise [T, C], float32 on the CPU, for frames from `start_frame` on.

    n_channels: even. The value at a frame and channel is the same whatever else is drawn.
    """
    import torch  # here, so that what a run costs can be said without loading it

    assert n_channels % 2 == 0
    words = random_words("noise", draw, start_frame * n_channels, n_frames * n_channels).reshape(
        n_frames, n_channels // 2, 2
    )

    # Box and Muller: two uniform numbers make two normal ones. 53 bits each; the first is moved
    # off zero, whose logarithm is infinite. In float64, so that platforms agree after rounding.
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    uniform[..., 0] += 2.0**-54
    radius = np.sqrt(-2.0 * np.log(uniform[..., 0]))
    angle = 2.0 * np.pi * uniform[..., 1]
    normal = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1)

    return torch.from_numpy(normal.reshape(n_frames, n_channels).astype(np.float32))


def batch_noise(
    draws: Sequence[Draw], n_frames: int, n_channels: int, start_frame: int = 0
) -> Tensor:
    """Noise of several draws, one row each: [len(draws), T, C]."""
    import torch

    return torch.stack([latent_noise(d, start_frame, n_frames, n_channels) for d in draws])
