"""`stemlasso separate --estimate`: what a run would take, without doing it."""

from pathlib import Path

from engine.cost.cost import Cost
from engine.cost.watch import Costed
from engine.data import Monitor, Prompt, SeparationOptions, Separator, clip_spans
from engine.errors import BackendUnavailable
from engine.opened import opened


def cost_of(
    mixture: Path, prompt: Prompt, separator: Separator, options: SeparationOptions
) -> Cost:
    """Seconds and bytes of separating a file.

    Raises AudioError, PromptError for spans outside of it, and BackendUnavailable.
    """
    if not isinstance(separator, Costed):
        raise BackendUnavailable(f"{separator.name} does not say what a run takes")
    with opened(mixture, None, Monitor()) as clip:
        clip_spans(prompt.spans, clip.duration_s)
        return separator.estimate_cost(clip, prompt, options)
