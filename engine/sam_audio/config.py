"""What may be chosen about a run of SAM-Audio."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine.errors import PromptError
from engine.samplers import Sampling

from .settings import ModelSettings

ROWS_OF_GPU = 4
"""Rows of 30 s that keep a data-centre GPU busy."""


@dataclass(frozen=True, slots=True)
class SamAudioConfig(ModelSettings):
    """Settings of the machine with the solver; one value for any number of files.

    codec_chunk_s: what the codec encodes or decodes at once; bounds its memory, changes nothing.
    window_batch: windows in one evaluation at most; fewer are taken when memory asks for it. `None`
        is as many as fill the device.
    scratch: folder for what a long file needs beside memory; `None` is the system's.
    Raises PromptError for lengths that cannot be windows.
    """

    sampling: Sampling = field(default_factory=Sampling)
    codec_chunk_s: float = 10.0
    window_batch: int | None = None
    scratch: Path | None = None

    def __post_init__(self) -> None:
        ModelSettings.__post_init__(self)  # `super()` does not know a class with slots
        if not self.codec_chunk_s > 0:
            raise PromptError(f"codec_chunk_s {self.codec_chunk_s}: it must be above 0 s")
        if self.window_batch is not None and self.window_batch < 1:
            raise PromptError(f"window_batch {self.window_batch}: it must be 1 or more")

    def n_rows(self, n_takes: int, device_type: str) -> int:
        """Windows times takes in one evaluation, when memory is no matter."""
        if self.window_batch is not None:
            return n_takes * self.window_batch
        n_windows = -(-ROWS_OF_GPU // n_takes) if device_type == "cuda" else 1
        return n_takes * n_windows

    @classmethod
    def of(cls, settings: ModelSettings) -> "SamAudioConfig":
        """The configuration with these settings and the defaults for the rest."""
        return settings if isinstance(settings, cls) else cls(**asdict(settings))
