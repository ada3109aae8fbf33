"""The command line of `bench_speed`."""

import argparse
import time
from dataclasses import dataclass

import torch

from engine.model.kernels import Kernels
from engine.samplers import Sampling
from tests.benchmarks.random_cases import FORMATS
from tests.benchmarks.timing import Machine

LAUNCHES = {
    "one by one": (False, False),
    "graphs": (False, True),
    "compiled": (True, False),
    "compiled, graphs": (True, True),
}


@dataclass(frozen=True)
class Given:
    """The command line, and the clock."""

    machine: Machine
    sizes: tuple[str, ...]
    formats: tuple[str, ...]
    launches: tuple[str, ...]
    parts: tuple[str, ...]
    rows: tuple[int, ...]
    seconds: tuple[float, ...]
    evaluation_s: float
    window_s: float
    plain_up_to_s: float
    sampling: Sampling
    stop_at: float

    @property
    def precisions(self) -> tuple[str, ...]:
        """Types of the products."""
        used = [FORMATS[name].precision for name in self.formats]
        return tuple(dict.fromkeys(("float32", *used)))

    @property
    def is_late(self) -> bool:
        """Whether what is left should be left out."""
        return time.monotonic() > self.stop_at


def read_arguments(description: str) -> Given:
    """From the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sizes", help="small,base,large or tiny; small on a CPU, else all three")
    parser.add_argument("--formats", help=f"of {','.join(FORMATS)}")
    parser.add_argument("--launches", help=f"of {'; '.join(LAUNCHES)}; split by semicolons")
    parser.add_argument("--parts", default="evaluations,codec,runs")
    parser.add_argument("--rows", help="windows times takes in one evaluation")
    parser.add_argument("--evaluation", type=float, help="length of a row there, s; 10 or 30")
    parser.add_argument("--seconds", help="lengths of the mixtures of whole runs")
    parser.add_argument("--plain-up-to", type=float, default=60.0, help="longest plain run, s")
    parser.add_argument("--window", type=float, default=30.0, help="longest window, s")
    parser.add_argument("--steps", type=int, default=16, help="of the midpoint sampler")
    parser.add_argument("--time-limit", type=float, default=1e9, help="begin nothing after, s")
    parser.add_argument("--threads", type=int, help="of the CPU; all by default")
    parser.add_argument("--processor", action="store_true", help="count processor time")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    machine = Machine(torch.device(given.device), given.processor)
    on_gpu = machine.device.type == "cuda"
    return Given(
        machine=machine,
        sizes=_split(given.sizes, "large,base,small" if on_gpu else "small"),
        formats=_split(
            given.formats, "float32,bfloat16,float16,int8" if on_gpu else "float32,bfloat16,int8"
        ),
        launches=_split(
            given.launches, ";".join(LAUNCHES) if on_gpu else "one by one;compiled", ";"
        ),
        parts=_split(given.parts, ""),
        rows=tuple(map(int, _split(given.rows, "1,4" if on_gpu else "1"))),
        seconds=tuple(map(float, _split(given.seconds, "60,600" if on_gpu else "10"))),
        evaluation_s=given.evaluation or (30.0 if on_gpu else 10.0),
        window_s=given.window,
        plain_up_to_s=given.plain_up_to,
        sampling=Sampling("midpoint", given.steps),
        stop_at=time.monotonic() + given.time_limit,
    )


def kernels(launch: str) -> Kernels:
    """As it is named in `LAUNCHES`."""
    is_compiled, has_graphs = LAUNCHES[launch]
    return Kernels(compile=is_compiled, graphs=has_graphs)


def _split(given: str | None, otherwise: str, by: str = ",") -> tuple[str, ...]:
    return tuple(part.strip() for part in (given or otherwise).split(by) if part.strip())
