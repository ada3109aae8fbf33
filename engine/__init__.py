"""Promptable sound separation: stems with the mixture's rate, channels and length, exact null.

from engine import Prompt, Span, separate

result = separate("mix.wav", Prompt("dog barking", spans=[Span.present(1.2, 2.5)]))
result.target.samples, result.residual.samples
"""

from .data import (
    AudioClip,
    AudioFormat,
    Candidate,
    MaskedVideo,
    Notice,
    Progress,
    Prompt,
    Rerun,
    Separation,
    SeparationOptions,
    Separator,
    Span,
)
from .errors import EngineError
from .render import RenderPlan
from .sam_audio.settings import ModelSettings
from .separator import SeparatorInfo, find_separator, separate, separators

__all__ = [
    "AudioClip",
    "AudioFormat",
    "Candidate",
    "EngineError",
    "MaskedVideo",
    "ModelSettings",
    "Notice",
    "Progress",
    "Prompt",
    "RenderPlan",
    "Rerun",
    "Separation",
    "SeparationOptions",
    "Separator",
    "SeparatorInfo",
    "Span",
    "find_separator",
    "separate",
    "separators",
]
