"""`stemlasso separators`: what there is, what it can do, what it needs."""

import argparse
import json
from dataclasses import asdict

from engine.separator import separators

from . import exits
from .store_root import store_root


def main(argv: list[str]) -> int:
    """Run `stemlasso separators`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="stemlasso separators", description="List the separators and what they can do."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    arguments = parser.parse_args(argv)
    found = separators(store_root())
    if arguments.json:
        print(json.dumps([asdict(info) for info in found], ensure_ascii=False))
        return exits.OK
    for info in found:
        state = "ready" if info.available else f"not available: {info.missing}"
        print(f"{info.name:<20}{state}\n{'':<20}{info.summary}")
        if info.note:
            print(f"{'':<20}{info.note}")
    return exits.OK
