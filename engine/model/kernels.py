"""How a network's steps are launched: one by one, as kernels built for them, as one graph.

    compile   torch.compile builds kernels for a block of the transformer; all blocks share them
    graphs    on CUDA, an evaluation is recorded once per shape and then launched as a whole

Both compute what the plain launches compute. Where one does not work - no compiler, a driver that
will not record - the plain launches take over, and a notice says so.
"""

import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from engine.checkpoints.store import default_root
from engine.data import Notice
from engine.sam_audio.exhaustion import is_out_of_memory, reason

log = logging.getLogger(__name__)

Run = Callable[..., Tensor]

_CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
_FAILURES = (RuntimeError, OSError, ImportError, AttributeError, TypeError, ValueError)
"""What building kernels was seen to raise: a missing compiler or Triton, and half a torch."""


class Kernels:
    """Of one network, for all its prompts.

    compile: build kernels; they are kept on disk for the next start.   graphs: record evaluations.
    cache: folder for the kernels; `None` is the user's, beside the models.
    """

    def __init__(
        self, *, compile: bool = False, graphs: bool = True, cache: Path | None = None
    ) -> None:
        self.compiles = compile
        self.records = graphs
        self._cache = cache
        self._compiled: dict[object, Run] = {}
        self._notices: dict[str, Notice] = {}

    def notices(self) -> tuple[Notice, ...]:
        """What does not work here and was done the plain way."""
        return tuple(self._notices.values())

    def built(self, plain: Run) -> Run:
        """`plain`, compiled where that was asked for and works; it may be called at any shape."""
        if not self.compiles:
            return plain
        if plain not in self._compiled:
            self._compiled[plain] = self._compile(plain)
        return self._compiled[plain]

    def give_up_compiling(self, error: BaseException) -> None:
        """From now on, nothing is compiled."""
        self.compiles = False
        self._compiled.clear()
        self._tell("not_compiled", "Kernels could not be built; it goes on without, slower", error)

    def give_up_recording(self, error: BaseException) -> None:
        """From now on, no graphs."""
        self.records = False
        self._tell("no_graphs", "CUDA graphs do not work here; it goes on without, slower", error)

    def _compile(self, plain: Run) -> Run:
        _keep_kernels_in(self._cache or default_root().parent / "kernels")
        compiled = cast(Run, torch.compile(plain))

        def run(*inputs: object) -> Tensor:
            if not self.compiles:
                return plain(*inputs)
            try:
                return compiled(*inputs)
            except _FAILURES as error:
                # Building fails before anything runs, so the inputs are as they were.
                if is_out_of_memory(error):
                    raise
                self.give_up_compiling(error)
            return plain(*inputs)

        return run

    def _tell(self, code: str, what: str, error: BaseException) -> None:
        log.info("%s", what, exc_info=error)
        self._notices[code] = Notice(code, f"{what} ({type(error).__name__}: {reason(error)}).")


def kernels_folder(root: Path) -> Path:
    """Below `root`, apart for every version of torch, device and driver."""
    parts = [f"torch-{torch.__version__}"]
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        parts += [properties.name, f"cuda-{torch.version.cuda}", f"driver-{_driver_version()}"]
    else:
        parts.append(torch.backends.cpu.get_cpu_capability())
    return root / re.sub(r"[^A-Za-z0-9.+-]+", "-", "_".join(parts))


def _keep_kernels_in(root: Path) -> None:
    """Where torch looks for what it built before. A place chosen by the user is kept."""
    if _CACHE_VARIABLE in os.environ:
        return
    folder = kernels_folder(root)
    with suppress(OSError):  # nothing can be kept there: torch's own choice then
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[_CACHE_VARIABLE] = str(folder)


def _driver_version() -> str:
    with suppress(OSError):
        text = Path("/proc/driver/nvidia/version").read_text("utf-8", errors="replace")
        found = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", text)
        if found:
            return found.group()
    return "unknown"
