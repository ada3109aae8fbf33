"""The scripts of `installer/` import each other by their names, and so do tests of them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "installer"))
