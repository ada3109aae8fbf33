"""What a run will take, with how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.checkpoints.space import gigabytes
from engine.data import JsonValue, Notice

from .ledger import Ledger

Basis = Literal["guessed", "measured", "learned"]

_UNSURE_OF_GUESSED = 3.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run will take.

    seconds: of work; most runs end between `least_s` and `most_s`.
    host_bytes: of the process at its peak.   device_bytes: on the accelerator, 0 without one.
    disk_bytes: of temporary files.
    basis: `guessed` from a matrix product, `measured` by a calibration of this machine, or
        `learned` from `n_runs` finished runs as well.
    stages: seconds of each.   key, foreseen: for `Ledger.learn`, once the run is done.
    """

    separator: str
    seconds: float
    least_s: float
    most_s: float
    host_bytes: int
    device_bytes: int = 0
    disk_bytes: int = 0
    basis: Basis = "guessed"
    n_runs: int = 0
    stages: Mapping[str, float] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    key: str = ""
    foreseen: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        device = f", {gigabytes(self.device_bytes)} on the device" if self.device_bytes else ""
        known = {
            "guessed": "a guess before anything is measured here",
            "measured": "from a measurement of this machine",
            "learned": f"from {self.n_runs} earlier run{'s' if self.n_runs > 1 else ''} here",
        }
        return (
            f"{self.separator}: about {readable_s(self.seconds)} "
            f"({readable_s(self.least_s)} to {readable_s(self.most_s)}), "
            f"{gigabytes(self.host_bytes)} of memory{device}; {known[self.basis]}"
        )

    def as_json(self) -> dict[str, JsonValue]:
        """For `--json` and for the wire."""
        return {
            "separator": self.separator,
            "seconds": self.seconds,
            "least_s": self.least_s,
            "most_s": self.most_s,
            "host_bytes": self.host_bytes,
            "device_bytes": self.device_bytes,
            "disk_bytes": self.disk_bytes,
            "basis": self.basis,
            "n_runs": self.n_runs,
            "stages": dict(self.stages),
            "notices": [{"code": each.code, "message": each.message} for each in self.notices],
        }


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds as far as they are known; see `Cost`."""

    seconds: float
    least_s: float
    most_s: float
    basis: Basis
    n_runs: int
    stages: Mapping[str, float]


def corrected(foreseen: Mapping[str, float], ledger: Ledger, key: str, is_measured: bool) -> Time:
    """What is foreseen, by what finished runs say about each stage."""
    stages, least_s, most_s, n_runs = {}, 0.0, 0.0, 0
    for stage, seconds in foreseen.items():
        ratio = ledger.ratio(key, stage)
        spread = ratio.spread if is_measured or ratio.n_runs else _UNSURE_OF_GUESSED
        stages[stage] = seconds * ratio.value
        least_s += stages[stage] / spread
        most_s += stages[stage] * spread
        if stages[stage] >= max(stages.values()):
            n_runs = ratio.n_runs  # of the longest stage
    basis: Basis = "learned" if n_runs else ("measured" if is_measured else "guessed")
    return Time(sum(stages.values()), least_s, most_s, basis, n_runs, stages)


def readable_s(seconds: float) -> str:
    """A time as a person reads it: `0.4 s`, `12 s`, `3 min`, `1 h 20 min`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
