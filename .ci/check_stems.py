"""Read the stems of the demo back: all there, not silent, and adding up to the last bit."""

import sys
from pathlib import Path

import numpy as np
import soundfile

CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLE = CHECKOUT / "installer" / "example"


def main() -> int:
    """Returns 0 when target + residual = mixture, sample by sample."""
    stems = sorted((CHECKOUT / "demo-stems").iterdir())
    if len(stems) != 2:
        sys.exit(f"error: two stems expected, there are {[stem.name for stem in stems]}")
    mixture, rate = soundfile.read(EXAMPLE / "mixture.flac", dtype="int16")
    total = np.zeros(mixture.shape, np.int64)
    for stem in stems:
        samples, stem_rate = soundfile.read(stem, dtype="int16")
        if stem_rate != rate or samples.shape != mixture.shape:
            sys.exit(f"error: {stem.name} is {samples.shape} at {stem_rate} Hz")
        if not samples.any():
            sys.exit(f"error: {stem.name} is silent")
        total += samples
    if not np.array_equal(total, mixture):
        sys.exit(f"error: off by {np.abs(total - mixture).max()} at most")
    print(f"{stems[0].name} + {stems[1].name} = mixture.flac, all {mixture.size} samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
