"""Everything the user has drawn or typed for one clip: one frozen value, so undo is a swap."""

from dataclasses import dataclass, field

from bridge.protocol.values import JobOptions, WirePrompt

from .masks import MaskKey
from .spans import Marks, to_wire


@dataclass(frozen=True, slots=True)
class Draft:
    """The prompt and how to run it.

    masks: the object on some frames of the video, in order of time. gains_db: of lanes by name, for
    a remix. mask_path: an imported or a rendered mask.
    """

    description: str = ""
    spans: Marks = ()
    options: JobOptions = field(default_factory=JobOptions)
    video_path: str = ""
    mask_path: str = ""
    masks: tuple[MaskKey, ...] = ()
    gains_db: tuple[tuple[str, float], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for yet."""
        return not (sent_text(self.description) or to_wire(self.spans) or self.has_mask)

    @property
    def has_mask(self) -> bool:
        """Whether an object is marked; a film without a mark says nothing about the sound."""
        return bool(self.video_path and (self.mask_path or self.masks))

    def gain_db(self, lane: str) -> float:
        """Gain of a lane, 0 when it was never touched."""
        return dict(self.gains_db).get(lane, 0.0)

    def prompt(self) -> WirePrompt:
        """What is sent."""
        video_path = self.video_path if self.mask_path else ""
        return WirePrompt(
            sent_text(self.description), to_wire(self.spans), video_path, self.mask_path
        )


def sent_text(description: str) -> str:
    """A description as the models want it: lower case, single blanks, no full stop at the end."""
    words = " ".join(description.lower().split())
    return words.rstrip(" .!?;,")
