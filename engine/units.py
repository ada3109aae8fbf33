"""Seconds, samples and latent frames: the only rounding in the engine."""

import math

SAM_SAMPLE_RATE = 48_000
"""Rate that SAM-Audio hears and makes, in Hz."""

SAM_HOP_LENGTH = 1_920
"""Samples per latent frame at `SAM_SAMPLE_RATE`: 40 ms."""


def samples_from_seconds(time_s: float, sample_rate: int) -> int:
    """Sample index nearest to `time_s`, halves upwards."""
    return math.floor(time_s * sample_rate + 0.5)


def seconds_from_samples(n_samples: int, sample_rate: int) -> float:
    """Duration of `n_samples` in seconds."""
    return n_samples / sample_rate


def frames_from_samples(n_samples: int, hop_length: int = SAM_HOP_LENGTH) -> int:
    """Latent frames that cover `n_samples`: rounded up."""
    return -(-n_samples // hop_length)


def anchor_frame(
    time_s: float, sample_rate: int = SAM_SAMPLE_RATE, hop_length: int = SAM_HOP_LENGTH
) -> int:
    """First latent frame at or after `time_s`, with the original's double arithmetic.

    The order of operations matters: 0.28 s is frame 8, not 7, because 0.28 * 48000 is a little
    more than 13440 in binary.
    """
    return math.ceil((time_s * sample_rate) / hop_length)
