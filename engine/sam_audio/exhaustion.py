"""How each device and library says that memory ran out; torch need not be loaded to ask."""

from engine.errors import OutOfMemory

_SIGNS = (
    "out of memory",  # CUDA's and MPS's allocators
    "can't allocate memory",  # torch on the CPU: DefaultCPUAllocator
    "not enough memory",
    "bad_alloc",  # C++ below torch
    "std::length_error",
    "alloc_failed",  # cuBLAS, cuDNN and cuFFT: *_STATUS_ALLOC_FAILED
    "could not create a memory",  # oneDNN
    "broken promise",  # oneDNN, about a kernel that had no memory when it was first made
    "cannot allocate memory",  # the system, errno ENOMEM
)

_ONEDNN_KERNEL = "could not create a primitive"
"""All that oneDNN says when a kernel's own memory is missing. Kernels that it has not got are told
as `... a primitive descriptor`, and some of those it has crash instead: ask before, not after."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this says that memory ran out, in the words of any of the layers below."""
    if isinstance(error, MemoryError | OutOfMemory):
        return True
    if not isinstance(error, RuntimeError | OSError):
        return False
    said = str(error).lower()
    if said == _ONEDNN_KERNEL:
        return True
    return type(error).__name__ == "OutOfMemoryError" or any(sign in said for sign in _SIGNS)


def reason(error: BaseException) -> str:
    """The first line of what was said, for a message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
