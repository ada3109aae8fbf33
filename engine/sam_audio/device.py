"""Where the network computes, in which precision, and with how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.errors import BackendUnavailable, OutOfMemory

from .exhaustion import is_out_of_memory, reason
from .settings import Precision

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


def chosen_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type of the network's weights; `auto` is bfloat16 where CUDA computes in it.

    Raises BackendUnavailable for another name.
    """
    if precision == "auto":
        return torch.bfloat16 if computes_in_bfloat16(device) else torch.float32
    if precision not in _DTYPES:
        raise BackendUnavailable(f"precision {precision!r}: there are auto, {', '.join(_DTYPES)}")
    return _DTYPES[precision]


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether the device has bfloat16 of its own; older ones imitate it, slower than float32."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` and so on, for a receipt."""
    return str(dtype).removeprefix("torch.")


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
