"""What 8 bits cost, measured while weights are put into them: one evaluation before and after.

Layer by layer: a layer is quantised as soon as the evaluation has gone through it, so that weights
that are mapped from a file are never all in memory.
"""

from dataclasses import dataclass
from math import log10

import torch
from torch import nn

from engine.data import Notice

from .int8 import quantise
from .precision_report import probe
from .sam_audio import SAMAudioNetwork


@dataclass(frozen=True, slots=True)
class Int8Cost:
    """error: what changed in one evaluation, as a share of its level."""

    error: float

    @property
    def decibels(self) -> float:
        """Level of the change below what it changes, below 0."""
        return 20 * log10(max(self.error, 1e-12))

    def __str__(self) -> str:
        return (
            f"8 bits change one evaluation by {100 * self.error:.2g} % of its level "
            f"({self.decibels:.0f} dB)"
        )

    @property
    def notice(self) -> Notice:
        """For whoever uses the model."""
        return Notice(
            "int8_cost",
            f"The transformer's weights are kept in 8 bits. Measured with them, on noise: {self}. "
            "`python -m engine.model.precision_report --model NAME` says what a whole run loses.",
        )


@torch.inference_mode()
def quantise_measured(network: SAMAudioNetwork) -> Int8Cost:
    """Put the transformer's layers into 8 bits, and say what that changed."""
    layers = list(network.transformer.layers)
    hooks = [layer.register_forward_hook(_quantise_after) for layer in layers]
    try:
        before = probe(network)
    finally:
        for hook in hooks:
            hook.remove()
    after = probe(network)
    return Int8Cost(float((after - before).norm() / before.norm()))


def _quantise_after(layer: nn.Module, _inputs: object, _output: object) -> None:
    with torch.inference_mode(False), torch.no_grad():
        quantise(layer)
