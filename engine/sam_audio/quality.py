"""How many steps a quality is worth."""

from engine.data import Quality
from engine.samplers import Sampling


def sampling_for(sampling: Sampling, quality: Quality) -> Sampling:
    """The configured sampling, `standard`, or one that is worth less or more."""
    assert quality in ("draft", "standard", "best")
    return sampling
