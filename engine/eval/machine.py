"""What a figure was measured on: versions and hardware, as JSON values."""

import importlib.metadata
import os
import platform
from pathlib import Path

from engine.data import JsonValue


def versions() -> dict[str, JsonValue]:
    """Versions of what decides the numbers; `None` for a package that is not installed."""
    found: dict[str, JsonValue] = {"python": platform.python_version()}
    for package in ("stemlasso", "numpy", "scipy", "soundfile", "soxr", "torch"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def hardware() -> dict[str, JsonValue]:
    """Processor, cores that this process may use, memory in GiB and system."""
    return {
        "cpu": _cpu_name(),
        "n_cores": _n_cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_name() -> str:
    """The name that Linux gives; elsewhere what `platform` knows, which may be less."""
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.is_file():
        for line in cpu_info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        size_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(size_bytes / 2**30, 1)
