"""What a run of the builtin separator will take.

It streams: seconds grow with the length, memory does not. The figures are those of 2 cores, as
`tests/benchmarks/bench_builtin.py` measures them, rounded up.
"""

from engine.cost.cost import Cost, corrected
from engine.cost.ledger import Ledger, machine_name
from engine.cost.rates import n_cores
from engine.cost.task import Sound
from engine.data import SeparationOptions

_START_S = 0.3
_PER_CHANNEL_S = 0.012
_MEASURED_CORES = 2
_HOST_BYTES = 300_000_000


def builtin_cost(sound: Sound, options: SeparationOptions, ledger: Ledger) -> Cost:
    """Seconds and bytes of a run; a rerun goes over all of the mixture as well."""
    n_threads = options.n_threads or n_cores()
    per_channel_s = _PER_CHANNEL_S * _MEASURED_CORES / min(n_threads, n_cores())
    foreseen = {"finish": _START_S + per_channel_s * sound.channel_s}
    key = f"{machine_name()} | {n_threads} threads | builtin"
    time = corrected(foreseen, ledger, key, is_measured=False)
    return Cost(
        separator="builtin",
        seconds=time.seconds,
        least_s=time.least_s,
        most_s=time.most_s,
        host_bytes=_HOST_BYTES,
        basis=time.basis,
        n_runs=time.n_runs,
        stages=time.stages,
        key=key,
        foreseen=foreseen,
    )
