"""How much memory there is, as each system tells it."""

import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.memory import free_of_vm_stat, host_memory, linux_memory

GIB = 2**30
VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            300000.
Pages inactive:                           20000.
Pages speculative:                          500.
Pages throttled:                              0.
Pages purgeable:                            100.
"Translation faults":                 900000000.
"""
UNDER_LIMIT = """
import resource
from engine.memory import host_memory
limit = 3 * 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
memory = host_memory()
print(memory.total_bytes <= limit, 0 < memory.available_bytes < limit)
"""


def machine(folder: Path, available_kb: int = 8 * 2**20, group: str = "0::/jobs/one") -> Path:
    """A /proc with 16 GiB of memory, of which `available_kb` can be had."""
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text(
        f"MemTotal: {16 * 2**20} kB\nMemFree: 1 kB\nMemAvailable: {available_kb} kB\nCached: 5 kB\n"
    )
    (folder / "self" / "cgroup").write_text(group + "\n")
    (folder / "self" / "statm").write_text("1 1 1 1 1 1 1\n")
    return folder


def group(folder: Path, limit: str, used: int, cached: int = 0, version: int = 2) -> None:
    folder.mkdir(parents=True)
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    (folder / names[0]).write_text(limit)
    (folder / names[1]).write_text(str(used))
    (folder / "memory.stat").write_text(f"anon 7\n{names[2]} {cached}\n")


def test_it_is_near_what_psutil_says() -> None:
    ours, theirs = host_memory(), psutil.virtual_memory()
    assert ours.total_bytes <= theirs.total
    assert 0 < ours.available_bytes < 1.2 * theirs.available + GIB


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit that Linux has")
def test_a_limit_of_the_process_counts(checkout: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_AS)
    command = [sys.executable, "-c", UNDER_LIMIT]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_a_container_counts_without_the_files_it_caches(tmp_path: Path) -> None:
    proc = machine(tmp_path / "proc")
    assert linux_memory(proc, tmp_path / "none").available_bytes == 8 * GIB
    tree = tmp_path / "cgroup"
    group(tree / "jobs" / "one", str(4 * GIB), 3 * GIB, cached=2 * GIB)
    memory = linux_memory(proc, tree)
    assert (memory.total_bytes, memory.available_bytes) == (4 * GIB, 3 * GIB)


def test_the_tightest_group_decides_and_max_is_no_limit(tmp_path: Path) -> None:
    proc = machine(tmp_path / "proc")
    tree = tmp_path / "cgroup"
    group(tree / "jobs", str(2 * GIB), GIB)
    group(tree / "jobs" / "one", "max", GIB)
    assert linux_memory(proc, tree).available_bytes == GIB


def test_the_first_version_of_groups_counts_too(tmp_path: Path) -> None:
    proc = machine(tmp_path / "proc", group="9:cpu:/x\n4:memory:/box")
    group(tmp_path / "cgroup" / "memory" / "box", str(GIB), GIB // 4, version=1)
    assert linux_memory(proc, tmp_path / "cgroup").available_bytes == GIB - GIB // 4


def test_macos_counts_what_it_can_give() -> None:
    assert free_of_vm_stat(VM_STAT) == 30_600 * 16_384
    with pytest.raises((ValueError, IndexError)):
        free_of_vm_stat("no such command")
