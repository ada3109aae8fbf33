"""Which model store the commands use."""

import os
from pathlib import Path

from engine.checkpoints.store import default_root

STORE_VARIABLE = "STEMLASSO_MODELS"
"""Environment variable with another folder for models than the user's data folder."""


def store_root() -> Path:
    """The folder that the environment names, or the default one."""
    named = os.environ.get(STORE_VARIABLE, "")
    return Path(named).expanduser() if named else default_root()
