"""What a separator costs as a straight line over the length, for who cannot ask for every case."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.data import Quality, SeparationOptions

from .cost import Cost
from .task import Sound

_SHORT_S, _LONG_S = 120.0, 1200.0
_N_CHANNELS = 2

CostOf = Callable[[Sound, SeparationOptions], Cost]
"""The cost of a run with a description."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """A separator in one quality, cold.

    fixed_s: of every run.   per_channel_s: per second of one channel.   per_take_s: the same, for
    every take beyond the first.   memory_bytes: of the process, or of the device if that is more.
    n_runs: finished runs that it was learned from.
    """

    separator: str
    quality: str
    fixed_s: float
    per_channel_s: float
    per_take_s: float
    memory_bytes: int
    n_runs: int


def line_of(cost_of: CostOf, quality: Quality) -> CostLine:
    """The line through two lengths of stereo sound."""

    def seconds(duration_s: float, n_takes: int) -> float:
        options = SeparationOptions(quality=quality, n_candidates=n_takes)
        sound = Sound.lasting(duration_s, _N_CHANNELS)
        return cost_of(sound, options).seconds

    channel_s = (_LONG_S - _SHORT_S) * _N_CHANNELS
    one, two = ((seconds(_LONG_S, k) - seconds(_SHORT_S, k)) / channel_s for k in (1, 2))
    cost = cost_of(Sound.lasting(_SHORT_S, _N_CHANNELS), SeparationOptions(quality=quality))
    return CostLine(
        separator=cost.separator,
        quality=quality,
        fixed_s=max(0.0, cost.seconds - one * _SHORT_S * _N_CHANNELS),
        per_channel_s=one,
        per_take_s=max(0.0, two - one),
        memory_bytes=max(cost.host_bytes, cost.device_bytes),
        n_runs=cost.n_runs,
    )
