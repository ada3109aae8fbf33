"""Names of stems: `song - dog barking.wav` and `song - dog barking - residual.wav`."""

import re
from dataclasses import replace
from pathlib import Path

from engine.data import Prompt, Rerun
from engine.render import RenderPlan

_AUDIO_SUFFIXES_TEXT = """
.wav .wave .bwf .rf64 .w64 .aif .aiff .aifc .flac .caf .au
.ogg .oga .opus .mp3 .m4a .aac .wma .mp4 .mov .mkv .webm
"""
AUDIO_SUFFIXES = frozenset(_AUDIO_SUFFIXES_TEXT.split())
"""File names that a folder is searched for; a file that is named itself may be called anything."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]+')
_MAX_DESCRIPTION_CHARACTERS = 60


def stem_base(mixture: Path, prompt: Prompt, rerun: Rerun | None = None) -> str:
    """Name of the target stem without a suffix, allowed on every system.

    A rerun gets a name of its own, for the target that it starts from is still being read.
    """
    description = _UNSAFE.sub(" ", prompt.description)[:_MAX_DESCRIPTION_CHARACTERS]
    description = " ".join(description.split()).strip(". ")
    base = f"{mixture.stem} - {description or 'target'}"
    return base if rerun is None else f"{base} - rerun {rerun.start_s:g}-{rerun.end_s:g}"


def named_stems(plan: RenderPlan, base: str, n_candidates: int) -> RenderPlan:
    """`plan` with names for the target, the residual and the other takes made from `base`."""
    return replace(
        plan,
        target_name=base,
        residual_name=f"{base} - residual",
        candidate_names=tuple(f"{base} - take {take}" for take in range(2, n_candidates + 1)),
    )
