"""The one place that imports torchaudio, and says calmly when it cannot.

torchaudio needs compiled parts that fit the installed torch; beside another build it fails at
import. Its resampler and its features are used where it is there, and ours, which give the same
numbers, where it is not.
"""

import functools
import importlib
import logging
from typing import Any

log = logging.getLogger(__name__)


@functools.cache
def why_no_torchaudio() -> str | None:
    """Why torchaudio cannot be used, in a few words; `None` if it can."""
    try:
        for name in ("functional", "compliance.kaldi"):
            importlib.import_module(f"torchaudio.{name}")
    except (ImportError, OSError, RuntimeError) as error:
        reason = f"torchaudio cannot be imported: {error}"
        log.debug("%s; the engine's own features are used", reason)
        return reason
    return None


def torchaudio_functional() -> Any:
    """`torchaudio.functional`. Only to be called when `why_no_torchaudio` gives no reason."""
    return importlib.import_module("torchaudio.functional")


def torchaudio_kaldi() -> Any:
    """`torchaudio.compliance.kaldi`. Only to be called when `why_no_torchaudio` gives no reason."""
    return importlib.import_module("torchaudio.compliance.kaldi")
