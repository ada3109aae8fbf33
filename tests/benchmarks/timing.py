"""Clocks, and the two rates that no program on this machine is faster than."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from engine.data import JsonValue
from tests.benchmarks.with_peak import peak_bytes


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are measured.

    counts_processor: time is what this process computed, in all its threads, not what passed: on
        a machine that others use as well, with one thread.
    """

    device: torch.device
    counts_processor: bool = False

    def wait(self) -> None:
        """Until the device has done all that it was told to."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def now(self) -> float:
        """Seconds, with nothing left to do on the device."""
        self.wait()
        return time.process_time() if self.counts_processor else time.perf_counter()

    def forget_peak(self) -> None:
        """Count the device's memory from here; a process's own peak cannot be forgotten."""
        if self.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> str:
        """MB at most: used / taken of the device by PyTorch, or of this process on a CPU."""
        if self.device.type != "cuda":
            return f"{peak_bytes() / 1e6:.0f}"
        used = torch.cuda.max_memory_allocated(self.device)
        return f"{used / 1e6:.0f} / {torch.cuda.max_memory_reserved(self.device) / 1e6:.0f}"

    def as_json(self) -> dict[str, JsonValue]:
        """Device, threads and instructions."""
        told: dict[str, JsonValue] = {
            "device": str(self.device),
            "n_threads": torch.get_num_threads(),
            "clock": "processor" if self.counts_processor else "wall",
            "instructions": torch.backends.cpu.get_cpu_capability(),
        }
        if self.device.type == "cuda":
            properties = torch.cuda.get_device_properties(self.device)
            told |= {"gpu": properties.name, "gpu_bytes": properties.total_memory}
            told |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        return told


@dataclass(frozen=True, slots=True)
class Rates:
    """products: operations per second by type.   copy: bytes per second, read and written."""

    products: dict[str, float]
    copy: float

    @classmethod
    def measured(cls, machine: Machine, names: Sequence[str]) -> "Rates":
        """Of a large square product of random numbers, in every type, and of a large copy."""
        on_gpu = machine.device.type == "cuda"
        n, n_values = (8192, 1 << 30) if on_gpu else (2048, 1 << 26)
        products = {}
        for name in names:
            a, b = (torch.randn(n, n, device=machine.device).to(getattr(torch, name)) for _ in "ab")
            products[name] = 2 * n**3 / best_s(machine, lambda a=a, b=b: a @ b)
        source = torch.randn(n_values, device=machine.device)
        goal = torch.empty_like(source)
        copy = 2 * source.nbytes / best_s(machine, lambda: goal.copy_(source))
        return cls(products, copy)

    def floor_s(self, name: str, flops: float, n_bytes: float) -> float:
        """No version of this takes less."""
        return max(flops / self.products[name], n_bytes / self.copy)

    def table(self) -> str:
        """For a person."""
        lines = [
            f"{name} product  {rate / 1e9:.0f} GFLOP/s" for name, rate in self.products.items()
        ]
        return "\n".join([*lines, f"copy  {self.copy / 1e9:.1f} GB/s, read and written"])


def best_s(machine: Machine, call: Callable[[], object]) -> float:
    """Seconds of a call after a few that do not count: on a CPU, which others use as well, the
    least of three; on a GPU the mean of many, told one after the other."""
    on_gpu = machine.device.type == "cuda"
    for _ in range(3 if on_gpu else 1):
        call()
    if not on_gpu:
        return min(_once_s(machine, call) for _ in range(2 if machine.counts_processor else 3))
    first = _once_s(machine, call)
    n_calls = min(max(int(0.3 / first), 3), 100)
    start = machine.now()
    for _ in range(n_calls):
        call()
    return (machine.now() - start) / n_calls


def _once_s(machine: Machine, call: Callable[[], object]) -> float:
    start = machine.now()
    call()
    return machine.now() - start
