"""What a user may choose about how a model runs on this machine; known without torch."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import PromptError

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Joining = Literal["diffused", "crossfade"]
PredictSpans = Literal["auto", "on", "off"]
Offload = Literal["auto", "on", "off"]

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Where and how a model computes. Nothing here is needed: the defaults fit the machine.

    device: `cpu`, `mps`, `cuda` or `cuda:1`; `auto` is the first of CUDA, MPS and the CPU.
    precision: of the network; `auto` is bfloat16 where CUDA computes in it and float32 elsewhere,
        or what still fits. Codec, text encoder and rankers compute in float32 whatever it is.
    int8: keep the transformer's matrices in 8 bits; a quarter of the memory, some quality.
    window_s: the longest stretch that the network sees at once, 30 s by default, about what the
        original is used for. A shorter file is one window: the model as published. Less is taken,
        with a notice, when the memory asks for it.
    overlap_s: what neighbouring windows share at least, 5 s by default.
    joining: `diffused` lets windows agree at every step of the solver; `crossfade` solves each
        alone and fades over.
    predict_spans: find where the described sound is, for prompts without spans; `auto` does so
        when the span predictor is there.
    compile: build kernels for the shapes of this run first; pays off in long or repeated runs.
    offload: keep on the device only what is in use; `auto` does so when it does not fit otherwise.
    Raises PromptError for a value that is none of these.
    """

    device: str = "auto"
    precision: Precision = "auto"
    int8: bool = False
    window_s: float = 30.0
    overlap_s: float = 5.0
    joining: Joining = "diffused"
    predict_spans: PredictSpans = "auto"
    compile: bool = False
    offload: Offload = "auto"

    def __post_init__(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise PromptError(
                f"device {self.device!r}: allowed are auto, cpu, mps, cuda and cuda:0, cuda:1, ..."
            )
        for name, allowed in (
            ("precision", get_args(Precision)),
            ("joining", get_args(Joining)),
            ("predict_spans", get_args(PredictSpans)),
            ("offload", get_args(Offload)),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise PromptError(f"{name} {value!r}: allowed are {', '.join(allowed)}")
        if not 0 < self.overlap_s <= self.window_s / 2:
            raise PromptError(
                f"overlap_s {self.overlap_s} with window_s {self.window_s}: windows overlap by "
                "more than 0 s and by half of their length at most"
            )
