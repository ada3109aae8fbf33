"""Models beside the network, when memory is short: text encoder, vision tower, predictor, rankers.

    on the device --network away--> on the device --fewer at once--> ... --> on the processor

Each of them is used for a moment and is not small; where it does not fit beside the network, the
network leaves the device for that long, and where even that is not enough the processor does it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from engine.data import Notice


@dataclass(frozen=True, slots=True)
class BesidePlan:
    """How a model beside the network is used. what: its name, for messages.

    n_at_once: inputs together, 1 or more.   offload: the network leaves the device meanwhile.
    """

    what: str
    device: torch.device
    n_at_once: int = 1
    offload: bool = False

    def describe(self, _frame_s: float) -> str:
        """The plan for a person."""
        more = f", {self.n_at_once} at once" if self.n_at_once > 1 else ""
        away = ", the network away" if self.offload and self.device.type != "cpu" else ""
        where = "the processor" if self.device.type == "cpu" else str(self.device)
        return f"the {self.what} on {where}{more}{away}"


def beside_rungs(plan: BesidePlan) -> tuple[BesidePlan, ...]:
    """The plan and every smaller one, in the order in which they are tried."""
    return tuple(_descent(plan))


def _descent(plan: BesidePlan) -> Iterator[BesidePlan]:
    yield plan
    if plan.device.type != "cpu":
        plan = replace(plan, offload=True)
        yield plan
    while plan.n_at_once > 1:
        plan = replace(plan, n_at_once=plan.n_at_once // 2)
        yield plan
    if plan.device.type != "cpu":
        yield replace(plan, device=torch.device("cpu"))


def beside_notice(wanted: BesidePlan, took: BesidePlan) -> Notice:
    """What was done about a lack of memory."""
    return Notice(
        "memory_was_short",
        f"Memory ran out with {wanted.describe(0)}; it went on with {took.describe(0)}.",
    )
