"""How far to trust a result, and what to tell the user about it."""

from engine.data import Notice, Prompt, SeparationOptions

from .routing import Plan
from .stft import FrameGrid
from .vocabulary import Kind

_SHORT_S = 0.25
_FEW_S = 0.5

TEXT_CONFIDENCE: dict[Kind, float] = {
    "drums": 0.7,
    "kick": 0.6,
    "snare": 0.6,
    "hihat": 0.6,
    "bass": 0.6,
    "speech": 0.6,
    "pitched": 0.35,
    "steady": 0.7,
}
_PRESENT_ONLY = 0.65
_BOTH_SIGNS = 0.8
_NOTHING_ELSEWHERE = 0.15


def confidence_of(plan: Plan, grid: FrameGrid, *, is_absent: bool) -> float:
    """0 to 1: about the share of prompts like this one that gain more than 3 dB.

    The shares were measured on a small set of short mixtures and are lowered for that.
    """
    if is_absent:
        return 0.9
    if plan.is_text_only:
        assert plan.sound is not None
        return TEXT_CONFIDENCE[plan.sound.kind]
    if plan.route == "steady":
        return TEXT_CONFIDENCE["steady"]
    base = _BOTH_SIGNS if plan.has_absent else _PRESENT_ONLY
    if plan.route == "spans" and _elsewhere_s(plan, grid) < _FEW_S:
        base = _NOTHING_ELSEWHERE
    present_s = _present_s(plan, grid)
    return base * min(1.0, present_s / _FEW_S) if plan.has_present else base * 0.8


def notices_for(
    plan: Plan,
    grid: FrameGrid,
    prompt: Prompt,
    options: SeparationOptions,
    *,
    is_absent: bool,
) -> tuple[Notice, ...]:
    """What the user should know, most important first."""
    if is_absent:
        return (Notice("target_absent", "The target was not found; its stem is silence."),)
    notices = []
    if plan.route == "steady":
        notices.append(_STEADY)
    elif plan.is_text_only:
        notices.append(_ROUGH)
    elif not plan.has_absent:
        notices.append(_ONLY_PRESENT)
    if plan.has_present and _present_s(plan, grid) < _SHORT_S:
        notices.append(_TOO_SHORT)
    if not plan.is_text_only and plan.route != "steady" and _elsewhere_s(plan, grid) < _FEW_S:
        notices.append(_NEVER_STOPS)
    if prompt.masked_video is not None:
        notices.append(_NO_VIDEO)
    if options.n_candidates > 1:
        notices.append(_ONE_CANDIDATE)
    return tuple(notices)


def _present_s(plan: Plan, grid: FrameGrid) -> float:
    return float((plan.labels > 0).sum()) / grid.frames_per_s


def _elsewhere_s(plan: Plan, grid: FrameGrid) -> float:
    return float((plan.labels <= 0).sum()) / grid.frames_per_s


_ROUGH = Notice(
    "rough_text_only",
    "A rough result: from text alone the builtin separator gains a few dB. "
    "Draw '+' spans where the sound is and '-' spans where it is not.",
)
_STEADY = Notice(
    "steady_sound",
    "Taken for a sound that stays the same all the time: what no moment is without is the target.",
)
_ONLY_PRESENT = Notice(
    "no_absent_spans",
    "Draw '-' spans where the sound is not, and '+' over ALL places where it is: a place left "
    "undrawn may be taken for background.",
)
_TOO_SHORT = Notice(
    "spans_too_short",
    f"The '+' spans hold less than {_SHORT_S:g} s; longer ones give more to learn from.",
)
_NEVER_STOPS = Notice(
    "target_never_stops",
    "The sound is said to be nearly everywhere, so there is little to tell it from the rest; "
    "leave out the places where it pauses, or draw '-' spans there.",
)
_NO_VIDEO = Notice("video_ignored", "The builtin separator does not use the video.")
_ONE_CANDIDATE = Notice("one_candidate", "The builtin separator makes one candidate only.")
