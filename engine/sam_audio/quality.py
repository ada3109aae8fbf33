"""How many evaluations of the network a quality is worth.

    draft       4   Adams over 3 steps that get finer towards the end: to hear what comes
    standard   32   as configured; the default is the original's: 16 midpoint steps
    best       48   Runge and Kutta's fourth order over 12 such steps: as good as the flow's end

All three start from the same noise and follow the same flow: one take, ever closer to where the
flow leads. On flows whose end is known (`tests/benchmarks/bench_quality.py`: noise to several
narrow normal distributions, gentle to stiff) they end away from it by 13 to 26, 25 to 59 and 56 to
100 dB below the sound's level. Trained weights were never measured: `standard` therefore stays what
was published, though there Adams comes nearer with 24 evaluations.
"""

from engine.data import Quality
from engine.samplers import Sampling

DRAFT = Sampling("adams", 3, shift=0.5)
BEST = Sampling("rk4", 12, shift=0.5)


def sampling_for(sampling: Sampling, quality: Quality) -> Sampling:
    """The configured `sampling` for `standard`; for the others one that costs less or more.

    A draft never costs more than what is configured, and the best never less.
    """
    if quality == "draft":
        return min(DRAFT, sampling, key=_cost)
    if quality == "best":
        return max(BEST, sampling, key=_cost)
    return sampling


def _cost(sampling: Sampling) -> int:
    return sampling.n_evaluations
