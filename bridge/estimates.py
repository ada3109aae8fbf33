"""How long a job will take, learned from those that are done on this computer."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from .protocol.values import JobOptions
from .store import Measure

_START_S = 1.0
"""A worker process that has to be started, and files to be opened and synced."""

_MIB = 1 << 20


_EVALUATIONS = {"draft": 4, "standard": 32, "best": 48}
"""Of a model's network, by quality; what else a run does is little beside them."""


@dataclass(frozen=True, slots=True)
class FirstGuess:
    """Before anything is measured here: seconds per second of one channel, and memory.

    evaluates: whether quality and takes are paid for in evaluations of a network.
    """

    per_channel_s: float
    memory_bytes: int
    evaluates: bool = True

    def forecast(self, options: JobOptions, channel_s: float) -> "Forecast":
        """For a job of this length."""
        share = 1.0
        if self.evaluates:
            share = options.n_candidates * _EVALUATIONS[options.quality] / _EVALUATIONS["standard"]
        return Forecast(_START_S + self.per_channel_s * channel_s * share, self.memory_bytes, 0)


# The builtin one as measured by tests/benchmarks/bench_builtin.py on 2 cores, rounded up. The
# models are a guess for a computer without a GPU; the first job that is done takes its place.
_GUESSES = {
    "builtin": FirstGuess(0.02, 300 * _MIB, evaluates=False),
    "small": FirstGuess(10.0, 6000 * _MIB),
    "base": FirstGuess(20.0, 9000 * _MIB),
    "large": FirstGuess(40.0, 17000 * _MIB),
}


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the engine says of a separator in one quality, before any job of it is done here.

    fixed_s: of every job.   per_channel_s: per second of one channel.   per_take_s: the same, for
    every take beyond the first.   n_runs: that the engine learned it from.
    """

    separator: str
    quality: str
    fixed_s: float
    per_channel_s: float
    per_take_s: float
    memory_bytes: int
    n_runs: int = 0

    def forecast(self, channel_s: float, n_takes: int) -> "Forecast":
        """For a job of this length and so many takes."""
        slope = self.per_channel_s + (n_takes - 1) * self.per_take_s
        return Forecast(_START_S + self.fixed_s + slope * channel_s, self.memory_bytes, self.n_runs)


CostLines = Mapping[tuple[str, str], CostLine]
"""By separator and quality; empty until a worker was asked."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """seconds: of work, without waiting. n_measured: jobs that it rests on, 0 for a guess."""

    seconds: float
    memory_bytes: int
    n_measured: int


def forecast(
    separator: str,
    options: JobOptions,
    channel_s: float,
    measures: tuple[Measure, ...],
    lines: CostLines,
) -> Forecast:
    """What a job over `channel_s` seconds times channels will need.

    lines: what the engine says where no job like it was measured.
    measures: of this separator, newest first. Those of the same quality and takes count; a line
    through their medians gives a part that every job needs and one that grows with the length.
    """
    alike = [
        each
        for each in measures
        if each.quality == options.quality and each.n_candidates == options.n_candidates
    ]
    line = lines.get((separator, options.quality))
    if not alike and line is not None:
        return line.forecast(channel_s, options.n_candidates)
    if not alike:
        guess = _GUESSES.get(separator) or _GUESSES[_size_of(separator)]
        return guess.forecast(options, channel_s)
    fixed_s, slope = _line(alike)
    memory_bytes = max(each.memory_bytes for each in alike)
    return Forecast(fixed_s + slope * channel_s, memory_bytes, len(alike))


def seconds_left(elapsed_s: float, fraction: float, forecast_s: float) -> float | None:
    """What is left of a running job; the forecast counts less the further the job is."""
    if fraction <= 0:
        return max(forecast_s - elapsed_s, 0.0)
    by_progress_s = elapsed_s * (1 - fraction) / fraction
    by_forecast_s = max(forecast_s - elapsed_s, 0.0)
    weight = min(fraction / 0.2, 1.0)
    return weight * by_progress_s + (1 - weight) * by_forecast_s


def _line(measures: list[Measure]) -> tuple[float, float]:
    """Seconds that every job needs, and seconds per channel second, from the short and the long."""
    ordered = sorted(measures, key=lambda each: each.channel_s)
    half = len(ordered) // 2
    short, long = ordered[: half or 1], ordered[half:]
    short_x, short_y = _medians(short)
    long_x, long_y = _medians(long)
    if long_x < 2 * short_x:
        return 0.0, long_y / max(long_x, 1e-3)
    slope = max((long_y - short_y) / (long_x - short_x), 0.0)
    return max(short_y - slope * short_x, 0.0), slope


def _medians(measures: list[Measure]) -> tuple[float, float]:
    return (
        statistics.median(each.channel_s for each in measures),
        statistics.median(each.took_s for each in measures),
    )


def _size_of(separator: str) -> str:
    return next((size for size in ("small", "base", "large") if size in separator), "small")
