"""The state kept on the device: the very numbers that it has in files of the host."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.errors import Cancelled
from engine.sam_audio.frames import Frames
from engine.sam_audio.guidance import _Conditions
from engine.sam_audio.resident import RESIDENT_BYTES
from engine.sam_audio.sampling import _FRAME_FILES, Course, sampled_latents
from engine.sam_audio.scratch import Scratch
from engine.sam_audio.settings import Joining
from engine.sam_audio.windows import Window, noise_field, plan_windows
from engine.samplers import SAMPLERS, Draw, Sampling

CPU = torch.device("cpu")
N_FRAMES, N_CHANNELS = 90, 6
NOISE = noise_field([Draw(0, 0), Draw(0, 1)], N_FRAMES, N_CHANNELS)


def velocity(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
    """One that windows disagree about."""
    starts = torch.tensor([window.start for window in windows])[:, None, None, None]
    return torch.sin(3 * x + t) * (1 + 0.01 * starts)


def latents(
    sampling: Sampling,
    longest: int,
    n_at_once: int,
    resident: torch.device | None,
    joining: Joining = "diffused",
    on_share: Callable[[float], None] = lambda _share: None,
) -> Tensor:
    windows = plan_windows(N_FRAMES, longest, min(10, longest // 2))
    course = Course(sampling, windows, n_at_once, joining)
    return sampled_latents(velocity, NOISE, course, Scratch(), on_share, resident=resident).whole()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_solver_gives_the_same_bits(sampler: str) -> None:
    sampling = Sampling(sampler, 5, 0.7)
    for longest, n_at_once in ((90, 1), (40, 1), (25, 3)):
        expected = latents(sampling, longest, n_at_once, None)
        assert torch.equal(latents(sampling, longest, n_at_once, CPU), expected)


def test_crossfaded_windows_are_as_they_were() -> None:
    expected = latents(Sampling("euler", 3), 40, 2, None, "crossfade")
    assert torch.equal(latents(Sampling("euler", 3), 40, 2, CPU, "crossfade"), expected)


def test_the_first_velocity_is_taken_and_given() -> None:
    course = Course(Sampling("midpoint", 3), plan_windows(N_FRAMES, 40, 10), 2)
    told: list[Frames] = []

    def remember(make: Callable[[], Frames]) -> Frames:
        told.append(make())
        return told[-1]

    def sample(first: Callable[[Callable[[], Frames]], Frames], device: torch.device | None):
        scratch = Scratch()
        return sampled_latents(
            velocity, NOISE, course, scratch, first=first, resident=device
        ).whole()

    expected = sample(remember, None)
    assert torch.equal(sample(remember, CPU), expected)
    assert torch.equal(told[0].whole(), told[1].whole())
    assert torch.equal(sample(lambda _make: told[0], CPU), expected)


def test_progress_rises_and_may_end_it() -> None:
    shares: list[float] = []
    latents(Sampling("midpoint", 4), 40, 2, CPU, on_share=shares.append)
    assert shares == sorted(shares)
    assert len(shares) == 1 + 8 * 2
    assert shares[-1] < 1

    def cancel(share: float) -> None:
        if share > 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        latents(Sampling("midpoint", 4), 40, 2, CPU, on_share=cancel)


def test_a_long_file_stays_on_the_host() -> None:
    n_frames = RESIDENT_BYTES // (_FRAME_FILES * 4) + 1
    seen: list[torch.Size] = []

    def look(windows: tuple[Window, ...], x: Tensor, t: float) -> Tensor:
        seen.append(x.shape)
        return torch.zeros_like(x)

    noise = Frames(lambda start, stop: torch.zeros(1, stop - start, 1), (1, n_frames, 1))
    windows = plan_windows(n_frames, n_frames // 2, 10)
    course = Course(Sampling("euler", 1), windows)
    whole = sampled_latents(look, noise, course, Scratch(), resident=torch.device("meta"))
    assert whole.n_frames == n_frames
    assert len(seen) == len(windows)


def test_conditions_are_kept_as_far_as_they_fit() -> None:
    made: list[int] = []

    def make(number: int) -> Tensor:
        made.append(number)
        return torch.full((1, 4, 2), float(number))

    kept = _Conditions(2 * 32)
    for number in (0, 1, 2, 0, 1, 2):
        condition = kept.of((Window(number, number + 4),), lambda number=number: make(number))
        assert float(condition[0, 0, 0]) == number
    assert made == [0, 1, 2, 2]

    kept.of((Window(0, 3),), lambda: torch.zeros(1, 3, 2))  # shorter windows: a new plan
    kept.of((Window(0, 4),), lambda: make(3))
    assert made[-1] == 3


def test_only_the_last_condition_is_kept_without_room() -> None:
    kept, made = _Conditions(0), []
    for number in (0, 0, 1, 1, 0):
        kept.of((Window(number, number + 4),), lambda n=number: made.append(n) or torch.zeros(1, 4))
    assert made == [0, 1, 0]
