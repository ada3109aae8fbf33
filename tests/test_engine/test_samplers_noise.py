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
    whole = latent_noise(Draw(1, 2, 3), 0, start + n, channels)
    assert torch.equal(latent_noise(Draw(1, 2, 3), start, n, channels), whole[start:])


def test_more_candidates_or_prompts_keep_those_that_were_there() -> None:
    few = batch_noise(9, 2, 2, 10, C).view(2, 2, 10, C)
    many = batch_noise(9, 3, 5, 10, C).view(3, 5, 10, C)
    assert torch.equal(few, many[:2, :2])
    late = batch_noise(9, 3, 5, 4, C, start_frame=6).view(3, 5, 4, C)
    assert torch.equal(late, many[:, :, 6:])


def test_different_draws_share_nothing() -> None:
    draws = [Draw(0), Draw(1), Draw(0, 1), Draw(0, 0, 1), Draw(2**40), Draw(-1)]
    rows = {latent_noise(draw, 0, 1, 4).numpy().tobytes() for draw in draws}
    assert len(rows) == len(draws)
    assert not np.array_equal(random_words("a", Draw(0), 0, 4), random_words("b", Draw(0), 0, 4))


def test_the_sequence_is_the_same_on_every_machine() -> None:
    """Receipts promise that a seed gives the same stems tomorrow: these values must not change."""
    words = random_words("noise", Draw(0), 0, 3).tolist()
    assert words == EXPECTED_WORDS
    noise = latent_noise(Draw(0), 0, 1, 4)[0]
    torch.testing.assert_close(noise, torch.tensor(EXPECTED_NOISE), rtol=0, atol=1e-6)


EXPECTED_WORDS = [23956678714467811, 12434882722463223190, 10800575865131349946]
EXPECTED_NOISE = [-1.673634648323059, -3.239095449447632, -0.7759629487991333, 0.6844401359558105]
