"""Where a model would compute and how much room there is, told without loading torch if possible.

The processor is known to the system alone. Only where torch was built for CUDA, or on a Mac, it has
to be asked; then it is loaded, which takes a few seconds once.
"""

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from engine.cost.footprint import WeightFormat
from engine.cost.ledger import machine_name
from engine.cost.rates import n_cores
from engine.memory import host_memory


@dataclass(frozen=True, slots=True)
class Place:
    """kind: `cpu`, `cuda` or `mps`.   name: of the accelerator, empty for the processor.

    free_bytes: that a model may take there.   host_bytes: free for the process beside it; the same
    memory unless `kind` is `cuda`.   best: weights when memory is no matter.
    """

    kind: str
    free_bytes: int
    host_bytes: int
    best: WeightFormat
    name: str = ""

    def key(self, weights: WeightFormat, size: str, n_threads: int | None = None) -> str:
        """Under which a `Ledger` keeps rates: all that changes them."""
        threads = f"{n_threads or n_cores()} threads"
        where = threads if self.kind == "cpu" else f"{self.kind} {self.name}"
        kind = f"{weights.precision}{' int8' if weights.int8 else ''}"
        return f"{machine_name()} | {where} | {kind} | torch {_torch_version()} | {size}"


def place_of(device: str) -> Place:
    """Where `device`, of `ModelSettings`, computes.

    Raises BackendUnavailable when it is not on this machine.
    """
    host = host_memory().available_bytes
    if device == "cpu" or (device == "auto" and not may_have_accelerator()):
        return Place("cpu", host, host, WeightFormat("float32"))

    from .device import best_format, chosen_device, device_name, free_bytes

    chosen = chosen_device(device)
    best = best_format(chosen)
    return Place(chosen.type, free_bytes(chosen), host, best, device_name(chosen))


def may_have_accelerator(platform: str = sys.platform) -> bool:
    """Whether torch could find a device beside the processor; False without torch."""
    if platform == "darwin":
        return find_spec("torch") is not None
    if (torch := sys.modules.get("torch")) is not None:
        return bool(torch.cuda.is_available())
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    libraries = Path(spec.origin).parent / "lib"
    return any(libraries.glob("*c10_cuda*")) or any(libraries.glob("*c10_hip*"))


def _torch_version() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return "none"
