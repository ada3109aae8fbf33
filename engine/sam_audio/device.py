"""Where the network computes, in which precision, and with how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.errors import BackendUnavailable, OutOfMemory

from .config import Device, Precision

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def chosen_device(device: Device) -> torch.device:
    """The device asked for; `auto` is the first of CUDA, MPS and the CPU.

    Raises BackendUnavailable when it is not on this machine.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return torch.device(next(name for name, is_there in there.items() if is_there))
    if not there.get(device, False):
        ready = ", ".join(name for name, is_there in there.items() if is_there)
        raise BackendUnavailable(
            f"device {device!r} is not on this machine; there is {ready}, or say 'auto'"
        )
    return torch.device(device)


def chosen_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type of the network's weights; `auto` is bfloat16 on CUDA and float32 elsewhere.

    Raises BackendUnavailable for another name.
    """
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if precision not in _DTYPES:
        raise BackendUnavailable(f"precision {precision!r}: there are auto, {', '.join(_DTYPES)}")
    return _DTYPES[precision]


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` and so on, for a receipt."""
    return str(dtype).removeprefix("torch.")


@contextmanager
def computing(n_threads: int | None) -> Iterator[None]:
    """Compute with this many threads, `None` for all, and name a lack of memory as such.

    Raises OutOfMemory when the device has no memory left.
    """
    before = torch.get_num_threads()
    try:
        if n_threads is not None:
            torch.set_num_threads(n_threads)
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            "the device has no memory left; choose a shorter window, fewer candidates, "
            f"bfloat16, a smaller model or the CPU ({str(error).splitlines()[0]})"
        ) from error
    finally:
        torch.set_num_threads(before)
