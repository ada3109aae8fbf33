"""Answers to a lack of memory: try again smaller, say so, and give up only when nothing is left.

    run(work) --out of memory--> release, next rung --> run(work) ... --> OutOfMemory

The rung that worked is kept for what follows in the same run: what did not fit once will not fit
for the next window either.
"""

import gc
import logging
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from engine.data import Notice
from engine.errors import OutOfMemory

from .exhaustion import is_out_of_memory, reason

log = logging.getLogger(__name__)

R = TypeVar("R")


class Rung(Protocol):
    """A plan that can be told to a person."""

    def describe(self, frame_s: float) -> str:
        """The plan in words. frame_s: length of a latent frame."""


P = TypeVar("P", bound=Rung)


class MemoryLadder(Generic[P]):
    """Runs pieces of one work under ever smaller plans.

    plans: from the wanted one down, see `rungs`.
    release: gives cached memory back to the device, between two tries.
    frame_s: length of a latent frame, for messages.
    """

    def __init__(
        self,
        plans: Sequence[P],
        release: Callable[[], None] = lambda: None,
        frame_s: float = 0.04,
    ) -> None:
        assert plans, "a ladder has at least one rung"
        self._plans = tuple(plans)
        self._release = release
        self._frame_s = frame_s
        self._rung = 0
        self._reasons: list[str] = []

    @property
    def plan(self) -> P:
        """The plan that work is tried with now."""
        return self._plans[self._rung]

    def run(self, work: Callable[[P], R], alike: Callable[[P], object] = lambda _plan: None) -> R:
        """What `work` gives under the first plan, from the present one down, that it fits in.

        work: may be called several times, and each time starts anew.
        alike: only plans of which this says the same are tried; then it is up to an outer `run`.
        Raises OutOfMemory when it fits under none; whatever else `work` raises passes through.
        """
        while True:
            try:
                return work(self.plan)
            except (RuntimeError, MemoryError, OSError, OutOfMemory) as error:
                if not is_out_of_memory(error):
                    raise
                self._reasons.append(reason(error))
            # Here, the traceback is gone, and with it everything that the failed try held.
            self._step_down(alike)

    def notices(self) -> tuple[Notice, ...]:
        """What was done about a lack of memory; empty when there was none."""
        if not self._rung:
            return ()
        wanted = self._plans[0].describe(self._frame_s)
        return (
            Notice(
                "memory_was_short",
                f"Memory ran out with {wanted}; it went on with "
                f"{self.plan.describe(self._frame_s)}.",
            ),
        )

    def _step_down(self, alike: Callable[[P], object]) -> None:
        gc.collect()
        self._release()
        log.info("out of memory: %s", self._reasons[-1])
        below = self._plans[self._rung + 1 :][:1]
        if not below or alike(below[0]) != alike(self.plan):
            raise OutOfMemory(
                f"memory ran out even with {self.plan.describe(self._frame_s)} "
                f"({self._reasons[-1]}); close other programs, or choose int8, a smaller model "
                "or the CPU. `stemlasso bench` says what each model needs here"
            )
        self._rung += 1
