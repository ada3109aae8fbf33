"""Schedules: the times at which a solver stops, from 0 (noise) to 1 (sound), as plain values."""

from engine.errors import PromptError

Schedule = tuple[float, ...]
"""Rising times; the first is 0.0 and the last is 1.0. `n + 1` times make `n` steps."""


def uniform(n_steps: int) -> Schedule:
    """Steps of the same length: the original's. Raises PromptError below one step."""
    _check(n_steps)
    return tuple(step / n_steps for step in range(n_steps + 1))


def shifted(n_steps: int, shift: float) -> Schedule:
    """Steps that get finer towards the end the smaller `shift` is below 1; 1 makes them uniform.

    The last steps are about `shift` times as long as uniform ones, the first 1/`shift` times.
    Raises PromptError below one step, or when `shift` is not above 0.
    """
    if not shift > 0:
        raise PromptError(f"shift {shift!r}: it must be above 0; 1 makes steps of equal length")
    times = uniform(n_steps)
    return tuple(time / (time + shift * (1 - time)) for time in times)


def _check(n_steps: int) -> None:
    if n_steps < 1:
        raise PromptError(f"{n_steps} steps: at least 1 is needed; 16 is the original's number")
