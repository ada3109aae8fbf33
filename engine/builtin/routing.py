"""Which way a prompt goes: by spans, by the evidence of its class, or back to the user."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.data import Prompt
from engine.errors import PromptNeedsSpans

from .labels import Labels
from .sounds import Reason, read_description
from .vocabulary import Kind, Sound

Route = Literal["spans", "evidence", "cue", "steady"]

EVIDENT: frozenset[Kind] = frozenset({"drums", "kick", "snare", "hihat", "bass"})
"""Kinds whose evidence helps even where spans are drawn."""

TEXT_ALONE: frozenset[Kind] = EVIDENT | {"speech", "pitched", "steady"}
"""Kinds that text alone can ask for."""

_MIN_FRAMES_ELSEWHERE = 8


@dataclass(frozen=True, eq=False)
class Plan:
    """How a prompt is answered. labels: [T] of all frames, '+' made explicit where implied.

    route: by spans; by evidence with dictionaries; by evidence alone ("cue"); by the floor.
    sound: `None` when the description is empty or not known.
    has_present, has_absent: which spans the user drew.
    """

    route: Route
    sound: Sound | None
    labels: Labels
    has_present: bool
    has_absent: bool

    @property
    def is_text_only(self) -> bool:
        """Whether no span was drawn."""
        return not (self.has_present or self.has_absent)

    @property
    def evident(self) -> Sound | None:
        """The sound whose evidence is used: a voice's helps its spans, an instrument's does not."""
        if self.route in ("evidence", "cue"):
            return self.sound
        is_voice = self.sound is not None and self.sound.kind == "speech"
        return self.sound if is_voice and self.route == "spans" else None

    @property
    def looks_for_undrawn(self) -> bool:
        """Whether the background must be found among frames that nothing was said about."""
        return self.has_present and not self.has_absent and self.route in ("spans", "evidence")


def plan_for(prompt: Prompt, labels: Labels) -> Plan:
    """The plan for a prompt whose spans gave these labels.

    Raises PromptNeedsSpans when neither the description nor spans say enough.
    """
    reading = read_description(prompt.description)
    sound = reading.sound
    has_present, has_absent = bool((labels > 0).any()), bool((labels < 0).any())
    if not (has_present or has_absent) and (sound is None or sound.kind not in TEXT_ALONE):
        raise PromptNeedsSpans(_what_would_help(prompt, reading.reason, sound))
    route = _route_for(sound, labels)
    if route == "spans" and not has_present:
        # all that is not said to be without the target may hold it
        labels = np.where(labels == 0, np.int8(1), labels).astype(np.int8)
    return Plan(route, sound, labels, has_present, has_absent)


def _route_for(sound: Sound | None, labels: Labels) -> Route:
    """The route for a sound with these labels; spans alone where its class says less."""
    if sound is None or sound.kind not in TEXT_ALONE:
        return "spans"
    if sound.kind == "steady":
        return "steady"
    if sound.kind in EVIDENT:
        return "evidence"
    nothing_elsewhere = int((labels <= 0).sum()) < _MIN_FRAMES_ELSEWHERE
    return "spans" if labels.any() and not nothing_elsewhere else "cue"


def _what_would_help(prompt: Prompt, reason: Reason, sound: Sound | None) -> str:
    """A message for a prompt that says too little."""
    what = f"the description {prompt.description!r}"
    if not prompt.description:
        problem = "the builtin separator cannot use a video alone"
    elif reason == "several":
        problem = f"{what} names more than one sound; ask for one at a time"
    elif reason == "negated":
        problem = f"{what} says what to leave out; describe the sound itself and keep the residual"
    elif sound is not None:
        problem = f"{what} names a sound that the builtin separator finds only with spans"
    else:
        problem = f"{what} is not among the sounds that the builtin separator knows"
    return (
        f"{problem}. Draw a '+' span over each place where it sounds (and '-' spans where it "
        "does not), or install SAM-Audio, which takes any description"
    )
