"""Resampling: exact lengths, no delay, and the same block by block as whole."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.resample import resample, resample_blocks, resampled_length

from .clips import noise

RATES = [8_000, 11_025, 44_100, 48_000, 96_000, 192_000]
PAIRS = [(44_100, 48_000), (48_000, 44_100), (192_000, 48_000), (8_000, 48_000), (48_000, 48_000)]


def in_blocks(samples: NDArray[Any], n_block: int) -> Iterator[NDArray[Any]]:
    for start in range(0, len(samples), n_block):
        yield samples[start : start + n_block]


def test_the_lists_are_not_empty() -> None:
    assert RATES
    assert PAIRS


@settings(max_examples=60, deadline=None)
@given(
    n_samples=st.integers(1, 3_000),
    n_channels=st.integers(1, 4),
    from_hz=st.sampled_from(RATES),
    to_hz=st.sampled_from(RATES),
    n_block=st.integers(1, 1_000),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_any_length_becomes_the_nearest_whole_and_blocks_agree(
    n_samples: int, n_channels: int, from_hz: int, to_hz: int, n_block: int, dtype: str
) -> None:
    samples = noise(n_samples, n_channels).astype(dtype)
    whole = resample(samples, from_hz, to_hz)
    streamed = np.concatenate(list(resample_blocks(in_blocks(samples, n_block), from_hz, to_hz)))
    assert whole.dtype == streamed.dtype == samples.dtype
    assert len(whole) == resampled_length(n_samples, from_hz, to_hz) == len(streamed)
    assert abs(len(whole) - n_samples * to_hz / from_hz) <= 0.5 or len(whole) == 1
    assert np.abs(whole - streamed).max() < 1e-6


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_there_is_no_delay_and_no_change_of_level(from_hz: int, to_hz: int) -> None:
    def wave(rate: int) -> NDArray[np.float64]:
        time_s = np.arange(rate // 2) / rate
        envelope = np.exp(-(((time_s - 0.25) / 0.05) ** 2))
        return np.column_stack([envelope * np.sin(2 * np.pi * f * time_s) for f in (97, 3_001)])

    made = resample(wave(from_hz), from_hz, to_hz)
    assert np.abs(made - wave(to_hz)).max() < 1e-5


@pytest.mark.parametrize("n_wanted", [1, 440, 479, 480, 481, 600])
def test_a_wanted_length_is_met_whole_and_in_blocks(n_wanted: int) -> None:
    samples = noise(441, 2)
    whole = resample(samples, 44_100, 48_000, n_wanted)
    streamed = np.concatenate(
        list(resample_blocks(in_blocks(samples, 100), 44_100, 48_000, n_wanted))
    )
    assert whole.shape == streamed.shape == (n_wanted, 2)
    assert np.abs(whole - streamed).max() < 1e-9


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_there_and_back_is_the_same_music(from_hz: int, to_hz: int) -> None:
    low = resample(noise(from_hz // 4, 1), from_hz, 6_000)
    samples = resample(low, 6_000, from_hz, from_hz // 4)
    back = resample(resample(samples, from_hz, to_hz), to_hz, from_hz, len(samples))
    middle = slice(len(samples) // 4, -len(samples) // 4)
    assert np.abs(back - samples)[middle].max() < 1e-3


def test_nothing_stays_nothing_and_one_dimension_stays_one() -> None:
    assert list(resample_blocks(iter([]), 44_100, 48_000)) == []
    assert resample(np.zeros((0, 2)), 44_100, 48_000).shape == (0, 2)
    assert resampled_length(0, 44_100, 48_000) == 0
    assert resampled_length(1, 192_000, 8_000) == 1
    assert resample(np.zeros(441), 44_100, 48_000).shape == (480,)
