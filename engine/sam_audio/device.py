"""Where the network computes, in which precision, and with how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.cost.footprint import WeightFormat
from engine.errors import BackendUnavailable, OutOfMemory
from engine.memory import host_memory

from .exhaustion import is_out_of_memory, reason

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def chosen_device(device: str) -> torch.device:
    """The device asked for; `auto` is the first of CUDA, MPS and the CPU.

    Raises BackendUnavailable when it is not on this machine.
    """
    there = devices()
    if device == "auto":
        return torch.device(there[0])
    chosen = torch.device(device)
    if chosen.type not in {torch.device(name).type for name in there}:
        raise BackendUnavailable(
            f"device {device!r} is not on this machine; there is {', '.join(there)}, or say 'auto'"
        )
    if chosen.index is not None and device not in there:
        raise BackendUnavailable(
            f"device {device!r}: this machine has no such one, only {', '.join(there)}"
        )
    return chosen


def devices() -> tuple[str, ...]:
    """The devices of this machine, best first: `cuda:0`, `cuda:1`, `mps`, `cpu`."""
    there = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        there.append("mps")
    return (*there, "cpu")


def device_name(device: torch.device) -> str:
    """What the accelerator calls itself, such as `NVIDIA H100 80GB HBM3`; `mps` for a Mac's."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def best_format(device: torch.device) -> WeightFormat:
    """How weights are kept when memory is no matter: in bfloat16 where CUDA computes in it.

    CUDA devices before the Ampere generation imitate it, slower than they compute in float32.
    """
    has_bfloat16 = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return WeightFormat("bfloat16" if has_bfloat16 else "float32")


def dtype_of(weights: WeightFormat) -> torch.dtype:
    """The type of the network's weights that are not in 8 bits, and of its products."""
    return _DTYPES[weights.precision]


def free_bytes(device: torch.device) -> int:
    """Memory that may be taken on the device, what PyTorch keeps there unused included."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        # The processor's memory too: what others took of it is not free for this either.
        left = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return min(left, host_memory().available_bytes)
    return host_memory().available_bytes


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` and so on, for a receipt."""
    return str(dtype).removeprefix("torch.")


@contextmanager
def rounding_products(device: torch.device, allowed: bool) -> Iterator[None]:
    """Whether products of float32 may be rounded to TF32, which CUDA does several times faster."""
    if device.type != "cuda":
        yield
        return
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    try:
        products.allow_tf32 = convolutions.allow_tf32 = allowed
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


@contextmanager
def computing(n_threads: int | None) -> Iterator[None]:
    """Compute with this many threads, `None` for all, and name a lack of memory as such.

    Raises OutOfMemory when the device or this machine has no memory left.
    """
    before = torch.get_num_threads()
    try:
        if n_threads is not None:
            torch.set_num_threads(n_threads)
        yield
    except OutOfMemory:
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(
            "no memory left; choose a shorter window, fewer candidates, bfloat16 or int8, a "
            f"smaller model or the CPU ({reason(error)})"
        ) from error
    finally:
        torch.set_num_threads(before)
