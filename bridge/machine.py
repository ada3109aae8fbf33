"""What this computer has: memory, and devices that compute. Standard library only."""

import ctypes
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Any


def own_memory_bytes() -> int:
    """Resident memory of this process now; 0 where the system does not tell simply."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return _peak_memory_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def memory_bytes() -> tuple[int | None, int | None]:
    """Memory of this computer: all of it, and what is free for use; None where unknown."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        fields = dict(
            line.split(":", 1)
            for line in Path("/proc/meminfo").read_text("ascii").splitlines()
            if ":" in line
        )
        total, free = (int(fields[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable"))
    except (OSError, ValueError, KeyError, IndexError):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
        except (OSError, ValueError):
            return None, None
    return total, free


def give_back_memory() -> None:
    """Hand memory that was freed back to the system, where the C library has to be asked for it.

    A burst of requests leaves free pages behind that glibc would keep for the next one.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def devices() -> list[dict[str, Any]]:
    """Every device that can compute, best first, as `Device` has it on the wire.

    Loads torch when it is installed: for a worker process only.
    """
    total, free = memory_bytes()
    cpu = {
        "name": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "kind": "cpu",
        "total_bytes": total,
        "free_bytes": free,
    }
    return [*_graphics(), cpu]


def _graphics() -> list[dict[str, Any]]:
    if importlib.util.find_spec("torch") is None:
        return []
    torch: Any = importlib.import_module("torch")
    found = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        found.append({"name": name, "kind": "cuda", "total_bytes": total, "free_bytes": free})
    if torch.backends.mps.is_available():
        found.append({"name": "Apple GPU", "kind": "mps", "total_bytes": None, "free_bytes": None})
    return found


if sys.platform == "win32":

    def _peak_memory_bytes() -> int:
        return 0

    class _MemoryStatus(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong),
            ("rest", ctypes.c_ulonglong * 5),
        )

    def _windows_memory() -> tuple[int | None, int | None]:
        status = _MemoryStatus()
        status.length = ctypes.sizeof(status)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None, None
        return status.total, status.available

else:
    import resource

    def _peak_memory_bytes() -> int:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak << 10

    def _windows_memory() -> tuple[int | None, int | None]:
        return None, None
