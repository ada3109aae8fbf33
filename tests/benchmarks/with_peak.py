"""Runs `stemlasso` in this process and writes its peak resident memory and CPU time as JSON.

    python tests/benchmarks/with_peak.py OUT.json separate mix.wav ...

The peak is asked for from inside: what a parent is told of its child on Linux counts the memory
that the parent itself had when it forked.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bridge.__main__ import main


def peak_bytes() -> int:
    """Most memory that was resident in this process at any time."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    if os.name == "nt":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


if __name__ == "__main__":
    out, *arguments = sys.argv[1:]
    exit_status = main(arguments)
    used = {"peak_bytes": peak_bytes(), "cpu_s": time.process_time()}
    Path(out).write_text(json.dumps(used))
    sys.exit(exit_status)
