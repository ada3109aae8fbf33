"""The scripts of `installer/` are run by path; their modules are imported the same way here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "installer"))
