"""An answer that may come later, given exactly once."""

from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import BridgeError

Value = TypeVar("Value")


class Answer(Generic[Value]):
    """Where an operation puts its one value or error; what comes after the first is dropped."""

    def __init__(self, deliver: Callable[[Value | BridgeError], None]) -> None:
        self._deliver: Callable[[Value | BridgeError], None] | None = deliver

    @property
    def is_given(self) -> bool:
        """Whether it was answered."""
        return self._deliver is None

    def give(self, value: Value) -> None:
        """Answer with a value."""
        self._settle(value)

    def fail(self, error: BridgeError) -> None:
        """Answer with an error."""
        self._settle(error)

    def _settle(self, outcome: Value | BridgeError) -> None:
        deliver, self._deliver = self._deliver, None
        if deliver is not None:
            deliver(outcome)
