"""Lets the ledger learn from a run: what it was foreseen to take against what it took."""

from typing import Protocol, runtime_checkable

from engine.data import AudioClip, Monitor, Prompt, SeparationOptions

from .clock import StageClock
from .cost import Cost
from .ledger import Ledger
from .task import Sound


@runtime_checkable
class Costed(Protocol):
    """A separator that says what a run will take. ledger: `None` while it cannot tell cheaply."""

    @property
    def ledger(self) -> Ledger | None:
        """What earlier runs took."""

    def estimate_cost(
        self, mixture: AudioClip | Sound, prompt: Prompt, options: SeparationOptions
    ) -> Cost:
        """Seconds and bytes of a run with these arguments."""


class RunWatch:
    """Of one run. monitor: what the run reports to, in place of the one given."""

    def __init__(
        self,
        separator: object,
        mixture: AudioClip,
        prompt: Prompt,
        options: SeparationOptions,
        monitor: Monitor,
    ) -> None:
        self._clock = StageClock(monitor)
        self._ledger: Ledger | None = None
        if isinstance(separator, Costed) and separator.ledger is not None:
            # Asked before the run: afterwards the model is loaded and the clip known.
            self._cost = separator.estimate_cost(mixture, prompt, options)
            self._ledger = separator.ledger

    @property
    def monitor(self) -> Monitor:
        """To be given to the run."""
        return self._clock.monitor

    def finished(self) -> None:
        """The run came to its end: learn from it."""
        took = self._clock.stop()
        if self._ledger is not None:
            self._ledger.learn(self._cost.key, self._cost.foreseen, took)
