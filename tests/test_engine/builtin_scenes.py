"""Small synthetic mixtures with known stems, and a clip that lives in memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data import AudioClip, AudioFormat

SAMPLE_RATE = 44_100


@dataclass
class ArraySource:
    """Samples [N, C] in memory; remembers the longest stretch that was read at once."""

    samples: NDArray[np.float32]
    sample_rate: int
    longest_read: int = 0

    @property
    def n_channels(self) -> int:
        return self.samples.shape[1]

    @property
    def n_samples(self) -> int:
        return len(self.samples)

    @property
    def native_dtype(self) -> np.dtype[Any]:
        return self.samples.dtype

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        assert 0 <= start <= stop <= len(self.samples)
        self.longest_read = max(self.longest_read, stop - start)
        return self.samples[start:stop]

    def read_native(self, start: int, stop: int) -> NDArray[Any]:
        return self.read(start, stop)

    def close(self) -> None:
        return None


def clip(samples: NDArray[Any], sample_rate: int = SAMPLE_RATE) -> AudioClip:
    """A clip of samples [N] or [N, C]."""
    rows = np.asarray(samples, np.float32).reshape(len(samples), -1)
    return AudioClip(ArraySource(rows, sample_rate), "scene", AudioFormat("ARRAY", "FLOAT"))


def si_sdr(estimate: NDArray[Any], target: NDArray[Any]) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, all channels as one vector."""
    e, s = (np.asarray(x, np.float64).ravel() for x in (estimate, target))
    e, s = e - e.mean(), s - s.mean()
    projected = (e @ s) / (s @ s) * s
    return float(10 * np.log10((projected @ projected) / ((e - projected) @ (e - projected))))


def silence(duration_s: float) -> NDArray[np.float64]:
    return np.zeros(int(duration_s * SAMPLE_RATE))


def tone(duration_s: float, pitch_hz: float = 440.0, n_partials: int = 6) -> NDArray[np.float64]:
    """A steady tone with falling partials."""
    t = np.arange(int(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return sum(
        0.2 / k * np.sin(2 * np.pi * k * pitch_hz * t) for k in range(1, n_partials + 1)
    ) * np.ones(len(t))


def melody(duration_s: float, base_hz: float = 262.0) -> NDArray[np.float64]:
    """A repeating row of four notes of 0.25 s, each fading."""
    n_note = SAMPLE_RATE // 4
    fade = np.exp(-3 * np.arange(n_note) / n_note)
    notes = [tone(0.25, base_hz * ratio)[:n_note] * fade for ratio in (1, 1.25, 1.5, 1.25)]
    row = np.concatenate(notes)
    return np.resize(row, int(duration_s * SAMPLE_RATE))


def sweeps(duration_s: float, start_s: float, seed: int = 3) -> NDArray[np.float64]:
    """A bright falling chirp of 0.3 s every 0.5 s from `start_s` on: some event."""
    out = silence(duration_s)
    t = np.arange(int(0.3 * SAMPLE_RATE)) / SAMPLE_RATE
    chirp = 0.4 * np.sin(2 * np.pi * (3500 * t - 3500 * t**2)) * np.hanning(len(t))
    for onset in np.arange(start_s, duration_s - 0.5, 0.5):
        first = int(onset * SAMPLE_RATE)
        out[first : first + len(t)] += chirp
    return out


def drum_hits(duration_s: float, seed: int = 5) -> NDArray[np.float64]:
    """A noise burst with a low thump every half second."""
    rng = np.random.default_rng(seed)
    out = silence(duration_s)
    t = np.arange(int(0.2 * SAMPLE_RATE)) / SAMPLE_RATE
    for onset in np.arange(0.1, duration_s - 0.3, 0.5):
        first = int(onset * SAMPLE_RATE)
        burst = rng.standard_normal(len(t)) * np.exp(-t * 40)
        thump = np.sin(2 * np.pi * 70 * t) * np.exp(-t * 15)
        out[first : first + len(t)] += 0.4 * burst + 0.5 * thump
    return out


def stereo(mono: NDArray[np.float64], pan: float = 0.5) -> NDArray[np.float32]:
    """Equal-power pan: 0 left, 1 right."""
    angle = pan * np.pi / 2
    return np.stack([mono * np.cos(angle), mono * np.sin(angle)], axis=1).astype(np.float32)
