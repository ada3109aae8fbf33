"""The models beside the network: each is loaded when a prompt first needs it, and may be let go.

text encoder     every prompt                vision encoder   a masked video
span predictor   `predict_spans`             rankers          more than one candidate
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import nn

from engine.errors import CheckpointNotFound

from .span_predictor import SpanPredictor
from .text_encoder import TextEncoder
from .vision_encoder import VisionEncoder

if TYPE_CHECKING:  # rankers import networks of this package
    from engine.rankers.choose import RankerChoice

M = TypeVar("M", bound=nn.Module)


class Lazy(Generic[M]):
    """A model that is loaded at its first use.

    name: for messages.   load: gives the model or raises a CheckpointError; `None` without one.
    """

    def __init__(self, name: str, load: Callable[[], M] | None) -> None:
        self.name = name
        self._load = load
        self._model: M | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether it takes memory now."""
        return self._model is not None

    def on(self, device: torch.device) -> M:
        """The model on `device`, loaded or moved there if it is not. Raises CheckpointError."""
        return self.here().to(device)

    def here(self) -> M:
        """The model where it is, on the host when it had to be loaded. Raises CheckpointError."""
        if self._load is None:
            raise CheckpointNotFound(f"this model has no {self.name}; leave out what needs it")
        if self._model is None:
            self._model = self._load()
        return self._model

    def release(self) -> None:
        """Let go of its memory; the next use loads it again."""
        self._model = None


class Companions:
    """What a `SAMAudio` needs of other checkpoints, or of its own for video.

    Those that are not given raise CheckpointNotFound when a prompt needs them.
    rankers: makes the choice of rankers for the device that it is given.
    """

    def __init__(
        self,
        text_encoder: Callable[[], TextEncoder],
        *,
        vision_encoder: Callable[[], VisionEncoder] | None = None,
        span_predictor: Callable[[], SpanPredictor] | None = None,
        rankers: "Callable[[torch.device], RankerChoice] | None" = None,
    ) -> None:
        self.text_encoder = Lazy("text encoder", text_encoder)
        self.vision_encoder = Lazy("vision encoder", vision_encoder)
        self.span_predictor = Lazy("span predictor", span_predictor)
        self._make_rankers = rankers
        self._rankers: RankerChoice | None = None

    def rankers(self, device: torch.device) -> "RankerChoice | None":
        """The choice of rankers, or `None` for a model without; it opens them when it ranks."""
        if self._rankers is None and self._make_rankers is not None:
            self._rankers = self._make_rankers(device)
        return self._rankers

    def release_rankers(self) -> None:
        """Let go of the rankers; the next use makes them, on the device that it names."""
        self._rankers = None

    def release(self) -> None:
        """Let go of everything that was loaded."""
        for lazy in (self.text_encoder, self.vision_encoder, self.span_predictor):
            lazy.release()
        self._rankers = None
