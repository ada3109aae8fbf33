#!/usr/bin/env python3
"""Write `constraints.txt` anew: exact versions of what all extras need, for every platform.

Run with the oldest Python that we support, so that every version chosen works from there on:

    python3.11 installer/refresh_constraints.py [--torch VERSION]

pip only resolves; nothing is installed. Local versions such as `+cpu` are cut off, because which
build of PyTorch fits is decided on the user's machine. PyTorch itself pins the libraries of its
graphics builds, so those are left out. `--torch` is kept from the present file when not given:
a machine may have a local build of exactly that version, which pip then prefers.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

INSTALLER = Path(__file__).resolve().parent
CONSTRAINTS = INSTALLER / "constraints.txt"
EXTRAS = "dev,model,panel,plot,video"
BUILD = ("hatchling", "editables")
LEFT_TO_TORCH = re.compile(r"nvidia-|cuda-|triton")

HEADER = """\
# Exact versions of everything that StemLasso and its extras need, on every platform.
# Written by installer/refresh_constraints.py; do not edit, run it again.
"""


def normal(name: str) -> str:
    """A project name as the package index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned_torch() -> str:
    """The PyTorch version of the present file."""
    found = re.search(r"^torch==(\S+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"error: {CONSTRAINTS} pins no torch; give --torch VERSION")
    return found.group(1)


def resolve(torch: str) -> dict[str, str]:
    """Name and version of everything that pip would install."""
    wanted = [f"{INSTALLER.parent}[{EXTRAS}]", f"torch=={torch}", *BUILD]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        options = ["--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, *wanted], check=True)
        chosen = json.loads(report.read_text(encoding="utf-8"))["install"]
    found = {normal(each["metadata"]["name"]): each["metadata"]["version"] for each in chosen}
    del found["stemlasso"]
    return {name: version.partition("+")[0] for name, version in found.items()}


def main() -> int:
    """Resolve and write."""
    options = argparse.ArgumentParser(description="Write constraints.txt anew.")
    options.add_argument("--torch", metavar="VERSION", help="PyTorch version to pin")
    found = resolve(options.parse_args().torch or pinned_torch())
    lines = [f"{n}=={v}" for n, v in sorted(found.items()) if not LEFT_TO_TORCH.match(n)]
    CONSTRAINTS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{CONSTRAINTS}: {len(lines)} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
