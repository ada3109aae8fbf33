import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.samplers.noise import Draw, batch_noise, latent_noise, random_words

C = 256


def test_noise_is_standard_normal_and_white() -> None:
    noise = latent_noise(Draw(3), 0, 2000, C)
    assert noise.dtype == torch.float32
    n = noise.numel()
    assert abs(float(noise.mean())) < 5 / n**0.5
    assert abs(float(noise.var()) - 1) < 5 * (2 / n) ** 0.5
    assert abs(float((noise**4).mean()) - 3) < 5 * (96 / n) ** 0.5
    along_time = float((noise[1:] * noise[:-1]).mean())
    across_channels = float((noise[:, 1::2] * noise[:, ::2]).mean())  # partners of one draw
    assert max(abs(along_time), abs(across_channels)) < 5 / (n / 2) ** 0.5


@given(start=st.integers(0, 5000), n=st.integers(1, 40), channels=st.sampled_from([2, 6, 256]))
@settings(deadline=None, max_examples=25)
def test_any_window_of_the_noise_can_be_drawn_alone(start: int, n: int, channels: int) -> None:
    whole = latent_noise(Draw(1, 2), 0, start + n, channels)
    assert torch.equal(latent_noise(Draw(1, 2), start, n, channels), whole[start:])


def test_rows_of_a_batch_are_the_draws_alone() -> None:
    draws = [Draw(9, candidate) for candidate in range(3)]
    rows = batch_noise(draws, 10, C)
    assert torch.equal(rows[1], latent_noise(Draw(9, 1), 0, 10, C))
    assert torch.equal(batch_noise(draws, 4, C, start_frame=6), rows[:, 6:])


def test_different_draws_share_nothing() -> None:
    draws = [Draw(0), Draw(1), Draw(0, 1), Draw(2**40), Draw(-1)]
    rows = {latent_noise(draw, 0, 1, 4).numpy().tobytes() for draw in draws}
    assert len(rows) == len(draws)
    assert not np.array_equal(random_words("a", Draw(0), 0, 4), random_words("b", Draw(0), 0, 4))


def test_the_sequence_is_the_same_on_every_machine() -> None:
    """Receipts promise that a seed gives the same stems tomorrow: these values must not change."""
    words = random_words("noise", Draw(0), 0, 3).tolist()
    assert words == EXPECTED_WORDS
    noise = latent_noise(Draw(0), 0, 1, 4)[0]
    torch.testing.assert_close(noise, torch.tensor(EXPECTED_NOISE), rtol=0, atol=1e-6)


EXPECTED_WORDS = [3306652978646401675, 7744001537112174455, 3226888207531152292]
EXPECTED_NOISE = [-1.623705267906189, 0.8952563405036926, -1.596922755241394, 0.9677689671516418]
