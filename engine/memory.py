"""How much memory this machine, this process and its container have, asked of the system itself.

Linux: /proc/meminfo, cgroup limits, RLIMIT_AS     Windows: GlobalMemoryStatusEx
macOS: sysctl and vm_stat
"""

import contextlib
import ctypes
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """total_bytes: that there is.   available_bytes: that can be taken without harm to others."""

    total_bytes: int
    available_bytes: int


_UNKNOWN = Memory(1 << 62, 1 << 62)
"""Where the system does not say: nothing is refused for a number that nobody knows."""


def host_memory() -> Memory:
    """The machine's memory, or less where a container or a limit of the process allows less."""
    ask = {"linux": linux_memory, "win32": _windows_memory, "darwin": _mac_memory}
    return ask.get(sys.platform, lambda: _UNKNOWN)()


def linux_memory(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Memory:
    """The least of what the kernel, the control group and RLIMIT_AS allow."""
    bounds = [_meminfo(proc), *_cgroup_bounds(proc, cgroup), *_address_space(proc)]
    return Memory(
        min(bound.total_bytes for bound in bounds),
        max(0, min(bound.available_bytes for bound in bounds)),
    )


def _meminfo(proc: Path) -> Memory:
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return _UNKNOWN
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if ":" in line}
    free = found.get("MemFree", 0) + found.get("Cached", 0)  # kernels before 3.14
    return Memory(found["MemTotal"], found.get("MemAvailable", free))


def _cgroup_bounds(proc: Path, cgroup: Path) -> Iterator[Memory]:
    """Limits of the control group that this process is in and of those above, v2 and v1."""
    names = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}
    for folder in _cgroup_folders(proc, cgroup):
        for limit_name, used_name in names.items():
            with contextlib.suppress(OSError, ValueError):
                limit = int((folder / limit_name).read_text())
                used = int((folder / used_name).read_text()) - _reclaimable(folder)
                yield Memory(limit, limit - used)


def _cgroup_folders(proc: Path, cgroup: Path) -> Iterator[Path]:
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = cgroup / "memory" if controllers else cgroup
        inside = root / path.lstrip("/")
        yield from (each for each in (inside, *inside.parents) if each.is_relative_to(root))


def _reclaimable(folder: Path) -> int:
    """Cached file pages of the group, which the kernel gives up when memory is asked for."""
    with contextlib.suppress(OSError):
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name in ("inactive_file", "total_inactive_file"):
                return int(value)
    return 0


def _address_space(proc: Path) -> Iterator[Memory]:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    with contextlib.suppress(OSError):
        n_pages = int((proc / "self" / "statm").read_text().split()[0])
        yield Memory(limit, limit - n_pages * resource.getpagesize())


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("dwLength", ctypes.c_uint32),
        ("dwMemoryLoad", ctypes.c_uint32),
        ("ullTotalPhys", ctypes.c_uint64),
        ("ullAvailPhys", ctypes.c_uint64),
        ("ullTotalPageFile", ctypes.c_uint64),
        ("ullAvailPageFile", ctypes.c_uint64),
        ("ullTotalVirtual", ctypes.c_uint64),
        ("ullAvailVirtual", ctypes.c_uint64),
        ("ullAvailExtendedVirtual", ctypes.c_uint64),
    )


def _windows_memory() -> Memory:
    status = _MemoryStatus()
    status.dwLength = ctypes.sizeof(status)
    kernel32 = ctypes.CDLL("kernel32")
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return _UNKNOWN
    # What may be committed is bounded by the page file as well as by the memory itself.
    available = min(int(status.ullAvailPhys), int(status.ullAvailPageFile))
    return Memory(int(status.ullTotalPhys), available)


def _mac_memory() -> Memory:
    try:
        total = int(_said(["/usr/sbin/sysctl", "-n", "hw.memsize"]))
        return Memory(total, free_of_vm_stat(_said(["/usr/bin/vm_stat"])))
    except (OSError, ValueError, subprocess.SubprocessError):
        return _UNKNOWN


def free_of_vm_stat(report: str) -> int:
    """Bytes that macOS can give: free, inactive, speculative and purgeable pages of `vm_stat`.

    Raises ValueError when the report is not one.
    """
    head, *lines = report.splitlines()
    page_bytes = int(head.partition("page size of ")[2].split()[0])
    counted = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")
    pages = dict(line.split(":", 1) for line in lines if ":" in line)
    return page_bytes * sum(int(pages.get(name, "0").strip(" .")) for name in counted)


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
