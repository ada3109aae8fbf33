"""Promptable sound separation: stems with the mixture's rate, channels and length, exact null.

from engine import Prompt, Span, separate

result = separate("mix.wav", Prompt("dog barking", spans=[Span.present(1.2, 2.5)]))
result.target.samples, result.residual.samples
"""

from .comping import comp
from .data import (
    AudioClip,
    AudioFormat,
    MaskedVideo,
    Notice,
    Presence,
    Progress,
    Prompt,
    Rerun,
    SeparationOptions,
    Separator,
    Span,
)
from .errors import EngineError
from .regions import Region
from .render import RenderPlan
from .sam_audio.settings import ModelSettings
from .separation import Candidate, Separation
from .separator import SeparatorInfo, find_separator, separate, separators

__all__ = [
    "AudioClip",
    "AudioFormat",
    "Candidate",
    "EngineError",
    "MaskedVideo",
    "ModelSettings",
    "Notice",
    "Presence",
    "Progress",
    "Prompt",
    "Region",
    "RenderPlan",
    "Rerun",
    "Separation",
    "SeparationOptions",
    "Separator",
    "SeparatorInfo",
    "Span",
    "comp",
    "find_separator",
    "separate",
    "separators",
]
