"""A hum or a hiss is found by its name alone, and only where it may be."""

import numpy as np
import pytest

from engine import Prompt, Span, separate
from engine.eval.metrics import si_sdr

RATE = 44_100


def steady_and_rest(kind: str, seconds: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """A quiet steady sound and notes that come and go, both [N, 2]."""
    rng = np.random.default_rng(7)
    time_s = np.arange(round(seconds * RATE)) / RATE
    if kind == "mains hum":
        steady = sum(np.sin(2 * np.pi * 50 * k * time_s + k) / k for k in (1, 2, 3, 5))
    else:
        steady = rng.standard_normal(time_s.size)
    rest = np.zeros(time_s.size)
    for start_s in np.arange(0, seconds, 0.5):
        age_s = time_s - start_s
        note = np.sin(2 * np.pi * rng.uniform(150, 2_000) * time_s) * np.exp(-8 * age_s)
        rest += np.where(age_s >= 0, note, 0)
    both = [0.02 * steady, 0.3 * rest]
    target, other = (np.stack([sound, 0.7 * sound], axis=1) for sound in both)
    return target, other


@pytest.mark.parametrize("description", ["mains hum", "tape hiss"])
@pytest.mark.parametrize("spans", [(), (Span.present(1, 2.5),)])
def test_steady_sounds_are_found_by_name(description: str, spans: tuple[Span, ...]) -> None:
    target, rest = steady_and_rest(description)
    mixture = (target + rest).astype(np.float32)
    result = separate(mixture, Prompt(description, spans), sample_rate=RATE)
    gain_db = si_sdr(result.target.samples, target) - si_sdr(mixture, target)
    assert gain_db > 8
    assert "steady_sound" in {notice.code for notice in result.notices}


def test_a_steady_sound_is_silent_where_it_is_said_to_be_absent() -> None:
    target, rest = steady_and_rest("tape hiss")
    mixture = (target + rest).astype(np.float32)
    prompt = Prompt("tape hiss", [Span.absent(4, 6)])
    stem = separate(mixture, prompt, sample_rate=RATE).target.samples
    assert not stem[int(4.2 * RATE) :].any()
    assert stem[RATE : 2 * RATE].any()


def test_where_nothing_is_steady_the_stem_is_nearly_silent() -> None:
    _, rest = steady_and_rest("tape hiss")
    rest[2 * RATE : 4 * RATE] = 0
    mixture = rest.astype(np.float32)
    stem = separate(mixture, Prompt("tape hiss"), sample_rate=RATE).target.samples
    assert np.square(stem).mean() < 1e-3 * np.square(mixture).mean()
