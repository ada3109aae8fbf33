"""What may be chosen about a run of SAM-Audio."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from engine.errors import PromptError
from engine.samplers import Sampling

Device = Literal["auto", "cuda", "mps", "cpu"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
Joining = Literal["diffused", "crossfade"]
Prediction = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class SamAudioConfig:
    """Device, precision, solver and windows; one value for any number of files.

    device: `auto` is the first of CUDA, MPS and the CPU that there is.
    precision: of the network; `auto` is bfloat16 on CUDA and float32 elsewhere. The codec and the
        text encoder compute in float32 whatever it is.
    window_s: the longest stretch that the network sees at once, 30 s by default, about what the
        original is used for. A shorter file is one window: the model as published.
    overlap_s: what neighbouring windows share at least, 5 s by default.
    codec_chunk_s: what the codec encodes or decodes at once; bounds its memory, changes nothing.
    window_batch: windows in one batch of the network; changes speed and memory alone.
    joining: of the windows: `diffused` at every evaluation, or `crossfade` of what each gives.
    predict_spans: for prompts without: `auto` when the span predictor is on this machine.
    scratch: folder for what grows with the length; `None` is the system's for temporary files.
    Raises PromptError for lengths that cannot be windows.
    """

    device: Device = "auto"
    precision: Precision = "auto"
    sampling: Sampling = field(default_factory=Sampling)
    window_s: float = 30.0
    overlap_s: float = 5.0
    codec_chunk_s: float = 10.0
    window_batch: int = 1
    joining: Joining = "diffused"
    predict_spans: Prediction = "auto"
    scratch: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.overlap_s <= self.window_s / 2:
            raise PromptError(
                f"overlap_s {self.overlap_s} with window_s {self.window_s}: windows overlap by "
                "more than 0 s and by half of their length at most"
            )
        if not self.codec_chunk_s > 0:
            raise PromptError(f"codec_chunk_s {self.codec_chunk_s}: it must be above 0 s")
        if self.window_batch < 1:
            raise PromptError(f"window_batch {self.window_batch}: at least 1 window is needed")
        for name, allowed in (("joining", Joining), ("predict_spans", Prediction)):
            value = getattr(self, name)
            if value not in get_args(allowed):
                raise PromptError(f"{name} {value!r}: allowed are {', '.join(get_args(allowed))}")
