"""Say how much clearer the dog is in a stem than it was in the mixture.

    .venv/bin/python installer/example/measure.py STEM

Prints two numbers, the scale-invariant signal-to-distortion ratio (Le Roux et al. 2019) of mixture
and stem against the true dog, in dB; both channels count as one long signal.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent


def si_sdr_db(true: NDArray[np.float64], heard: NDArray[np.float64]) -> float:
    """How much of `heard` is `true`, whatever its level, in dB."""
    t, h = true.ravel(), heard.ravel()
    wanted = (h @ t) / (t @ t) * t
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((h - wanted) ** 2)))


def main() -> int:
    """Measure the stem named on the command line."""
    true, _ = soundfile.read(HERE / "target.flac")
    for path in (HERE / "mixture.flac", Path(sys.argv[1])):
        heard, _ = soundfile.read(path)
        print(si_sdr_db(true, heard))
    return 0


if __name__ == "__main__":
    sys.exit(main())
